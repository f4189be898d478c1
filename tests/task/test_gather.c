/* gather: many futures as one; what it waits for, how it fails, and how a cancellation goes through it. */
#include "harness.h"
#include "suites.h"

static void complete(void *future)
{
    coil_future_set_result(future, 1);
}

static void fail_it(void *future)
{
    coil_future_set_error(future, -EIO);
}

/* ---- completing ------------------------------------------------------------------------------------------------------ */

TASK_TEST(a_gather_of_nothing_is_done_at_once)
{
    coil_future *all = coil_gather(NULL, 0);

    ck_assert(coil_done(all));
    trigger(NULL);
    ck_assert_int_eq(coil_join(all), 0);
    ck_assert_int_eq(hops(), 0);
    return 0;
}

TASK_TEST(a_gather_of_what_is_done_is_done_at_once)
{
    coil_future *futures[3];

    for (int i = 0; i < 3; i++) {
        futures[i] = coil_future_new();
        coil_future_set_result(futures[i], i);
    }
    coil_future *all = coil_gather(futures, 3);
    ck_assert(coil_done(all));
    trigger(NULL);
    ck_assert_int_eq(coil_join(all), 0);
    ck_assert_int_eq(hops(), 0);
    for (int i = 0; i < 3; i++) {
        coil_unref(futures[i]);
    }
    return 0;
}

TASK_TEST(the_end_of_the_last_child_wakes_who_awaits_in_two_iterations)
{
    int results[] = {3, 1, 2};
    coil_future *tasks[3];

    for (int i = 0; i < 3; i++) {
        tasks[i] = spawn(trigger_and_give, &results[i]);
    }
    coil_future *all = coil_gather(tasks, 3);
    ck_assert_int_eq(coil_join(all), 0);
    ck_assert_int_eq(hops(), 2);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(coil_join(tasks[i]), results[i]);
    }
    return 0;
}

TASK_TEST(many_children_are_gathered)
{
    enum { COUNT = 1000 };
    static coil_future *tasks[COUNT];
    static double seconds[COUNT];

    for (int i = 0; i < COUNT; i++) {
        seconds[i] = (i * 7919) % COUNT;
        tasks[i] = spawn(sleep_for, &seconds[i]);
    }
    ck_assert_int_eq(coil_join(coil_gather(tasks, COUNT)), 0);
    ck_assert_double_eq(coil_time(), COUNT - 1);
    for (int i = 0; i < COUNT; i++) {
        ck_assert_int_eq(coil_join(tasks[i]), 0);
    }
    return 0;
}

TASK_TEST(some_children_may_be_done_beforehand)
{
    A_FUTURE(done);
    A_FUTURE(pending);
    coil_future *futures[] = {done, pending, done};

    coil_future_set_result(done, 1);
    coil_future *all = coil_gather(futures, 3);
    ck_assert(!coil_done(all));
    coil_call_soon(complete, pending);
    ck_assert_int_eq(coil_join(all), 0);
    coil_unref(done);
    coil_unref(pending);
    return 0;
}

TASK_TEST(the_same_child_may_be_given_many_times)
{
    A_FUTURE(a);
    A_FUTURE(b);
    coil_future *futures[] = {a, b, a, a, b};
    coil_future *all = coil_gather(futures, 5);

    coil_future_set_result(a, 1);
    let_pass(2);
    ck_assert(!coil_done(all));
    coil_future_set_result(b, 1);
    ck_assert_int_eq(coil_join(all), 0);
    coil_unref(a);
    coil_unref(b);
    return 0;
}

/* ---- failing --------------------------------------------------------------------------------------------------------- */

TASK_TEST(the_first_error_ends_the_gather_and_the_others_go_on)
{
    A_FUTURE(failing);
    coil_task *sleeping = spawn(sleep_for, &(double){5});
    coil_future *futures[] = {sleeping, failing};
    coil_future *all = coil_gather(futures, 2);

    coil_call_later(1, fail_it, failing);
    ck_assert_int_eq(coil_await(all), -EIO);
    ck_assert_double_eq(coil_time(), 1);
    ck_assert(!coil_cancelled(all));
    ck_assert(!coil_done(sleeping));
    ck_assert_int_eq(coil_join(sleeping), 0);
    coil_unref(all);
    coil_unref(failing);
    return 0;
}

TASK_TEST(an_error_that_comes_later_counts_as_retrieved)
{
    coil_future *futures[3];

    for (int i = 0; i < 3; i++) {
        futures[i] = coil_future_new();
        coil_call_later(1 + i, fail_it, futures[i]);
    }
    ck_assert_int_eq(coil_join(coil_gather(futures, 3)), -EIO);
    coil_sleep(10);
    for (int i = 0; i < 3; i++) {
        coil_unref(futures[i]); /* no report */
    }
    return 0;
}

TASK_TEST(a_child_that_failed_beforehand_fails_the_gather_at_once)
{
    A_FUTURE(failed);
    A_FUTURE(pending);
    coil_future *futures[] = {pending, failed};

    coil_future_set_error(failed, -EIO);
    coil_future *all = coil_gather(futures, 2);
    ck_assert(coil_done(all));
    ck_assert_int_eq(coil_join(all), -EIO);
    coil_future_set_error(pending, -EPIPE);
    coil_sleep(0);
    coil_unref(failed);
    coil_unref(pending);
    return 0;
}

TASK_TEST(a_cancelled_child_is_an_error_and_does_not_cancel_the_gather)
{
    A_FUTURE(cancelled);
    A_FUTURE(other);
    coil_future *futures[] = {other, cancelled};
    coil_future *all = coil_gather(futures, 2);

    coil_cancel(cancelled);
    ck_assert_int_eq(coil_await(all), -ECANCELED);
    ck_assert(!coil_cancelled(all));
    ck_assert(!coil_done(other));
    ck_assert_int_eq(coil_join(all), -ECANCELED);
    coil_unref(cancelled);
    coil_unref(other);
    return 0;
}

TASK_TEST(errors_may_be_left_in_the_children)
{
    static int results[] = {1, -EIO, -ECANCELED, -EPIPE};
    coil_future *tasks[4];

    for (int i = 0; i < 4; i++) {
        tasks[i] = spawn(give, &results[i]);
    }
    ck_assert_int_eq(coil_join(coil_gather(tasks, 4, .return_errors = true)), 0);
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(coil_result(tasks[i]), results[i]);
        coil_unref(tasks[i]);
    }
    return 0;
}

static int gather_and_forget(void *unused)
{
    A_FUTURE(future);

    (void)unused;
    coil_future *all = coil_gather(&future, 1);
    coil_future_set_error(future, -EIO);
    let_pass(2);
    coil_unref(future); /* retrieved, by the gather */
    assert_no_reports();
    coil_unref(all); /* not retrieved, by anybody */
    return 0;
}

START_TEST(a_gathers_error_is_reported_when_nobody_looks_at_it)
    {
        ck_assert_int_eq(run(gather_and_forget), 0);
        const struct heard *report = take_report(COIL_REPORT_NEVER_RETRIEVED);
        ck_assert_int_eq(report->error, -EIO);
        ck_assert_str_eq(report->function, "gather_and_forget");
    }
END_TEST

/* ---- cancelling ------------------------------------------------------------------------------------------------------ */

static int say_when_cancelled(void *text)
{
    int rc = coil_sleep(INFINITY);

    say(text);
    return rc;
}

TASK_TEST(cancelling_a_gather_cancels_its_children_in_order)
{
    coil_future *tasks[] = {spawn(say_when_cancelled, "a"), spawn(say_when_cancelled, "b"),
                            spawn(say_when_cancelled, "c")};
    coil_future *all = coil_gather(tasks, 3);

    coil_sleep(1);
    ck_assert_int_eq(coil_cancel(all), 1);
    ck_assert(!coil_done(all));
    ck_assert_int_eq(coil_await(all), -ECANCELED);
    assert_said("abc");
    ck_assert(!coil_cancelled(all));
    ck_assert_int_eq(coil_cancel(all), 0);
    for (int i = 0; i < 3; i++) {
        ck_assert(coil_cancelled(tasks[i]));
        coil_unref(tasks[i]);
    }
    coil_unref(all);
    return 0;
}

TASK_TEST(a_cancelled_gather_is_cancelled_even_where_errors_are_left)
{
    coil_future *tasks[] = {spawn(hang, NULL), spawn(give, &(int){-EIO})};
    coil_future *all = coil_gather(tasks, 2, .return_errors = true);

    let_pass(3);
    ck_assert(!coil_done(all));
    ck_assert_int_eq(coil_cancel(all), 1);
    ck_assert_int_eq(coil_join(all), -ECANCELED);
    coil_unref(tasks[0]);
    coil_unref(tasks[1]);
    return 0;
}

static int refuse_and_give(void *arg)
{
    ck_assert_int_eq(coil_sleep(INFINITY), -ECANCELED);
    return give(arg);
}

TASK_TEST(a_cancelled_gather_whose_children_refuse_is_cancelled_all_the_same)
{
    coil_future *tasks[] = {spawn(refuse_and_give, &(int){1}), spawn(refuse_and_give, &(int){2})};
    coil_future *all = coil_gather(tasks, 2);

    coil_sleep(1);
    ck_assert_int_eq(coil_cancel(all), 1);
    ck_assert_int_eq(coil_join(all), -ECANCELED);
    ck_assert_int_eq(coil_join(tasks[0]), 1);
    ck_assert_int_eq(coil_join(tasks[1]), 2);
    return 0;
}

TASK_TEST(a_cancellation_reaches_each_occurrence_of_a_child)
{
    coil_task *task = spawn(hang, NULL);
    coil_future *tasks[] = {task, task, task};
    coil_future *all = coil_gather(tasks, 3);

    coil_sleep(1);
    ck_assert_int_eq(coil_cancel(all), 1);
    ck_assert_int_eq(coil_cancelling(task), 3);
    ck_assert_int_eq(coil_join(all), -ECANCELED);
    ck_assert_int_eq(coil_join(task), -ECANCELED);
    return 0;
}

TASK_TEST(a_gather_whose_children_are_done_takes_no_cancellation)
{
    A_FUTURE(future);
    coil_future *all = coil_gather(&future, 1);

    coil_future_set_result(future, 1);
    ck_assert(!coil_done(all)); /* it has not heard yet */
    ck_assert_int_eq(coil_cancel(all), 0);
    ck_assert_int_eq(coil_join(all), 0);
    coil_unref(future);
    return 0;
}

TASK_TEST(the_reason_comes_through_a_gather)
{
    coil_task *task = spawn(hang, NULL);
    coil_future *all = coil_gather(&task, 1);

    coil_sleep(1);
    coil_cancel_msg(all, "too many");
    ck_assert_int_eq(coil_await(all), -ECANCELED);
    ck_assert_str_eq(coil_cancel_message(coil_current_task()), "too many");
    ck_assert_str_eq(coil_cancel_message(task), "too many");
    coil_unref(all);
    coil_unref(task);
    return 0;
}

/* ---- misuse ---------------------------------------------------------------------------------------------------------- */

TASK_TEST(children_that_are_missing_are_refused)
{
    A_FUTURE(future);
    coil_future *futures[] = {future, NULL};

    ck_assert_ptr_null(coil_gather(futures, 2));
    ck_assert_int_eq(coil_creation_error(), -EINVAL);
    ck_assert_ptr_null(coil_gather(NULL, 1));
    ck_assert_int_eq(coil_creation_error(), -EINVAL);
    ck_assert_int_eq(coil_join(coil_gather(futures, 2)), -EINVAL);
    coil_unref(future);
    return 0;
}

START_TEST(outside_of_a_loop_nothing_is_gathered)
    {
        ck_assert_ptr_null(coil_gather(NULL, 0));
        ck_assert_int_eq(coil_creation_error(), -EPERM);
    }
END_TEST

Suite *gather_suite(void)
{
    Suite *suite = suite_create("gather");
    TCase *tc = tcase_create("gather");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_gather_of_nothing_is_done_at_once);
    tcase_add_test(tc, a_gather_of_what_is_done_is_done_at_once);
    tcase_add_test(tc, the_end_of_the_last_child_wakes_who_awaits_in_two_iterations);
    tcase_add_test(tc, many_children_are_gathered);
    tcase_add_test(tc, some_children_may_be_done_beforehand);
    tcase_add_test(tc, the_same_child_may_be_given_many_times);
    tcase_add_test(tc, the_first_error_ends_the_gather_and_the_others_go_on);
    tcase_add_test(tc, an_error_that_comes_later_counts_as_retrieved);
    tcase_add_test(tc, a_child_that_failed_beforehand_fails_the_gather_at_once);
    tcase_add_test(tc, a_cancelled_child_is_an_error_and_does_not_cancel_the_gather);
    tcase_add_test(tc, errors_may_be_left_in_the_children);
    tcase_add_test(tc, a_gathers_error_is_reported_when_nobody_looks_at_it);
    tcase_add_test(tc, cancelling_a_gather_cancels_its_children_in_order);
    tcase_add_test(tc, a_cancelled_gather_is_cancelled_even_where_errors_are_left);
    tcase_add_test(tc, a_cancelled_gather_whose_children_refuse_is_cancelled_all_the_same);
    tcase_add_test(tc, a_cancellation_reaches_each_occurrence_of_a_child);
    tcase_add_test(tc, a_gather_whose_children_are_done_takes_no_cancellation);
    tcase_add_test(tc, the_reason_comes_through_a_gather);
    tcase_add_test(tc, children_that_are_missing_are_refused);
    tcase_add_test(tc, outside_of_a_loop_nothing_is_gathered);
    suite_add_tcase(suite, tc);
    return suite;
}
