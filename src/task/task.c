/*
 * Tasks: birth, suspending and resuming, the end. The switch from a task that suspends to whatever is next is the hottest
 * code of the library: suspend.h. See task.h.
 */
#include "task/suspend.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/options.h"
#include "base/trace.h"
#include "sys/alloc.h"
#include "task/scope.h"
#include "task/task.h"

/* ---- suspending and resuming ----------------------------------------------------------------------------------------- */

void ci_task_resume(void *arg)
{
    struct ci_task *task = arg;
    struct ci_runtime *runtime = ci_runtime_of(task->future.loop);

    runtime->loop.current = &task->future;
    ci_context_switch(&runtime->context, &task->context);
    runtime->loop.current = NULL;
    if (runtime->corpse != NULL) {
        ci_task_bury(runtime);
    }
}

int ci_task_deliver(struct ci_task *task)
{
    task->flags &= ~(uint32_t)CI_TASK_MUST_CANCEL;
    task->flags |= CI_TASK_CANCEL_SEEN;
    ci_task_arrived_with(task, ci_note_ref(task->cancel_note)); /* which stays: asyncio's _cancel_message does */
    return -ECANCELED;
}

struct ci_task *ci_task_running(void)
{
    return ci_task_running_here();
}

coil_task *coil_current_task(void)
{
    return ci_loop_running == NULL ? NULL : ci_loop_running->current;
}

/* ---- the end --------------------------------------------------------------------------------------------------------- */

static void task_destroy(struct coil_future *future)
{
    struct ci_task *task = ci_task_of(future);

    if (__builtin_expect(task->cancel_note != NULL, 0)) {
        ci_note_unref(task->cancel_note);
    }
    if (__builtin_expect(task->last_note != NULL, 0)) {
        ci_note_unref(task->last_note);
    }
    if (__builtin_expect(task->long_name != NULL, 0)) {
        ci_free(task->long_name);
    }
    if (__builtin_expect(task->last_group != NULL, 0)) {
        ci_group_free(ci_runtime_of(future->loop), task->last_group);
    }
    if (__builtin_expect(task->flags & CI_TASK_ABANDONED, 0)) {
        return;
    }
    ci_context_destroy(&task->context);
    ci_stack_release(&ci_runtime_of(future->loop)->stacks, task->stack);
}

const struct ci_future_class ci_task_class = {.name = "Task", .internal_result = true, .destroy = task_destroy};

void ci_task_bury(struct ci_runtime *runtime)
{
    struct ci_task *corpse = runtime->corpse;

    runtime->corpse = NULL;
    ci_future_destroy(&corpse->future);
}

/* What the coroutine returned becomes what its future holds. */
static void settle_result(struct ci_task *task, int rc)
{
    struct ci_note *note = NULL;

    if (__builtin_expect(rc < 0, 0)) {
        if (task->last_note != NULL && task->last_note->error == rc) {
            note = ci_note_ref(task->last_note);
        }
        if (rc == -ECANCELED) {
            task->future.flags |= CI_FUTURE_NOTE_ONCE;
            ci_future_set_cancelled(&task->future, note);
            return;
        }
    } else if (__builtin_expect(task->flags & CI_TASK_MUST_CANCEL, 0)) {
        task->flags &= ~(uint32_t)CI_TASK_MUST_CANCEL;
        ci_future_set_cancelled(&task->future, ci_note_ref(task->cancel_note));
        return;
    }
    ci_future_complete(&task->future, rc, note);
}

static void end(struct ci_runtime *runtime, struct ci_task *task, int rc)
{
    if (__builtin_expect(!ci_list_empty(&task->scopes), 0)) {
        ci_scopes_abandon(task);
    }
    settle_result(task, rc);
    ci_task_drop_locals(&task->locals);
    if (__builtin_expect(runtime->loop.trace != NULL, 0)) {
        runtime->loop.trace->task_ended(runtime->loop.trace, &task->future);
    }
    ci_list_remove(&task->all);
    runtime->task_count--;
    ci_ready_release(&runtime->loop.ready);
    task->future.references--;
    if (ci_future_is_unwanted(&task->future)) {
        if (runtime->corpse != NULL) {
            ci_task_bury(runtime);
        }
        runtime->corpse = task; /* this is its stack: whoever comes next releases it */
    }
}

/* A corpse with an error that nobody can look at any more is buried at once, on the loop's own stack: there is a report to
 * send, which must not wait, and whose handler must be in no task. */
static inline bool must_be_buried_now(const struct ci_runtime *runtime, const struct ci_task *task)
{
    return runtime->corpse == task && task->future.flags & CI_FUTURE_UNRETRIEVED;
}

/* The bottom of every coroutine's stack. */
static void task_main(void *arg)
{
    struct ci_task *task = arg;
    struct ci_runtime *runtime = ci_runtime_of(task->future.loop);
    int rc;

    task->flags |= CI_TASK_STARTED;
    if (__builtin_expect(task->flags & CI_TASK_MUST_CANCEL, 0)) {
        rc = ci_task_deliver(task); /* cancelled before its first step: the body never runs */
    } else {
        rc = task->fn(task->arg);
    }
    end(runtime, task, rc);
    ci_context_exit(&task->context, __builtin_expect(must_be_buried_now(runtime, task), 0)
                                        ? &runtime->context
                                        : ci_task_next_context(runtime, task));
}

/* ---- birth ----------------------------------------------------------------------------------------------------------- */

static size_t aligned(size_t size)
{
    return (size + 15) & ~(size_t)15;
}

/*
 * Lays the task, its room and its argument out at the top of its stack, and the coroutine's first frame below. Member by
 * member, because this is hot and most of the struct needs no value yet.
 */
static struct ci_task *task_lay_out(struct ci_stack *stack, coil_fn *fn, const struct coil_task_options *options,
                                    size_t room)
{
    struct ci_task *task = ci_task_on(stack);
    char *top = (char *)task - aligned(room);
    task->room = top;
    task->stack = stack;
    task->fn = fn;
    task->arg = options->arg;
    task->wait = NULL;
    task->flags = 0;
    task->cancelling = 0;
    task->cancel_note = NULL;
    task->last_note = NULL;
    task->last_group = NULL;
    ci_list_init(&task->scopes);
    task->long_name = NULL;
    task->name[0] = '\0';
    if (options->arg_size > 0) {
        top -= aligned(options->arg_size);
        memcpy(top, options->arg, options->arg_size);
        task->arg = top;
    }
    ci_context_init(&task->context, stack->low, top, task_main, task);
    return task;
}

/* A task begins with the values that its creator has now. */
static inline void inherit_locals(struct ci_task *task, const struct coil_future *creator)
{
    task->locals = creator == NULL ? NULL : ci_task_of(creator)->locals;
    if (__builtin_expect(task->locals != NULL, 0)) {
        task->locals->references++;
    }
}

static int check_task(struct ci_runtime *runtime, coil_fn *fn, const struct coil_task_options *options)
{
    if (fn == NULL || options->arg_size > CI_ARGUMENT_MAX || (options->arg_size > 0 && options->arg == NULL)) {
        return -EINVAL;
    }
    if (runtime->closing) {
        return -EPERM;
    }
    if (runtime->max_tasks != 0 && runtime->task_count >= runtime->max_tasks) {
        return -EAGAIN;
    }
    return ci_ready_reserve(&runtime->loop.ready);
}

struct ci_task *ci_task_new(struct coil_loop *loop, coil_fn *fn, const struct coil_task_options *options, size_t room)
{
    struct ci_runtime *runtime = ci_runtime_of(loop);
    int rc = check_task(runtime, fn, options);

    if (rc < 0) {
        return ci_loop_creation_failed(rc);
    }
    struct ci_stack *stack = ci_stack_acquire(&runtime->stacks, options->stack_size, &rc);
    if (stack == NULL) {
        ci_ready_release(&loop->ready);
        return ci_loop_creation_failed(rc);
    }
    struct ci_task *task = task_lay_out(stack, fn, options, room);
    ci_future_init(&task->future, &ci_task_class, loop, &options->site);
    task->future.references = 2; /* the caller's, and the loop's until it is done */
    task->id = ++runtime->next_id;
    inherit_locals(task, loop->current);
    ci_list_append(&runtime->tasks, &task->all);
    runtime->task_count++;
    if (options->name != NULL && coil_task_set_name(&task->future, options->name) < 0) {
        task->name[0] = '\0'; /* a task without its name is better than no task */
    }
    return task;
}

/* Runs a new task at once, on its own stack, until it first waits. */
static void start_eagerly(struct ci_runtime *runtime, struct ci_task *task)
{
    struct coil_future *creator = runtime->loop.current;
    struct ci_context *here = creator == NULL ? &runtime->context : &ci_task_of(creator)->context;

    task->flags |= CI_TASK_EAGER;
    task->eager_creator = creator;
    task->eager_return = here;
    runtime->loop.current = &task->future;
    ci_context_switch(here, &task->context);
    if (creator == NULL && runtime->corpse != NULL) {
        ci_task_bury(runtime);
    }
}

void ci_task_start(struct ci_task *task, bool eagerly)
{
    if (__builtin_expect(eagerly && task->future.loop->running, 0)) {
        start_eagerly(ci_runtime_of(task->future.loop), task);
    } else {
        ci_task_make_ready(task);
    }
}

coil_task *coil_loop_create_task(coil_loop *loop, coil_fn *fn, const struct coil_task_options *options)
{
    struct coil_task_options copy;

    if (loop == NULL) {
        return ci_loop_creation_failed(-EPERM);
    }
    options = ci_options(&copy, sizeof(copy), options);
    int rc = ci_loop_check_thread(loop, "creating a task");
    if (rc < 0) {
        return ci_loop_creation_failed(rc);
    }
    struct ci_task *task = ci_task_new(loop, fn, options, 0);
    if (task == NULL) {
        return NULL;
    }
    ci_task_start(task, options->eager_start);
    return &task->future;
}

coil_task *coil_create_task_with(coil_fn *fn, const struct coil_task_options *options)
{
    return coil_loop_create_task(ci_loop_running, fn, options);
}

/* ---- names, lists ---------------------------------------------------------------------------------------------------- */

const char *ci_task_name(struct ci_task *task)
{
    if (task->long_name != NULL) {
        return task->long_name;
    }
    if (task->name[0] == '\0') {
        (void)snprintf(task->name, sizeof(task->name), "Task-%llu",
                       (unsigned long long)task->id % UINT64_C(1000000000000000000));
    }
    return task->name;
}

const char *coil_task_name(const coil_task *task)
{
    return task == NULL || !ci_future_is_task(task) ? "" : ci_task_name(ci_task_of(task));
}

int coil_task_set_name(coil_task *future, const char *name)
{
    if (future == NULL || name == NULL || !ci_future_is_task(future)) {
        return -EINVAL;
    }
    struct ci_task *task = ci_task_of(future);
    int rc = ci_loop_check_thread(future->loop, "coil_task_set_name");
    if (rc < 0) {
        return rc;
    }
    size_t size = strlen(name) + 1;
    char *copy = NULL;
    if (size > sizeof(task->name) || size == 1) {
        copy = ci_alloc(size);
        if (copy == NULL) {
            return -ENOMEM;
        }
        memcpy(copy, name, size);
    } else {
        memcpy(task->name, name, size);
    }
    char *before = task->long_name;
    task->long_name = copy;
    ci_free(before); /* last: a signal handler that comes in between may read the name */
    return 0;
}

size_t coil_all_tasks(coil_task **out, size_t capacity)
{
    struct coil_loop *loop = ci_loop_running;

    if (loop == NULL) {
        return 0;
    }
    struct ci_runtime *runtime = ci_runtime_of(loop);
    struct ci_list *link = runtime->tasks.next;
    for (size_t i = 0; out != NULL && i < capacity && link != &runtime->tasks; i++, link = link->next) {
        out[i] = &ci_container_of(link, struct ci_task, all)->future;
    }
    return runtime->task_count;
}

int coil_cancelling(const coil_task *task)
{
    return task == NULL || !ci_future_is_task(task) ? 0 : ci_task_of(task)->cancelling;
}

int coil_uncancel(coil_task *future)
{
    if (future == NULL || !ci_future_is_task(future)) {
        return 0;
    }
    int rc = ci_loop_check_thread(future->loop, "coil_uncancel");
    if (rc < 0) {
        return rc;
    }
    struct ci_task *task = ci_task_of(future);
    if (task->cancelling > 0 && --task->cancelling == 0) {
        task->flags &= ~(uint32_t)(CI_TASK_MUST_CANCEL | CI_TASK_CANCEL_SEEN);
    }
    return task->cancelling;
}
