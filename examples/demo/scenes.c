/*
 * The scenes of the tour: coroutines, coil_run, tasks, cancelling, timeouts, shields, futures, how they are
 * related, and debug mode. Each is a coroutine that ends after a second or less, or wherever it waits when it
 * is cancelled. examples/NAME.c says more of each.
 */
#include "scenes.h"

#include <coil.h>

#include <errno.h>
#include <time.h>

#include "terminal.h"

/* ---- coroutines ---------------------------------------------------------------------------------------- */

struct dish {
    const char *name;
    double seconds;
};

static int cook(void *arg)
{
    const struct dish *dish = arg;

    terminal_say("%s: started", dish->name);
    int rc = coil_sleep(dish->seconds);
    if (rc == 0) {
        terminal_say("%s: ready", dish->name);
    }
    return rc;
}

int scene_coroutines(void *arg)
{
    struct dish coffee = {"coffee", 0.4};
    struct dish toast = {"toast", 0.2};
    coil_group group;

    (void)arg;
    terminal_say("one after the other");
    int rc = cook(&coffee);
    if (rc == 0) {
        rc = cook(&toast);
    }
    if (rc < 0) {
        return rc;
    }
    terminal_say("at the same time");
    coil_group_begin(&group);
    rc = coil_group_spawn(&group, cook, &coffee);
    if (rc == 0) {
        rc = coil_group_spawn(&group, cook, &toast);
    }
    return coil_group_end(&group, rc);
}

/* ---- coil_run ------------------------------------------------------------------------------------------ */

static int background(void *arg)
{
    int rc = 0;

    (void)arg;
    while (rc == 0) {
        terminal_say("background: tick");
        rc = coil_sleep(0.15);
    }
    terminal_say("background: %s, tidying up", coil_errname(rc));
    return rc;
}

int scene_run(void *arg)
{
    (void)arg;
    coil_unref(coil_create_task(background, NULL));
    int rc = coil_sleep(0.4);
    if (rc == 0) {
        terminal_say("main: done, and the background task is still running");
    }
    return rc;
}

/* ---- tasks --------------------------------------------------------------------------------------------- */

static int download(void *arg)
{
    int megabytes = *(const int *)arg;
    int rc = coil_sleep(0.1 * megabytes);

    if (rc == 0) {
        terminal_say("download of %d MB: finished", megabytes);
    }
    return rc < 0 ? rc : megabytes;
}

int scene_tasks(void *arg)
{
    int sizes[] = {3, 2, 1};
    coil_task *downloads[3];
    int total = 0;
    int rc = 0;

    (void)arg;
    for (int i = 0; i < 3; i++) {
        downloads[i] = coil_create_task(download, &sizes[i]);
    }
    terminal_say("main: three downloads have been started; time for other work");
    for (int i = 0; i < 3; i++) {
        int megabytes = coil_join(downloads[i]);
        rc = megabytes < 0 ? megabytes : rc;
        total += megabytes;
    }
    if (rc == 0) {
        terminal_say("main: awaited them all, %d MB", total);
    }
    return rc;
}

/* ---- cancelling ---------------------------------------------------------------------------------------- */

static int sleeper(void *arg)
{
    (void)arg;
    terminal_say("sleeper: going to sleep for an hour");
    int rc = coil_sleep(3600);
    const char *why = coil_cancel_message(coil_current_task());
    terminal_say("sleeper: the sleep returned %s, because %s", coil_errname(rc), why == NULL ? "of a Ctrl-C" : why);
    return rc;
}

static int worker(void *arg)
{
    (void)arg;
    coil_cancel(coil_current_task());
    for (int i = 1; i <= 3; i++) {
        terminal_say("worker: cancelled, but not waiting for anything: step %d of 3", i);
    }
    int rc = coil_sleep(1);
    terminal_say("worker: the next await returned %s", coil_errname(rc));
    return rc;
}

int scene_cancelling(void *arg)
{
    (void)arg;
    coil_task *task = coil_create_task(sleeper, NULL);
    int rc = coil_sleep(0.3);
    if (rc == 0) {
        coil_cancel_msg(task, "main had enough");
        rc = coil_wait(&task, 1); /* the sleeper's end is no error here, as it would be for coil_await */
    }
    coil_unref(task);
    if (rc < 0) {
        return rc;
    }
    task = coil_create_task(worker, NULL);
    rc = coil_wait(&task, 1);
    coil_unref(task);
    return rc;
}

/* ---- timeouts ------------------------------------------------------------------------------------------ */

static int delay(void *arg)
{
    double seconds = *(const double *)arg;

    terminal_say("sleeping for %g seconds", seconds);
    int rc = coil_sleep(seconds);
    if (rc == 0) {
        terminal_say("finished sleeping for %g seconds", seconds);
    }
    return rc;
}

int scene_timeouts(void *arg)
{
    double seconds = 10;

    (void)arg;
    coil_task *task = coil_create_task(delay, &seconds);
    int rc = coil_wait_for(task, 0.3);
    if (rc == -ETIMEDOUT) {
        terminal_say("%s; was the task cancelled? %s", coil_errname(rc), coil_cancelled(task) ? "yes" : "no");
        rc = 0;
    }
    coil_unref(task);
    return rc;
}

int scene_shields(void *arg)
{
    double seconds = 0.6;

    (void)arg;
    coil_task *task = coil_create_task(delay, &seconds);
    coil_future *shield = coil_shield(task);
    int rc = coil_wait_for(shield, 0.3);
    coil_unref(shield);
    if (rc == -ETIMEDOUT) {
        terminal_say("it takes longer than expected; was the task cancelled? %s", coil_cancelled(task) ? "yes" : "no");
        rc = coil_await(task);
    }
    coil_unref(task);
    return rc;
}

/* ---- futures ------------------------------------------------------------------------------------------- */

static void set_answer(void *userdata)
{
    terminal_say("a callback: sets the result");
    (void)coil_future_set_result(userdata, 42); /* when somebody was quicker and cancelled it, there is no need to */
}

int scene_futures(void *arg)
{
    (void)arg;
    coil_future *answer = coil_future_new();
    terminal_say("main: awaits the future; its result so far: %s", coil_errname(coil_result(answer)));
    coil_handle *handle = coil_call_later(0.3, set_answer, answer);
    int rc = handle == NULL ? coil_creation_error() : coil_await(answer);
    if (rc >= 0) {
        terminal_say("main: the result is %d", rc);
    } else {
        coil_handle_cancel(handle);
    }
    coil_unref(answer);
    return rc;
}

/* ---- how they are related ------------------------------------------------------------------------------ */

static int fails(void *arg)
{
    (void)arg;
    int rc = coil_sleep(0.2);
    return rc < 0 ? rc : coil_fail(-ENOENT, "looking for the answer");
}

static void on_done(coil_future *future, void *name)
{
    terminal_say("%s is done: %s", (const char *)name,
                 coil_error(future) == 0 ? "a result" : coil_error_message(future));
}

int scene_relationship(void *arg)
{
    (void)arg;
    coil_future *both[] = {coil_future_new(), coil_create_task(fails, NULL)};
    int rc = coil_add_done_callback(both[0], on_done, "the future");
    rc = rc < 0 ? rc : coil_add_done_callback(both[1], on_done, "the task");
    rc = rc < 0 ? rc : coil_sleep(0.1);
    rc = rc < 0 ? rc : coil_future_set_result(both[0], 7);
    rc = rc < 0 ? rc : coil_wait(both, 2);
    coil_unref(both[0]);
    coil_unref(both[1]);
    return rc;
}

/* ---- debug mode ---------------------------------------------------------------------------------------- */

static void on_report(coil_loop *loop, const struct coil_report *report, void *userdata)
{
    (void)loop;
    (void)userdata;
    if (report->kind == COIL_REPORT_SLOW_CALLBACK) {
        terminal_say("report: %s blocked the loop for %.2f s", report->task_name, report->seconds);
    } else if (report->kind == COIL_REPORT_NEVER_RETRIEVED) {
        terminal_say("report: %s failed, and nobody looked: %s", report->task_name, report->detail);
    } else {
        return;
    }
    terminal_say("        it was made by %s, line %d", report->created.function, report->created.line);
}

static int hog(void *arg)
{
    clock_t end = clock() + CLOCKS_PER_SEC / 5;

    (void)arg;
    while (clock() < end) {
        continue; /* works, and never awaits */
    }
    return 0;
}

int scene_debug_mode(void *arg)
{
    (void)arg;
    coil_loop_set_exception_handler(coil_get_running_loop(), on_report, NULL);
    int rc = coil_join(coil_create_task(hog, NULL, .name = "the hog"));
    if (rc == 0) {
        coil_unref(coil_create_task(fails, NULL, .name = "the failure"));
        rc = coil_sleep(0.3);
    }
    return rc;
}
