/* coil_run: a loop, main as a task in it, and the clearing up after it. asyncio's runners.py. */
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdatomic.h>

#include "base/duration.h"
#include "base/options.h"
#include "loop/fork.h"
#include "loop/part.h"
#include "loop/signal.h"
#include "sys/alloc.h"
#include "task/gather.h"
#include "task/report.h"
#include "task/runtime.h"
#include "task/task.h"

/* ---- SIGINT ---------------------------------------------------------------------------------------------------------- */

/*
 * The first SIGINT is handed to the loop as a call from elsewhere, which cancels main. The second one kills the process as
 * it would have without us, so that a program that does not come back to its loop can be stopped too.
 */
struct interrupt {
    struct ci_signal_watch watch;
    struct coil_future *main;
    atomic_uint count;
    bool cancelled_main;
    bool watched;
    void (*interrupted)(void *arg); /* to be called before main is cancelled, or NULL */
    void *arg;
};

static struct interrupt *interrupt_of(struct ci_signal_watch *watch)
{
    return ci_container_of(watch, struct interrupt, watch);
}

static bool sigint_caught(struct ci_signal_watch *watch)
{
    if (atomic_fetch_add(&interrupt_of(watch)->count, 1) == 0) {
        return true;
    }
    (void)signal(SIGINT, SIG_DFL);
    (void)raise(SIGINT); /* blocked here; delivered on return */
    return false;
}

static void cancel_main(struct ci_signal_watch *watch, unsigned times)
{
    struct interrupt *interrupt = interrupt_of(watch);

    (void)times;
    if (interrupt->interrupted != NULL) {
        interrupt->interrupted(interrupt->arg);
    }
    interrupt->cancelled_main = ci_future_cancel(interrupt->main, NULL) == 1;
}

/* As in asyncio, where the program's own handler for SIGINT takes the place of this one. */
static const struct ci_signal_watch_class sigint_class = {
    .yields = true, .hops = 1, .caught = sigint_caught, .notify = cancel_main};

/* Where the program ignores it on purpose (nohup, a job in the background), it stays ignored. */
static int watch_sigint(struct interrupt *interrupt, struct coil_loop *loop, struct coil_future *main)
{
    interrupt->main = main;
    int rc = ci_signal_is_ignored(SIGINT);
    if (rc != 0) {
        return rc < 0 ? rc : 0;
    }
    rc = ci_signal_watch_begin(&interrupt->watch, &sigint_class, loop, SIGINT);
    interrupt->watched = rc == 0;
    loop->handlers += rc == 0;
    return rc;
}

static void unwatch_sigint(struct interrupt *interrupt)
{
    if (interrupt->watched) {
        interrupt->watch.loop->handlers--;
        ci_signal_watch_end(&interrupt->watch);
    }
}

/* ---- clearing up ----------------------------------------------------------------------------------------------------- */

static void report_failure(struct coil_future *task)
{
    if (task->state == CI_DONE && task->result < 0) {
        ci_report_error(task, COIL_REPORT_SHUTDOWN_ERROR,
                        "a task failed while what was left running was being cancelled");
    }
}

static struct ci_task *oldest(const struct ci_runtime *runtime)
{
    return ci_container_of(runtime->tasks.next, struct ci_task, all);
}

static void cancel_tasks(struct ci_runtime *runtime)
{
    for (struct ci_list *link = runtime->tasks.next; link != &runtime->tasks; link = link->next) {
        struct ci_task *task = ci_container_of(link, struct ci_task, all);
        (void)ci_future_cancel(&task->future, NULL); /* none of them is done */
    }
}

static struct coil_future *gather_tasks(struct ci_runtime *runtime)
{
    struct coil_future **tasks = ci_alloc(runtime->task_count * sizeof(*tasks));
    size_t n = 0;

    if (tasks == NULL) {
        return NULL;
    }
    for (struct ci_list *link = runtime->tasks.next; link != &runtime->tasks; link = link->next) {
        tasks[n++] = &ci_container_of(link, struct ci_task, all)->future;
    }
    struct coil_future *all = ci_gather(&runtime->loop, tasks, n, true, &(const struct coil_site){0});
    ci_free(tasks);
    return all;
}

static int await_together(struct coil_loop *loop, struct coil_future *all)
{
    int rc = coil_loop_run_until_complete(loop, all);

    for (size_t i = 0; rc >= 0 && i < ci_gather_size(all); i++) {
        report_failure(ci_gather_child(all, i));
    }
    coil_unref(all);
    return rc;
}

/* Without memory for a gather: one task after the other. Those that came after the cancellation are not waited for here either. */
static int await_one_by_one(struct ci_runtime *runtime)
{
    uint64_t last_id = runtime->next_id;
    int rc = 0;

    while (rc == 0 && !ci_list_empty(&runtime->tasks) && oldest(runtime)->id <= last_id) {
        struct coil_future *task = coil_ref(&oldest(runtime)->future);
        int result = coil_loop_run_until_complete(&runtime->loop, task);
        if (ci_future_done(task)) {
            report_failure(task);
        } else {
            rc = result < 0 ? result : -EINPROGRESS;
        }
        coil_unref(task);
    }
    return rc;
}

int ci_runtime_cancel_all(struct coil_loop *loop)
{
    struct ci_runtime *runtime = ci_runtime_of(loop);

    if (runtime->task_count == 0) {
        return 0;
    }
    cancel_tasks(runtime);
    struct coil_future *all = gather_tasks(runtime);
    return all == NULL ? await_one_by_one(runtime) : await_together(loop, all);
}

/* The coroutine in which the loop's parts end in good order. */
static int shut_parts_down(void *arg)
{
    struct coil_loop *loop = arg;

    for (struct ci_list *link = loop->parts.next; link != &loop->parts; link = link->next) {
        struct ci_part *part = ci_container_of(link, struct ci_part, link);
        if (part->class->shutdown != NULL) {
            part->class->shutdown(part);
        }
    }
    return 0;
}

/* Where there is no memory for the task, closing the loop ends the parts by force. */
static void shutdown_parts(struct coil_loop *loop)
{
    const struct coil_task_options options = {.size = sizeof(options), .arg = loop, .name = "shutdown"};

    if (ci_list_empty(&loop->parts)) {
        return;
    }
    coil_task *task = coil_loop_create_task(loop, shut_parts_down, &options);
    if (task != NULL) {
        (void)coil_loop_run_until_complete(loop, task);
        coil_unref(task);
    }
}

/* ---- running --------------------------------------------------------------------------------------------------------- */

static int run_main(struct coil_loop *loop, struct coil_future *main, struct interrupt *interrupt)
{
    if (interrupt == NULL) {
        return coil_loop_run_until_complete(loop, main);
    }
    int rc = watch_sigint(interrupt, loop, main);
    if (rc < 0) {
        return rc;
    }
    rc = coil_loop_run_until_complete(loop, main);
    unwatch_sigint(interrupt);
    if (interrupt->count > 0 && !interrupt->cancelled_main) {
        return -EINTR; /* it came too late to cancel main, and must not be lost */
    }
    if (rc == -ECANCELED && interrupt->count > 0 && coil_uncancel(main) == 0) {
        rc = -EINTR;
    }
    return rc;
}

static struct coil_loop_options loop_options(const struct coil_run_options *options)
{
    return (struct coil_loop_options){.size = sizeof(struct coil_loop_options),
                                      .debug = options->debug,
                                      .clock = options->clock,
                                      .backend = options->backend,
                                      .seed = options->seed,
                                      .stack_size = options->stack_size,
                                      .slow_callback_duration = options->slow_callback_duration,
                                      .max_tasks = options->max_tasks};
}

/* Ends what main has left: its tasks, then what rooms above keep with the loop, then the loop. */
static int clear_up(struct coil_loop *loop, coil_task *main)
{
    ci_parts_ending(loop);
    int rc = ci_runtime_cancel_all(loop);
    coil_unref(main);
    loop->ending = true;
    shutdown_parts(loop);
    (void)coil_loop_close(loop); /* it does not run, so it can be closed */
    return rc;
}

/* An option's duration, of which 0 is the default and a negative one is none. */
static int64_t option_ns(double seconds, double by_default)
{
    if (seconds < 0) {
        return 0;
    }
    return ci_duration_ns(seconds == 0 ? by_default : seconds);
}

static const double shutdown_seconds = 10;

/* interrupt is the caller's, because the loop may hold on to it until it is closed. */
static int run_in(struct coil_loop *loop, coil_fn *main, const struct coil_run_options *options,
                  struct interrupt *interrupt)
{
    const struct coil_task_options task_options = {.size = sizeof(task_options), .arg = options->arg};

    loop->shutdown_ns = option_ns(options->shutdown_timeout, shutdown_seconds);
    coil_task *task = coil_loop_create_task(loop, main, &task_options);
    int rc = task == NULL ? ci_loop_creation_error : run_main(loop, task, options->handle_sigint ? interrupt : NULL);
    if (ci_fork_has_parted(loop)) {
        coil_unref(task);
        return -ECHILD; /* a child process that came back here: loop and tasks are the parent's */
    }
    int left = clear_up(loop, task);
    return rc >= 0 && left == -EDEADLK ? left : rc;
}

int ci_run(coil_fn *main, const struct coil_run_options *options, void (*interrupted)(void *arg), void *arg)
{
    struct coil_run_options copy;
    struct interrupt interrupt = {.interrupted = interrupted, .arg = arg};

    if (ci_loop_running != NULL) {
        return -EPERM;
    }
    options = ci_options(&copy, sizeof(copy), options);
    if (isnan(options->shutdown_timeout)) {
        return -EINVAL;
    }
    struct coil_loop_options how = loop_options(options);
    coil_loop *loop = coil_loop_new_with(&how);
    return loop == NULL ? ci_loop_creation_error : run_in(loop, main, options, &interrupt);
}

int coil_run_with(coil_fn *main, const struct coil_run_options *options)
{
    return ci_run(main, options, NULL, NULL);
}
