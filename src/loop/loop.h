/*
 * The loop: the ready queue, the timers, the poller, and how one iteration uses them, exactly as asyncio's does, because the
 * order of events is what coil promises. It runs entries; it does not know what a task is. The task room builds upon it: a
 * task that suspends may run the next entry of the batch itself when that is another task (struct coil_loop is laid open
 * here for that), and comes back to the loop's own stack when attention says that there is more to look at.
 */
#ifndef CI_LOOP_LOOP_H
#define CI_LOOP_LOOP_H

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <coil/loop.h>

#include "base/duration.h"
#include "base/heap.h"
#include "base/list.h"
#include "loop/ready.h"
#include "poll/poll.h"
#include "sys/clock.h"

struct ci_trace;

/* Why the end of a batch must be handled on the loop's own stack; with none of them, the next batch may begin at once. */
enum ci_attention {
    CI_LOOK_TIMERS = 1,   /* some timer is set */
    CI_LOOK_POLLER = 2,   /* some operation is in flight */
    CI_LOOK_STOPPING = 4, /* the loop shall stop after this batch */
    CI_LOOK_ALWAYS = 8,   /* virtual clock, seeded order, debug mode: every entry and iteration goes by the loop */
    CI_LOOK_REMOTE = 16,  /* calls from other threads wait for memory */
    CI_LOOK_FORKED = 32,  /* this is a child process, and the loop its parent's: nothing runs */
};

/* How many entries may run between two looks at the poller while there is always something ready. */
enum { CI_ENTRIES_PER_POLL = 61 };

struct ci_remote_call;

struct coil_loop {
    struct ci_ready ready;
    uint32_t attention;
    uint32_t since_poll; /* entries run since the poller was last asked */
    uint64_t iteration;
    struct coil_future *current;             /* the task that runs, NULL in callbacks; the task room's */
    _Atomic(struct ci_remote_call *) remote; /* calls from other threads, newest first */
    struct ci_remote_call *remote_waiting;   /* taken over, oldest first, but without room in the ready queue yet */
    uint32_t calls_turn; /* ready.head as it was at the last call that was finished at once: which */
    uint32_t calls_left; /* step that was, and how many it has left; the io room's, see io/call.h */

    struct ci_heap timers;
    struct ci_poller *poller;
    const char *poller_reason; /* why it is this one, in words */
    unsigned external;         /* jobs and handlers outside of the poller that may still wake something */
    unsigned
        handlers; /* signal handlers that may call the loop: they hold up no virtual clock, but no deadlock is certain */
    bool running;
    bool ending; /* coil_run has cancelled every task: no other thread can make one any more */
    bool virtual_clock;
    bool suspected; /* the possible deadlock at hand was reported already */
    int64_t virtual_ns;
    pthread_t thread;
    pid_t process;

    struct ci_trace *trace;
    int64_t slow_callback_ns;
    uint64_t random; /* state of the seeded order's generator; 0: FIFO */
    uint32_t *shuffle;
    uint32_t shuffle_size;

    struct ci_list parts; /* what rooms above keep here: see part.h */
    int64_t shutdown_ns;  /* how long parts may take to end before they say what holds them up; CI_FOREVER: any time */
    struct ci_list handles;    /* every handle that is still to run */
    struct coil_handle *spare; /* handles to use again, a short list */
    unsigned spares;

    coil_exception_handler *exception_handler; /* written by the loop's own thread alone, with the lock held */
    void *exception_userdata;
    pthread_mutex_t handler_lock;            /* held by another thread while it reads these and calls the handler */
    void (*on_idle)(struct coil_loop *loop); /* the loop is about to sleep for long; the task room's */
    int (*on_stuck)(struct coil_loop *loop); /* nothing can happen: reports it; the task room's */
};

/* The loop that runs in this thread. Initial-exec: one load at a fixed offset, in the shared library too. */
extern _Thread_local struct coil_loop *ci_loop_running __attribute__((tls_model("initial-exec")));

/* Why the last creation in this thread failed. */
extern _Thread_local int ci_loop_creation_error __attribute__((tls_model("initial-exec")));

/* Fills in a loop for the calling thread. Options are checked here. Returns 0, or a negative errno with nothing to undo. */
int ci_loop_init(struct coil_loop *loop, const struct coil_loop_options *options);

/* Drops what has not run and releases all that ci_loop_init and use have acquired. Nothing may be in flight. */
void ci_loop_destroy(struct coil_loop *loop);

/* Runs iterations until stopped. Returns 0, -EDEADLK, or the poller's error; -ECHILD in a child process, where the loop does not run.
 * Sets and restores ci_loop_running. */
int ci_loop_run(struct coil_loop *loop);

/* Ends ci_loop_run after the current batch. */
void ci_loop_stop(struct coil_loop *loop);

/* Notes why a creation failed and returns NULL. */
void *ci_loop_creation_failed(int error);

/* A future (or the like) was given as NULL: why it could not be made, or -EINVAL. */
static inline int ci_loop_missing(void)
{
    return ci_loop_creation_error < 0 ? ci_loop_creation_error : -EINVAL;
}

static inline int64_t ci_loop_now_ns(const struct coil_loop *loop)
{
    return loop->virtual_clock ? loop->virtual_ns : ci_clock_ns();
}

/* Replaces the poller of a loop that does not run; the old one is destroyed. For tests that bring a poller of their own. */
void ci_loop_set_poller(struct coil_loop *loop, struct ci_poller *poller);

/* Prepares a loop for reports, and ends that. */
void ci_loop_reports_init(struct coil_loop *loop);
void ci_loop_reports_destroy(struct coil_loop *loop);

/* Sends a report to the loop's handler, completed by the trace if there is one. From any thread. */
void ci_loop_report(struct coil_loop *loop, struct coil_report *report);

/* A call of function from a thread that is not the loop's is refused with the -EPERM that is returned then, and in debug mode it is
 * reported; else 0. */
int ci_loop_refuse_other_threads(struct coil_loop *loop, const char *function);

/* The same in debug mode alone, for calls that are to be cheap; else always 0. */
static inline int ci_loop_check_thread(struct coil_loop *loop, const char *function)
{
    return __builtin_expect(loop->trace != NULL, 0) ? ci_loop_refuse_other_threads(loop, function) : 0;
}

/* Appends the calls that other threads have made to the ready queue. Returns whether there were any. */
bool ci_remote_collect(struct coil_loop *loop);

/* Frees the calls that will never run. */
void ci_remote_drop(struct coil_loop *loop);

/* Starts the operation and keeps attention right; the contract is that of the poller's submit. */
static inline int ci_loop_submit(struct coil_loop *loop, struct ci_op *op)
{
    int rc = loop->poller->class->submit(loop->poller, op);

    loop->attention |= CI_LOOK_POLLER; /* the loop takes it back once nothing is in flight */
    return rc;
}

#endif
