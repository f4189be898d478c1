/* What runs for too long is reported when it is over, exactly by the loop's clock, with who made it. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "collect.h"
#include "suites.h"

static int work(void *arg)
{
    coil_clock_advance(*(double *)arg);
    return 0;
}

/* Makes a task that works for so long, and awaits it. Returns the line of its creation. */
__attribute__((noinline)) static int let_it_work(double seconds)
{
    coil_join(coil_create_task(work, &seconds, .name = "worker"));
    return __LINE__ - 1;
}

static int work_for_a_quarter(void *arg)
{
    *(int *)arg = let_it_work(0.25);
    return 0;
}

START_TEST(a_slow_task_is_reported_with_its_name_its_time_and_where_it_was_made)
    {
        int line;

        ck_assert_int_eq(run_virtual(work_for_a_quarter, &line), 0);
        only_reports_of(COIL_REPORT_SLOW_CALLBACK);
        ck_assert_uint_eq(count_reports(0), 1);
        const struct kept *report = report_of(COIL_REPORT_SLOW_CALLBACK, 0);
        ck_assert_double_eq(report->seconds, 0.25);
        ck_assert_str_eq(report->message, "executing the task 'worker' took 0.250 seconds");
        ck_assert_str_eq(report->task_name, "worker");
        ck_assert_str_eq(report->created.function, "let_it_work");
        ck_assert_int_eq(report->created.line, line);
        ck_assert_ptr_nonnull(strstr(report->created.file, "test_slow.c"));
        ck_assert(report->from_loop);
    }
END_TEST

START_TEST(its_backtrace_begins_with_who_made_it)
    {
        int line;

        run_virtual(work_for_a_quarter, &line);
        must_begin_with(report_of(COIL_REPORT_SLOW_CALLBACK, 0)->created_by, "let_it_work work_for_a_quarter");
    }
END_TEST

static int work_around_the_limit(void *arg)
{
    (void)arg;
    let_it_work(0.099999999);
    let_it_work(0.1);
    return 0;
}

START_TEST(the_limit_itself_is_slow_and_a_nanosecond_less_is_not)
    {
        run_virtual(work_around_the_limit, NULL);
        ck_assert_uint_eq(count_reports(0), 1);
        ck_assert_double_eq(report_of(COIL_REPORT_SLOW_CALLBACK, 0)->seconds, 0.1);
    }
END_TEST

static int work_long(void *arg)
{
    (void)arg;
    keep_reports();
    let_it_work(3600);
    return 0;
}

START_TEST(with_an_infinite_limit_nothing_is_slow)
    {
        ck_assert_int_eq(
            coil_run(work_long, NULL, .debug = true, .clock = COIL_CLOCK_VIRTUAL, .slow_callback_duration = INFINITY),
            0);
        ck_assert_uint_eq(count_reports(0), 0);
    }
END_TEST

static int work_in_steps(void *arg)
{
    (void)arg;
    for (int i = 0; i < 10; i++) {
        coil_clock_advance(0.09);
        coil_sleep(0);
    }
    return 0;
}

START_TEST(each_step_counts_for_itself)
    {
        run_virtual(work_in_steps, NULL);
        only_reports_of(0);
    }
END_TEST

static void callback_that_works(void *arg)
{
    coil_clock_advance(*(double *)arg);
}

static double half = 0.5;

static int call_it(void *arg)
{
    coil_call_soon(callback_that_works, &half);
    *(int *)arg = __LINE__ - 1;
    coil_sleep(0);
    coil_sleep(0);
    return 0;
}

START_TEST(a_slow_callback_is_named_with_where_it_was_asked_for)
    {
        int line;

        run_virtual(call_it, &line);
        const struct kept *report = report_of(COIL_REPORT_SLOW_CALLBACK, 0);
        ck_assert_uint_eq(count_reports(0), 1);
        ck_assert_double_eq(report->seconds, 0.5);
        ck_assert_str_eq(report->task_name, "");
        ck_assert_str_eq(report->created.function, "call_it");
        ck_assert_int_eq(report->created.line, line);
        if (HAVE_NAMES) {
            ck_assert_str_eq(report->message, "executing a callback, callback_that_works, took 0.500 seconds");
        }
    }
END_TEST

static void done_callback_that_works(coil_future *future, void *arg)
{
    (void)future;
    coil_clock_advance(*(double *)arg);
}

static int have_it_called_when_done(void *arg)
{
    (void)arg;
    coil_future *future = coil_future_new();
    coil_add_done_callback(future, done_callback_that_works, &half);
    coil_future_set_result(future, 0);
    coil_unref(future);
    coil_sleep(0);
    return coil_sleep(0);
}

START_TEST(a_slow_done_callback_is_named)
    {
        run_virtual(have_it_called_when_done, NULL);
        ck_assert_uint_eq(count_reports(0), 1);
        if (HAVE_NAMES) {
            ck_assert_str_eq(report_of(COIL_REPORT_SLOW_CALLBACK, 0)->message,
                             "executing a callback, done_callback_that_works, took 0.500 seconds");
        }
    }
END_TEST

static int work_and_fail(void *arg)
{
    (void)arg;
    coil_clock_advance(1);
    return -EIO;
}

static int forget_it(void *arg)
{
    (void)arg;
    coil_unref(coil_create_task(work_and_fail, NULL, .name = "forgotten"));
    coil_sleep(0);
    return coil_sleep(0);
}

START_TEST(a_task_that_is_gone_after_its_slow_step_is_reported_first_as_slow_and_then_as_lost)
    {
        run_virtual(forget_it, NULL);
        ck_assert_uint_eq(count_reports(0), 2);
        const struct kept *slow = report_of(COIL_REPORT_SLOW_CALLBACK, 0);
        const struct kept *lost = report_of(COIL_REPORT_NEVER_RETRIEVED, 0);
        ck_assert(slow < lost);
        ck_assert_str_eq(slow->task_name, "forgotten");
        ck_assert_str_eq(lost->task_name, "forgotten");
        ck_assert_int_eq(lost->error, -EIO);
        must_have(lost->created_by, "forget_it");
    }
END_TEST

static int start_it_eagerly(void *arg)
{
    (void)arg;
    return coil_join(coil_create_task(work, &half, .name = "eager", .eager_start = true));
}

START_TEST(an_eager_task_is_a_part_of_its_creators_step)
    {
        run_virtual(start_it_eagerly, NULL);
        ck_assert_uint_eq(count_reports(0), 1);
        ck_assert_str_eq(report_of(COIL_REPORT_SLOW_CALLBACK, 0)->task_name, "Task-1");
    }
END_TEST

static int work_twice(void *arg)
{
    let_it_work(*(double *)arg);
    let_it_work(*(double *)arg);
    return 0;
}

START_TEST(without_debug_mode_nothing_is_reported)
    {
        ck_assert_int_eq(coil_run(work_twice, &half, .clock = COIL_CLOCK_VIRTUAL), 0);
        ck_assert_uint_eq(count_reports(0), 0);
    }
END_TEST

Suite *slow_suite(void)
{
    Suite *suite = suite_create("slow");
    TCase *tcase = tcase_create("slow");

    tcase_add_test(tcase, a_slow_task_is_reported_with_its_name_its_time_and_where_it_was_made);
    tcase_add_test(tcase, its_backtrace_begins_with_who_made_it);
    tcase_add_test(tcase, the_limit_itself_is_slow_and_a_nanosecond_less_is_not);
    tcase_add_test(tcase, with_an_infinite_limit_nothing_is_slow);
    tcase_add_test(tcase, each_step_counts_for_itself);
    tcase_add_test(tcase, a_slow_callback_is_named_with_where_it_was_asked_for);
    tcase_add_test(tcase, a_slow_done_callback_is_named);
    tcase_add_test(tcase, a_task_that_is_gone_after_its_slow_step_is_reported_first_as_slow_and_then_as_lost);
    tcase_add_test(tcase, an_eager_task_is_a_part_of_its_creators_step);
    tcase_add_test(tcase, without_debug_mode_nothing_is_reported);
    suite_add_tcase(suite, tcase);
    return suite;
}
