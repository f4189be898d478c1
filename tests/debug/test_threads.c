/* Other threads: calls from the wrong one, and deadlocks of which one cannot be sure because of them. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collect.h"
#include "coro/sanitizer.h"
#include "suites.h"

static int wait_long(void *arg)
{
    (void)arg;
    return coil_sleep(1000);
}

__attribute__((noinline)) static void *cancel_from_here(void *arg)
{
    ck_assert_int_eq(coil_cancel(arg), -EPERM);
    return NULL;
}

/* The wrong thread has been refused: the task waits on, to be cancelled from here. */
static int cancel_properly(coil_task *task)
{
    ck_assert_int_eq(coil_sleep(1), 0);
    ck_assert(!coil_done(task));
    ck_assert_int_eq(coil_cancelling(task), 0);
    ck_assert_int_eq(coil_cancel(task), 1);
    return coil_join(task) == -ECANCELED ? 0 : -EINVAL;
}

static int have_it_cancelled_elsewhere(void *arg)
{
    pthread_t thread;
    coil_task *task = coil_create_task(wait_long, NULL);

    (void)arg;
    coil_sleep(0);
    pthread_create(&thread, NULL, cancel_from_here, task);
    pthread_join(thread, NULL);
    return cancel_properly(task);
}

START_TEST(a_call_from_the_wrong_thread_is_reported_there_with_its_backtrace)
    {
        ck_assert_int_eq(run_virtual(have_it_cancelled_elsewhere, NULL), 0);
        ck_assert_uint_eq(count_reports(0), 1);
        const struct kept *report = report_of(COIL_REPORT_WRONG_THREAD, 0);
        must_begin_with(report->called_by, "cancel_from_here");
        ck_assert_str_eq(report->message, "wrong thread: coil_cancel from a thread that is not the loop's own");
        ck_assert(!report->from_loop);
    }
END_TEST

static int cancel_from_a_coroutine(void *arg)
{
    ck_assert_int_eq(coil_cancel(arg), -EPERM);
    return 0;
}

static void *cancel_from_another_loop(void *arg)
{
    coil_run(cancel_from_a_coroutine, arg, .stack_size = 16 << 10);
    return NULL;
}

static int have_it_cancelled_by_another_loop(void *arg)
{
    pthread_t thread;
    coil_task *task = coil_create_task(wait_long, NULL);

    (void)arg;
    coil_sleep(0);
    pthread_create(&thread, NULL, cancel_from_another_loop, task);
    pthread_join(thread, NULL);
    return cancel_properly(task);
}

START_TEST(another_loops_coroutine_is_the_wrong_thread_too)
    {
        ck_assert_int_eq(run_virtual(have_it_cancelled_by_another_loop, NULL), 0);
        ck_assert_uint_eq(count_reports(0), 1);
        const struct kept *report = report_of(COIL_REPORT_WRONG_THREAD, 0);
        must_begin_with(report->called_by, "cancel_from_a_coroutine");
    }
END_TEST

/* ---- handlers that are replaced -------------------------------------------------------------------------------------- */

static _Atomic int inside; /* the handler, in the watchdog's thread */
static _Atomic int entered;

static void take_time(coil_loop *loop_of_it, const struct coil_report *report, void *userdata)
{
    (void)loop_of_it;
    if (report->kind == COIL_REPORT_BLOCKED) {
        inside = 1;
        entered = 1;
        usleep(20000);
        ck_assert_int_eq(*(int *)userdata, 42);
        inside = 0;
    }
}

static void say_nothing(coil_loop *loop_of_it, const struct coil_report *report, void *userdata)
{
    (void)loop_of_it;
    (void)report;
    (void)userdata;
}

static int replace_it_while_it_runs(void *arg)
{
    int *userdata = malloc(sizeof(*userdata));

    (void)arg;
    *userdata = 42;
    coil_loop_set_exception_handler(coil_get_running_loop(), take_time, userdata);
    for (int i = 0; i < 20000 && !entered; i++) {
        usleep(1000); /* blocks the loop */
    }
    ck_assert(entered);
    coil_loop_set_exception_handler(coil_get_running_loop(), say_nothing, NULL);
    ck_assert(!inside);
    *userdata = 0;
    free(userdata);
    return 0;
}

START_TEST(a_handler_that_was_replaced_is_not_running_any_more)
    {
        ck_assert_int_eq(coil_run(replace_it_while_it_runs, NULL, .debug = true, .slow_callback_duration = 0.05), 0);
    }
END_TEST

static void count_blocked(coil_loop *loop_of_it, const struct coil_report *report, void *userdata)
{
    (void)loop_of_it;
    (void)userdata;
    entered |= report->kind == COIL_REPORT_BLOCKED;
}

static int replace_it_all_the_time(void *arg)
{
    (void)arg;
    for (int i = 0; i < 20000 && !entered; i++) {
        coil_loop_set_exception_handler(coil_get_running_loop(), count_blocked, &i);
        usleep(1000);
    }
    return entered;
}

START_TEST(setting_one_does_not_race_with_the_watchdog) /* under ThreadSanitizer */
    {
        ck_assert_int_eq(coil_run(replace_it_all_the_time, NULL, .debug = true, .slow_callback_duration = 0.05), 1);
    }
END_TEST

static void set_another(coil_loop *loop_of_it, const struct coil_report *report, void *userdata)
{
    (void)userdata;
    if (report->kind == COIL_REPORT_BLOCKED) {
        coil_loop_set_exception_handler(loop_of_it, say_nothing, NULL);
        entered = 1;
    }
}

static int have_it_replaced_from_there(void *arg)
{
    (void)arg;
    coil_loop_set_exception_handler(coil_get_running_loop(), set_another, NULL);
    for (int i = 0; i < 20000 && !entered; i++) {
        usleep(1000);
    }
    return entered;
}

START_TEST(one_that_sets_another_does_not_wait_for_itself)
    {
        ck_assert_int_eq(coil_run(have_it_replaced_from_there, NULL, .debug = true, .slow_callback_duration = 0.05), 1);
    }
END_TEST

/* ---- what is refused ------------------------------------------------------------------------------------------------- */

/* What another thread gets its hands on. */
struct things {
    coil_loop *loop;
    coil_future *future;
    coil_task *task;
    coil_handle *handle;
    coil_group group;
    coil_timeout timeout;
};

enum { REFUSED_CALLS = 19 };

static void never(void *unused)
{
    (void)unused;
    ck_abort_msg("what another thread has asked for was done");
}

static void never_done(coil_future *future, void *unused)
{
    (void)future;
    never(unused);
}

static int never_run(void *unused)
{
    never(unused);
    return 0;
}

static void *use_from_here(void *arg)
{
    struct things *things = arg;

    ck_assert_int_eq(coil_future_set_result(things->future, 1), -EPERM);
    ck_assert_int_eq(coil_future_set_value(things->future, things), -EPERM);
    ck_assert_int_eq(coil_future_set_error(things->future, -EIO), -EPERM);
    ck_assert_int_eq(coil_add_done_callback(things->future, never_done, NULL), -EPERM);
    ck_assert_int_eq(coil_remove_done_callback(things->future, never_done, NULL), -EPERM);
    ck_assert_int_eq(coil_cancel(things->task), -EPERM);
    ck_assert_int_eq(coil_cancel_msg(things->task, "why"), -EPERM);
    ck_assert_int_eq(coil_uncancel(things->task), -EPERM);
    ck_assert_int_eq(coil_task_set_name(things->task, "other"), -EPERM);
    ck_assert_int_eq(coil_timeout_reschedule(&things->timeout, 0), -EPERM);
    ck_assert_int_eq(coil_loop_run_forever(things->loop), -EPERM);
    ck_assert_ptr_null(coil_ref(things->future));
    coil_unref(things->future);
    coil_loop_stop(things->loop);
    coil_handle_cancel(things->handle);
    ck_assert_ptr_null(coil_shield(things->future));
    ck_assert_int_eq(coil_creation_error(), -EPERM);
    ck_assert_ptr_null(coil_loop_create_future(things->loop));
    ck_assert_int_eq(coil_creation_error(), -EPERM);
    ck_assert_ptr_null(coil_loop_create_task(things->loop, never_run, NULL));
    ck_assert_int_eq(coil_creation_error(), -EPERM);
    ck_assert_ptr_null(coil_group_create_task(&things->group, never_run, NULL));
    ck_assert_int_eq(coil_creation_error(), -EPERM);
    return NULL;
}

static void note_call(void *called)
{
    *(bool *)called = true;
}

static int have_it_all_used_elsewhere(void *arg)
{
    struct things things = {.loop = coil_get_running_loop(), .future = coil_future_new()};
    bool called = false;
    pthread_t thread;

    (void)arg;
    things.task = coil_create_task(wait_long, NULL, .name = "mine");
    things.handle = coil_call_later(5, note_call, &called);
    coil_timeout_begin(&things.timeout, 1000);
    coil_group_begin(&things.group);
    coil_sleep(0);
    pthread_create(&thread, NULL, use_from_here, &things);
    pthread_join(thread, NULL);
    int rc = coil_group_end(&things.group, coil_sleep(10));
    ck_assert_int_eq(coil_timeout_end(&things.timeout, rc), 0);
    ck_assert(called);
    ck_assert(!coil_done(things.future));
    ck_assert_str_eq(coil_task_name(things.task), "mine");
    coil_unref(things.future);
    return cancel_properly(things.task);
}

START_TEST(what_another_thread_asks_for_is_refused)
    {
        ck_assert_int_eq(run_virtual(have_it_all_used_elsewhere, NULL), 0);
        ck_assert_uint_eq(count_reports(0), REFUSED_CALLS);
        ck_assert_uint_eq(count_reports(COIL_REPORT_WRONG_THREAD), REFUSED_CALLS);
    }
END_TEST

static void *close_from_here(void *loop)
{
    ck_assert_int_eq(coil_loop_close(loop), -EPERM);
    return NULL;
}

START_TEST(another_thread_cannot_close_the_loop)
    {
        coil_loop *loop = coil_loop_new(.debug = true);
        pthread_t thread;

        pthread_create(&thread, NULL, close_from_here, loop);
        pthread_join(thread, NULL);
        ck_assert_int_eq(coil_loop_close(loop), 0);
    }
END_TEST

/* ---- deadlocks ------------------------------------------------------------------------------------------------------- */

static int await_it(void *arg)
{
    return coil_await(arg);
}

static int deadlock(void *arg)
{
    coil_future *future = coil_future_new();

    (void)arg;
    int rc = coil_join(coil_create_task(await_it, future, .name = "stuck"));
    coil_unref(future);
    return rc;
}

START_TEST(the_watchdog_is_no_thread_that_could_wake_anybody)
    {
        if (CI_WITH_TSAN) {
            return; /* it has a thread of its own, of which coil cannot know that it wakes nobody */
        }
        ck_assert_int_eq(run_virtual(deadlock, NULL), -EDEADLK);
        only_reports_of(COIL_REPORT_DEADLOCK);
        ck_assert_uint_eq(count_reports(0), 2);
        ck_assert_str_eq(report_of(COIL_REPORT_DEADLOCK, 1)->task_name, "stuck");
        must_begin_with(report_of(COIL_REPORT_DEADLOCK, 1)->created_by, "deadlock");
    }
END_TEST

static coil_future *awaited;
static coil_loop *loop;

static void complete(void *arg)
{
    coil_future_set_result(arg, 0);
}

static void *complete_it_once_suspected(void *arg)
{
    while (count_reports(COIL_REPORT_DEADLOCK_SUSPECTED) < 1) {
        usleep(1000);
    }
    coil_call_soon_threadsafe(loop, complete, awaited);
    return arg;
}

static int await_another_thread(void *arg)
{
    pthread_t thread;

    (void)arg;
    loop = coil_get_running_loop();
    awaited = coil_future_new();
    pthread_create(&thread, NULL, complete_it_once_suspected, NULL);
    int rc = coil_join(awaited);
    pthread_join(thread, NULL);
    return rc;
}

START_TEST(with_another_thread_a_deadlock_is_only_suspected_and_the_loop_waits_on)
    {
        ck_assert_int_eq(run_virtual(await_another_thread, NULL), 0);
        only_reports_of(COIL_REPORT_DEADLOCK_SUSPECTED);
        const struct kept *report = report_of(COIL_REPORT_DEADLOCK_SUSPECTED, 0);
        ck_assert_str_eq(report->task_name, "Task-1");
        ck_assert_ptr_nonnull(strstr(report->detail, "waits for a Future made by await_another_thread at "));
    }
END_TEST

Suite *threads_suite(void)
{
    Suite *suite = suite_create("threads");
    TCase *tcase = tcase_create("threads");

    tcase_add_test(tcase, a_call_from_the_wrong_thread_is_reported_there_with_its_backtrace);
    tcase_add_test(tcase, another_loops_coroutine_is_the_wrong_thread_too);
    tcase_add_test(tcase, a_handler_that_was_replaced_is_not_running_any_more);
    tcase_add_test(tcase, setting_one_does_not_race_with_the_watchdog);
    tcase_add_test(tcase, one_that_sets_another_does_not_wait_for_itself);
    tcase_add_test(tcase, what_another_thread_asks_for_is_refused);
    tcase_add_test(tcase, another_thread_cannot_close_the_loop);
    tcase_add_test(tcase, the_watchdog_is_no_thread_that_could_wake_anybody);
    tcase_add_test(tcase, with_another_thread_a_deadlock_is_only_suspected_and_the_loop_waits_on);
    suite_add_tcase(suite, tcase);
    return suite;
}
