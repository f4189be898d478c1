/* Takes the place of all that uses io_uring where the library is built without liburing. */
#include <errno.h>

#include "poll/poll.h"
#include "poll/side_ring.h"

int ci_uring_open(struct ci_poller **poller)
{
    *poller = NULL;
    return -ENOTSUP;
}

int ci_side_ring_open(struct ci_side_ring **ring, struct ci_waiting *waiting, int event_fd)
{
    (void)waiting;
    (void)event_fd;
    *ring = NULL;
    return -ENOTSUP;
}

/* There is none that the others could be called for. */

void ci_side_ring_close(struct ci_side_ring *ring)
{
    (void)ring;
}

int ci_side_ring_call(struct ci_side_ring *ring, struct ci_op *op)
{
    (void)ring;
    (void)op;
    return CI_BLOCKS;
}

bool ci_side_ring_cancel(struct ci_side_ring *ring, struct ci_op *op)
{
    (void)ring;
    (void)op;
    return false;
}

void ci_side_ring_evict(struct ci_side_ring *ring, int fd)
{
    (void)ring;
    (void)fd;
}

int ci_side_ring_look(struct ci_side_ring *ring)
{
    (void)ring;
    return 0;
}

bool ci_side_ring_is_queued(const struct ci_side_ring *ring)
{
    (void)ring;
    return false;
}
