/*
 * The default executor of a loop: a pool, and its end, which may take long, because nothing ends a function in a
 * thread from outside. Whoever waits for that end is told what it is that still runs.
 */
#include "thread/executor.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>

#include <coil/thread.h>

#include "base/duration.h"
#include "base/options.h"
#include "loop/part.h"
#include "loop/timer.h"
#include "sys/alloc.h"
#include "sys/clock.h"
#include "sys/thread.h"
#include "task/report.h"
#include "task/task.h"
#include "thread/call.h"

struct executor {
    struct ci_part part;
    struct ci_pool pool;
    struct ci_timer patience; /* until what holds up the end of coil_run is reported */
    struct ci_list waiters;   /* for the end of all jobs */
};

enum { DEFAULT_IDLE_SECONDS = 10, MORE_THAN_PROCESSORS = 4, MOST_BY_DEFAULT = 32, DETAIL_BYTES = 256 };

/* ---- what still runs ------------------------------------------------------------------------------------------------- */

static void report_running(const struct ci_job *job, const char *thread, int64_t started_ns)
{
    struct ci_task *task = ci_container_of(job, struct ci_thread_call, job)->wait.task;
    double seconds = ci_duration_seconds(ci_clock_ns() - started_ns);
    char detail[DETAIL_BYTES];
    struct coil_report report = {
        .kind = COIL_REPORT_THREAD_RUNNING,
        .message = "the executor is to end, but a function still runs in one of its threads",
        .detail = detail,
        .seconds = seconds,
        .future = &task->future,
        .task_name = ci_task_name(task),
        .created = job->site,
    };

    (void)snprintf(detail, sizeof(detail), "%s in the thread %s, for %.3f seconds", job->what, thread, seconds);
    ci_loop_report(job->pool->loop, &report);
}

static void patience_is_over(void *arg)
{
    struct executor *executor = ci_container_of(arg, struct executor, patience);

    ci_pool_each_running(&executor->pool, report_running);
}

/* ---- waiting for the end --------------------------------------------------------------------------------------------- */

struct waiter {
    struct ci_wait wait;
    struct ci_timer timer;
    struct ci_list link;
    bool late;
};

static void emptied(struct ci_pool *pool)
{
    struct executor *executor = ci_container_of(pool, struct executor, pool);

    ci_timer_stop(&executor->patience);
    for (struct ci_list *link = executor->waiters.next; link != &executor->waiters; link = link->next) {
        ci_wait_finish(&ci_container_of(link, struct waiter, link)->wait);
    }
}

static void time_is_over(void *arg)
{
    struct waiter *waiter = ci_container_of(arg, struct waiter, timer);

    waiter->late = true;
    ci_wait_finish(&waiter->wait);
}

/* Awaits the end of the jobs. Returns 0, -ETIMEDOUT, or the error of the wait. */
static int await_jobs(struct executor *executor, struct ci_task *task, int64_t timeout_ns)
{
    struct coil_loop *loop = task->future.loop;
    struct waiter waiter = {.late = timeout_ns <= 0};

    if (ci_list_empty(&executor->pool.jobs)) {
        return 0;
    }
    if (waiter.late) {
        return -ETIMEDOUT;
    }
    ci_wait_init(&waiter.wait, task, "functions in threads to end");
    ci_timer_init(&waiter.timer, loop, time_is_over);
    int rc = ci_timer_set(&waiter.timer, ci_deadline_ns(ci_loop_now_ns(loop), timeout_ns));
    if (rc < 0) {
        return rc;
    }
    ci_list_append(&executor->waiters, &waiter.link);
    rc = ci_wait_suspend(&waiter.wait);
    ci_list_remove(&waiter.link);
    ci_timer_stop(&waiter.timer);
    return rc == 0 && waiter.late ? -ETIMEDOUT : rc;
}

/* ---- a part of the loop ---------------------------------------------------------------------------------------------- */

static struct executor *executor_of(struct ci_part *part)
{
    return ci_container_of(part, struct executor, part);
}

/* The tasks that wait for functions in threads are about to be cancelled, and end no sooner than those. */
static void ending(struct ci_part *part)
{
    struct executor *executor = executor_of(part);

    if (!ci_list_empty(&executor->pool.jobs)) {
        int64_t now_ns = ci_loop_now_ns(part->loop);
        (void)ci_timer_set(&executor->patience, ci_deadline_ns(now_ns, part->loop->shutdown_ns)); /* or no report */
    }
}

static int shut_down(struct executor *executor, struct ci_task *task, int64_t timeout_ns)
{
    ci_pool_stop(&executor->pool);
    int rc = await_jobs(executor, task, timeout_ns);
    if (rc == 0) {
        ci_pool_join(&executor->pool);
    }
    return rc;
}

static void shutdown_part(struct ci_part *part)
{
    (void)shut_down(executor_of(part), ci_task_running(), CI_FOREVER); /* where it fails, closing waits as well */
}

static void close_part(struct ci_part *part)
{
    struct executor *executor = executor_of(part);

    ci_pool_close(&executor->pool);
    ci_free(executor);
}

static const struct ci_part_class executor_class = {
    .name = "executor", .ending = ending, .shutdown = shutdown_part, .close = close_part};

/* ---- birth ----------------------------------------------------------------------------------------------------------- */

static unsigned default_workers(void)
{
    unsigned workers = ci_sys_cpu_count() + MORE_THAN_PROCESSORS;

    return workers < MOST_BY_DEFAULT ? workers : MOST_BY_DEFAULT;
}

static const char default_prefix[] = "coil-pool";

static struct executor *executor_for(struct coil_loop *loop)
{
    struct ci_part *part = ci_part_find(loop, &executor_class);

    if (part != NULL) {
        return executor_of(part);
    }
    struct executor *executor = ci_alloc(sizeof(*executor));
    if (executor == NULL) {
        return ci_loop_creation_failed(-ENOMEM);
    }
    ci_pool_init(&executor->pool, loop, default_workers(), DEFAULT_IDLE_SECONDS * CI_SECOND_NS, default_prefix);
    executor->pool.emptied = emptied;
    ci_timer_init(&executor->patience, loop, patience_is_over);
    ci_list_init(&executor->waiters);
    ci_part_add(loop, &executor->part, &executor_class);
    return executor;
}

struct ci_pool *ci_executor_pool(struct coil_loop *loop)
{
    struct executor *executor = executor_for(loop);

    return executor == NULL ? NULL : &executor->pool;
}

/* ---- the API --------------------------------------------------------------------------------------------------------- */

static int64_t idle_ns(double seconds)
{
    if (seconds < 0) {
        return 0;
    }
    return ci_duration_ns(seconds == 0 ? DEFAULT_IDLE_SECONDS : seconds);
}

int coil_loop_set_default_executor_with(const struct coil_executor_options *given)
{
    struct coil_executor_options copy;
    const struct coil_executor_options *options = ci_options(&copy, sizeof(copy), given);
    coil_loop *loop = options->loop;

    if (loop == NULL || isnan(options->idle_time)) {
        return -EINVAL;
    }
    if (ci_runtime_of(loop)->closing || ci_loop_check_thread(loop, "coil_loop_set_default_executor") < 0) {
        return -EPERM;
    }
    struct ci_pool *pool = ci_executor_pool(loop);
    if (pool == NULL) {
        return -ENOMEM;
    }
    size_t workers = options->max_workers == 0 ? default_workers() : options->max_workers;
    const char *prefix = options->thread_name_prefix == NULL ? default_prefix : options->thread_name_prefix;
    return ci_pool_configure(pool, workers < UINT_MAX ? (unsigned)workers : UINT_MAX, idle_ns(options->idle_time),
                             prefix);
}

int coil_loop_shutdown_default_executor(coil_loop *loop, double timeout)
{
    struct ci_task *task = ci_task_running();

    if (task == NULL) {
        return -EPERM;
    }
    if (isnan(timeout) || loop != task->future.loop) {
        return -EINVAL;
    }
    struct executor *executor = executor_for(loop);
    if (executor == NULL) {
        return -ENOMEM;
    }
    int rc = shut_down(executor, task, ci_duration_ns(timeout));
    if (rc == -ETIMEDOUT) {
        ci_pool_each_running(&executor->pool, report_running);
    }
    return rc;
}
