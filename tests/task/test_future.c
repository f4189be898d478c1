/* Futures: completion, callbacks, looking at results, and who is woken when. */
#include "harness.h"
#include "suites.h"

/* ---- completing ------------------------------------------------------------------------------------------------------ */

TASK_TEST(a_result_is_there_once_it_is_set)
{
    A_FUTURE(future);

    ck_assert(!coil_done(future));
    ck_assert_int_eq(coil_result(future), -EINPROGRESS);
    ck_assert_int_eq(coil_error(future), -EINPROGRESS);
    ck_assert_int_eq(coil_future_set_result(future, 42), 0);
    ck_assert(coil_done(future));
    ck_assert(!coil_cancelled(future));
    ck_assert_int_eq(coil_result(future), 42);
    ck_assert_int_eq(coil_error(future), 0);
    ck_assert_ptr_null(coil_value(future));
    ck_assert_str_eq(coil_error_message(future), "");
    coil_unref(future);
    return 0;
}

TASK_TEST(a_value_is_a_pointer_beside_the_result_zero)
{
    A_FUTURE(future);
    int thing;

    ck_assert_ptr_null(coil_value(future));
    ck_assert_int_eq(coil_future_set_value(future, &thing), 0);
    ck_assert_int_eq(coil_await(future), 0);
    ck_assert_ptr_eq(coil_value(future), &thing);
    coil_unref(future);
    return 0;
}

TASK_TEST(an_error_is_what_an_await_returns)
{
    A_FUTURE(future);

    ck_assert_int_eq(coil_future_set_error(future, -ENOENT), 0);
    ck_assert_int_eq(coil_error(future), -ENOENT);
    ck_assert_int_eq(coil_result(future), -ENOENT);
    ck_assert_int_eq(coil_await(future), -ENOENT);
    ck_assert(!coil_cancelled(future));
    coil_unref(future);
    return 0;
}

TASK_TEST(a_done_future_cannot_be_completed_again)
{
    A_FUTURE(future);

    ck_assert_int_eq(coil_future_set_result(future, 1), 0);
    ck_assert_int_eq(coil_future_set_result(future, 2), -EALREADY);
    ck_assert_int_eq(coil_future_set_value(future, &future), -EALREADY);
    ck_assert_int_eq(coil_future_set_error(future, -EIO), -EALREADY);
    ck_assert_int_eq(coil_cancel(future), 0);
    ck_assert_int_eq(coil_result(future), 1);
    ck_assert_ptr_null(coil_value(future));
    coil_unref(future);
    return 0;
}

TASK_TEST(a_cancelled_future_cannot_be_completed)
{
    A_FUTURE(future);

    ck_assert_int_eq(coil_cancel(future), 1);
    ck_assert_int_eq(coil_cancel(future), 0);
    ck_assert(coil_done(future) && coil_cancelled(future));
    ck_assert_int_eq(coil_future_set_result(future, 1), -EALREADY);
    ck_assert_int_eq(coil_result(future), -ECANCELED);
    ck_assert_int_eq(coil_error(future), -ECANCELED);
    ck_assert_int_eq(coil_await(future), -ECANCELED);
    coil_unref(future);
    return 0;
}

TASK_TEST(results_are_not_negative_and_errors_are)
{
    A_FUTURE(future);

    ck_assert_int_eq(coil_future_set_result(future, -1), -EINVAL);
    ck_assert_int_eq(coil_future_set_error(future, 0), -EINVAL);
    ck_assert_int_eq(coil_future_set_error(future, EIO), -EINVAL);
    ck_assert(!coil_done(future));
    coil_unref(future);
    return 0;
}

TASK_TEST(an_error_that_is_a_cancellation_does_not_cancel)
{
    A_FUTURE(future);

    ck_assert_int_eq(coil_future_set_error(future, -ECANCELED), 0);
    ck_assert(!coil_cancelled(future));
    ck_assert_int_eq(coil_await(future), -ECANCELED);
    coil_unref(future);
    return 0;
}

TASK_TEST(only_plain_futures_are_completed_from_outside)
{
    A_FUTURE(inner);
    coil_future *others[] = {spawn(hang, NULL), coil_gather(&inner, 1), coil_shield(inner)};

    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(coil_future_set_result(others[i], 1), -EINVAL);
        ck_assert_int_eq(coil_future_set_value(others[i], &inner), -EINVAL);
        ck_assert_int_eq(coil_future_set_error(others[i], -EIO), -EINVAL);
        ck_assert(!coil_done(others[i]));
    }
    coil_cancel(others[0]);
    ck_assert_int_eq(coil_await(others[0]), -ECANCELED);
    ck_assert_int_eq(coil_future_set_result(others[0], 1), -EINVAL);
    coil_future_set_result(inner, 0);
    for (int i = 0; i < 3; i++) {
        coil_unref(others[i]);
    }
    coil_unref(inner);
    return 0;
}

/* ---- callbacks ------------------------------------------------------------------------------------------------------- */

static void say_done(coil_future *future, void *text)
{
    ck_assert(coil_done(future));
    ck_assert_int_eq(hops(), 1);
    ck_assert_ptr_null(coil_current_task());
    say(text);
}

TASK_TEST(callbacks_run_in_the_order_of_registration_one_iteration_after_completion)
{
    A_FUTURE(future);

    coil_add_done_callback(future, say_done, "a");
    coil_add_done_callback(future, say_done, "b");
    coil_add_done_callback(future, say_done, "a");
    coil_call_soon(say, "0");
    coil_future_set_result(future, 1);
    coil_call_soon(say, "1");
    trigger(NULL);
    assert_said("");
    coil_sleep(0);
    assert_said("0aba1");
    coil_unref(future);
    return 0;
}

TASK_TEST(a_callback_of_a_done_future_runs_in_the_next_iteration)
{
    A_FUTURE(future);

    coil_future_set_result(future, 1);
    coil_call_soon(say, "0");
    ck_assert_int_eq(coil_add_done_callback(future, say_done, "a"), 0);
    trigger(NULL);
    assert_said("");
    coil_sleep(0);
    assert_said("0a");
    coil_unref(future);
    return 0;
}

TASK_TEST(cancelling_runs_the_callbacks_too)
{
    A_FUTURE(future);

    coil_add_done_callback(future, say_done, "a");
    trigger(NULL);
    coil_cancel(future);
    coil_sleep(0);
    assert_said("a");
    coil_unref(future);
    return 0;
}

TASK_TEST(removing_takes_out_all_equal_callbacks_and_counts_them)
{
    A_FUTURE(future);
    static char a[] = "a";
    static char b[] = "b";

    coil_add_done_callback(future, say_done, a);
    coil_add_done_callback(future, say_done, b);
    coil_add_done_callback(future, say_done, a);
    ck_assert_int_eq(coil_remove_done_callback(future, say_done, a), 2);
    ck_assert_int_eq(coil_remove_done_callback(future, say_done, a), 0);
    ck_assert_int_eq(coil_remove_done_callback(future, say_done, NULL), 0);
    trigger(NULL);
    coil_future_set_result(future, 0);
    coil_sleep(0);
    assert_said("b");
    coil_unref(future);
    return 0;
}

TASK_TEST(callbacks_that_are_scheduled_already_are_not_removed)
{
    A_FUTURE(future);
    static char a[] = "a";

    coil_add_done_callback(future, say_done, a);
    trigger(NULL);
    coil_future_set_result(future, 0);
    ck_assert_int_eq(coil_remove_done_callback(future, say_done, a), 0);
    coil_sleep(0);
    assert_said("a");
    coil_unref(future);
    return 0;
}

static void say_and_unref(coil_future *future, void *text)
{
    say(text);
    coil_unref(future);
}

TASK_TEST(a_callback_may_give_back_the_last_reference)
{
    A_FUTURE(future);

    coil_add_done_callback(future, say_and_unref, "gone");
    coil_future_set_result(future, 0);
    coil_sleep(0);
    assert_said("gone");
    return 0;
}

static void add_another(coil_future *future, void *left)
{
    int *count = left;

    say(".");
    if (--*count > 0) {
        ck_assert_int_eq(coil_add_done_callback(future, add_another, left), 0);
    }
}

TASK_TEST(a_callback_may_register_another)
{
    A_FUTURE(future);
    int left = 5;

    coil_add_done_callback(future, add_another, &left);
    coil_future_set_result(future, 0);
    coil_unref(future); /* what is scheduled keeps it */
    let_pass(6);
    assert_said(".....");
    return 0;
}

TASK_TEST(a_pending_future_goes_away_with_its_callbacks)
{
    A_FUTURE(future);

    coil_add_done_callback(future, say_done, "never");
    coil_add_done_callback(future, say_done, "never");
    coil_unref(future);
    let_pass(3);
    assert_said("");
    return 0;
}

static void say_task(coil_future *future, void *unused)
{
    (void)unused;
    say((char *)(uintptr_t)coil_task_name(future));
}

TASK_TEST(tasks_have_callbacks_as_other_futures_do)
{
    coil_task *task = coil_create_task(give, NULL, .name = "worker");

    coil_add_done_callback(task, say_task, NULL);
    coil_unref(task); /* the callback keeps it while it is scheduled */
    let_pass(2);
    assert_said("worker");
    return 0;
}

/* ---- waiting --------------------------------------------------------------------------------------------------------- */

static void set_result(void *future)
{
    trigger(NULL);
    coil_future_set_result(future, 7);
}

TASK_TEST(awaiting_a_done_future_takes_no_iteration)
{
    A_FUTURE(future);

    coil_future_set_result(future, 7);
    trigger(NULL);
    ck_assert_int_eq(coil_await(future), 7);
    ck_assert_int_eq(hops(), 0);
    ck_assert_int_eq(coil_join(future), 7);
    return 0;
}

TASK_TEST(a_result_wakes_who_awaits_in_the_next_iteration)
{
    A_FUTURE(future);

    coil_call_soon(set_result, future);
    ck_assert_int_eq(coil_await(future), 7);
    ck_assert_int_eq(hops(), 1);
    coil_unref(future);
    return 0;
}

static int wait_and_say(void *arg)
{
    int rc = coil_await(arg);

    ck_assert_int_eq(hops(), 1);
    say((char *)(uintptr_t)coil_task_name(coil_current_task()));
    return rc;
}

TASK_TEST(waiters_and_callbacks_are_served_in_one_order)
{
    A_FUTURE(future);
    coil_task *a = coil_create_task(wait_and_say, future, .name = "a");
    coil_task *b = coil_create_task(wait_and_say, future, .name = "b");

    coil_sleep(0);
    coil_add_done_callback(future, say_done, "c");
    coil_task *d = coil_create_task(wait_and_say, future, .name = "d");
    coil_sleep(0);
    coil_future_set_result(future, 3);
    trigger(NULL);
    coil_sleep(0);
    assert_said("abcd");
    ck_assert_int_eq(coil_join(a), 3);
    ck_assert_int_eq(coil_join(b), 3);
    ck_assert_int_eq(coil_join(d), 3);
    coil_unref(future);
    return 0;
}

TASK_TEST(cancelling_one_who_awaits_cancels_the_future_for_all)
{
    A_FUTURE(future);
    coil_task *a = spawn(await_it, future);
    coil_task *b = spawn(await_it, future);

    coil_sleep(0);
    ck_assert_int_eq(coil_cancel(a), 1);
    ck_assert(coil_cancelled(future));
    ck_assert_int_eq(coil_join(a), -ECANCELED);
    ck_assert(coil_cancelled(b) || !coil_done(b));
    ck_assert_int_eq(coil_await(b), -ECANCELED);
    ck_assert(coil_cancelled(b));
    ck_assert_int_eq(coil_cancelling(b), 0);
    coil_unref(b);
    coil_unref(future);
    return 0;
}

TASK_TEST(who_awaits_keeps_the_future)
{
    A_FUTURE(future);
    coil_task *task = spawn(await_it, future);

    coil_sleep(0);
    coil_future_set_result(future, 9);
    coil_unref(future);
    ck_assert_int_eq(coil_join(task), 9);
    return 0;
}

/* ---- errors that nobody looks at ------------------------------------------------------------------------------------- */

static int leave_error(void *unused)
{
    A_FUTURE(future);

    (void)unused;
    coil_future_set_error(future, -EIO);
    assert_no_reports();
    coil_unref(future);
    return 0;
}

START_TEST(an_error_nobody_looked_at_is_reported_with_the_last_reference)
    {
        ck_assert_int_eq(run(leave_error), 0);
        const struct heard *report = take_report(COIL_REPORT_NEVER_RETRIEVED);
        ck_assert_int_eq(report->error, -EIO);
        ck_assert_str_eq(report->function, "leave_error");
        ck_assert_str_eq(report->task, "");
    }
END_TEST

TASK_TEST(looking_at_an_error_in_any_way_is_retrieving_it)
{
    coil_future *futures[4];

    for (int i = 0; i < 4; i++) {
        futures[i] = coil_future_new();
        coil_future_set_error(futures[i], -EIO);
    }
    ck_assert_int_eq(coil_result(futures[0]), -EIO);
    ck_assert_int_eq(coil_error(futures[1]), -EIO);
    ck_assert_int_eq(coil_await(futures[2]), -EIO);
    ck_assert_int_eq(coil_cancel(futures[3]), 0); /* also to cancel what has failed */
    for (int i = 0; i < 4; i++) {
        coil_unref(futures[i]);
    }
    return 0;
}

TASK_TEST(a_cancelled_future_is_nobodys_error)
{
    A_FUTURE(future);

    coil_cancel(future);
    coil_unref(future);
    return 0;
}

static int wait_then_be_cancelled(void *unused)
{
    A_FUTURE(future);
    coil_task *task = spawn(await_it, future);

    (void)unused;
    coil_sleep(0);
    coil_future_set_error(future, -EIO);
    coil_cancel(task); /* the future is done: the task gets the cancellation, but has looked at the error */
    ck_assert_int_eq(coil_join(task), -ECANCELED);
    coil_unref(future);
    return 0;
}

START_TEST(a_waiter_that_is_cancelled_after_the_error_has_looked_at_it)
    {
        ck_assert_int_eq(run(wait_then_be_cancelled), 0);
    }
END_TEST

Suite *future_suite(void)
{
    Suite *suite = suite_create("future");
    TCase *completing = tcase_create("future_completing");
    TCase *callbacks = tcase_create("future_callbacks");
    TCase *waiting = tcase_create("future_waiting");

    tcase_add_checked_fixture(completing, setup, teardown);
    tcase_add_test(completing, a_result_is_there_once_it_is_set);
    tcase_add_test(completing, a_value_is_a_pointer_beside_the_result_zero);
    tcase_add_test(completing, an_error_is_what_an_await_returns);
    tcase_add_test(completing, a_done_future_cannot_be_completed_again);
    tcase_add_test(completing, a_cancelled_future_cannot_be_completed);
    tcase_add_test(completing, results_are_not_negative_and_errors_are);
    tcase_add_test(completing, an_error_that_is_a_cancellation_does_not_cancel);
    tcase_add_test(completing, only_plain_futures_are_completed_from_outside);
    tcase_add_test(completing, an_error_nobody_looked_at_is_reported_with_the_last_reference);
    tcase_add_test(completing, looking_at_an_error_in_any_way_is_retrieving_it);
    tcase_add_test(completing, a_cancelled_future_is_nobodys_error);
    tcase_add_test(completing, a_waiter_that_is_cancelled_after_the_error_has_looked_at_it);
    suite_add_tcase(suite, completing);

    tcase_add_checked_fixture(callbacks, setup, teardown);
    tcase_add_test(callbacks, callbacks_run_in_the_order_of_registration_one_iteration_after_completion);
    tcase_add_test(callbacks, a_callback_of_a_done_future_runs_in_the_next_iteration);
    tcase_add_test(callbacks, cancelling_runs_the_callbacks_too);
    tcase_add_test(callbacks, removing_takes_out_all_equal_callbacks_and_counts_them);
    tcase_add_test(callbacks, callbacks_that_are_scheduled_already_are_not_removed);
    tcase_add_test(callbacks, a_callback_may_give_back_the_last_reference);
    tcase_add_test(callbacks, a_callback_may_register_another);
    tcase_add_test(callbacks, a_pending_future_goes_away_with_its_callbacks);
    tcase_add_test(callbacks, tasks_have_callbacks_as_other_futures_do);
    suite_add_tcase(suite, callbacks);

    tcase_add_checked_fixture(waiting, setup, teardown);
    tcase_add_test(waiting, awaiting_a_done_future_takes_no_iteration);
    tcase_add_test(waiting, a_result_wakes_who_awaits_in_the_next_iteration);
    tcase_add_test(waiting, waiters_and_callbacks_are_served_in_one_order);
    tcase_add_test(waiting, cancelling_one_who_awaits_cancels_the_future_for_all);
    tcase_add_test(waiting, who_awaits_keeps_the_future);
    suite_add_tcase(suite, waiting);
    return suite;
}
