/* Scopes of time: what expires, what it turns into, how scopes nest, and how the deadline is moved. */
#include "harness.h"
#include "suites.h"

/* ---- expiry ---------------------------------------------------------------------------------------------------------- */

TASK_TEST(what_ends_in_time_is_returned_as_it_is)
{
    static const int results[] = {0, 5, -EIO, -ECANCELED, -ETIMEDOUT};

    for (int i = 0; i < 5; i++) {
        coil_timeout timeout;
        coil_timeout_begin(&timeout, 1);
        ck_assert_int_eq(coil_sleep(0.5), 0);
        ck_assert_int_eq(coil_timeout_end(&timeout, results[i]), results[i]);
        ck_assert(!coil_timeout_expired(&timeout));
    }
    ck_assert_int_eq(coil_sleep(10), 0); /* no timer is left */
    ck_assert_int_eq(coil_cancelling(coil_current_task()), 0);
    return 0;
}

TASK_TEST(what_takes_too_long_is_cancelled_and_times_out)
{
    coil_timeout timeout;
    coil_timeout_begin(&timeout, 1);
    ck_assert_double_eq(coil_timeout_when(&timeout), 1);
    coil_call_later(1, trigger, NULL); /* in the iteration of the timeout's timer */
    int rc = coil_sleep(10);
    ck_assert_int_eq(hops(), 1);
    ck_assert_int_eq(rc, -ECANCELED);
    ck_assert(coil_timeout_expired(&timeout));
    ck_assert_int_eq(coil_timeout_end(&timeout, rc), -ETIMEDOUT);
    ck_assert(coil_timeout_expired(&timeout));
    ck_assert_double_eq(coil_time(), 1);
    ck_assert_int_eq(coil_cancelling(coil_current_task()), 0);
    ck_assert_int_eq(coil_sleep(0), 0);
    return 0;
}

TASK_TEST(a_timeout_of_nothing_strikes_at_the_next_await)
{
    static const double nothing[] = {0, -1, -INFINITY};
    A_FUTURE(done);

    coil_future_set_result(done, 1);
    for (int i = 0; i < 3; i++) {
        A_FUTURE(future);
        coil_timeout timeout;
        coil_timeout_begin(&timeout, nothing[i]);
        trigger(NULL);
        ck_assert_int_eq(coil_await(done), 1); /* which is no await of anything pending */
        int rc = coil_await(future);
        ck_assert_int_eq(hops(), 2);
        ck_assert_int_eq(coil_timeout_end(&timeout, rc), -ETIMEDOUT);
        coil_unref(future);
    }
    coil_unref(done);
    return 0;
}

TASK_TEST(a_timeout_of_nothing_around_nothing_does_nothing)
{
    coil_timeout timeout;

    coil_timeout_begin(&timeout, 0);
    ck_assert_int_eq(coil_timeout_end(&timeout, 3), 3);
    ck_assert(!coil_timeout_expired(&timeout));
    ck_assert_int_eq(coil_sleep(0), 0);
    return 0;
}

TASK_TEST(an_infinite_timeout_is_none)
{
    coil_timeout timeout;

    coil_timeout_begin(&timeout, INFINITY);
    ck_assert(isinf(coil_timeout_when(&timeout)));
    ck_assert_int_eq(coil_sleep(1e6), 0);
    ck_assert_int_eq(coil_timeout_end(&timeout, 2), 2);
    return 0;
}

TASK_TEST(another_error_passes_although_the_time_ran_out)
{
    coil_timeout timeout;

    coil_timeout_begin(&timeout, 1);
    ck_assert_int_eq(coil_sleep(10), -ECANCELED);
    ck_assert_int_eq(coil_timeout_end(&timeout, -EIO), -EIO);
    ck_assert(coil_timeout_expired(&timeout));
    ck_assert_int_eq(coil_cancelling(coil_current_task()), 0);
    return 0;
}

TASK_TEST(a_result_passes_although_the_time_ran_out)
{
    coil_timeout timeout;

    coil_timeout_begin(&timeout, 1);
    ck_assert_int_eq(coil_sleep(10), -ECANCELED);
    ck_assert_int_eq(coil_timeout_end(&timeout, 6), 6);
    ck_assert(coil_timeout_expired(&timeout));
    ck_assert_int_eq(coil_sleep(0), 0);
    return 0;
}

TASK_TEST(an_expiry_that_was_not_delivered_is_taken_back)
{
    coil_timeout timeout;

    coil_timeout_begin(&timeout, 1);
    ck_assert_int_eq(coil_sleep(0.5), 0);
    ck_assert_int_eq(coil_clock_advance(1), 0); /* the code works for a second and ends */
    ck_assert_int_eq(coil_timeout_end(&timeout, 1), 1);
    ck_assert_int_eq(coil_sleep(0), 0);
    ck_assert_int_eq(coil_cancelling(coil_current_task()), 0);
    return 0;
}

/* ---- cancellation from outside --------------------------------------------------------------------------------------- */

static int sleep_with_limit(void *arg)
{
    coil_timeout timeout;

    coil_timeout_begin(&timeout, *(double *)arg);
    return coil_timeout_end(&timeout, coil_sleep(10));
}

TASK_TEST(a_cancellation_from_outside_stays_one)
{
    coil_task *task = spawn(sleep_with_limit, &(double){5});

    coil_sleep(1);
    coil_cancel(task);
    ck_assert_int_eq(coil_await(task), -ECANCELED);
    ck_assert(coil_cancelled(task));
    coil_unref(task);
    return 0;
}

static void cancel_task(void *task)
{
    coil_cancel(task);
}

TASK_TEST(a_cancellation_in_the_same_iteration_as_the_expiry_wins)
{
    coil_task *task = spawn(sleep_with_limit, &(double){1});

    coil_sleep(0);
    coil_call_later(1, cancel_task, task); /* after the timer */
    ck_assert_int_eq(coil_await(task), -ECANCELED);
    ck_assert_int_eq(coil_cancelling(task), 1);
    coil_unref(task);
    task = spawn(sleep_with_limit, &(double){1});
    coil_call_later(1, cancel_task, task); /* before the timer */
    ck_assert_int_eq(coil_join(task), -ECANCELED);
    return 0;
}

static int sleep_with_limit_though_cancelled(void *arg)
{
    coil_timeout timeout;

    coil_cancel(coil_current_task());
    ck_assert_int_eq(coil_sleep(0), -ECANCELED);
    coil_timeout_begin(&timeout, *(double *)arg); /* begins with one request that is not its own */
    int rc = coil_sleep(10);
    return coil_timeout_end(&timeout, rc);
}

TASK_TEST(a_scope_that_began_cancelled_counts_from_there)
{
    ck_assert_int_eq(coil_join(spawn(sleep_with_limit_though_cancelled, &(double){1})), -ETIMEDOUT);
    return 0;
}

/* ---- nesting --------------------------------------------------------------------------------------------------------- */

enum { DEPTH = 20 };

/* Nests scopes, the i-th from outside with limits[i], around a long sleep; says which of them turned it into a timeout. */
static int nest(const double *limits, int depth)
{
    coil_timeout timeouts[DEPTH];
    int which = -1;

    for (int i = 0; i < depth; i++) {
        coil_timeout_begin(&timeouts[i], limits[i]);
    }
    int rc = coil_sleep(1000);
    for (int i = depth - 1; i >= 0; i--) {
        rc = coil_timeout_end(&timeouts[i], rc);
        which = rc == -ETIMEDOUT && which < 0 ? i : which;
    }
    ck_assert_int_eq(rc, -ETIMEDOUT);
    ck_assert_int_eq(coil_cancelling(coil_current_task()), 0);
    return which;
}

TASK_TEST(of_nested_scopes_the_one_that_expires_converts)
{
    double limits[DEPTH];

    for (int shortest = 0; shortest < DEPTH; shortest++) {
        for (int i = 0; i < DEPTH; i++) {
            limits[i] = i == shortest ? 1 : 100;
        }
        double before = coil_time();
        ck_assert_int_eq(nest(limits, DEPTH), shortest);
        ck_assert_double_eq_tol(coil_time(), before + 1, 1e-6);
    }
    return 0;
}

TASK_TEST(of_nested_scopes_with_the_same_deadline_the_outermost_converts)
{
    double limits[DEPTH];

    for (int i = 0; i < DEPTH; i++) {
        limits[i] = 1;
    }
    for (int depth = 2; depth <= DEPTH; depth++) {
        ck_assert_int_eq(nest(limits, depth), 0);
    }
    return 0;
}

TASK_TEST(code_between_nested_scopes_goes_on_after_the_inner_timeout)
{
    coil_timeout outer;
    coil_timeout inner;

    coil_timeout_begin(&outer, 3);
    for (int i = 0; i < 2; i++) {
        coil_timeout_begin(&inner, 1);
        ck_assert_int_eq(coil_timeout_end(&inner, coil_sleep(10)), -ETIMEDOUT);
    }
    coil_timeout_begin(&inner, 2);
    int rc = coil_timeout_end(&inner, coil_sleep(10));
    ck_assert_int_eq(rc, -ECANCELED); /* the outer one's */
    ck_assert_int_eq(coil_timeout_end(&outer, rc), -ETIMEDOUT);
    ck_assert_double_eq(coil_time(), 3);
    return 0;
}

/* ---- moving the deadline --------------------------------------------------------------------------------------------- */

TASK_TEST(a_deadline_can_be_moved_either_way)
{
    coil_timeout timeout;

    coil_timeout_begin(&timeout, 1);
    ck_assert_int_eq(coil_timeout_reschedule(&timeout, 5), 0);
    ck_assert_double_eq(coil_timeout_when(&timeout), 5);
    ck_assert_int_eq(coil_sleep(2), 0);
    ck_assert_int_eq(coil_timeout_reschedule(&timeout, 3), 0);
    ck_assert_int_eq(coil_timeout_end(&timeout, coil_sleep(10)), -ETIMEDOUT);
    ck_assert_double_eq(coil_time(), 3);
    return 0;
}

TASK_TEST(a_deadline_can_be_taken_away_and_set)
{
    coil_timeout timeout;

    coil_timeout_begin(&timeout, 1);
    ck_assert_int_eq(coil_timeout_reschedule(&timeout, INFINITY), 0);
    ck_assert(isinf(coil_timeout_when(&timeout)));
    ck_assert_int_eq(coil_sleep(100), 0);
    ck_assert_int_eq(coil_timeout_reschedule(&timeout, 101), 0);
    ck_assert_int_eq(coil_timeout_end(&timeout, coil_sleep(10)), -ETIMEDOUT);
    ck_assert_double_eq(coil_time(), 101);
    return 0;
}

TASK_TEST(a_deadline_moved_into_the_past_strikes_at_the_next_await)
{
    coil_timeout timeout;

    coil_timeout_begin(&timeout, 100);
    coil_sleep(5);
    ck_assert_int_eq(coil_timeout_reschedule(&timeout, 4), 0);
    trigger(NULL);
    int rc = coil_sleep(10);
    ck_assert_int_eq(hops(), 2);
    ck_assert_int_eq(coil_timeout_end(&timeout, rc), -ETIMEDOUT);
    ck_assert_double_eq(coil_time(), 5);
    return 0;
}

TASK_TEST(a_timeout_of_nothing_can_still_be_moved_before_the_next_await)
{
    coil_timeout timeout;

    coil_timeout_begin(&timeout, 0);
    ck_assert_int_eq(coil_timeout_reschedule(&timeout, 2), 0);
    ck_assert_int_eq(coil_timeout_end(&timeout, coil_sleep(1)), 0);
    return 0;
}

TASK_TEST(only_an_active_scope_can_be_moved)
{
    coil_timeout timeout;
    coil_timeout never_begun = {0};

    ck_assert_int_eq(coil_timeout_reschedule(&never_begun, 1), -EINVAL);
    coil_timeout_begin(&timeout, 1);
    ck_assert_int_eq(coil_timeout_reschedule(&timeout, NAN), -EINVAL);
    ck_assert_double_eq(coil_timeout_when(&timeout), 1);
    int rc = coil_sleep(10);
    ck_assert_int_eq(coil_timeout_reschedule(&timeout, 20), -EINVAL); /* expiring */
    ck_assert_int_eq(coil_timeout_end(&timeout, rc), -ETIMEDOUT);
    ck_assert_int_eq(coil_timeout_reschedule(&timeout, 20), -EINVAL); /* expired */
    coil_timeout_begin(&timeout, 1);
    ck_assert_int_eq(coil_timeout_end(&timeout, 0), 0);
    ck_assert_int_eq(coil_timeout_reschedule(&timeout, 20), -EINVAL); /* ended */
    return 0;
}

/* ---- misuse ---------------------------------------------------------------------------------------------------------- */

TASK_TEST(a_scope_that_began_wrongly_says_so_at_its_end)
{
    coil_timeout timeout;

    coil_timeout_begin(&timeout, NAN);
    ck_assert_int_eq(coil_timeout_reschedule(&timeout, 1), -EINVAL);
    ck_assert(!coil_timeout_expired(&timeout));
    ck_assert_int_eq(coil_timeout_end(&timeout, 0), -EINVAL);
    return 0;
}

static void begin_in_callback(void *timeout)
{
    coil_timeout_begin(timeout, 1);
}

TASK_TEST(a_callback_has_no_time_to_limit)
{
    coil_timeout timeout;

    coil_call_soon(begin_in_callback, &timeout);
    coil_sleep(0);
    ck_assert_int_eq(coil_timeout_end(&timeout, 0), -EPERM);
    return 0;
}

START_TEST(outside_of_a_loop_a_scope_says_so_at_its_end)
    {
        coil_timeout timeout;

        coil_timeout_begin(&timeout, 1);
        ck_assert_int_eq(coil_timeout_end(&timeout, 0), -EPERM);
        ck_assert(!coil_timeout_expired(&timeout));
    }
END_TEST

TASK_TEST(a_scope_ends_once_and_only_if_it_began)
{
    coil_timeout timeout = {0};

    ck_assert_int_eq(coil_timeout_end(&timeout, 0), -EINVAL);
    coil_timeout_begin(&timeout, 1);
    ck_assert_int_eq(coil_timeout_end(&timeout, 1), 1);
    ck_assert_int_eq(coil_timeout_end(&timeout, 1), -EINVAL);
    return 0;
}

TASK_TEST(a_scope_may_be_used_again)
{
    coil_timeout timeout;

    for (int i = 0; i < 5; i++) {
        coil_timeout_begin(&timeout, 1);
        ck_assert(!coil_timeout_expired(&timeout));
        ck_assert_int_eq(coil_timeout_end(&timeout, coil_sleep(2)), -ETIMEDOUT);
    }
    return 0;
}

Suite *timeout_suite(void)
{
    Suite *suite = suite_create("timeout");
    TCase *expiry = tcase_create("timeout_expiry");
    TCase *nesting = tcase_create("timeout_nesting");
    TCase *moving = tcase_create("timeout_moving");
    TCase *misuse = tcase_create("timeout_misuse");

    tcase_add_checked_fixture(expiry, setup, teardown);
    tcase_add_test(expiry, what_ends_in_time_is_returned_as_it_is);
    tcase_add_test(expiry, what_takes_too_long_is_cancelled_and_times_out);
    tcase_add_test(expiry, a_timeout_of_nothing_strikes_at_the_next_await);
    tcase_add_test(expiry, a_timeout_of_nothing_around_nothing_does_nothing);
    tcase_add_test(expiry, an_infinite_timeout_is_none);
    tcase_add_test(expiry, another_error_passes_although_the_time_ran_out);
    tcase_add_test(expiry, a_result_passes_although_the_time_ran_out);
    tcase_add_test(expiry, an_expiry_that_was_not_delivered_is_taken_back);
    tcase_add_test(expiry, a_cancellation_from_outside_stays_one);
    tcase_add_test(expiry, a_cancellation_in_the_same_iteration_as_the_expiry_wins);
    tcase_add_test(expiry, a_scope_that_began_cancelled_counts_from_there);
    suite_add_tcase(suite, expiry);

    tcase_add_checked_fixture(nesting, setup, teardown);
    tcase_add_test(nesting, of_nested_scopes_the_one_that_expires_converts);
    tcase_add_test(nesting, of_nested_scopes_with_the_same_deadline_the_outermost_converts);
    tcase_add_test(nesting, code_between_nested_scopes_goes_on_after_the_inner_timeout);
    suite_add_tcase(suite, nesting);

    tcase_add_checked_fixture(moving, setup, teardown);
    tcase_add_test(moving, a_deadline_can_be_moved_either_way);
    tcase_add_test(moving, a_deadline_can_be_taken_away_and_set);
    tcase_add_test(moving, a_deadline_moved_into_the_past_strikes_at_the_next_await);
    tcase_add_test(moving, a_timeout_of_nothing_can_still_be_moved_before_the_next_await);
    tcase_add_test(moving, only_an_active_scope_can_be_moved);
    suite_add_tcase(suite, moving);

    tcase_add_checked_fixture(misuse, setup, teardown);
    tcase_add_test(misuse, a_scope_that_began_wrongly_says_so_at_its_end);
    tcase_add_test(misuse, a_callback_has_no_time_to_limit);
    tcase_add_test(misuse, outside_of_a_loop_a_scope_says_so_at_its_end);
    tcase_add_test(misuse, a_scope_ends_once_and_only_if_it_began);
    tcase_add_test(misuse, a_scope_may_be_used_again);
    suite_add_tcase(suite, misuse);
    return suite;
}
