/*
 * The task: a future whose value a coroutine computes. It lives at the top of its coroutine's stack, below the stack's own
 * header, with the copy of its argument below that: a sleeping task is one page. What a task does is suspend and resume, and
 * both end in one switch: from task to task where the ready queue allows, over the loop's own stack else.
 */
#ifndef CI_TASK_TASK_H
#define CI_TASK_TASK_H

#include "coro/context.h"
#include "coro/stack.h"
#include "task/future.h"
#include "task/scope.h"
#include "task/wait.h"

enum { CI_NAME_INSIDE = 24, CI_ARGUMENT_MAX = 2048 };

enum {
    CI_TASK_MUST_CANCEL = 1, /* a cancellation waits to be delivered */
    CI_TASK_STARTED = 2,
    CI_TASK_EAGER = 4,       /* runs on behalf of its creator, to which it returns at its first wait */
    CI_TASK_CANCEL_SEEN = 8, /* debug: a request to cancel it, not taken back since, was delivered */
    CI_TASK_ABANDONED = 16,  /* the loop was closed under it: its stack stays as it is until the runtime goes */
    CI_TASK_CANCEL_DUE = 32, /* the next call to the kernel looks whether a cancellation waits: see io/call.h */
};

struct group;

/* The values local to a task, counted, because tasks share them: what they are is the sync room's. */
struct ci_locals {
    size_t references;
    void (*free)(struct ci_locals *locals);
};

struct ci_task {
    struct coil_future future;
    struct ci_context context;
    struct ci_wait *wait; /* what it waits for; NULL while it runs, is ready, or has not begun */
    struct ci_stack *stack;
    coil_fn *fn;
    void *arg;
    void *room;
    struct ci_locals *locals; /* NULL: it has none */
    struct ci_list scopes;    /* time limits and groups that it has begun and not ended */
    struct ci_list all;       /* in the runtime's list of tasks that are not done */
    uint32_t flags;
    int32_t cancelling;
    struct ci_note *cancel_note; /* the reason of the cancellation that waits */
    struct ci_note *last_note;   /* what came with the last error that an await returned here */
    struct ci_context *eager_return;
    struct coil_future *eager_creator;
    uint64_t id;
    char *long_name;
    struct group *last_group; /* the last that it ended, for its errors */
    char name[CI_NAME_INSIDE];
};

/* A loop with all that tasks need. */
struct ci_runtime {
    struct coil_loop loop;     /* first: a coil_loop of the public API is one of these */
    struct ci_context context; /* the loop's own stack, while a task runs */
    struct ci_stack_pool stacks;
    struct ci_task *corpse;   /* ended, without references, its stack not yet released: it may still be running on it */
    struct ci_list tasks;     /* not done, oldest first */
    struct ci_list scheduled; /* callback nodes in the ready queue that hold a reference to their future */
    struct ci_list chains;    /* gathers and the like that hang on other futures */
    uint64_t walk_epoch;
    struct ci_scope *spare_scopes[CI_SCOPE_KINDS]; /* to be used again */
    size_t task_count;
    size_t max_tasks;
    struct coil_future *doomed; /* to be destroyed by whoever is destroying one already, see ci_future_unref_later */
    size_t futures;             /* that exist: while there are any, the runtime's memory stays */
    uint64_t next_id;
    bool closing; /* nothing new is taken on, and nothing runs any more */
    bool closed;  /* the last future takes the memory with it */
};

/* Something that the library allocated and that hangs on other futures: let go when the loop closes. */
struct ci_chain {
    struct ci_list link;
    void (*drop)(struct ci_chain *chain);
};

static inline struct ci_runtime *ci_runtime_of(const struct coil_loop *loop)
{
    return (struct ci_runtime *)(uintptr_t)loop;
}

static inline bool ci_future_is_task(const struct coil_future *future)
{
    return future->class == &ci_task_class;
}

static inline struct ci_task *ci_task_of(const struct coil_future *future)
{
    return (struct ci_task *)(uintptr_t)future;
}

/* The task that lives on stack. */
static inline struct ci_task *ci_task_on(const struct ci_stack *stack)
{
    return (struct ci_task *)(((uintptr_t)ci_stack_top(stack) - sizeof(struct ci_task)) & ~(uintptr_t)15);
}

/* ci_task_running, inline. */
static inline struct ci_task *ci_task_running_here(void)
{
    struct coil_loop *loop = ci_loop_running;

    return __builtin_expect(loop == NULL || loop->current == NULL, 0) ? NULL : ci_task_of(loop->current);
}

/* The entry of the ready queue that gives task its next step. */
void ci_task_resume(void *task);

static inline void ci_task_make_ready(struct ci_task *task)
{
    (void)ci_ready_push(&task->future.loop->ready, ci_task_resume, task);
}

/* Delivers a cancellation that waits: takes it down and notes its reason. Returns -ECANCELED. */
int ci_task_deliver(struct ci_task *task);

/* Makes note, whose reference it takes over, what came with the error that an await of task returns now. */
static inline void ci_task_arrived_with(struct ci_task *task, struct ci_note *note)
{
    if (__builtin_expect(note != NULL || task->last_note != NULL, 0)) {
        ci_note_store(&task->last_note, note);
    }
}

struct coil_task_options;

/*
 * Makes a task, with room for so many bytes more beside it (task->room), which live as long as it does. NULL with the creation
 * error set. Hands out one reference.
 */
struct ci_task *ci_task_new(struct coil_loop *loop, coil_fn *fn, const struct coil_task_options *options, size_t room);

/* Lets a new task run: from the next iteration on, or at once where the loop runs. */
void ci_task_start(struct ci_task *task, bool eagerly);

/* Frees the record of a group that has ended. NULL is fine. */
void ci_group_free(struct ci_runtime *runtime, struct group *group);

/* Gives back the reference to a task's values, and leaves NULL. */
static inline void ci_task_drop_locals(struct ci_locals **slot)
{
    struct ci_locals *locals = *slot;

    *slot = NULL;
    if (__builtin_expect(locals != NULL, 0) && --locals->references == 0) {
        locals->free(locals);
    }
}

/* Releases a corpse's stack. From any stack but its own. */
void ci_task_bury(struct ci_runtime *runtime);

/* The task's name, made on first use. */
const char *ci_task_name(struct ci_task *task);

/* Fills a report with what is known of future. */
void ci_report_about(struct coil_report *report, struct coil_future *future);

/* Frees a runtime that is closed once its last future has gone. */
void ci_runtime_release(struct ci_runtime *runtime);

#endif
