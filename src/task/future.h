/*
 * The future: a state, a result, and who wants to know. Tasks, gathers and shields are futures with more behind them; what
 * differs between them is in their class. Callbacks are nodes in somebody's memory; completing a future moves each to the ready
 * queue, in the order of registration, and touches nothing else.
 */
#ifndef CI_TASK_FUTURE_H
#define CI_TASK_FUTURE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <coil/task.h>

#include "base/list.h"
#include "loop/loop.h"
#include "task/note.h"

enum ci_future_state { CI_PENDING, CI_DONE, CI_CANCELLED };

/* Where a callback node is. */
enum ci_callback_state { CI_CALLBACK_IDLE, CI_CALLBACK_LISTED, CI_CALLBACK_READY };

/* What a future runs when it is done: run(arg) as an entry of the ready queue. */
struct ci_callback {
    struct ci_list link; /* in the future's list while LISTED */
    ci_entry_fn *run;
    void *arg;
    uint32_t position; /* in the ready queue while READY */
    uint8_t state;
    bool reserves;            /* it has a place of its own in the ready queue; a task's wake-up uses the task's */
    bool keeps;               /* while READY it holds a reference to its future, and is in the runtime's list of such */
    struct coil_future *kept; /* that future */
};

struct ci_future_class {
    const char *name;
    bool internal_result;                        /* a user may not complete it: its class does */
    void (*destroy)(struct coil_future *future); /* frees it, after what every future has was released */
    /* How many futures a cancellation goes on to, and which; NULL: it completes this one (gathers have it). */
    size_t (*children)(const struct coil_future *future);
    struct coil_future *(*child)(const struct coil_future *future, size_t i);
};

enum {
    CI_FUTURE_UNRETRIEVED = 1, /* ended with an error that nobody has looked at */
    CI_FUTURE_NOTE_ONCE = 2, /* a task that returned -ECANCELED: its reason goes to the first who asks, as in asyncio */
    CI_FUTURE_NOTE_TAKEN = 32,      /* and somebody has */
    CI_FUTURE_ON_PATH = 4,          /* a walk over what waits for what passes through here */
    CI_FUTURE_CANCEL_REQUESTED = 8, /* a gather that was cancelled */
    CI_FUTURE_ANY_CHILD = 16,       /* a gather during a cancellation: some child took it */
};

struct coil_future {
    const struct ci_future_class *class;
    coil_loop *loop;
    uint32_t references;
    uint8_t state;
    uint8_t flags;
    int32_t result;
    int32_t line; /* where it was made */
    struct ci_list callbacks;
    void *value;
    struct ci_note *note;          /* what came with the error or the cancellation */
    struct coil_future *walk_from; /* during a walk: where it came from, or the next on its list */
    uint64_t walk_epoch;           /* the last walk that came by: 64 bits, so that no number comes twice */
    uint32_t walk_child;           /* of a gather during a cancellation: which child is next */
    _Atomic uint32_t remote;       /* requests of other threads that have not arrived: each keeps this here */
    const char *file;
    const char *function;
    char *message;              /* made by coil_error_message */
    struct ci_callback *logger; /* while pending: reports its error, for the shield that left last; or NULL */
};

extern const struct ci_future_class ci_future_plain;
extern const struct ci_future_class ci_task_class;

static inline bool ci_future_done(const struct coil_future *future)
{
    return future->state != CI_PENDING;
}

/* Fills in a pending future with one reference and counts it as the loop's. */
void ci_future_init(struct coil_future *future, const struct ci_future_class *klass, coil_loop *loop,
                    const struct coil_site *site);

/* Makes a future of the given class and size; NULL with the creation error set. */
struct coil_future *ci_future_new(coil_loop *loop, const struct ci_future_class *klass, size_t size,
                                  const struct coil_site *site);

/* Completes a pending future: result >= 0 or an error. note's reference is taken over. */
void ci_future_complete(struct coil_future *future, int result, struct ci_note *note);

/* Completes a pending future as cancelled. note's reference is taken over. */
void ci_future_set_cancelled(struct coil_future *future, struct ci_note *note);

/* The result of a future that is done, as an await gives it: counts as looked at. */
static inline int ci_future_retrieve(struct coil_future *future)
{
    future->flags &= (uint8_t)~CI_FUTURE_UNRETRIEVED;
    return future->result;
}

/* Somebody has been told the error: a reason that goes to one only is gone now. */
static inline void ci_future_retrieve_note(struct coil_future *future)
{
    if (future->flags & CI_FUTURE_NOTE_ONCE) {
        future->flags |= CI_FUTURE_NOTE_TAKEN;
    }
}

/* The note that goes with the error of a future that is done, for the one who retrieves it now: a new reference or NULL. */
struct ci_note *ci_future_take_note(struct coil_future *future);

/* The note of a CancelledError that asyncio would make of future now, whether it ended by one or not. */
struct ci_note *ci_future_take_cancel_note(struct coil_future *future);

/* Registers callback, which the caller has filled in with ci_callback_init: listed while the future is pending, ready at
 * once when it is done. Returns 0 or -ENOMEM (never for a callback that has a place already). */
int ci_future_subscribe(struct coil_future *future, struct ci_callback *callback);

/* Takes the callback back wherever it is; it will not run. */
void ci_future_unsubscribe(struct coil_future *future, struct ci_callback *callback);

/* Cancels it and all that it waits for, iteratively. note is borrowed. Returns 1, or 0 when it is done. */
int ci_future_cancel(struct coil_future *future, struct ci_note *note);

/* Whether future, or anything that it waits for, is task. Costs no more than looking at all that waits for task would. */
bool ci_future_waits_for(struct coil_future *future, struct coil_future *task);

static inline void ci_callback_init(struct ci_callback *callback, ci_entry_fn *run, void *arg)
{
    ci_list_init(&callback->link);
    callback->run = run;
    callback->arg = arg;
    callback->state = CI_CALLBACK_IDLE;
    callback->reserves = false;
    callback->keeps = false;
}

/* Every callback's run function calls this first: the node is free to be registered again. A reference that the node
 * held to its future is the caller's now. */
void ci_callback_runs(struct ci_callback *callback, coil_loop *loop);

/* Frees the done-callbacks of a future that goes away pending. */
void ci_done_callbacks_drop(struct coil_future *future);

/* Whether callback is a user's done-callback; if so and it will not run, this frees it. */
bool ci_done_callback_free(struct ci_callback *callback);

/* Whether a future without references goes away: not while a request of another thread is on its way to it. */
static inline bool ci_future_is_unwanted(const struct coil_future *future)
{
    return future->references == 0 && atomic_load_explicit(&future->remote, memory_order_relaxed) == 0;
}

/* Gives an unwanted future its end. */
void ci_future_destroy(struct coil_future *future);

/* Gives back a reference that a future which is being destroyed holds to another: without recursion, however long the chain. */
void ci_future_unref_later(struct coil_future *future);

static inline void ci_future_unref(struct coil_future *future)
{
    future->references--;
    if (ci_future_is_unwanted(future)) {
        ci_future_destroy(future);
    }
}

#endif
