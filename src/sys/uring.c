/*
 * io_uring: see uring.h. The flags with which a ring is made came with one kernel after the other; each set is tried until one is not
 * refused as unknown. None of them changes what operations do. With the best, completions are worked on when this thread asks
 * for them and never in between.
 */
#include "sys/uring.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>

#include "base/duration.h"
#include "sys/fault.h"

static int set_up(struct ci_ring *ring, unsigned entries, unsigned completions, unsigned flags)
{
    struct io_uring_params params = {.flags = flags | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP,
                                     .cq_entries = completions};
    int rc = ci_fault("io_uring_setup");

    return rc < 0 ? rc : io_uring_queue_init_params(entries, &ring->uring, &params);
}

/*
 * How often rings were closed. A new ring may get the addresses of one that another thread has closed; ThreadSanitizer,
 * which does not see that the kernel stands between the two, is shown so that the one came before the other.
 */
static atomic_uint closed;

int ci_ring_open(struct ci_ring *ring, unsigned entries, unsigned completions)
{
    static const unsigned flags[] = {
        IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN, /* Linux 6.1 */
        IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN,  /* 6.0 */
        IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN,                               /* 5.19 */
        0,
    };
    const unsigned needed = IORING_FEAT_EXT_ARG | IORING_FEAT_NODROP;
    int rc = -EINVAL;

    for (size_t i = 0; i < sizeof flags / sizeof flags[0] && rc == -EINVAL; i++) {
        rc = set_up(ring, entries, completions, flags[i]);
    }
    if (rc < 0) {
        return rc;
    }
    (void)atomic_load_explicit(&closed, memory_order_acquire);
    if ((ring->uring.features & needed) != needed) {
        io_uring_queue_exit(&ring->uring);
        return -EINVAL;
    }
    for (unsigned i = 0; ring->uring.sq.array != NULL && i < ring->uring.sq.ring_entries; i++) {
        ring->uring.sq.array[i] = i; /* each entry has its own place; see hand_over() */
    }
    (void)io_uring_ring_dontfork(&ring->uring); /* a child that leaves the loop alone does no harm without it */
    ring->enter_fd = (unsigned)ring->uring.ring_fd;
    ring->enter_flags = IORING_ENTER_GETEVENTS;
    if (io_uring_register_ring_fd(&ring->uring) ==
        1) { /* saves looking the descriptor up, where there is room for it */
        ring->enter_fd = (unsigned)ring->uring.enter_ring_fd;
        ring->enter_flags |= IORING_ENTER_REGISTERED_RING;
    }
    return 0;
}

void ci_ring_close(struct ci_ring *ring)
{
    atomic_fetch_add_explicit(&closed, 1, memory_order_release);
    io_uring_queue_exit(&ring->uring);
}

int ci_ring_knows(struct ci_ring *ring, const uint8_t *operations, size_t count)
{
    struct io_uring_probe *probe;
    int rc = ci_fault("io_uring_register");

    if (rc < 0) {
        return rc;
    }
    probe = io_uring_get_probe_ring(&ring->uring);
    for (size_t i = 0; i < count && rc == 0; i++) {
        rc = probe != NULL && io_uring_opcode_supported(probe, operations[i]) ? 0 : -EINVAL;
    }
    if (probe != NULL) {
        io_uring_free_probe(probe);
    }
    return rc;
}

int ci_ring_signal(struct ci_ring *ring, int event_fd)
{
    int rc = ci_fault("io_uring_register");

    return rc < 0 ? rc : io_uring_register_eventfd(&ring->uring, event_fd);
}

/* ---- entering -------------------------------------------------------------------------------------------------------- */

/*
 * Gives the kernel the entries that were filled in, as liburing does. Its own functions for that are not used, since those that
 * wait go back to sleep where a signal has ended the sleep, and for the whole time once more. Returns how many wait there.
 */
static unsigned hand_over(struct ci_ring *ring)
{
    struct io_uring_sq *queue = &ring->uring.sq;

    if (queue->sqe_head != queue->sqe_tail) {
        queue->sqe_head = queue->sqe_tail;
        io_uring_smp_store_release(queue->ktail, queue->sqe_tail);
    }
    return queue->sqe_tail - io_uring_smp_load_acquire(queue->khead);
}

int ci_ring_submit(struct ci_ring *ring)
{
    int rc = ci_fault("io_uring_enter");

    if (rc == 0) {
        rc = io_uring_enter(ring->enter_fd, hand_over(ring), 0, ring->enter_flags, NULL);
    }
    return rc < 0 ? rc : 0;
}

int ci_ring_wait(struct ci_ring *ring, int64_t timeout_ns)
{
    struct __kernel_timespec timeout = {.tv_sec = timeout_ns / CI_SECOND_NS, .tv_nsec = timeout_ns % CI_SECOND_NS};
    struct io_uring_getevents_arg argument = {.ts = timeout_ns == CI_FOREVER ? 0 : (uint64_t)(uintptr_t)&timeout};
    int rc = ci_fault("io_uring_enter");

    if (rc < 0) {
        return rc;
    }
    unsigned queued = hand_over(ring);
    rc = io_uring_enter2(ring->enter_fd, queued, 1, ring->enter_flags | IORING_ENTER_EXT_ARG, (void *)&argument,
                         sizeof argument);
    if (rc < 0) {
        return rc;
    }
    /* Where entries were submitted, their number is told instead of what ended the sleep. */
    return (unsigned)rc == queued && io_uring_cq_ready(&ring->uring) == 0 ? -EINTR : 0;
}

static int cancel_matching(struct ci_ring *ring, int fd, unsigned flags)
{
    struct io_uring_sync_cancel_reg what = {
        .fd = fd, .flags = flags | IORING_ASYNC_CANCEL_ALL, .timeout = {.tv_sec = -1, .tv_nsec = -1}};
    int rc = ci_fault("io_uring_register");

    if (rc < 0) {
        return rc;
    }
    rc = io_uring_register_sync_cancel(&ring->uring, &what);
    return rc == -ENOENT ? 0 : rc;
}

int ci_ring_cancel_on(struct ci_ring *ring, int fd)
{
    return cancel_matching(ring, fd, IORING_ASYNC_CANCEL_FD);
}

int ci_ring_cancel_all(struct ci_ring *ring)
{
    return cancel_matching(ring, -1, IORING_ASYNC_CANCEL_ANY);
}
