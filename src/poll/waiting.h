/*
 * Operations that wait at descriptors: what the backends have in common. An operation is tried when it is submitted, unless it is
 * known to have to wait; else it is queued at its descriptor, in its direction, and tried again when the kernel tells of
 * readiness. How the kernel is made to tell, and how one sleeps until it does, is each backend's own.
 */
#ifndef CI_POLL_WAITING_H
#define CI_POLL_WAITING_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "poll/poll.h"
#include "poll/watch.h"

/* What a reader is told of, and what everybody is; epoll's bits are the same. */
#define CI_INPUT_EVENTS  (POLLIN | POLLRDHUP | POLLPRI)
#define CI_BROKEN_EVENTS (POLLERR | POLLHUP)

/* Bits of ci_op.state beside those of the attempts. */
enum { CI_OP_WAITING = 256, CI_OP_ENDED = 512 };

struct ci_waiting;

struct ci_waiting_class {
    /*
     * Has the kernel tell of what op waits for, which is about to be queued at watch. Returns 0, -EPERM for a file that is always
     * ready, or another error.
     */
    int (*watch)(struct ci_waiting *self, struct ci_watch *watch, struct ci_op *op);
    /*
     * Has the kernel carry out op, which blocks, and complete it. Returns as submit does. NULL: where the kernel does no such thing on
     * its own.
     */
    int (*call)(struct ci_waiting *self, struct ci_op *op);
    /* fd is a new descriptor of coil's own making: what was known under its number is history. */
    void (*adopt)(struct ci_waiting *self, int fd);
};

struct ci_waiting {
    struct ci_poller poller;
    const struct ci_waiting_class *class;
    struct ci_watch_table watches;
    struct ci_list ended;   /* done_link: operations that are finished and whose completion is due in wait */
    struct ci_list retries; /* link: operations to be tried again without any readiness */
    int64_t retry_at_ns;
    int64_t retry_after_ns;
};

void ci_waiting_init(struct ci_waiting *self, const struct ci_poller_class *poller,
                     const struct ci_waiting_class *class);
void ci_waiting_destroy(struct ci_waiting *self);

static inline struct ci_waiting *ci_waiting_of(struct ci_poller *poller)
{
    return ci_container_of(poller, struct ci_waiting, poller);
}

static inline struct ci_op *ci_waiting_op(struct ci_list *link)
{
    return ci_container_of(link, struct ci_op, link);
}

/* ---- the poller's own calls ------------------------------------------------------------------------------------------ */

int ci_waiting_submit(struct ci_poller *poller, struct ci_op *op);
void ci_waiting_cancel(struct ci_poller *poller, struct ci_op *op);

/* The number on which op waits has become a file's, which is always ready: the call is made, here and now if need be. */
void ci_waiting_turn_to_call(struct ci_waiting *self, struct ci_op *op);

/* Ends every operation on fd with -EBADF; their completions come with ci_waiting_complete_ended_on. */
void ci_waiting_fail_all_on(struct ci_waiting *self, int fd);

/* ---- the end of operations ------------------------------------------------------------------------------------------- */

/* Completes an operation, whose result is set, and which is in no list but the queue it waited in. */
void ci_waiting_complete(struct ci_waiting *self, struct ci_op *op);

/* Ends an operation that waits, whose result is set; its completion comes from the next wait. */
void ci_waiting_complete_later(struct ci_waiting *self, struct ci_op *op);

/* The same with an error, unless it has moved bytes: then they are its result. */
void ci_waiting_fail_later(struct ci_waiting *self, struct ci_op *op, int error);

/* The same for a queue, or for all who wait on a descriptor. */
void ci_waiting_fail_queue_later(struct ci_waiting *self, struct ci_list *queue, int error);
void ci_waiting_fail_all_later(struct ci_waiting *self, struct ci_watch *watch, int error);

/* Completes what has ended outside of wait: all of it, or that on fd. Returns how many those were. */
unsigned ci_waiting_complete_ended(struct ci_waiting *self);
unsigned ci_waiting_complete_ended_on(struct ci_waiting *self, int fd);

/* ---- readiness ------------------------------------------------------------------------------------------------------- */

/* What op, or everybody who waits on the descriptor, wants to be told of. */
uint32_t ci_waiting_events_of(const struct ci_op *op);
uint32_t ci_waiting_events_wanted(const struct ci_watch *watch);

/* The queue in which op waits. */
struct ci_list *ci_waiting_queue_of(struct ci_watch *watch, const struct ci_op *op);

/* Keeps what events tell of the descriptor. */
void ci_waiting_note_events(struct ci_watch *watch, uint32_t events);

/* Tries the operations of a direction's queue in order, as long as they succeed. Returns how many have ended. */
unsigned ci_waiting_serve(struct ci_waiting *self, struct ci_watch *watch, struct ci_list *queue, uint8_t direction);

/* Looks who of those that poll is done. Returns how many were. */
unsigned ci_waiting_serve_polls(struct ci_waiting *self, struct ci_watch *watch);

/* ---- being ready for events ------------------------------------------------------------------------------------------ */

/*
 * Each event brings in memory that was last used a while ago: the watch, the operation with the frame around it (the stack below it
 * is used by the calls that the task makes next), and what the completion wakes. Each of them tells where the next is, and is
 * asked for while the system calls for the events before are made. With 1,000 busy connections that saves 5 % of all CPU time.
 */
enum {
    CI_CACHE_LINE = 64,
    CI_FRAME_BELOW = 8 * CI_CACHE_LINE,
    CI_FRAME_ABOVE = 2 * CI_CACHE_LINE,
    CI_WAKES_BYTES = 256
};

/* Asks for the lines of the cache that hold bytes from and so many after it. */
static inline void ci_waiting_fetch(const void *from, ptrdiff_t bytes)
{
    for (ptrdiff_t at = 0; at < bytes; at += CI_CACHE_LINE) {
        __builtin_prefetch((const char *)from + at);
    }
}

static inline struct ci_watch *ci_waiting_fetch_place(const struct ci_waiting *self, int fd)
{
    struct ci_watch *place = ci_watch_place(&self->watches, fd);

    __builtin_prefetch(place);
    return place;
}

/* The i-th of count events is about to be handled, and places are where their watches are, or NULL. */
static inline void ci_waiting_fetch_ahead(struct ci_watch *const *places, int i, int count)
{
    if (i + 2 < count && places[i + 2] != NULL) {
        ci_waiting_fetch((const char *)places[i + 2]->readers.next - CI_FRAME_BELOW, CI_FRAME_BELOW + CI_FRAME_ABOVE);
    }
    if (i + 1 < count && places[i + 1] != NULL && !ci_list_empty(&places[i + 1]->readers)) {
        ci_waiting_fetch(ci_waiting_op(places[i + 1]->readers.next)->wakes, CI_WAKES_BYTES);
    }
}

/* ---- trying again ---------------------------------------------------------------------------------------------------- */

/* Tries those again that are due, which no readiness is told of. Returns when to come again, or CI_FOREVER. */
int64_t ci_waiting_retry(struct ci_waiting *self, int64_t now_ns);

#endif
