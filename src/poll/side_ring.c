/* The ring beside epoll: see side_ring.h. */
#include "poll/side_ring.h"

#include <errno.h>

#include "base/duration.h"
#include "poll/uring_call.h"
#include "sys/alloc.h"

enum { ENTRIES = 64, COMPLETIONS = 256 };

struct ci_side_ring {
    struct ci_ring ring;
    struct ci_uring_calls calls;
};

static int open_ring(struct ci_ring *ring, int event_fd)
{
    int rc = ci_ring_open(ring, ENTRIES, COMPLETIONS);

    if (rc < 0) {
        return rc;
    }
    rc = ci_ring_knows(ring, ci_uring_call_operations, ci_uring_call_operations_count);
    if (rc == 0) {
        rc = ci_ring_signal(ring, event_fd);
    }
    if (rc < 0) {
        ci_ring_close(ring);
    }
    return rc;
}

int ci_side_ring_open(struct ci_side_ring **ret, struct ci_waiting *waiting, int event_fd)
{
    struct ci_side_ring *self = ci_alloc_zero(sizeof *self);
    int rc;

    if (self == NULL) {
        return -ENOMEM;
    }
    rc = open_ring(&self->ring, event_fd);
    if (rc < 0) {
        ci_free(self);
        return rc;
    }
    ci_uring_calls_init(&self->calls, waiting, &self->ring);
    *ret = self;
    return 0;
}

void ci_side_ring_close(struct ci_side_ring *self)
{
    if (self != NULL) {
        ci_uring_call_abandon(&self->calls);
        ci_ring_close(&self->ring);
        ci_free(self);
    }
}

int ci_side_ring_call(struct ci_side_ring *self, struct ci_op *op)
{
    return ci_uring_call(&self->calls, op);
}

bool ci_side_ring_cancel(struct ci_side_ring *self, struct ci_op *op)
{
    return self != NULL && ci_uring_call_cancel(&self->calls, op);
}

static int handle_completions(struct ci_side_ring *self)
{
    struct io_uring_cqe *first;
    unsigned head;
    int completed = 0;

    io_uring_for_each_cqe(&self->ring.uring, head, first)
    {
        uint64_t data = first->user_data;
        int32_t result = first->res;
        io_uring_cq_advance(&self->ring.uring, 1);
        if ((data & CI_URING_TAG_MASK) == CI_URING_CALL) {
            completed += (int)ci_uring_called(&self->calls, data, result);
        }
    }
    return completed;
}

void ci_side_ring_evict(struct ci_side_ring *self, int fd)
{
    int rc = 0;

    while (self != NULL && ci_uring_call_evict(&self->calls, fd) > 0 && (rc >= 0 || rc == -EINTR)) {
        rc = ci_ring_wait(&self->ring, CI_FOREVER);
        (void)handle_completions(self);
    }
}

bool ci_side_ring_is_queued(const struct ci_side_ring *self)
{
    return io_uring_sq_ready(&self->ring.uring) > 0;
}

int ci_side_ring_look(struct ci_side_ring *self)
{
    int rc = ci_ring_submit(&self->ring);
    int completed = handle_completions(self);

    if (rc < 0 && completed == 0 && !ci_ring_is_short(rc) && rc != -EINTR) {
        return rc;
    }
    return completed;
}
