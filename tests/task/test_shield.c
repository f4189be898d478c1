/* shield: a future whose cancellation leaves another alone, and what becomes of an error that nobody waits for any more. */
#include "harness.h"
#include "suites.h"

TASK_TEST(a_shield_ends_as_what_it_shields_two_iterations_later)
{
    static int results[] = {5, 0, -EIO};

    for (int i = 0; i < 3; i++) {
        coil_task *inner = spawn(trigger_and_give, &results[i]);
        coil_future *shield = coil_shield(inner);
        ck_assert_ptr_ne(shield, inner);
        ck_assert_int_eq(coil_await(shield), results[i]);
        ck_assert_int_eq(hops(), 2);
        ck_assert_int_eq(coil_result(shield), results[i]);
        coil_unref(shield);
        coil_unref(inner); /* its error counts as retrieved */
    }
    return 0;
}

TASK_TEST(a_shield_carries_the_value_and_the_words)
{
    A_FUTURE(future);
    coil_future *shield = coil_shield(future);

    coil_future_set_value(future, &future);
    ck_assert_int_eq(coil_await(shield), 0);
    ck_assert_ptr_eq(coil_value(shield), &future);
    coil_unref(shield);
    coil_unref(future);
    return 0;
}

TASK_TEST(a_shield_of_what_is_done_is_that_itself)
{
    A_FUTURE(future);

    coil_future_set_result(future, 3);
    coil_future *shield = coil_shield(future);
    ck_assert_ptr_eq(shield, future);
    trigger(NULL);
    ck_assert_int_eq(coil_join(shield), 3);
    ck_assert_int_eq(hops(), 0);
    coil_unref(future);
    return 0;
}

TASK_TEST(cancelling_a_shield_leaves_the_inner_running)
{
    coil_task *inner = spawn(sleep_for, &(double){2});
    coil_future *shield = coil_shield(inner);

    coil_sleep(1);
    ck_assert_int_eq(coil_cancel(shield), 1);
    ck_assert(coil_cancelled(shield));
    ck_assert_int_eq(coil_cancelling(inner), 0);
    ck_assert_int_eq(coil_join(shield), -ECANCELED);
    ck_assert_int_eq(coil_join(inner), 0);
    ck_assert_double_eq(coil_time(), 2);
    return 0;
}

static int await_shielded(void *inner)
{
    return coil_join(coil_shield(inner));
}

TASK_TEST(cancelling_who_awaits_a_shield_leaves_the_inner_running)
{
    coil_task *inner = spawn(sleep_for, &(double){2});
    coil_task *outer = spawn(await_shielded, inner);

    coil_sleep(1);
    coil_cancel(outer);
    ck_assert_int_eq(coil_join(outer), -ECANCELED);
    ck_assert(!coil_done(inner));
    ck_assert_int_eq(coil_join(inner), 0);
    return 0;
}

TASK_TEST(cancelling_the_inner_cancels_the_shield)
{
    coil_task *inner = spawn(hang, NULL);
    coil_future *shield = coil_shield(inner);

    coil_sleep(1);
    coil_cancel(inner);
    ck_assert_int_eq(coil_await(shield), -ECANCELED);
    ck_assert(coil_cancelled(shield));
    coil_unref(shield);
    coil_unref(inner);
    return 0;
}

TASK_TEST(shields_of_shields_pass_results_and_stop_cancellations)
{
    A_FUTURE(future);
    coil_future *first = coil_shield(future);
    coil_future *second = coil_shield(first);
    coil_future *third = coil_shield(second);

    coil_cancel(third);
    ck_assert(!coil_done(second));
    coil_future_set_result(future, 4);
    ck_assert_int_eq(coil_join(second), 4);
    ck_assert_int_eq(coil_join(first), 4);
    ck_assert_int_eq(coil_join(third), -ECANCELED);
    coil_unref(future);
    return 0;
}

/* ---- errors after the waiter has left -------------------------------------------------------------------------------- */

static int fail_in_a_second(void *unused)
{
    (void)unused;
    coil_sleep(1);
    return coil_fail(-EIO, "too late");
}

static int leave_before_the_error(void *unused)
{
    coil_task *inner = coil_create_task(fail_in_a_second, NULL, .name = "inner");
    coil_future *shield = coil_shield(inner);

    (void)unused;
    coil_sleep(0.5);
    coil_cancel(shield);
    coil_unref(shield);
    coil_sleep(1);
    coil_unref(inner);
    return 0;
}

START_TEST(an_error_after_the_waiter_has_left_is_reported_once)
    {
        ck_assert_int_eq(run(leave_before_the_error), 0);
        const struct heard *report = take_report(COIL_REPORT_SHIELDED_ERROR);
        ck_assert_int_eq(report->error, -EIO);
        ck_assert_str_eq(report->task, "inner");
        ck_assert_str_eq(report->detail, "too late");
        assert_no_reports(); /* and counts as retrieved */
    }
END_TEST

static int leave_many(void *unused)
{
    coil_task *inner = coil_create_task(fail_in_a_second, NULL, .name = "inner");
    coil_future *shields[5];

    (void)unused;
    for (int i = 0; i < 5; i++) {
        shields[i] = coil_shield(inner);
        coil_cancel(shields[i]);
        coil_unref(shields[i]);
    }
    coil_sleep(2);
    coil_unref(inner);
    return 0;
}

START_TEST(many_shields_that_were_left_report_one_error_once)
    {
        ck_assert_int_eq(run(leave_many), 0);
        take_report(COIL_REPORT_SHIELDED_ERROR);
    }
END_TEST

/* All of a crowd leave at the same time, as after a limit of time; each moves the one report to its own place. */
static int leave_a_crowd(void *unused)
{
    enum { CROWD = 20000 };
    coil_task *inner = coil_create_task(fail_in_a_second, NULL, .name = "inner");
    coil_future **shields = malloc(CROWD * sizeof(coil_future *));

    (void)unused;
    ck_assert_ptr_nonnull(shields);
    for (int i = 0; i < CROWD; i++) {
        shields[i] = coil_shield(inner);
    }
    for (int i = 0; i < CROWD; i++) {
        coil_cancel(shields[i]);
        coil_unref(shields[i]);
    }
    free(shields);
    coil_sleep(0.5);
    ck_assert_ptr_nonnull(inner->logger);
    coil_sleep(1);
    coil_unref(inner);
    return 0;
}

START_TEST(a_crowd_of_shields_that_were_left_reports_one_error_once)
    {
        ck_assert_int_eq(run(leave_a_crowd), 0);
        take_report(COIL_REPORT_SHIELDED_ERROR);
    }
END_TEST

TASK_TEST(a_result_after_the_waiter_has_left_is_nobodys_business)
{
    coil_task *inner = spawn(sleep_for, &(double){1});
    coil_future *shield = coil_shield(inner);

    coil_cancel(shield);
    coil_unref(shield);
    coil_sleep(2);
    coil_unref(inner);
    return 0;
}

TASK_TEST(an_inner_that_is_cancelled_after_the_waiter_has_left_is_nobodys_business)
{
    coil_task *inner = spawn(hang, NULL);
    coil_future *shield = coil_shield(inner);

    coil_cancel(shield);
    coil_unref(shield);
    coil_sleep(1);
    coil_cancel(inner);
    coil_sleep(1);
    coil_unref(inner);
    return 0;
}

static int forget_shield(void *unused)
{
    coil_task *inner = coil_create_task(fail_in_a_second, NULL, .name = "inner");

    (void)unused;
    coil_unref(coil_shield(inner)); /* pending, and nobody will ever look */
    coil_sleep(2);
    coil_unref(inner);
    return 0;
}

START_TEST(an_error_in_a_shield_that_nobody_holds_is_never_retrieved)
    {
        ck_assert_int_eq(run(forget_shield), 0);
        ck_assert_int_eq(take_report(COIL_REPORT_NEVER_RETRIEVED)->error, -EIO);
    }
END_TEST

TASK_TEST(nothing_cannot_be_shielded)
{
    ck_assert_ptr_null(coil_shield(NULL));
    ck_assert_int_eq(coil_creation_error(), -EINVAL);
    return 0;
}

Suite *shield_suite(void)
{
    Suite *suite = suite_create("shield");
    TCase *tc = tcase_create("shield");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_shield_ends_as_what_it_shields_two_iterations_later);
    tcase_add_test(tc, a_shield_carries_the_value_and_the_words);
    tcase_add_test(tc, a_shield_of_what_is_done_is_that_itself);
    tcase_add_test(tc, cancelling_a_shield_leaves_the_inner_running);
    tcase_add_test(tc, cancelling_who_awaits_a_shield_leaves_the_inner_running);
    tcase_add_test(tc, cancelling_the_inner_cancels_the_shield);
    tcase_add_test(tc, shields_of_shields_pass_results_and_stop_cancellations);
    tcase_add_test(tc, an_error_after_the_waiter_has_left_is_reported_once);
    tcase_add_test(tc, many_shields_that_were_left_report_one_error_once);
    tcase_add_test(tc, a_crowd_of_shields_that_were_left_reports_one_error_once);
    tcase_add_test(tc, a_result_after_the_waiter_has_left_is_nobodys_business);
    tcase_add_test(tc, an_inner_that_is_cancelled_after_the_waiter_has_left_is_nobodys_business);
    tcase_add_test(tc, an_error_in_a_shield_that_nobody_holds_is_never_retrieved);
    tcase_add_test(tc, nothing_cannot_be_shielded);
    suite_add_tcase(suite, tc);
    return suite;
}
