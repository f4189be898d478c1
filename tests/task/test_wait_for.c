/* wait_for: a future or a coroutine under a limit of time. The numbers of iterations are CPython 3.14's. */
#include "harness.h"
#include "suites.h"
#include "sys/fault.h"

/* ---- in time --------------------------------------------------------------------------------------------------------- */

TASK_TEST(a_task_that_ends_in_time_gives_its_result_one_iteration_later)
{
    static int results[] = {0, 9, -EIO};

    for (int i = 0; i < 3; i++) {
        coil_task *task = spawn(trigger_and_give, &results[i]);
        ck_assert_int_eq(coil_wait_for(task, 1), results[i]);
        ck_assert_int_eq(hops(), 1);
        ck_assert_int_eq(coil_join(task), results[i]);
    }
    ck_assert_double_eq(coil_time(), 0);
    ck_assert_int_eq(coil_sleep(10), 0);
    return 0;
}

TASK_TEST(a_done_future_takes_no_iteration)
{
    static const double limits[] = {1, INFINITY, 0, -1};
    A_FUTURE(future);

    coil_future_set_result(future, 4);
    for (int i = 0; i < 4; i++) {
        trigger(NULL);
        ck_assert_int_eq(coil_wait_for(future, limits[i]), 4);
        ck_assert_int_eq(hops(), 0);
    }
    coil_unref(future);
    return 0;
}

TASK_TEST(without_a_limit_it_is_an_await)
{
    coil_task *task = spawn(sleep_for, &(double){1e6});

    ck_assert_int_eq(coil_wait_for(task, INFINITY), 0);
    ck_assert_double_eq(coil_time(), 1e6);
    coil_unref(task);
    return 0;
}

/* ---- too late -------------------------------------------------------------------------------------------------------- */

TASK_TEST(a_plain_future_times_out_one_iteration_after_the_timer)
{
    A_FUTURE(future);

    coil_call_later(2, trigger, NULL);
    ck_assert_int_eq(coil_wait_for(future, 2), -ETIMEDOUT);
    ck_assert_int_eq(hops(), 1);
    ck_assert(coil_cancelled(future));
    ck_assert_int_eq(coil_cancelling(coil_current_task()), 0);
    coil_unref(future);
    return 0;
}

TASK_TEST(a_sleeping_task_times_out_two_iterations_after_the_timer)
{
    coil_task *task = spawn(hang, NULL);

    coil_call_later(2, trigger, NULL);
    ck_assert_int_eq(coil_wait_for(task, 2), -ETIMEDOUT);
    ck_assert_int_eq(hops(), 2);
    ck_assert(coil_cancelled(task));
    coil_unref(task);
    return 0;
}

static int refuse_and_give(void *arg)
{
    ck_assert_int_eq(coil_sleep(INFINITY), -ECANCELED);
    ck_assert_int_eq(coil_sleep(1), 0);
    return give(arg);
}

TASK_TEST(an_inner_task_that_refuses_to_be_cancelled_gives_its_result)
{
    static int results[] = {6, 0, -EIO};

    for (int i = 0; i < 3; i++) {
        double before = coil_time();
        coil_task *task = spawn(refuse_and_give, &results[i]);
        ck_assert_int_eq(coil_wait_for(task, 2), results[i]);
        ck_assert_double_eq(coil_time(), before + 3);
        ck_assert_int_eq(coil_cancelling(coil_current_task()), 0);
        coil_unref(task);
    }
    return 0;
}

TASK_TEST(a_shielded_task_goes_on_when_the_time_runs_out)
{
    coil_task *task = spawn(sleep_for, &(double){3});
    coil_future *shield = coil_shield(task);

    ck_assert_int_eq(coil_wait_for(shield, 1), -ETIMEDOUT);
    ck_assert_double_eq(coil_time(), 1);
    ck_assert(!coil_done(task));
    ck_assert_int_eq(coil_join(task), 0);
    ck_assert_double_eq(coil_time(), 3);
    coil_unref(shield);
    return 0;
}

/* ---- at once --------------------------------------------------------------------------------------------------------- */

TASK_TEST(with_no_time_at_all_a_task_is_cancelled_and_times_out_in_three_iterations)
{
    static const double nothing[] = {0, -1, -INFINITY};

    for (int i = 0; i < 3; i++) {
        coil_task *task = spawn(hang, NULL);
        coil_sleep(0);
        trigger(NULL);
        ck_assert_int_eq(coil_wait_for(task, nothing[i]), -ETIMEDOUT);
        ck_assert_int_eq(hops(), 3);
        ck_assert(coil_cancelled(task));
        coil_unref(task);
    }
    return 0;
}

TASK_TEST(with_no_time_at_all_a_refusing_task_is_waited_for)
{
    coil_task *task = spawn(refuse_and_give, &(int){6});

    coil_sleep(0);
    ck_assert_int_eq(coil_wait_for(task, 0), 6);
    ck_assert_double_eq(coil_time(), 1);
    coil_unref(task);
    return 0;
}

static int wait_for_no_time(void *future)
{
    return coil_wait_for(future, 0);
}

TASK_TEST(with_no_time_at_all_a_cancellation_does_not_reach_the_inner_task_twice)
{
    coil_task *inner = spawn(refuse_and_give, &(int){6});
    coil_task *outer = spawn(wait_for_no_time, inner);

    let_pass(3);
    ck_assert_int_eq(coil_cancelling(inner), 1);
    coil_cancel(outer);
    ck_assert_int_eq(coil_await(outer), -ECANCELED);
    ck_assert(coil_cancelled(outer));
    ck_assert_int_eq(coil_cancelling(inner), 1);
    ck_assert_int_eq(coil_join(inner), 6);
    coil_unref(outer);
    return 0;
}

/* ---- cancelled meanwhile --------------------------------------------------------------------------------------------- */

static int wait_for_a_minute(void *future)
{
    return coil_wait_for(future, 60);
}

TASK_TEST(who_waits_passes_a_cancellation_on_and_is_cancelled)
{
    A_FUTURE(future);
    coil_task *task = spawn(wait_for_a_minute, future);

    coil_sleep(1);
    trigger(NULL);
    coil_cancel_msg(task, "why");
    ck_assert(coil_cancelled(future));
    ck_assert_int_eq(coil_await(task), -ECANCELED);
    ck_assert_int_eq(hops(), 2);
    ck_assert(coil_cancelled(task));
    ck_assert_str_eq(coil_cancel_message(task), "why");
    coil_unref(task);
    coil_unref(future);
    return 0;
}

TASK_TEST(a_future_that_others_cancel_gives_their_cancellation)
{
    A_FUTURE(future);
    coil_task *task = spawn(wait_for_a_minute, future);

    coil_sleep(1);
    coil_cancel(future);
    ck_assert_int_eq(coil_join(task), -ECANCELED);
    coil_unref(future);
    return 0;
}

static void complete(void *future)
{
    coil_future_set_result(future, 8);
}

TASK_TEST(a_result_that_comes_with_the_deadline_is_lost_to_the_timeout)
{
    A_FUTURE(future);
    coil_task *task = spawn(wait_for_a_minute, future);

    coil_call_later(60, complete, future); /* before the timeout's timer */
    ck_assert_int_eq(coil_join(task), -ETIMEDOUT);
    ck_assert_int_eq(coil_result(future), 8);
    coil_unref(future);
    return 0;
}

/* ---- coroutines ------------------------------------------------------------------------------------------------------ */

static int check_hops_and_give(void *arg)
{
    ck_assert_int_eq(hops(), 0); /* runs in the calling task, at once */
    ck_assert_int_eq(coil_sleep(1), 0);
    trigger(NULL);
    return give(arg);
}

TASK_TEST(a_coroutine_runs_in_the_calling_task)
{
    trigger(NULL);
    ck_assert_int_eq(coil_wait_for_coroutine(check_hops_and_give, &(int){5}, 2), 5);
    ck_assert_int_eq(hops(), 0);
    ck_assert_int_eq(coil_wait_for_coroutine(give, &(int){-EIO}, INFINITY), -EIO);
    return 0;
}

TASK_TEST(a_coroutine_that_takes_too_long_times_out)
{
    coil_call_later(2, trigger, NULL);
    ck_assert_int_eq(coil_wait_for_coroutine(hang, NULL, 2), -ETIMEDOUT);
    ck_assert_int_eq(hops(), 1);
    ck_assert_int_eq(coil_wait_for_coroutine(refuse_and_give, &(int){7}, 1), 7);
    ck_assert_int_eq(coil_cancelling(coil_current_task()), 0);
    return 0;
}

static int never(void *unused)
{
    (void)unused;
    ck_abort_msg("it was to be cancelled before its first step");
    return 0;
}

TASK_TEST(a_coroutine_without_any_time_never_starts)
{
    ck_assert_int_eq(coil_wait_for_coroutine(never, NULL, 0), -ETIMEDOUT);
    ck_assert_int_eq(coil_wait_for_coroutine(never, NULL, -1), -ETIMEDOUT);
    ck_assert_uint_eq(coil_all_tasks(NULL, 0), 1);
    return 0;
}

static int nested_wait_for(void *arg)
{
    int depth = *(int *)arg - 1;

    return depth == 0 ? coil_sleep(INFINITY) : coil_wait_for_coroutine(nested_wait_for, &depth, 100 - depth);
}

TASK_TEST(limits_nest_as_deep_as_one_likes)
{
    int depth = 30;

    /* The outermost has the longest limit but one: the innermost, 99 seconds, is the largest. */
    ck_assert_int_eq(coil_wait_for_coroutine(nested_wait_for, &depth, 1000), -ETIMEDOUT);
    ck_assert_double_eq(coil_time(), 71);
    ck_assert_int_eq(coil_cancelling(coil_current_task()), 0);
    return 0;
}

/* ---- misuse ---------------------------------------------------------------------------------------------------------- */

TASK_TEST(limits_and_futures_that_make_no_sense_are_refused)
{
    A_FUTURE(future);

    ck_assert_int_eq(coil_wait_for(future, NAN), -EINVAL);
    ck_assert(!coil_done(future));
    ck_assert_int_eq(coil_wait_for(NULL, 1), -EINVAL);
    ck_assert_int_eq(coil_wait_for_coroutine(NULL, NULL, 1), -EINVAL);
    ck_assert_int_eq(coil_wait_for_coroutine(NULL, NULL, 0), -EINVAL);
    ck_assert_int_eq(coil_wait_for_coroutine(give, NULL, NAN), -EINVAL);
    coil_unref(future);
    return 0;
}

static int no_memory(const char *call)
{
    return strcmp(call, "malloc") == 0 ? -ENOMEM : 0;
}

/* With no place left in the ready queue, its end cannot be waited for; it must not run on without its limit all the same. */
TASK_TEST(without_memory_to_wait_for_the_end_it_is_cancelled_as_well)
{
    struct ci_ready *ready = &coil_get_running_loop()->ready;
    uint32_t reserved = ready->reserved;
    A_FUTURE(future);

    ready->reserved = ready->mask + 1;
    ci_fault_hook = no_memory;
    int rc = coil_wait_for(future, 0);
    ci_fault_hook = NULL;
    ready->reserved = reserved;
    ck_assert_int_eq(rc, -ENOMEM);
    ck_assert(coil_cancelled(future));
    coil_unref(future);
    return 0;
}

Suite *wait_for_suite(void)
{
    Suite *suite = suite_create("wait_for");
    TCase *futures = tcase_create("wait_for_future");
    TCase *coroutines = tcase_create("wait_for_coroutine");

    tcase_add_checked_fixture(futures, setup, teardown);
    tcase_add_test(futures, a_task_that_ends_in_time_gives_its_result_one_iteration_later);
    tcase_add_test(futures, a_done_future_takes_no_iteration);
    tcase_add_test(futures, without_a_limit_it_is_an_await);
    tcase_add_test(futures, a_plain_future_times_out_one_iteration_after_the_timer);
    tcase_add_test(futures, a_sleeping_task_times_out_two_iterations_after_the_timer);
    tcase_add_test(futures, an_inner_task_that_refuses_to_be_cancelled_gives_its_result);
    tcase_add_test(futures, a_shielded_task_goes_on_when_the_time_runs_out);
    tcase_add_test(futures, with_no_time_at_all_a_task_is_cancelled_and_times_out_in_three_iterations);
    tcase_add_test(futures, with_no_time_at_all_a_refusing_task_is_waited_for);
    tcase_add_test(futures, with_no_time_at_all_a_cancellation_does_not_reach_the_inner_task_twice);
    tcase_add_test(futures, who_waits_passes_a_cancellation_on_and_is_cancelled);
    tcase_add_test(futures, a_future_that_others_cancel_gives_their_cancellation);
    tcase_add_test(futures, a_result_that_comes_with_the_deadline_is_lost_to_the_timeout);
    suite_add_tcase(suite, futures);

    tcase_add_checked_fixture(coroutines, setup, teardown);
    tcase_add_test(coroutines, a_coroutine_runs_in_the_calling_task);
    tcase_add_test(coroutines, a_coroutine_that_takes_too_long_times_out);
    tcase_add_test(coroutines, a_coroutine_without_any_time_never_starts);
    tcase_add_test(coroutines, limits_nest_as_deep_as_one_likes);
    tcase_add_test(coroutines, limits_and_futures_that_make_no_sense_are_refused);
    tcase_add_test(coroutines, without_memory_to_wait_for_the_end_it_is_cancelled_as_well);
    suite_add_tcase(suite, coroutines);
    return suite;
}
