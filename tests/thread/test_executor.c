/* The default executor's options and its end, alone and at the end of coil_run. */
#include "gate.h"
#include "suites.h"

static struct gate gate;

static coil_loop *loop(void)
{
    return coil_get_running_loop();
}

TASK_TEST(after_the_shutdown_nothing_is_taken)
{
    ck_assert_int_eq(coil_to_thread(return_at_once, NULL), 0);
    ck_assert_int_eq(coil_loop_shutdown_default_executor(loop(), INFINITY), 0);
    ck_assert_int_eq(atomic_load(&ci_sys_own_threads), CI_WITH_TSAN);
    ck_assert_int_eq(coil_to_thread(return_at_once, NULL), -ESHUTDOWN);
    ck_assert_int_eq(coil_loop_set_default_executor(loop(), .max_workers = 1), -ESHUTDOWN);
    ck_assert_int_eq(coil_loop_shutdown_default_executor(loop(), 0), 0);
    return 0;
}

TASK_TEST(a_shutdown_without_an_executor_counts_too)
{
    ck_assert_int_eq(coil_loop_shutdown_default_executor(loop(), 1), 0);
    ck_assert_int_eq(coil_to_thread(return_at_once, NULL), -ESHUTDOWN);
    return 0;
}

static int shut_down(void *unused)
{
    (void)unused;
    int rc = coil_loop_shutdown_default_executor(loop(), INFINITY);
    say_rc(rc);
    return rc;
}

TASK_TEST(a_shutdown_waits_for_what_was_asked_for_before)
{
    coil_task *tasks[3];

    gate_init(&gate);
    coil_loop_set_default_executor(loop(), .max_workers = 1);
    for (int i = 0; i < 3; i++) {
        tasks[i] = spawn(pass_gate_in_thread, &gate);
    }
    await_entered(&gate, 1);
    coil_task *one = spawn(shut_down, NULL);
    coil_task *two = spawn(shut_down, NULL);
    coil_task *three = spawn(shut_down, NULL);
    let_pass(2);
    coil_cancel(three);
    ck_assert_int_eq(coil_join(three), -ECANCELED);
    assert_said("ECANCELED ");
    gate_open(&gate, 3);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(coil_join(tasks[i]), i);
    }
    ck_assert_int_eq(coil_join(one), 0);
    ck_assert_int_eq(coil_join(two), 0);
    assert_said("ok ok ");
    return 0;
}

static void must_name(const struct heard *report, const char *what, const char *task)
{
    ck_assert_str_eq(report->message, "the executor is to end, but a function still runs in one of its threads");
    ck_assert_int_eq(strncmp(report->detail, what, strlen(what)), 0);
    ck_assert_str_eq(report->task, task);
    ck_assert_str_eq(report->function, "pass_gate_in_thread");
}

static int shut_down_in_vain(void *unused)
{
    (void)unused;
    gate_init(&gate);
    coil_loop_set_default_executor(loop(), .max_workers = 2);
    coil_task *tasks[3];
    for (int i = 0; i < 3; i++) {
        tasks[i] = coil_create_task(pass_gate_in_thread, &gate, .name = i == 0 ? "first" : "other");
        await_entered(&gate, i < 2 ? i + 1 : 2);
    }
    let_pass(1);
    ck_assert_int_eq(coil_loop_shutdown_default_executor(loop(), 0.01), -ETIMEDOUT);
    must_name(take_report(COIL_REPORT_THREAD_RUNNING), "pass_gate in the thread coil-pool-0, for 0.", "first");
    must_name(take_report(COIL_REPORT_THREAD_RUNNING), "pass_gate in the thread coil-pool-1, for 0.", "other");
    assert_no_reports();
    ck_assert_int_eq(coil_loop_shutdown_default_executor(loop(), 0), -ETIMEDOUT);
    (void)take_report(COIL_REPORT_THREAD_RUNNING);
    (void)take_report(COIL_REPORT_THREAD_RUNNING);
    gate_open(&gate, 3);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_ge(coil_join(tasks[i]), 0);
    }
    return 0;
}

START_TEST(when_the_time_is_over_what_still_runs_is_named)
    {
        run_fn = shut_down_in_vain;
        ck_assert_int_eq(coil_run(run_listening, NULL), 0);
    }
END_TEST

/* ---- the end of coil_run --------------------------------------------------------------------------------------------- */

static void hear_and_open(coil_loop *of, const struct coil_report *report, void *userdata)
{
    hear(of, report, userdata);
    gate_open(&gate, 1);
}

static int leave_it_running(void *unused)
{
    (void)unused;
    coil_loop_set_exception_handler(loop(), hear_and_open, NULL);
    coil_unref(coil_create_task(pass_gate_in_thread, &gate, .name = "left"));
    await_entered(&gate, 1);
    return 3;
}

START_TEST(run_says_what_holds_up_its_end_and_waits_for_it)
    {
        gate_init(&gate);
        ck_assert_int_eq(coil_run(leave_it_running, NULL, .shutdown_timeout = 0.01), 3);
        ck_assert_int_eq(gate.left, 1);
        must_name(take_report(COIL_REPORT_THREAD_RUNNING), "pass_gate in the thread coil-pool-0, for 0.", "left");
    }
END_TEST

START_TEST(with_a_negative_time_it_says_so_at_once)
    {
        gate_init(&gate);
        ck_assert_int_eq(coil_run(leave_it_running, NULL, .shutdown_timeout = -1), 3);
        (void)take_report(COIL_REPORT_THREAD_RUNNING);
    }
END_TEST

static int let_it_end(void *unused)
{
    (void)unused;
    usleep(10000);
    gate_open(&gate, 1);
    return 0;
}

static void *let_it_end_from_a_thread(void *arg)
{
    let_it_end(arg);
    return NULL;
}

static pthread_t opener;

static int leave_it_running_for_a_moment(void *unused)
{
    coil_loop_set_exception_handler(loop(), hear, NULL);
    coil_unref(spawn(pass_gate_in_thread, &gate));
    await_entered(&gate, 1);
    ck_assert_int_eq(pthread_create(&opener, NULL, let_it_end_from_a_thread, unused), 0);
    return 3;
}

START_TEST(what_ends_in_time_is_not_reported)
    {
        for (int i = 0; i < 2; i++) {
            gate_init(&gate);
            ck_assert_int_eq(
                coil_run(leave_it_running_for_a_moment, NULL, .shutdown_timeout = i == 0 ? 0 : (double)INFINITY), 3);
            ck_assert_int_eq(pthread_join(opener, NULL), 0);
        }
    }
END_TEST

/* ---- misuse ---------------------------------------------------------------------------------------------------------- */

TASK_TEST(options_that_make_no_sense_are_refused)
{
    coil_loop *other = coil_loop_new();

    ck_assert_int_eq(coil_loop_set_default_executor(loop(), .idle_time = NAN), -EINVAL);
    ck_assert_int_eq(coil_loop_set_default_executor(NULL), -EINVAL);
    ck_assert_int_eq(coil_loop_set_default_executor_with(NULL), -EINVAL);
    ck_assert_int_eq(coil_loop_shutdown_default_executor(loop(), NAN), -EINVAL);
    ck_assert_int_eq(coil_loop_shutdown_default_executor(NULL, 1), -EINVAL);
    ck_assert_int_eq(coil_loop_shutdown_default_executor(other, 1), -EINVAL);
    ck_assert_int_eq(coil_loop_close(other), 0);
    return 0;
}

START_TEST(a_shutdown_needs_a_task)
    {
        coil_loop *other = coil_loop_new();

        ck_assert_int_eq(coil_loop_shutdown_default_executor(other, 1), -EPERM);
        ck_assert_int_eq(coil_loop_set_default_executor(other, .max_workers = 2), 0);
        ck_assert_int_eq(coil_loop_close(other), 0);
        ck_assert_int_eq(coil_run(give, NULL, .shutdown_timeout = NAN), -EINVAL);
    }
END_TEST

Suite *executor_suite(void)
{
    Suite *suite = suite_create("executor");
    TCase *tests = tcase_create("executor");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, after_the_shutdown_nothing_is_taken);
    tcase_add_test(tests, a_shutdown_without_an_executor_counts_too);
    tcase_add_test(tests, a_shutdown_waits_for_what_was_asked_for_before);
    tcase_add_test(tests, when_the_time_is_over_what_still_runs_is_named);
    tcase_add_test(tests, run_says_what_holds_up_its_end_and_waits_for_it);
    tcase_add_test(tests, with_a_negative_time_it_says_so_at_once);
    tcase_add_test(tests, what_ends_in_time_is_not_reported);
    tcase_add_test(tests, options_that_make_no_sense_are_refused);
    tcase_add_test(tests, a_shutdown_needs_a_task);
    suite_add_tcase(suite, tests);
    return suite;
}
