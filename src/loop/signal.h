/*
 * Signals for loops. A signal belongs to the process and may arrive in any thread at any moment; a loop wants to hear of it as of
 * anything else, as an entry of its ready queue. So whoever wants a signal has a watch: a call from elsewhere (loop/remote.h), made
 * beforehand, that the handler hands to the watch's loop. The handler touches atomics and nothing else. Several loops in
 * several threads may watch the same signal; each is told. What was in force before the first watch is in force again after the last.
 */
#ifndef CI_LOOP_SIGNAL_H
#define CI_LOOP_SIGNAL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "loop/remote.h"

struct ci_signal_watch;

struct ci_signal_watch_class {
    /* It is told of nothing as long as another watch of the same loop is there, and is the only one of its kind in the process. */
    bool yields;
    /* After how many iterations it is told: 1 is the one that follows the poll that saw the signal. */
    unsigned hops;
    /* In the handler, so async-signal-safe: whether the loop is to be told. NULL: it is. */
    bool (*caught)(struct ci_signal_watch *watch);
    /* On the loop's thread, as an entry of the ready queue: the handler has run so many times since the last call. May end the watch. */
    void (*notify)(struct ci_signal_watch *watch, unsigned times);
    /* The watch has ended, and its memory is the owner's again: from inside ci_signal_watch_end, or later, at the latest when
     * the loop is destroyed. NULL: the memory stays until then anyway. */
    void (*release)(struct ci_signal_watch *watch);
};

struct ci_signal_watch {
    struct ci_remote_call call;
    _Atomic(struct ci_signal_watch *) next; /* of the same signal */
    const struct ci_signal_watch_class *class;
    struct coil_loop *loop;
    int signo;
    atomic_uint times; /* the handler has run and notify has not been told; not 0: the call is under way */
    uint32_t position; /* in the ready queue, while there */
    uint8_t state;
    unsigned hops_left;
};

/*
 * Begins to watch signo for loop. Returns 0; -EINVAL for a signal that cannot be caught or does not exist; -EBUSY if it yields and
 * there is such a one already; and what sigaction may fail with. On an error, nothing has begun. On the loop's thread, or before it runs.
 */
int ci_signal_watch_begin(struct ci_signal_watch *watch, const struct ci_signal_watch_class *klass,
                          struct coil_loop *loop, int signo);

/* Ends it: it is told of nothing any more. On the loop's thread. */
void ci_signal_watch_end(struct ci_signal_watch *watch);

/* Whether the program ignores signo: 1 or 0, or a negative errno. */
int ci_signal_is_ignored(int signo);

/* Around fork, which must not come between the handler and the lists: see fork.c. */
void ci_signal_fork_begins(void);
void ci_signal_fork_ends_in_parent(void);

/* In the child no loop is told of anything: dispositions are what they were before the first watch. */
void ci_signal_fork_ends_in_child(void);

#endif
