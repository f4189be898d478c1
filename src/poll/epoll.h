/*
 * Inside the epoll backend: the poller, and what its files do for each other. epoll.c waits and hands out completions; registration.c
 * tells the kernel what to watch; chores.c does what is to be done although nothing has happened. What they have in common with
 * the other backend is in waiting.h.
 */
#ifndef CI_POLL_EPOLL_H
#define CI_POLL_EPOLL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "poll/side_ring.h"
#include "poll/waiting.h"
#include "poll/waker.h"
#include "sys/readiness.h"

/*
 * How many events are taken at a time: enough to make an epoll_wait cheap for each, few enough that what a recv has brought into
 * the cache is still there when the task sends its answer. With 1,000 busy connections, 256 cost 5 % more CPU time than 32.
 */
enum { CI_EVENTS_PER_WAIT = 32 };

struct ci_epoll {
    struct ci_waiting waiting;
    int epoll_fd;
    bool wants_ring;           /* for calls on files, as long as it is not known that there is none */
    struct ci_side_ring *ring; /* NULL: not opened */
    bool ring_due;             /* it is to be looked at, whatever else happens */
    struct ci_waker waker;

    int *relied; /* descriptors whose registration is taken for granted by one who waits */
    size_t relied_count;
    size_t relied_size;
    uint32_t period; /* time, in steps of the patience with which they are trusted */
    int64_t period_end_ns;

    struct epoll_event events[CI_EVENTS_PER_WAIT];
};

static inline struct ci_epoll *ci_epoll_of(struct ci_waiting *waiting)
{
    return ci_container_of(waiting, struct ci_epoll, waiting);
}

/* ---- registration.c -------------------------------------------------------------------------------------------------- */

/* ci_waiting_class.watch and .adopt. */
int ci_epoll_watch(struct ci_waiting *waiting, struct ci_watch *watch, struct ci_op *op);
void ci_epoll_adopt(struct ci_waiting *waiting, int fd);

/*
 * Has events reported from now on, and at once those that are there already. If the number turns out to stand for another file
 * than what was registered, that one is, and what was known is forgotten; then *changed is true. Returns 0, -EPERM for a
 * file that is always ready, -EBADF, or what else epoll_ctl refuses it with.
 */
int ci_epoll_arm(struct ci_epoll *self, struct ci_watch *watch, int fd, uint32_t events, bool *changed);

/* Takes the registration back. */
void ci_epoll_disarm(struct ci_epoll *self, struct ci_watch *watch, int fd);

/* Somebody was told of something that nobody waits for: if that goes on, asks not to be told until somebody does. */
void ci_epoll_note_unwanted(struct ci_epoll *self, struct ci_watch *watch, int fd);

/* ---- chores.c -------------------------------------------------------------------------------------------------------- */

/*
 * A wait begins that takes the registration for granted, to be proved if it lasts. Call it before the operation is queued.
 * Returns false if there is no memory to remember it by; then it is to be proved at once.
 */
bool ci_epoll_rely(struct ci_epoll *self, struct ci_watch *watch, int fd);

static inline bool ci_epoll_has_chores(const struct ci_epoll *self)
{
    return self->relied_count > 0 || !ci_list_empty(&self->waiting.retries);
}

/* Does what is due at now_ns. Returns for how long from then on there is nothing to do, at most at_most_ns. */
int64_t ci_epoll_do_chores(struct ci_epoll *self, int64_t now_ns, int64_t at_most_ns);

#endif
