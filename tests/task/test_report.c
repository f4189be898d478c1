/* Reports: which there are without debug mode, what they carry, and who gets them. */
#include <unistd.h>

#include "harness.h"
#include "suites.h"

static int fail_named(void *unused)
{
    (void)unused;
    return -EIO;
}

/* ---- never retrieved ------------------------------------------------------------------------------------------------- */

static int lose_error(void *unused)
{
    (void)unused;
    coil_unref(coil_create_task(fail_named, NULL, .name = "lost"));
    coil_sleep(1);
    return 0;
}

START_TEST(an_error_of_a_task_that_nobody_looked_at_is_reported)
    {
        ck_assert_int_eq(run(lose_error), 0);
        const struct heard *report = take_report(COIL_REPORT_NEVER_RETRIEVED);
        ck_assert_int_eq(report->error, -EIO);
        ck_assert_str_eq(report->task, "lost");
        ck_assert_str_eq(report->function, "lose_error");
        ck_assert_str_ne(report->message, "");
    }
END_TEST

static int lose_error_with_a_handle(void *unused)
{
    coil_task *task = coil_create_task(fail_named, NULL, .name = "lost");

    (void)unused;
    coil_sleep(1);
    assert_no_reports(); /* somebody may still look */
    coil_unref(task);
    take_report(COIL_REPORT_NEVER_RETRIEVED);
    return 0;
}

START_TEST(the_report_comes_with_the_last_reference)
    {
        ck_assert_int_eq(run(lose_error_with_a_handle), 0);
    }
END_TEST

static int lose_on_the_way_out(void *unused)
{
    (void)unused;
    coil_unref(coil_create_task(fail_named, NULL, .name = "late")); /* fails in the iteration in which the run stops */
    return 0;
}

START_TEST(an_error_in_the_last_iteration_is_reported_too)
    {
        ck_assert_int_eq(run(lose_on_the_way_out), 0);
        ck_assert_str_eq(take_report(COIL_REPORT_NEVER_RETRIEVED)->task, "late");
    }
END_TEST

TASK_TEST(results_and_cancellations_are_not_reported)
{
    coil_unref(spawn(give, &(int){5}));
    coil_unref(spawn(give, &(int){-ECANCELED}));
    coil_task *task = spawn(hang, NULL);
    coil_sleep(1);
    coil_cancel(task);
    coil_unref(task);
    coil_sleep(1);
    return 0;
}

static int error_of_main(void *unused)
{
    (void)unused;
    return -EIO;
}

START_TEST(mains_error_is_the_runs_result_and_no_report)
    {
        ck_assert_int_eq(run(error_of_main), -EIO);
    }
END_TEST

/* ---- destroyed while pending ----------------------------------------------------------------------------------------- */

static void stop(void *loop)
{
    coil_loop_stop(loop);
}

START_TEST(tasks_that_the_closing_loop_leaves_waiting_are_reported)
    {
        coil_loop *loop = coil_loop_new();
        const struct coil_task_options named = {.size = sizeof(named), .name = "waiting"};
        const struct coil_task_options later = {.size = sizeof(later), .name = "never began"};

        coil_loop_set_exception_handler(loop, hear, NULL);
        coil_unref(coil_loop_create_task(loop, hang, &named));
        ck_assert_ptr_nonnull(coil_call_soon_threadsafe(loop, stop, loop));
        ck_assert_int_eq(coil_loop_run_forever(loop), 0);
        coil_unref(coil_loop_create_task(loop, hang, &later));
        ck_assert_int_eq(coil_loop_close(loop), 0);
        ck_assert_str_eq(take_report(COIL_REPORT_DESTROYED_PENDING)->task, "waiting");
        ck_assert_str_eq(take_report(COIL_REPORT_DESTROYED_PENDING)->task, "never began");
    }
END_TEST

/* ---- the handler ----------------------------------------------------------------------------------------------------- */

static int told_a;
static int told_b;

static void count(coil_loop *loop, const struct coil_report *report, void *userdata)
{
    ck_assert_ptr_eq(loop, coil_get_running_loop());
    ck_assert_uint_eq(report->size, sizeof(*report));
    ck_assert_ptr_nonnull(report->message);
    ++*(int *)userdata;
}

static void fail_once(void)
{
    coil_unref(spawn(fail_named, NULL));
    let_pass(3);
}

TASK_TEST(the_handler_can_be_replaced_at_any_time)
{
    coil_loop *loop = coil_get_running_loop();

    coil_loop_set_exception_handler(loop, count, &told_a);
    fail_once();
    fail_once();
    coil_loop_set_exception_handler(loop, count, &told_b);
    fail_once();
    coil_loop_set_exception_handler(loop, hear, NULL);
    fail_once();
    ck_assert_int_eq(told_a, 2);
    ck_assert_int_eq(told_b, 1);
    take_report(COIL_REPORT_NEVER_RETRIEVED);
    return 0;
}

static int report_to_stderr(void *unused)
{
    (void)unused;
    coil_loop_set_exception_handler(coil_get_running_loop(), NULL, NULL);
    coil_unref(coil_create_task(fail_named, NULL, .name = "printed task"));
    coil_sleep(1);
    coil_loop_call_exception_handler(coil_get_running_loop(), "a message from a callback", -EPIPE);
    return 0;
}

START_TEST(without_a_handler_reports_are_printed)
    {
        int ends[2];
        char text[4096] = "";
        int saved = dup(STDERR_FILENO);

        ck_assert_int_eq(pipe(ends), 0);
        ck_assert_int_ge(dup2(ends[1], STDERR_FILENO), 0);
        ck_assert_int_eq(run(report_to_stderr), 0);
        ck_assert_int_ge(dup2(saved, STDERR_FILENO), 0);
        ck_assert_int_gt(read(ends[0], text, sizeof(text) - 1), 0);
        ck_assert_ptr_nonnull(strstr(text, "printed task"));
        ck_assert_ptr_nonnull(strstr(text, "a message from a callback"));
        close(ends[0]);
        close(ends[1]);
        close(saved);
    }
END_TEST

static void use_the_loop(coil_loop *loop, const struct coil_report *report, void *userdata)
{
    hear(loop, report, userdata);
    if (report->kind == COIL_REPORT_NEVER_RETRIEVED && ++told_a < 3) {
        /* A handler is code like any other: it makes things, and lets others go. */
        coil_unref(coil_create_task(fail_named, NULL, .eager_start = told_a == 1));
        coil_future *future = coil_future_new();
        coil_unref(coil_gather(&future, 1));
        coil_unref(future);
        coil_call_soon(say, "!");
    }
}

static int report_in_report(void *unused)
{
    (void)unused;
    coil_loop_set_exception_handler(coil_get_running_loop(), use_the_loop, NULL);
    fail_once();
    let_pass(5);
    return 0;
}

START_TEST(a_handler_may_use_the_loop)
    {
        ck_assert_int_eq(run(report_in_report), 0);
        for (int i = 0; i < 3; i++) {
            take_report(COIL_REPORT_NEVER_RETRIEVED);
        }
        assert_said("!!");
        told_a = 0;
        run_fn = report_in_report;
        ck_assert_int_eq(coil_run(run_listening, NULL), 0); /* where tasks switch without the loop */
        for (int i = 0; i < 3; i++) {
            take_report(COIL_REPORT_NEVER_RETRIEVED);
        }
        assert_said("!!");
    }
END_TEST

static void await_in_handler(coil_loop *loop, const struct coil_report *report, void *userdata)
{
    hear(loop, report, userdata);
    ck_assert_int_eq(coil_sleep(0), -EPERM);
    ck_assert_ptr_null(coil_current_task());
}

static int end_quietly(void *unused)
{
    (void)unused;
    return 0;
}

static int await_in_report(void *unused)
{
    (void)unused;
    coil_loop_set_exception_handler(coil_get_running_loop(), await_in_handler, NULL);
    coil_unref(spawn(fail_named, NULL));
    coil_unref(spawn(end_quietly, NULL)); /* which buries the one before, on its own stack */
    let_pass(3);
    return 0;
}

START_TEST(a_handler_of_a_dead_tasks_report_runs_in_no_task)
    {
        run_fn = await_in_report;
        ck_assert_int_eq(coil_run(run_listening, NULL), 0);
        take_report(COIL_REPORT_NEVER_RETRIEVED);
        ck_assert_int_eq(run(await_in_report), 0);
        take_report(COIL_REPORT_NEVER_RETRIEVED);
    }
END_TEST

Suite *report_suite(void)
{
    Suite *suite = suite_create("report");
    TCase *tc = tcase_create("report");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, an_error_of_a_task_that_nobody_looked_at_is_reported);
    tcase_add_test(tc, the_report_comes_with_the_last_reference);
    tcase_add_test(tc, an_error_in_the_last_iteration_is_reported_too);
    tcase_add_test(tc, results_and_cancellations_are_not_reported);
    tcase_add_test(tc, mains_error_is_the_runs_result_and_no_report);
    tcase_add_test(tc, tasks_that_the_closing_loop_leaves_waiting_are_reported);
    tcase_add_test(tc, the_handler_can_be_replaced_at_any_time);
    tcase_add_test(tc, without_a_handler_reports_are_printed);
    tcase_add_test(tc, a_handler_may_use_the_loop);
    tcase_add_test(tc, a_handler_of_a_dead_tasks_report_runs_in_no_task);
    suite_add_tcase(suite, tc);
    return suite;
}
