/*
 * Cancelling tasks: when a request is delivered, when it is lost, how often, and what it passes through on its way. The numbers
 * of iterations are those measured on CPython 3.14.
 */
#include "harness.h"
#include "suites.h"

/* ---- delivery -------------------------------------------------------------------------------------------------------- */

static int say_that_it_ran(void *unused)
{
    (void)unused;
    say("ran");
    return 0;
}

TASK_TEST(the_body_of_a_task_cancelled_before_its_first_step_does_not_run)
{
    coil_task *task = spawn(say_that_it_ran, NULL);

    ck_assert_int_eq(coil_cancel(task), 1);
    ck_assert(!coil_done(task));
    ck_assert_int_eq(coil_cancelling(task), 1);
    ck_assert_int_eq(coil_await(task), -ECANCELED);
    ck_assert(coil_cancelled(task));
    assert_said("");
    coil_unref(task);
    return 0;
}

TASK_TEST(a_done_task_cannot_be_cancelled)
{
    coil_task *task = spawn(give, &(int){3});

    coil_await(task);
    ck_assert_int_eq(coil_cancel(task), 0);
    ck_assert_int_eq(coil_cancelling(task), 0);
    ck_assert_int_eq(coil_join(task), 3);
    ck_assert_int_eq(coil_cancel(NULL), 0);
    return 0;
}

static int expect_hops;

static int await_and_count(void *future)
{
    int rc = coil_await(future);

    ck_assert_int_eq(hops(), expect_hops);
    return rc;
}

static void cancel_after(coil_task *task, int expected)
{
    expect_hops = expected;
    coil_sleep(1);
    trigger(NULL);
    ck_assert_int_eq(coil_cancel(task), 1);
    ck_assert_int_eq(coil_await(task), -ECANCELED);
    ck_assert(coil_cancelled(task));
    coil_unref(task);
}

TASK_TEST(a_task_that_awaits_a_future_is_cancelled_in_one_iteration)
{
    A_FUTURE(future);

    cancel_after(spawn(await_and_count, future), 1);
    ck_assert(coil_cancelled(future));
    coil_unref(future);
    return 0;
}

TASK_TEST(a_task_that_awaits_a_task_is_cancelled_in_two_iterations)
{
    coil_task *inner = spawn(hang, NULL);

    cancel_after(spawn(await_and_count, inner), 2);
    ck_assert(coil_cancelled(inner));
    coil_unref(inner);
    return 0;
}

TASK_TEST(a_task_that_awaits_a_gather_is_cancelled_in_three_iterations)
{
    coil_task *inner = spawn(hang, NULL);
    coil_future *gather = coil_gather(&inner, 1);

    cancel_after(spawn(await_and_count, gather), 3);
    ck_assert(coil_cancelled(inner));
    ck_assert(!coil_cancelled(gather)); /* which ended with the error */
    ck_assert_int_eq(coil_result(gather), -ECANCELED);
    coil_unref(gather);
    coil_unref(inner);
    return 0;
}

TASK_TEST(a_task_that_awaits_a_shield_is_cancelled_in_one_iteration)
{
    coil_task *inner = spawn(hang, NULL);
    coil_future *shield = coil_shield(inner);

    cancel_after(spawn(await_and_count, shield), 1);
    ck_assert(!coil_done(inner));
    coil_unref(shield);
    coil_cancel(inner);
    coil_join(inner);
    return 0;
}

static int wait_for_and_count(void *future)
{
    int rc = coil_wait_for(future, 100);

    ck_assert_int_eq(hops(), expect_hops);
    return rc;
}

TASK_TEST(a_task_in_wait_for_a_task_is_cancelled_in_two_iterations)
{
    coil_task *inner = spawn(hang, NULL);

    cancel_after(spawn(wait_for_and_count, inner), 2);
    ck_assert(coil_cancelled(inner));
    coil_unref(inner);
    return 0;
}

static int sleep_and_count(void *unused)
{
    (void)unused;
    int rc = coil_sleep(100);

    ck_assert_int_eq(hops(), expect_hops);
    return rc;
}

TASK_TEST(a_task_that_sleeps_is_cancelled_in_one_iteration)
{
    cancel_after(spawn(sleep_and_count, NULL), 1);
    ck_assert_double_eq(coil_time(), 1);
    return 0;
}

static int wait_and_count(void *future)
{
    int rc = coil_wait((coil_future **)future, 1);

    ck_assert_int_eq(hops(), expect_hops);
    return rc;
}

TASK_TEST(a_task_in_wait_is_cancelled_in_one_iteration_and_what_it_waits_for_is_not)
{
    A_FUTURE(future);

    cancel_after(spawn(wait_and_count, &future), 1);
    ck_assert(!coil_done(future));
    coil_unref(future);
    return 0;
}

static int spin(void *rounds)
{
    for (int i = 0; i < *(int *)rounds; i++) {
        int rc = coil_sleep(0);
        if (rc < 0) {
            return rc;
        }
        say(".");
    }
    return 0;
}

TASK_TEST(a_task_that_yields_is_cancelled_at_its_yield)
{
    coil_task *task = spawn(spin, &(int){10});

    let_pass(3);
    ck_assert_int_eq(coil_cancel(task), 1);
    ck_assert_int_eq(coil_join(task), -ECANCELED);
    assert_said("..");
    return 0;
}

TASK_TEST(a_task_whose_future_is_done_already_still_gets_the_cancellation)
{
    A_FUTURE(future);
    coil_task *task = spawn(await_it, future);

    coil_sleep(0);
    coil_future_set_result(future, 5);
    ck_assert_int_eq(coil_cancel(task), 1);
    ck_assert_int_eq(coil_await(task), -ECANCELED);
    ck_assert(coil_cancelled(task));
    ck_assert_int_eq(coil_result(future), 5); /* the future keeps its value */
    coil_unref(task);
    coil_unref(future);
    return 0;
}

static void cancel_task(void *task)
{
    ck_assert_int_eq(coil_cancel(task), 1);
}

static int sleep_a_second(void *unused)
{
    (void)unused;
    return coil_sleep(1);
}

TASK_TEST(a_sleeper_whose_time_has_come_still_gets_the_cancellation)
{
    coil_task *task = spawn(sleep_a_second, NULL);

    coil_sleep(0);
    coil_call_later(1, cancel_task, task); /* right after the sleeper's timer */
    ck_assert_int_eq(coil_join(task), -ECANCELED);
    return 0;
}

/* ---- oneself --------------------------------------------------------------------------------------------------------- */

TASK_TEST(cancelling_oneself_arrives_at_the_next_await_of_something_pending)
{
    coil_task *self = coil_current_task();
    A_FUTURE(pending);
    A_FUTURE(done);

    coil_future_set_result(done, 4);
    ck_assert_int_eq(coil_cancel(self), 1);
    ck_assert_int_eq(coil_cancelling(self), 1);
    trigger(NULL);
    ck_assert_int_eq(coil_await(done), 4); /* nothing is delivered here */
    ck_assert_int_eq(hops(), 0);
    ck_assert_int_eq(coil_await(pending), -ECANCELED);
    ck_assert_int_eq(hops(), 1);
    ck_assert(coil_cancelled(pending)); /* the request went on to it */
    ck_assert_int_eq(coil_sleep(0), 0); /* once is all */
    ck_assert_int_eq(coil_uncancel(self), 0);
    coil_unref(pending);
    coil_unref(done);
    return 0;
}

TASK_TEST(cancelling_oneself_arrives_at_a_sleep_and_at_a_yield)
{
    coil_task *self = coil_current_task();

    coil_cancel(self);
    trigger(NULL);
    ck_assert_int_eq(coil_sleep(0), -ECANCELED);
    ck_assert_int_eq(hops(), 1);
    coil_cancel(self);
    trigger(NULL);
    ck_assert_int_eq(coil_sleep(10), -ECANCELED);
    ck_assert_int_eq(hops(), 1);
    ck_assert_double_eq(coil_time(), 0);
    ck_assert_int_eq(coil_cancelling(self), 2);
    ck_assert_int_eq(coil_uncancel(self), 1);
    ck_assert_int_eq(coil_uncancel(self), 0);
    ck_assert_int_eq(coil_uncancel(self), 0);
    return 0;
}

static int cancel_self_and_give(void *arg)
{
    coil_cancel(coil_current_task());
    return give(arg);
}

TASK_TEST(returning_with_a_request_undelivered_ends_cancelled_and_loses_the_result)
{
    coil_task *task = spawn(cancel_self_and_give, &(int){5});

    ck_assert_int_eq(coil_await(task), -ECANCELED);
    ck_assert(coil_cancelled(task));
    coil_unref(task);
    return 0;
}

TASK_TEST(failing_with_a_request_undelivered_fails)
{
    coil_task *task = spawn(cancel_self_and_give, &(int){-EIO});

    ck_assert_int_eq(coil_await(task), -EIO);
    ck_assert(!coil_cancelled(task));
    coil_unref(task);
    return 0;
}

static int cancel_self_uncancel_and_give(void *arg)
{
    coil_cancel(coil_current_task());
    ck_assert_int_eq(coil_uncancel(coil_current_task()), 0);
    return give(arg);
}

TASK_TEST(taking_the_last_request_back_clears_what_was_not_delivered)
{
    ck_assert_int_eq(coil_join(spawn(cancel_self_uncancel_and_give, &(int){5})), 5);
    coil_cancel(coil_current_task());
    coil_cancel(coil_current_task());
    ck_assert_int_eq(coil_uncancel(coil_current_task()), 1);
    ck_assert_int_eq(coil_sleep(0), -ECANCELED); /* one is left, so it is still delivered */
    ck_assert_int_eq(coil_uncancel(coil_current_task()), 0);
    return 0;
}

/* ---- several requests ------------------------------------------------------------------------------------------------ */

static int catch_all(void *unused)
{
    int caught = 0;

    (void)unused;
    for (int i = 0; i < 10; i++) {
        caught += coil_sleep(1) == -ECANCELED;
    }
    return caught * 100 + coil_cancelling(coil_current_task());
}

TASK_TEST(several_requests_before_delivery_deliver_once)
{
    coil_task *task = spawn(catch_all, NULL);

    coil_sleep(0.5);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(coil_cancel(task), 1);
    }
    ck_assert_int_eq(coil_cancelling(task), 3);
    ck_assert_int_eq(coil_await(task), 103);
    ck_assert(!coil_cancelled(task));
    coil_unref(task);
    return 0;
}

TASK_TEST(a_request_after_delivery_is_delivered_again)
{
    coil_task *task = spawn(catch_all, NULL);

    for (int i = 0; i < 3; i++) {
        coil_sleep(0.5);
        ck_assert_int_eq(coil_cancel(task), 1);
        coil_sleep(0.1);
    }
    ck_assert_int_eq(coil_join(task), 303);
    return 0;
}

TASK_TEST(requests_before_the_first_step_deliver_once)
{
    coil_task *task = spawn(say_that_it_ran, NULL);

    coil_cancel(task);
    coil_cancel(task);
    ck_assert_int_eq(coil_cancelling(task), 2);
    ck_assert_int_eq(coil_join(task), -ECANCELED);
    assert_said("");
    return 0;
}

TASK_TEST(uncancel_before_the_first_step_lets_the_task_run)
{
    coil_task *task = spawn(say_that_it_ran, NULL);

    coil_cancel(task);
    ck_assert_int_eq(coil_uncancel(task), 0);
    ck_assert_int_eq(coil_join(task), 0);
    assert_said("ran");
    return 0;
}

TASK_TEST(what_is_no_task_has_no_requests)
{
    A_FUTURE(future);

    ck_assert_int_eq(coil_cancelling(future), 0);
    ck_assert_int_eq(coil_uncancel(future), 0);
    ck_assert_int_eq(coil_cancelling(NULL), 0);
    ck_assert_int_eq(coil_uncancel(NULL), 0);
    coil_unref(future);
    return 0;
}

/* ---- who refuses ----------------------------------------------------------------------------------------------------- */

static int refuse_and_give(void *arg)
{
    ck_assert_int_eq(coil_sleep(INFINITY), -ECANCELED);
    return give(arg);
}

TASK_TEST(a_task_may_refuse_and_return_its_result)
{
    coil_task *task = spawn(refuse_and_give, &(int){8});

    coil_sleep(0);
    coil_cancel(task);
    ck_assert_int_eq(coil_await(task), 8);
    ck_assert(!coil_cancelled(task));
    ck_assert_int_eq(coil_cancelling(task), 1);
    coil_unref(task);
    return 0;
}

TASK_TEST(an_outer_task_whose_inner_one_refuses_is_not_cancelled)
{
    coil_task *inner = spawn(refuse_and_give, &(int){8});
    coil_task *outer = spawn(await_it, inner);

    coil_sleep(0);
    coil_sleep(0);
    coil_cancel(outer);
    ck_assert_int_eq(coil_await(outer), 8);
    ck_assert(!coil_cancelled(outer));
    ck_assert_int_eq(coil_cancelling(outer), 1);
    ck_assert_int_eq(coil_cancelling(inner), 1);
    coil_unref(inner);
    coil_unref(outer);
    return 0;
}

/* ---- reasons --------------------------------------------------------------------------------------------------------- */

static int hang_and_check_reason(void *reason)
{
    int rc = coil_sleep(INFINITY);

    ck_assert_str_eq(coil_cancel_message(coil_current_task()), reason);
    return rc;
}

TASK_TEST(the_reason_arrives_with_the_cancellation_and_stays_with_the_task)
{
    coil_task *task = spawn(hang_and_check_reason, "enough");
    char reason[] = "enough";

    coil_sleep(0);
    ck_assert_int_eq(coil_cancel_msg(task, reason), 1);
    reason[0] = 'X';
    ck_assert_int_eq(coil_await(task), -ECANCELED);
    ck_assert_str_eq(coil_cancel_message(task), "enough");
    ck_assert_str_eq(coil_cancel_message(coil_current_task()), "enough");
    coil_unref(task);
    return 0;
}

TASK_TEST(the_reason_travels_through_what_is_awaited)
{
    A_FUTURE(future);
    coil_task *inner = spawn(await_it, future);
    coil_task *outer = spawn(await_it, inner);

    let_pass(2);
    ck_assert_int_eq(coil_cancel_msg(outer, "from afar"), 1);
    ck_assert_str_eq(coil_cancel_message(future), "from afar");
    ck_assert_int_eq(coil_await(outer), -ECANCELED);
    ck_assert_str_eq(coil_cancel_message(outer), "from afar");
    coil_unref(inner);
    coil_unref(outer);
    coil_unref(future);
    return 0;
}

TASK_TEST(without_a_reason_there_is_none)
{
    coil_task *task = spawn(hang, NULL);
    A_FUTURE(future);

    coil_sleep(0);
    ck_assert_ptr_null(coil_cancel_message(task));
    ck_assert_int_eq(coil_cancel_msg(task, NULL), 1);
    coil_await(task);
    ck_assert_ptr_null(coil_cancel_message(task));
    ck_assert_ptr_null(coil_cancel_message(future));
    ck_assert_ptr_null(coil_cancel_message(NULL));
    ck_assert_int_eq(coil_cancel_msg(NULL, "x"), 0);
    coil_unref(task);
    coil_unref(future);
    return 0;
}

TASK_TEST(a_reason_given_before_the_first_step_is_kept)
{
    coil_task *task = spawn(hang, NULL);

    coil_cancel_msg(task, "not today");
    ck_assert_int_eq(coil_await(task), -ECANCELED);
    ck_assert_str_eq(coil_cancel_message(task), "not today");
    coil_unref(task);
    return 0;
}

Suite *cancel_suite(void)
{
    Suite *suite = suite_create("cancel");
    TCase *delivery = tcase_create("cancel_delivery");
    TCase *counts = tcase_create("cancel_counts");
    TCase *reasons = tcase_create("cancel_reasons");

    tcase_add_checked_fixture(delivery, setup, teardown);
    tcase_add_test(delivery, the_body_of_a_task_cancelled_before_its_first_step_does_not_run);
    tcase_add_test(delivery, a_done_task_cannot_be_cancelled);
    tcase_add_test(delivery, a_task_that_awaits_a_future_is_cancelled_in_one_iteration);
    tcase_add_test(delivery, a_task_that_awaits_a_task_is_cancelled_in_two_iterations);
    tcase_add_test(delivery, a_task_that_awaits_a_gather_is_cancelled_in_three_iterations);
    tcase_add_test(delivery, a_task_that_awaits_a_shield_is_cancelled_in_one_iteration);
    tcase_add_test(delivery, a_task_in_wait_for_a_task_is_cancelled_in_two_iterations);
    tcase_add_test(delivery, a_task_that_sleeps_is_cancelled_in_one_iteration);
    tcase_add_test(delivery, a_task_in_wait_is_cancelled_in_one_iteration_and_what_it_waits_for_is_not);
    tcase_add_test(delivery, a_task_that_yields_is_cancelled_at_its_yield);
    tcase_add_test(delivery, a_task_whose_future_is_done_already_still_gets_the_cancellation);
    tcase_add_test(delivery, a_sleeper_whose_time_has_come_still_gets_the_cancellation);
    suite_add_tcase(suite, delivery);

    tcase_add_checked_fixture(counts, setup, teardown);
    tcase_add_test(counts, cancelling_oneself_arrives_at_the_next_await_of_something_pending);
    tcase_add_test(counts, cancelling_oneself_arrives_at_a_sleep_and_at_a_yield);
    tcase_add_test(counts, returning_with_a_request_undelivered_ends_cancelled_and_loses_the_result);
    tcase_add_test(counts, failing_with_a_request_undelivered_fails);
    tcase_add_test(counts, taking_the_last_request_back_clears_what_was_not_delivered);
    tcase_add_test(counts, several_requests_before_delivery_deliver_once);
    tcase_add_test(counts, a_request_after_delivery_is_delivered_again);
    tcase_add_test(counts, requests_before_the_first_step_deliver_once);
    tcase_add_test(counts, uncancel_before_the_first_step_lets_the_task_run);
    tcase_add_test(counts, what_is_no_task_has_no_requests);
    tcase_add_test(counts, a_task_may_refuse_and_return_its_result);
    tcase_add_test(counts, an_outer_task_whose_inner_one_refuses_is_not_cancelled);
    suite_add_tcase(suite, counts);

    tcase_add_checked_fixture(reasons, setup, teardown);
    tcase_add_test(reasons, the_reason_arrives_with_the_cancellation_and_stays_with_the_task);
    tcase_add_test(reasons, the_reason_travels_through_what_is_awaited);
    tcase_add_test(reasons, without_a_reason_there_is_none);
    tcase_add_test(reasons, a_reason_given_before_the_first_step_is_kept);
    suite_add_tcase(suite, reasons);
    return suite;
}
