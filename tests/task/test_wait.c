/* coil_wait: all, the first, the first error, or a limit of time; it cancels nothing and counts what is done. */
#include "harness.h"
#include "suites.h"

enum { COUNT = 4 };

static coil_future *futures[100];

static void make_futures(int count)
{
    for (int i = 0; i < count; i++) {
        futures[i] = coil_future_new();
        ck_assert_ptr_nonnull(futures[i]);
    }
}

static void unref_futures(int count)
{
    for (int i = 0; i < count; i++) {
        coil_unref(futures[i]);
    }
}

static void complete(void *future)
{
    trigger(NULL);
    coil_future_set_result(future, 1);
}

static void fail_it(void *future)
{
    trigger(NULL);
    coil_future_set_error(future, -EIO);
}

static void cancel(void *future)
{
    coil_cancel(future);
}

/* ---- until when ------------------------------------------------------------------------------------------------------ */

TASK_TEST(waiting_for_all_ends_two_iterations_after_the_last)
{
    make_futures(COUNT);
    for (int i = 0; i < COUNT; i++) {
        coil_call_later(1 + (i * 3) % COUNT, complete, futures[i]);
    }
    ck_assert_int_eq(coil_wait(futures, COUNT), COUNT);
    ck_assert_int_eq(hops(), 2);
    ck_assert_double_eq(coil_time(), COUNT);
    unref_futures(COUNT);
    return 0;
}

TASK_TEST(waiting_for_what_is_done_takes_two_iterations_as_well)
{
    make_futures(COUNT);
    for (int i = 0; i < COUNT; i++) {
        coil_future_set_result(futures[i], 0);
    }
    trigger(NULL);
    ck_assert_int_eq(coil_wait(futures, COUNT), COUNT);
    ck_assert_int_eq(hops(), 2);
    unref_futures(COUNT);
    return 0;
}

TASK_TEST(waiting_for_the_first_ends_with_the_first)
{
    make_futures(COUNT);
    coil_call_later(2, complete, futures[1]);
    coil_call_later(1, fail_it, futures[3]);
    ck_assert_int_eq(coil_wait(futures, COUNT, .return_when = COIL_FIRST_COMPLETED), 1);
    ck_assert_int_eq(hops(), 2);
    ck_assert_double_eq(coil_time(), 1);
    ck_assert(coil_done(futures[3]) && !coil_done(futures[1]));
    ck_assert_int_eq(coil_error(futures[3]), -EIO);
    ck_assert_int_eq(coil_wait(futures, 2, .return_when = COIL_FIRST_COMPLETED), 1);
    ck_assert_double_eq(coil_time(), 2);
    unref_futures(COUNT);
    return 0;
}

TASK_TEST(waiting_for_the_first_error_passes_results_and_cancellations)
{
    make_futures(COUNT);
    coil_call_later(1, complete, futures[0]);
    coil_call_later(2, cancel, futures[1]);
    coil_call_later(3, fail_it, futures[2]);
    ck_assert_int_eq(coil_wait(futures, COUNT, .return_when = COIL_FIRST_EXCEPTION), 3);
    ck_assert_int_eq(hops(), 2);
    ck_assert_double_eq(coil_time(), 3);
    ck_assert(!coil_done(futures[3]));
    unref_futures(COUNT); /* the error counts as retrieved */
    return 0;
}

TASK_TEST(without_an_error_waiting_for_the_first_one_waits_for_all)
{
    make_futures(2);
    coil_call_later(1, complete, futures[0]);
    coil_call_later(2, cancel, futures[1]);
    ck_assert_int_eq(coil_wait(futures, 2, .return_when = COIL_FIRST_EXCEPTION), 2);
    ck_assert_double_eq(coil_time(), 2);
    unref_futures(2);
    return 0;
}

TASK_TEST(when_the_time_runs_out_what_is_done_is_counted_and_nothing_cancelled)
{
    make_futures(COUNT);
    coil_call_later(1, complete, futures[2]);
    coil_call_later(3, trigger, NULL);
    ck_assert_int_eq(coil_wait(futures, COUNT, .timeout = 3), 1);
    ck_assert_int_eq(hops(), 1);
    ck_assert_double_eq(coil_time(), 3);
    ck_assert(coil_done(futures[2]));
    for (int i = 0; i < COUNT; i++) {
        ck_assert(!coil_cancelled(futures[i]));
    }
    ck_assert_int_eq(coil_wait(futures, COUNT, .timeout = 1), 1);
    unref_futures(COUNT);
    return 0;
}

TASK_TEST(no_time_at_all_still_lets_an_iteration_pass)
{
    make_futures(2);
    coil_future_set_result(futures[0], 0);
    ck_assert_int_eq(coil_wait(futures, 2, .timeout = -1), 1);
    ck_assert_double_eq(coil_time(), 0);
    coil_future_set_result(futures[1], 0);
    ck_assert_int_eq(coil_wait(futures, 2, .timeout = -1), 2);
    ck_assert_int_eq(coil_wait(futures, 2, .timeout = INFINITY), 2);
    unref_futures(2);
    return 0;
}

TASK_TEST(a_limit_that_is_not_reached_leaves_no_timer)
{
    make_futures(1);
    coil_call_soon(complete, futures[0]);
    ck_assert_int_eq(coil_wait(futures, 1, .timeout = 100), 1);
    ck_assert_uint_eq(coil_get_running_loop()->timers.count, 0);
    unref_futures(1);
    return 0;
}

/* ---- how many -------------------------------------------------------------------------------------------------------- */

TASK_TEST(the_same_future_counts_once)
{
    make_futures(1);
    coil_future *same[] = {futures[0], futures[0], futures[0]};

    coil_call_soon(complete, futures[0]);
    ck_assert_int_eq(coil_wait(same, 3), 1);
    unref_futures(1);
    return 0;
}

TASK_TEST(futures_may_be_given_as_a_literal)
{
    coil_as_completed_iter iter;
    coil_future *next;

    make_futures(2);
    coil_future_set_result(futures[1], 3);
    ck_assert_int_eq(coil_wait((coil_future *[]){futures[0], futures[1]}, 2, .return_when = COIL_FIRST_COMPLETED), 1);
    ck_assert_int_eq(coil_as_completed(&iter, (coil_future *[]){futures[0], futures[1]}, 2), 0);
    ck_assert_int_eq(coil_as_completed_next(&iter, &next), 1);
    ck_assert_ptr_eq(next, futures[1]);
    coil_as_completed_close(&iter);
    coil_future *all = coil_gather((coil_future *[]){futures[0], futures[1]}, 2);
    coil_future_set_error(futures[0], -EIO);
    ck_assert_int_eq(coil_join(all), -EIO);
    unref_futures(2);
    return 0;
}

TASK_TEST(any_number_can_be_waited_for)
{
    static const int counts[] = {1, 15, 16, 17, 18, 100};

    for (int k = 0; k < 6; k++) {
        make_futures(counts[k]);
        for (int i = 0; i < counts[k]; i++) {
            coil_call_later(i, complete, futures[i]);
        }
        ck_assert_int_eq(coil_wait(futures, (size_t)counts[k], .timeout = counts[k] / 2 + 0.5), counts[k] / 2 + 1);
        ck_assert_int_eq(coil_wait(futures, (size_t)counts[k]), counts[k]);
        unref_futures(counts[k]);
    }
    return 0;
}

static int wait_for_all(void *unused)
{
    (void)unused;
    return coil_wait(futures, COUNT);
}

TASK_TEST(many_may_wait_for_the_same_futures)
{
    coil_task *tasks[10];

    make_futures(COUNT);
    for (int i = 0; i < 10; i++) {
        tasks[i] = spawn(wait_for_all, NULL);
    }
    coil_sleep(1);
    for (int i = 0; i < COUNT; i++) {
        coil_future_set_result(futures[i], 0);
    }
    for (int i = 0; i < 10; i++) {
        ck_assert_int_eq(coil_join(tasks[i]), COUNT);
    }
    unref_futures(COUNT);
    return 0;
}

/* ---- cancelled meanwhile --------------------------------------------------------------------------------------------- */

TASK_TEST(cancelling_who_waits_cancels_nothing_else)
{
    make_futures(COUNT);
    coil_task *task = spawn(wait_for_all, NULL);

    coil_sleep(1);
    trigger(NULL);
    coil_cancel(task);
    ck_assert_int_eq(coil_join(task), -ECANCELED);
    ck_assert_int_eq(hops(), 2);
    for (int i = 0; i < COUNT; i++) {
        ck_assert(!coil_done(futures[i]));
        coil_future_set_result(futures[i], 0); /* nobody listens any more */
    }
    let_pass(2);
    unref_futures(COUNT);
    return 0;
}

TASK_TEST(a_cancellation_after_the_last_one_is_still_delivered)
{
    make_futures(COUNT);
    coil_task *task = spawn(wait_for_all, NULL);

    coil_sleep(1);
    for (int i = 0; i < COUNT; i++) {
        coil_future_set_result(futures[i], 0);
    }
    coil_sleep(0); /* the callbacks have run, the task has not */
    ck_assert_int_eq(coil_cancel(task), 1);
    ck_assert_int_eq(coil_join(task), -ECANCELED);
    unref_futures(COUNT);
    return 0;
}

/* ---- misuse ---------------------------------------------------------------------------------------------------------- */

TASK_TEST(a_wait_that_makes_no_sense_is_refused)
{
    make_futures(1);
    futures[1] = NULL;
    ck_assert_int_eq(coil_wait(futures, 0), -EINVAL);
    ck_assert_int_eq(coil_wait(NULL, 1), -EINVAL);
    ck_assert_int_eq(coil_wait(futures, 2), -EINVAL);
    ck_assert_int_eq(coil_wait(futures, 1, .timeout = NAN), -EINVAL);
    ck_assert_int_eq(coil_wait(futures, 1, .return_when = (enum coil_return_when)9), -EINVAL);
    unref_futures(1);
    return 0;
}

static void wait_in_callback(void *unused)
{
    (void)unused;
    ck_assert_int_eq(coil_wait(futures, 1), -EPERM);
}

TASK_TEST(a_callback_cannot_wait)
{
    make_futures(1);
    coil_call_soon(wait_in_callback, NULL);
    coil_sleep(0);
    unref_futures(1);
    return 0;
}

Suite *wait_suite(void)
{
    Suite *suite = suite_create("wait");
    TCase *tc = tcase_create("wait");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, waiting_for_all_ends_two_iterations_after_the_last);
    tcase_add_test(tc, waiting_for_what_is_done_takes_two_iterations_as_well);
    tcase_add_test(tc, waiting_for_the_first_ends_with_the_first);
    tcase_add_test(tc, waiting_for_the_first_error_passes_results_and_cancellations);
    tcase_add_test(tc, without_an_error_waiting_for_the_first_one_waits_for_all);
    tcase_add_test(tc, when_the_time_runs_out_what_is_done_is_counted_and_nothing_cancelled);
    tcase_add_test(tc, no_time_at_all_still_lets_an_iteration_pass);
    tcase_add_test(tc, a_limit_that_is_not_reached_leaves_no_timer);
    tcase_add_test(tc, the_same_future_counts_once);
    tcase_add_test(tc, futures_may_be_given_as_a_literal);
    tcase_add_test(tc, any_number_can_be_waited_for);
    tcase_add_test(tc, many_may_wait_for_the_same_futures);
    tcase_add_test(tc, cancelling_who_waits_cancels_nothing_else);
    tcase_add_test(tc, a_cancellation_after_the_last_one_is_still_delivered);
    tcase_add_test(tc, a_wait_that_makes_no_sense_is_refused);
    tcase_add_test(tc, a_callback_cannot_wait);
    suite_add_tcase(suite, tc);
    return suite;
}
