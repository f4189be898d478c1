/*
 * io_uring(7), through liburing: the calls of it that enter the kernel. Wrappers return 0 or a count, or a negative errno, and ask
 * ci_fault() with the name of their system call first. Entries are filled in and completions taken out with liburing's own
 * inline functions, which do not enter it. What is asked for, and why, is for others to know.
 */
#ifndef CI_SYS_URING_H
#define CI_SYS_URING_H

#include <errno.h>
#include <liburing.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ci_ring {
    struct io_uring uring;
    unsigned enter_fd; /* what io_uring_enter knows the ring by, with enter_flags */
    unsigned enter_flags;
};

/*
 * A new ring for the calling thread alone, close-on-exec and not in the memory of forked children, with as much of what makes completions
 * cheap as the kernel knows. -EINVAL if it lacks what coil cannot do without: timeouts for waits, completions that are never
 * dropped ("io_uring_setup").
 */
int ci_ring_open(struct ci_ring *ring, unsigned entries, unsigned completions);

void ci_ring_close(struct ci_ring *ring);

/* Whether the kernel knows all of count operations (IORING_OP_...): 0 or -EINVAL ("io_uring_register"). */
int ci_ring_knows(struct ci_ring *ring, const uint8_t *operations, size_t count);

/* Has an eventfd(2) signalled whenever something has completed, so that one can sleep elsewhere ("io_uring_register"). */
int ci_ring_signal(struct ci_ring *ring, int event_fd);

/* Submits what is queued, and has completions that are due put into the ring; does not wait ("io_uring_enter"). */
int ci_ring_submit(struct ci_ring *ring);

/*
 * Submits what is queued and waits for a completion, at most timeout_ns (CI_FOREVER: until one comes); not early, and late by the
 * system's timer slack alone. -EINTR when there is none since a signal handler ran, -ETIME or -EINTR when the time was over first;
 * -EAGAIN, -EBUSY, -ENOMEM: not now ("io_uring_enter").
 */
int ci_ring_wait(struct ci_ring *ring, int64_t timeout_ns);

/* Whether the kernel has refused to be entered just now, for want of memory or of room for completions. */
static inline bool ci_ring_is_short(int error)
{
    return error == -EAGAIN || error == -EBUSY || error == -ENOMEM;
}

/*
 * Cancels whatever is in flight on the file that fd stands for now, and returns how many operations those were: their own completions
 * come as -ECANCELED. -EINVAL before Linux 6.0 ("io_uring_register").
 */
int ci_ring_cancel_on(struct ci_ring *ring, int fd);

/* The same for everything that is in flight. */
int ci_ring_cancel_all(struct ci_ring *ring);

#endif
