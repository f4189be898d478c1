/* Cancelling who waits for a function in a thread: not begun, running, returned. */
#include "gate.h"
#include "suites.h"

static struct gate gate;
static atomic_int calls;

static int count_call(void *unused)
{
    (void)unused;
    return atomic_fetch_add(&calls, 1);
}

static int count_in_thread(void *unused)
{
    (void)unused;
    int rc = coil_to_thread(count_call, NULL);
    say_rc(rc);
    return rc;
}

/* One thread alone, which waits at the gate. */
static coil_task *occupy(void)
{
    gate_init(&gate);
    ck_assert_int_eq(coil_loop_set_default_executor(coil_get_running_loop(), .max_workers = 1), 0);
    coil_task *task = spawn(pass_gate_in_thread, &gate);
    await_entered(&gate, 1);
    return task;
}

TASK_TEST(a_function_that_was_not_begun_is_dropped_at_once)
{
    coil_task *first = occupy();
    coil_task *second = spawn(count_in_thread, NULL);

    let_pass(1);
    trigger(NULL);
    ck_assert_int_eq(coil_cancel(second), 1);
    ck_assert_int_eq(coil_join(second), -ECANCELED);
    ck_assert_int_eq(hops(), 2); /* it was told in the 1st */
    gate_open(&gate, 1);
    ck_assert_int_eq(coil_join(first), 0);
    ck_assert_int_eq(calls, 0);
    assert_said("ECANCELED ");
    return 0;
}

TASK_TEST(one_in_the_middle_of_the_line_leaves_the_others_in_order)
{
    coil_task *first = occupy();
    coil_task *tasks[3];

    for (int i = 0; i < 3; i++) {
        tasks[i] = spawn(count_in_thread, NULL);
    }
    let_pass(1);
    coil_cancel(tasks[1]);
    gate_open(&gate, 1);
    ck_assert_int_eq(coil_join(first), 0);
    ck_assert_int_eq(coil_join(tasks[0]), 0);
    ck_assert_int_eq(coil_join(tasks[1]), -ECANCELED);
    ck_assert_int_eq(coil_join(tasks[2]), 1);
    assert_said("ECANCELED ok ok ");
    return 0;
}

TASK_TEST(one_that_runs_is_waited_for_and_its_result_is_lost)
{
    coil_task *task = occupy();

    ck_assert_int_eq(coil_cancel(task), 1);
    ck_assert_int_eq(coil_cancel(task), 1);
    let_pass(5);
    ck_assert(!coil_done(task));
    gate_open(&gate, 1);
    ck_assert_int_eq(coil_join(task), -ECANCELED);
    ck_assert_int_eq(gate.left, 1);
    return 0;
}

static void open_and_wait_for_the_end(void)
{
    gate_open(&gate, 1);
    while (atomic_load_explicit(&coil_get_running_loop()->remote, memory_order_acquire) == NULL) {
        usleep(100);
    }
}

TASK_TEST(one_whose_end_has_not_arrived_yet_counts_as_running)
{
    coil_task *task = occupy();

    open_and_wait_for_the_end();
    coil_cancel(task);
    ck_assert_int_eq(coil_join(task), -ECANCELED);
    return 0;
}

static void cancel_it(void *task)
{
    ck_assert_int_eq(ci_container_of(ci_task_of(task)->wait, struct ci_thread_call, wait)->job.state, CI_JOB_RETURNED);
    trigger(NULL);
    ck_assert_int_eq(coil_cancel(task), 1);
}

/* The callback stands in the ready queue before the end, which arrives in the same iteration. */
TASK_TEST(one_whose_end_is_about_to_be_told_is_cancelled_at_once)
{
    coil_task *task = occupy();

    coil_call_soon(cancel_it, task);
    open_and_wait_for_the_end();
    ck_assert_int_eq(coil_join(task), -ECANCELED);
    ck_assert_int_eq(hops(), 2);
    return 0;
}

static int cancel_oneself_and_call(void *unused)
{
    (void)unused;
    coil_cancel(coil_current_task());
    return count_in_thread(NULL);
}

TASK_TEST(who_is_to_be_cancelled_does_not_begin)
{
    ck_assert_int_eq(coil_join(spawn(cancel_oneself_and_call, NULL)), -ECANCELED);
    ck_assert_int_eq(calls, 0);
    assert_said("ECANCELED ");
    return 0;
}

static void open_gate(void *unused)
{
    (void)unused;
    gate_open(&gate, 1);
}

static int time_out(void *unused)
{
    (void)unused;
    gate_init(&gate);
    int rc = coil_wait_for_coroutine(pass_gate_in_thread, &gate, 0.01);
    ck_assert_int_eq(gate.left, 1);
    return rc;
}

static int time_out_with_help(void *unused)
{
    coil_call_later(0.05, open_gate, NULL);
    return time_out(unused);
}

START_TEST(a_timeout_comes_true_when_the_function_has_ended)
    {
        ck_assert_int_eq(coil_run(time_out_with_help, NULL), -ETIMEDOUT);
    }
END_TEST

/* As a room may want it that waits for the kernel in a thread: what was begun is not lost. */
struct kept_call {
    struct ci_thread_call call;
    int done;
};

static void pass_the_gate(struct ci_job *job)
{
    ci_container_of(job, struct kept_call, call.job)->done = 1 + pass_gate(&gate);
}

static int call_and_keep(void *unused)
{
    struct kept_call kept = {.call = {.job = {.run = pass_the_gate, .what = "the gate"}}};

    (void)unused;
    ck_assert_int_eq(ci_thread_call(pool(), ci_task_running(), &kept.call, true), 0);
    ck_assert_int_eq(kept.done, 1);
    return coil_sleep(0);
}

TASK_TEST(with_keeps_result_the_cancellation_waits_for_the_next_await)
{
    gate_init(&gate);
    coil_task *task = spawn(call_and_keep, NULL);

    await_entered(&gate, 1);
    coil_cancel(task);
    gate_open(&gate, 1);
    ck_assert_int_eq(coil_join(task), -ECANCELED);
    return 0;
}

Suite *to_thread_cancel_suite(void)
{
    Suite *suite = suite_create("to_thread_cancel");
    TCase *tests = tcase_create("to_thread_cancel");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_function_that_was_not_begun_is_dropped_at_once);
    tcase_add_test(tests, one_in_the_middle_of_the_line_leaves_the_others_in_order);
    tcase_add_test(tests, one_that_runs_is_waited_for_and_its_result_is_lost);
    tcase_add_test(tests, one_whose_end_has_not_arrived_yet_counts_as_running);
    tcase_add_test(tests, one_whose_end_is_about_to_be_told_is_cancelled_at_once);
    tcase_add_test(tests, who_is_to_be_cancelled_does_not_begin);
    tcase_add_test(tests, a_timeout_comes_true_when_the_function_has_ended);
    tcase_add_test(tests, with_keeps_result_the_cancellation_waits_for_the_next_await);
    suite_add_tcase(suite, tests);
    return suite;
}
