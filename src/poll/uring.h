/*
 * Inside the io_uring backend: the poller, and what its files do for each other. uring.c enters the kernel and hands out completions;
 * uring_poll.c has the kernel tell of readiness, uring_call.c has it make calls that block. What they have in common with the other backend is in waiting.h.
 */
#ifndef CI_POLL_URING_H
#define CI_POLL_URING_H

#include <stdbool.h>
#include <stdint.h>

#include "poll/uring_call.h"
#include "poll/waiting.h"
#include "poll/waker.h"
#include "sys/uring.h"

struct ci_uring {
    struct ci_waiting waiting;
    struct ci_ring ring;
    struct ci_uring_calls calls;
    struct ci_waker waker;
    bool hears;        /* the ring watches the waker */
    bool letting_go;   /* polls that keep files open are taken back by entries that may not be submitted yet */
    unsigned failures; /* in a row, of entering the kernel */
};

static inline struct ci_uring *ci_uring_of(struct ci_waiting *waiting)
{
    return ci_container_of(waiting, struct ci_uring, waiting);
}

/* ---- uring_poll.c ---------------------------------------------------------------------------------------------------- */

/* ci_waiting_class.watch and .adopt. */
int ci_uring_watch(struct ci_waiting *waiting, struct ci_watch *watch, struct ci_op *op);
void ci_uring_adopt(struct ci_waiting *waiting, int fd);

/*
 * Has the kernel let go of the file: for the queues in which nobody waits any more, or for all. It is done when this returns, unless
 * the kernel refuses to be entered.
 */
void ci_uring_unwatch(struct ci_uring *self, struct ci_watch *watch, int fd, bool only_idle);

/* The descriptor that a poll's completion is about. */
int ci_uring_poll_fd(uint64_t data);

/* A poll has completed. Returns how many operations have ended. */
unsigned ci_uring_polled(struct ci_uring *self, uint64_t data, int32_t result, uint32_t flags);

#endif
