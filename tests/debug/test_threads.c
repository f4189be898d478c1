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
    coil_cancel(arg);
    return NULL;
}

static int have_it_cancelled_elsewhere(void *arg)
{
    pthread_t thread;
    coil_task *task = coil_create_task(wait_long, NULL);

    (void)arg;
    coil_sleep(0);
    pthread_create(&thread, NULL, cancel_from_here, task);
    pthread_join(thread, NULL);
    return coil_join(task) == -ECANCELED ? 0 : -EINVAL;
}

START_TEST(a_call_from_the_wrong_thread_is_reported_there_with_its_backtrace)
    {
        run_virtual(have_it_cancelled_elsewhere, NULL);
        ck_assert_uint_eq(count_reports(0), 1);
        const struct kept *report = report_of(COIL_REPORT_WRONG_THREAD, 0);
        must_begin_with(report->called_by, "cancel_from_here");
        ck_assert_str_eq(report->message, "wrong thread: coil_cancel from a thread that is not the loop's own");
        ck_assert(!report->from_loop);
    }
END_TEST

static int cancel_from_a_coroutine(void *arg)
{
    coil_cancel(arg);
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
    return coil_join(task) == -ECANCELED ? 0 : -EINVAL;
}

START_TEST(another_loops_coroutine_is_the_wrong_thread_too)
    {
        run_virtual(have_it_cancelled_by_another_loop, NULL);
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
    tcase_add_test(tcase, the_watchdog_is_no_thread_that_could_wake_anybody);
    tcase_add_test(tcase, with_another_thread_a_deadlock_is_only_suspected_and_the_loop_waits_on);
    suite_add_tcase(suite, tcase);
    return suite;
}
