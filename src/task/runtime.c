/*
 * A loop with all that tasks need, from its birth to its end: the low level that coil_run is made of. The memory of a closed
 * runtime stays until the last future of it has gone, because tasks live in it.
 */
#include "task/runtime.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/options.h"
#include "base/trace.h"
#include "coro/overflow.h"
#include "loop/fork.h"
#include "loop/part.h"
#include "sys/alloc.h"
#include "task/report.h"
#include "task/scope.h"
#include "task/task.h"

/* ---- stack overflow -------------------------------------------------------------------------------------------------- */

static size_t append(char *out, size_t at, size_t size, const char *text)
{
    while (*text != '\0' && at < size) {
        out[at++] = *text++;
    }
    return at;
}

static size_t append_number(char *out, size_t at, size_t size, size_t number)
{
    char digits[24];
    size_t i = sizeof(digits) - 1;

    digits[i] = '\0';
    do {
        digits[--i] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    return append(out, at, size, &digits[i]);
}

static size_t append_name(char *out, size_t at, size_t size, const struct ci_task *task)
{
    if (task->long_name != NULL || task->name[0] != '\0') {
        return append(out, at, size, task->long_name != NULL ? task->long_name : task->name);
    }
    at = append(out, at, size, "Task-");
    return append_number(out, at, size, task->id);
}

/* Runs in a signal handler: nothing here but memory and write(2). */
static void report_overflow(const struct ci_stack *stack, const void *fault_address)
{
    const struct ci_task *task = ci_task_on(stack);
    char line[512];
    size_t size = sizeof(line) - 1; /* what is too long is cut, but a line it is */
    size_t at = append(line, 0, size, "coil: stack overflow in task '");

    (void)fault_address;
    at = append_name(line, at, size, task);
    at = append(line, at, size, "': its stack has ");
    at = append_number(line, at, size, ci_stack_usable_bytes(stack));
    at = append(line, at, size, " bytes");
    if (task->future.file != NULL) {
        at = append(line, at, size, "; created in ");
        at = append(line, at, size, task->future.function == NULL ? "?" : task->future.function);
        at = append(line, at, size, " at ");
        at = append(line, at, size, task->future.file);
        at = append(line, at, size, ":");
        at = append_number(line, at, size, (size_t)task->future.line);
    }
    at = append(line, at, size, ". Give it more with .stack_size.");
    line[at++] = '\n';
    if (write(STDERR_FILENO, line, at) < 0) {
        return; /* there is nobody left to tell */
    }
}

/* ---- birth ----------------------------------------------------------------------------------------------------------- */

static int on_stuck(struct coil_loop *loop)
{
    ci_report_deadlock(ci_runtime_of(loop), COIL_REPORT_DEADLOCK);
    return -EDEADLK;
}

/* Nothing runs for a while: what free stacks hold goes back to the kernel. */
static void on_idle(struct coil_loop *loop)
{
    ci_stack_pool_trim(&ci_runtime_of(loop)->stacks);
}

static bool wants_debug(const struct coil_loop_options *options)
{
    const char *text = getenv("COIL_DEBUG");

    return options->debug || (text != NULL && *text != '\0' && strcmp(text, "0") != 0);
}

static int open_runtime(struct ci_runtime *runtime, const struct coil_loop_options *options)
{
    int rc = ci_loop_init(&runtime->loop, options);
    if (rc < 0) {
        return rc;
    }
    ci_list_init(&runtime->tasks);
    ci_list_init(&runtime->scheduled);
    ci_list_init(&runtime->chains);
    runtime->max_tasks = options->max_tasks;
    runtime->loop.on_stuck = on_stuck;
    runtime->loop.on_idle = on_idle;
    ci_context_init_thread(&runtime->context);
    rc = ci_stack_pool_init(&runtime->stacks, options->stack_size);
    if (rc < 0) {
        goto destroy_loop;
    }
    rc = ci_overflow_install(&runtime->stacks, report_overflow);
    if (rc < 0) {
        goto destroy_stacks;
    }
    rc = wants_debug(options) ? ci_debug_attach(&runtime->loop) : 0;
    if (rc == 0) {
        return 0;
    }
    ci_overflow_uninstall(&runtime->stacks);
destroy_stacks:
    ci_stack_pool_destroy(&runtime->stacks);
destroy_loop:
    ci_loop_destroy(&runtime->loop);
    return rc;
}

coil_loop *coil_loop_new_with(const struct coil_loop_options *options)
{
    struct coil_loop_options copy;
    struct ci_runtime *runtime = ci_alloc_zero(sizeof(*runtime));
    if (runtime == NULL) {
        return ci_loop_creation_failed(-ENOMEM);
    }
    int rc = open_runtime(runtime, ci_options(&copy, sizeof(copy), options));
    if (rc < 0) {
        ci_free(runtime);
        return ci_loop_creation_failed(rc);
    }
    return &runtime->loop;
}

/* ---- running --------------------------------------------------------------------------------------------------------- */

int coil_loop_run_forever(coil_loop *loop)
{
    return loop == NULL || ci_runtime_of(loop)->closing ? -EINVAL : ci_loop_run(loop);
}

struct until {
    struct ci_callback callback;
    struct coil_loop *loop;
};

static void stop_loop(void *arg)
{
    struct until *until = arg;

    ci_callback_runs(&until->callback, until->loop);
    ci_loop_stop(until->loop);
}

int coil_loop_run_until_complete(coil_loop *loop, coil_future *future)
{
    struct until until = {.loop = loop};

    if (loop == NULL || future == NULL) {
        return future == NULL ? ci_loop_missing() : -EINVAL;
    }
    if (future->loop != loop || ci_runtime_of(loop)->closing) {
        return -EINVAL;
    }
    ci_callback_init(&until.callback, stop_loop, &until);
    future->references++;
    int rc = ci_future_subscribe(future, &until.callback);
    if (rc == 0) {
        rc = ci_loop_run(loop);
        ci_future_unsubscribe(future, &until.callback);
    }
    if (rc == 0) {
        rc = coil_result(future);
    }
    ci_future_unref(future);
    return rc;
}

/* ---- the end --------------------------------------------------------------------------------------------------------- */

/* Callbacks of users that are in the ready queue, where nothing will run any more. */
static void drop_scheduled(struct ci_runtime *runtime)
{
    while (!ci_list_empty(&runtime->scheduled)) {
        struct ci_callback *callback = ci_container_of(runtime->scheduled.next, struct ci_callback, link);
        struct coil_future *future = callback->kept;
        ci_ready_blank(&runtime->loop.ready, callback->position);
        ci_callback_runs(callback, &runtime->loop);
        (void)ci_done_callback_free(callback);
        ci_future_unref(future);
    }
}

static void drop_chains(struct ci_runtime *runtime)
{
    while (!ci_list_empty(&runtime->chains)) {
        struct ci_chain *chain = ci_container_of(ci_list_pop(&runtime->chains), struct ci_chain, link);
        chain->drop(chain);
    }
}

static void abandon_wait(struct ci_task *task)
{
    struct ci_wait *wait = task->wait;

    if (wait != NULL) {
        task->wait = NULL;
        ci_note_unref(wait->note);
        if (wait->abandon != NULL) {
            wait->abandon(wait);
        }
    }
}

/* Tasks that are still waiting stay on their stacks for good: others may have nodes in their frames. */
static void abandon_tasks(struct ci_runtime *runtime)
{
    for (struct ci_list *link = runtime->tasks.next; link != &runtime->tasks; link = link->next) {
        ci_scopes_discard(ci_container_of(link, struct ci_task, all));
    }
    while (!ci_list_empty(&runtime->tasks)) {
        struct ci_task *task = ci_container_of(runtime->tasks.next, struct ci_task, all);
        ci_report_destroyed(&task->future);
        abandon_wait(task);
        ci_list_remove(&task->all);
        runtime->task_count--;
        task->flags |= CI_TASK_ABANDONED;
        ci_task_drop_locals(&task->locals);
        ci_future_unref(&task->future);
    }
}

void ci_runtime_release(struct ci_runtime *runtime)
{
    if (runtime->futures == 0) {
        ci_stack_pool_destroy(&runtime->stacks);
        ci_free(runtime);
    }
}

int coil_loop_close(coil_loop *loop)
{
    if (loop == NULL) {
        return -EINVAL;
    }
    struct ci_runtime *runtime = ci_runtime_of(loop);
    if (loop->running || runtime->closing) {
        return loop->running ? -EPERM : -EINVAL;
    }
    if (ci_fork_has_parted(loop)) {
        return -ECHILD;
    }
    int rc = ci_loop_refuse_other_threads(loop, "coil_loop_close");
    if (rc < 0) {
        return rc;
    }
    runtime->closing = true; /* before reports are sent, whose handlers may call back here */
    if (runtime->corpse != NULL) {
        ci_task_bury(runtime);
    }
    drop_scheduled(runtime);
    drop_chains(runtime);
    abandon_tasks(runtime);
    ci_parts_close(loop);
    if (loop->trace != NULL) {
        loop->trace->closing(loop->trace, loop);
        loop->trace = NULL;
    }
    ci_overflow_uninstall(&runtime->stacks);
    ci_loop_destroy(loop);
    runtime->closed = true;
    ci_scopes_free_spares(runtime);
    ci_runtime_release(runtime);
    return 0;
}
