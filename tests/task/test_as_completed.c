/* as_completed: futures in the order in which they end, under a limit of time, and left before its end. */
#include "harness.h"
#include "suites.h"

static coil_future *tasks[100];
static double seconds[100];

static void make_tasks(int count)
{
    for (int i = 0; i < count; i++) {
        seconds[i] = 1 + (i * 37) % count;
        tasks[i] = spawn(sleep_for, &seconds[i]);
    }
}

static void unref_tasks(int count)
{
    for (int i = 0; i < count; i++) {
        coil_unref(tasks[i]);
    }
}

static void cancel_tasks(int count)
{
    for (int i = 0; i < count; i++) {
        coil_cancel(tasks[i]);
        (void)coil_join(tasks[i]);
    }
}

TASK_TEST(futures_come_in_the_order_in_which_they_end)
{
    static const int counts[] = {1, 5, 16, 17, 100};
    coil_as_completed_iter iter;
    coil_future *next;

    for (int k = 0; k < 5; k++) {
        double began = coil_time();
        make_tasks(counts[k]);
        ck_assert_int_eq(coil_as_completed(&iter, tasks, (size_t)counts[k]), 0);
        for (int i = 0; i < counts[k]; i++) {
            ck_assert_int_eq(coil_as_completed_next(&iter, &next), 1);
            ck_assert(coil_done(next));
            ck_assert_double_eq(coil_time(), began + i + 1);
        }
        ck_assert_int_eq(coil_as_completed_next(&iter, &next), 0);
        ck_assert_int_eq(coil_as_completed_next(&iter, &next), 0);
        unref_tasks(counts[k]);
    }
    return 0;
}

TASK_TEST(an_end_arrives_in_two_iterations)
{
    coil_as_completed_iter iter;
    coil_future *next;

    tasks[0] = spawn(trigger_and_give, &(int){3});
    ck_assert_int_eq(coil_as_completed(&iter, tasks, 1), 0);
    ck_assert_int_eq(coil_as_completed_next(&iter, &next), 1);
    ck_assert_int_eq(hops(), 2);
    ck_assert_int_eq(coil_result(next), 3);
    coil_as_completed_close(&iter);
    trigger(NULL);
    ck_assert_int_eq(coil_as_completed(&iter, tasks, 1), 0); /* done beforehand: the same */
    ck_assert_int_eq(coil_as_completed_next(&iter, &next), 1);
    ck_assert_int_eq(hops(), 2);
    ck_assert_int_eq(coil_as_completed_next(&iter, &next), 0);
    unref_tasks(1);
    return 0;
}

TASK_TEST(what_has_ended_already_waits_in_order)
{
    coil_as_completed_iter iter;
    coil_future *next;

    make_tasks(5);
    ck_assert_int_eq(coil_as_completed(&iter, tasks, 5), 0);
    coil_sleep(10);
    for (int i = 1; i <= 5; i++) {
        trigger(NULL);
        ck_assert_int_eq(coil_as_completed_next(&iter, &next), 1);
        ck_assert_int_eq(hops(), 0);
        for (int k = 0; k < 5; k++) {
            ck_assert(next != tasks[k] || seconds[k] == i);
        }
    }
    ck_assert_int_eq(coil_as_completed_next(&iter, &next), 0);
    unref_tasks(5);
    return 0;
}

TASK_TEST(the_same_future_comes_once)
{
    coil_as_completed_iter iter;
    coil_future *next;

    make_tasks(2);
    coil_future *same[] = {tasks[0], tasks[1], tasks[0], tasks[0]};
    ck_assert_int_eq(coil_as_completed(&iter, same, 4), 0);
    ck_assert_int_eq(coil_as_completed_next(&iter, &next), 1);
    ck_assert_int_eq(coil_as_completed_next(&iter, &next), 1);
    ck_assert_int_eq(coil_as_completed_next(&iter, &next), 0);
    unref_tasks(2);
    return 0;
}

TASK_TEST(of_nothing_nothing_comes)
{
    coil_as_completed_iter iter;
    coil_future *next;

    ck_assert_int_eq(coil_as_completed(&iter, NULL, 0), 0);
    ck_assert_int_eq(coil_as_completed_next(&iter, &next), 0);
    ck_assert_int_eq(coil_as_completed(&iter, NULL, 0, .timeout = 1), 0);
    ck_assert_int_eq(coil_as_completed_next(&iter, &next), 0);
    return 0;
}

TASK_TEST(errors_come_as_futures_like_any_other)
{
    static int results[] = {-EIO, 2, -ECANCELED};
    coil_as_completed_iter iter;
    coil_future *next;

    for (int i = 0; i < 3; i++) {
        tasks[i] = spawn(give, &results[i]);
    }
    ck_assert_int_eq(coil_as_completed(&iter, tasks, 3), 0);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(coil_as_completed_next(&iter, &next), 1);
        ck_assert_ptr_eq(next, tasks[i]);
        ck_assert_int_eq(coil_result(next), results[i]);
    }
    coil_as_completed_close(&iter);
    unref_tasks(3);
    return 0;
}

/* ---- time ------------------------------------------------------------------------------------------------------------ */

TASK_TEST(when_the_time_runs_out_each_that_is_left_times_out)
{
    coil_as_completed_iter iter;
    coil_future *next;

    make_tasks(5);
    ck_assert_int_eq(coil_as_completed(&iter, tasks, 5, .timeout = 2.5), 0);
    ck_assert_int_eq(coil_as_completed_next(&iter, &next), 1);
    ck_assert_int_eq(coil_as_completed_next(&iter, &next), 1);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(coil_as_completed_next(&iter, &next), -ETIMEDOUT);
        ck_assert_double_eq(coil_time(), 2.5);
    }
    ck_assert_int_eq(coil_as_completed_next(&iter, &next), 0);
    cancel_tasks(5);
    return 0;
}

TASK_TEST(what_ended_in_time_comes_before_what_did_not)
{
    coil_as_completed_iter iter;
    coil_future *next;

    make_tasks(5);
    ck_assert_int_eq(coil_as_completed(&iter, tasks, 5, .timeout = 3.5), 0);
    coil_sleep(10);
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(coil_as_completed_next(&iter, &next), i < 3 ? 1 : -ETIMEDOUT);
    }
    ck_assert_int_eq(coil_as_completed_next(&iter, &next), 0);
    unref_tasks(5);
    return 0;
}

TASK_TEST(no_time_at_all_times_out_what_is_not_done)
{
    coil_as_completed_iter iter;
    coil_future *next;
    A_FUTURE(done);

    make_tasks(1);
    tasks[1] = done;
    coil_future_set_result(done, 1);
    ck_assert_int_eq(coil_as_completed(&iter, tasks, 2, .timeout = -1), 0);
    ck_assert_int_eq(coil_as_completed_next(&iter, &next), 1);
    ck_assert_ptr_eq(next, done);
    ck_assert_int_eq(coil_as_completed_next(&iter, &next), -ETIMEDOUT);
    ck_assert_int_eq(coil_as_completed_next(&iter, &next), 0);
    ck_assert_double_eq(coil_time(), 0);
    coil_unref(done);
    cancel_tasks(1);
    return 0;
}

/* ---- leaving --------------------------------------------------------------------------------------------------------- */

TASK_TEST(an_iteration_may_be_left_at_any_point)
{
    coil_as_completed_iter iter;
    coil_future *next;

    for (int taken = 0; taken <= 5; taken++) {
        make_tasks(5);
        ck_assert_int_eq(coil_as_completed(&iter, tasks, 5, .timeout = 100), 0);
        for (int i = 0; i < taken; i++) {
            ck_assert_int_eq(coil_as_completed_next(&iter, &next), 1);
        }
        coil_as_completed_close(&iter);
        coil_as_completed_close(&iter);
        ck_assert_int_eq(coil_as_completed_next(&iter, &next), 0);
        cancel_tasks(5);
        ck_assert_uint_eq(coil_get_running_loop()->timers.count, 0);
    }
    coil_as_completed_close(NULL);
    return 0;
}

TASK_TEST(an_iteration_may_be_left_while_ends_are_on_their_way)
{
    coil_as_completed_iter iter;

    tasks[0] = spawn(give, NULL);
    ck_assert_int_eq(coil_as_completed(&iter, tasks, 1), 0);
    coil_sleep(0); /* the task is done, its callback in the ready queue */
    coil_as_completed_close(&iter);
    coil_unref(tasks[0]);
    coil_sleep(0);
    return 0;
}

static void cancel_it(void *task)
{
    coil_cancel(task);
}

TASK_TEST(after_a_cancellation_the_iteration_goes_on)
{
    coil_as_completed_iter iter;
    coil_future *next;

    make_tasks(3);
    ck_assert_int_eq(coil_as_completed(&iter, tasks, 3), 0);
    ck_assert_int_eq(coil_as_completed_next(&iter, &next), 1);
    coil_call_later(0.5, cancel_it, coil_current_task());
    ck_assert_int_eq(coil_as_completed_next(&iter, &next), -ECANCELED);
    ck_assert_double_eq(coil_time(), 1.5);
    ck_assert_int_eq(coil_as_completed_next(&iter, &next), 1);
    ck_assert_int_eq(coil_as_completed_next(&iter, &next), 1);
    ck_assert_int_eq(coil_as_completed_next(&iter, &next), 0);
    ck_assert_double_eq(coil_time(), 3);
    unref_tasks(3);
    return 0;
}

static int take_one(void *iter)
{
    coil_future *next;

    return coil_as_completed_next(iter, &next);
}

TASK_TEST(only_one_may_wait_for_the_next)
{
    coil_as_completed_iter iter;
    coil_future *next;

    make_tasks(2);
    ck_assert_int_eq(coil_as_completed(&iter, tasks, 2), 0);
    coil_task *other = spawn(take_one, &iter);
    coil_sleep(0);
    ck_assert_int_eq(coil_as_completed_next(&iter, &next), -EBUSY);
    ck_assert_int_eq(coil_join(other), 1);
    ck_assert_int_eq(coil_as_completed_next(&iter, &next), 1);
    coil_as_completed_close(&iter);
    unref_tasks(2);
    return 0;
}

TASK_TEST(who_waits_is_told_the_end_when_another_takes_the_last)
{
    coil_as_completed_iter iter;
    coil_future *next;
    A_FUTURE(future);

    ck_assert_int_eq(coil_as_completed(&iter, &future, 1), 0);
    coil_task *other = spawn(take_one, &iter);
    coil_sleep(0);
    coil_future_set_result(future, 1);
    coil_sleep(0); /* the other task is woken, but not yet run */
    ck_assert_int_eq(coil_as_completed_next(&iter, &next), 1);
    ck_assert_int_eq(coil_join(other), 0);
    ck_assert_int_eq(coil_as_completed_next(&iter, &next), 0);
    coil_unref(future);
    return 0;
}

TASK_TEST(closing_tells_who_waits_the_end)
{
    for (int cancelled = 0; cancelled < 2; cancelled++) {
        coil_as_completed_iter iter;
        coil_future *next;
        make_tasks(2);
        ck_assert_int_eq(coil_as_completed(&iter, tasks, 2, .timeout = 1000), 0);
        coil_task *other = spawn(take_one, &iter);
        coil_sleep(0);
        coil_as_completed_close(&iter);
        ck_assert_int_eq(coil_as_completed_next(&iter, &next), 0);
        ck_assert_int_eq(coil_as_completed(&iter, tasks, 1), 0); /* the iterator can be used again at once */
        if (cancelled) {
            coil_cancel(other);
        }
        ck_assert_int_eq(coil_join(other), cancelled ? -ECANCELED : 0);
        ck_assert_int_eq(coil_as_completed_next(&iter, &next), 1);
        ck_assert_ptr_eq(next, tasks[0]);
        coil_as_completed_close(&iter);
        cancel_tasks(2);
        ck_assert_uint_eq(coil_get_running_loop()->timers.count, 0);
    }
    return 0;
}

/* ---- misuse ---------------------------------------------------------------------------------------------------------- */

TASK_TEST(an_iteration_that_makes_no_sense_is_refused)
{
    coil_as_completed_iter iter = {NULL};
    coil_future *next;

    make_tasks(1);
    tasks[1] = NULL;
    ck_assert_int_eq(coil_as_completed(NULL, tasks, 1), -EINVAL);
    ck_assert_int_eq(coil_as_completed(&iter, NULL, 1), -EINVAL);
    ck_assert_int_eq(coil_as_completed(&iter, tasks, 2), -EINVAL);
    ck_assert_int_eq(coil_as_completed(&iter, tasks, 1, .timeout = NAN), -EINVAL);
    ck_assert_int_eq(coil_as_completed_next(NULL, &next), -EINVAL);
    ck_assert_int_eq(coil_as_completed_next(&iter, NULL), -EINVAL);
    ck_assert_int_eq(coil_as_completed_next(&iter, &next), 0); /* nothing was begun */
    cancel_tasks(1);
    return 0;
}

START_TEST(outside_of_a_loop_nothing_completes)
    {
        coil_as_completed_iter iter = {NULL};
        coil_future *next;

        ck_assert_int_eq(coil_as_completed(&iter, NULL, 0), -EPERM);
        ck_assert_int_eq(coil_as_completed_next(&iter, &next), -EPERM);
    }
END_TEST

Suite *as_completed_suite(void)
{
    Suite *suite = suite_create("as_completed");
    TCase *tc = tcase_create("as_completed");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, futures_come_in_the_order_in_which_they_end);
    tcase_add_test(tc, an_end_arrives_in_two_iterations);
    tcase_add_test(tc, what_has_ended_already_waits_in_order);
    tcase_add_test(tc, the_same_future_comes_once);
    tcase_add_test(tc, of_nothing_nothing_comes);
    tcase_add_test(tc, errors_come_as_futures_like_any_other);
    tcase_add_test(tc, when_the_time_runs_out_each_that_is_left_times_out);
    tcase_add_test(tc, what_ended_in_time_comes_before_what_did_not);
    tcase_add_test(tc, no_time_at_all_times_out_what_is_not_done);
    tcase_add_test(tc, an_iteration_may_be_left_at_any_point);
    tcase_add_test(tc, an_iteration_may_be_left_while_ends_are_on_their_way);
    tcase_add_test(tc, after_a_cancellation_the_iteration_goes_on);
    tcase_add_test(tc, only_one_may_wait_for_the_next);
    tcase_add_test(tc, who_waits_is_told_the_end_when_another_takes_the_last);
    tcase_add_test(tc, closing_tells_who_waits_the_end);
    tcase_add_test(tc, an_iteration_that_makes_no_sense_is_refused);
    tcase_add_test(tc, outside_of_a_loop_nothing_completes);
    suite_add_tcase(suite, tc);
    return suite;
}
