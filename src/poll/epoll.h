/*
 * Inside the epoll backend: the poller, and what its files do for each other. epoll.c takes operations in, waits and hands out
 * completions; registration.c tells the kernel what to watch; chores.c does what is to be done although nothing has happened.
 */
#ifndef CI_POLL_EPOLL_H
#define CI_POLL_EPOLL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "poll/poll.h"
#include "poll/watch.h"
#include "sys/readiness.h"

/*
 * How many events are taken at a time: enough to make an epoll_wait cheap for each, few enough that what a recv has brought into
 * the cache is still there when the task sends its answer. With 1,000 busy connections, 256 cost 5 % more CPU time than 32.
 */
enum { CI_EVENTS_PER_WAIT = 32 };

#define CI_INPUT_EVENTS  (EPOLLIN | EPOLLRDHUP | EPOLLPRI)
#define CI_BROKEN_EVENTS (EPOLLERR | EPOLLHUP)

/* Bits of ci_op.state beside those of the attempts. */
enum { CI_OP_WAITING = 256, CI_OP_ENDED = 512 };

struct ci_epoll {
    struct ci_poller poller;
    int epoll_fd;
    int wake_fd;
    atomic_int woken;    /* by wake(), and not yet noticed */
    atomic_int sleeping; /* or about to: then wake() must write to wake_fd */
    struct ci_watch_table watches;
    struct ci_list ended; /* done_link: operations that are finished and whose completion is due in wait */

    int *relied; /* descriptors whose registration is taken for granted by one who waits */
    size_t relied_count;
    size_t relied_size;
    uint32_t period; /* time, in steps of the patience with which they are trusted */
    int64_t period_end_ns;

    struct ci_list retries; /* link: operations to be tried again without any readiness */
    int64_t retry_at_ns;
    int64_t retry_after_ns;

    struct epoll_event events[CI_EVENTS_PER_WAIT];
};

/* ---- epoll.c --------------------------------------------------------------------------------------------------------- */

/* Makes op's call if that is possible now; as ci_attempt, and takes note of descriptors that come of it. */
bool ci_epoll_attempt(struct ci_epoll *self, struct ci_op *op, struct ci_watch *watch);

/* Puts op, which cannot be done now, to wait. Returns as submit does. */
int ci_epoll_begin_waiting(struct ci_epoll *self, struct ci_op *op, struct ci_watch *watch);

/* Ends an operation that waits, whose result is set; its completion comes from the next wait. */
void ci_epoll_complete_later(struct ci_epoll *self, struct ci_op *op);

/* The same with an error, unless it has moved bytes: then they are its result. */
void ci_epoll_fail_later(struct ci_epoll *self, struct ci_op *op, int error);

/* The same for all that wait on a descriptor. */
void ci_epoll_fail_all_later(struct ci_epoll *self, struct ci_watch *watch, int error);

static inline struct ci_op *ci_epoll_op(struct ci_list *link)
{
    return ci_container_of(link, struct ci_op, link);
}

/* ---- registration.c -------------------------------------------------------------------------------------------------- */

/* What op, or everybody who waits on the descriptor, wants to be told of. */
uint32_t ci_epoll_events_of(const struct ci_op *op);
uint32_t ci_epoll_events_wanted(const struct ci_watch *watch);

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

/* A descriptor of coil's own making: what was known under its number is history, and so is whoever waited there. */
void ci_epoll_adopt(struct ci_epoll *self, int fd);

/* ---- chores.c -------------------------------------------------------------------------------------------------------- */

/*
 * A wait begins that takes the registration for granted, to be proved if it lasts. Call it before the operation is queued.
 * Returns false if there is no memory to remember it by; then it is to be proved at once.
 */
bool ci_epoll_rely(struct ci_epoll *self, struct ci_watch *watch, int fd);

/* Has op tried again after a while, and again. */
void ci_epoll_retry_later(struct ci_epoll *self, struct ci_op *op);

static inline bool ci_epoll_has_chores(const struct ci_epoll *self)
{
    return self->relied_count > 0 || !ci_list_empty(&self->retries);
}

/* Does what is due at now_ns. Returns for how long from then on there is nothing to do, at most at_most_ns. */
int64_t ci_epoll_do_chores(struct ci_epoll *self, int64_t now_ns, int64_t at_most_ns);

#endif
