/*
 * Misuse that a program can survive: nothing where something is wanted, calls in the wrong place, futures of another loop. Each is
 * an error and none is a crash.
 */
#include "harness.h"
#include "suites.h"

/* ---- nothing --------------------------------------------------------------------------------------------------------- */

static void nobody(coil_future *future, void *unused)
{
    (void)future;
    (void)unused;
}

/* Calls every function that takes a pointer with none, from wherever it is called. */
static void give_nothing(void *unused)
{
    coil_future *none = NULL;
    coil_future *next = NULL;

    (void)unused;
    ck_assert(coil_done(NULL));
    ck_assert(!coil_cancelled(NULL));
    ck_assert_int_lt(coil_result(NULL), 0);
    ck_assert_int_lt(coil_error(NULL), 0);
    ck_assert_ptr_null(coil_value(NULL));
    ck_assert_str_eq(coil_error_message(NULL), "");
    ck_assert_ptr_null(coil_cancel_message(NULL));
    ck_assert_int_lt(coil_future_set_result(NULL, 0), 0);
    ck_assert_int_lt(coil_future_set_value(NULL, &none), 0);
    ck_assert_int_lt(coil_future_set_error(NULL, -EIO), 0);
    ck_assert_int_lt(coil_add_done_callback(NULL, nobody, NULL), 0);
    ck_assert_int_eq(coil_remove_done_callback(NULL, nobody, NULL), 0);
    ck_assert_int_eq(coil_cancel(NULL), 0);
    ck_assert_int_eq(coil_cancel_msg(NULL, NULL), 0);
    ck_assert_int_lt(coil_cancel_threadsafe(NULL), 0);
    ck_assert_int_lt(coil_await(NULL), 0);
    ck_assert_int_lt(coil_join(NULL), 0);
    ck_assert_int_lt(coil_wait_for(NULL, 1), 0);
    ck_assert_int_lt(coil_wait_for(NULL, 0), 0);
    ck_assert_int_lt(coil_wait_for_coroutine(NULL, NULL, 1), 0);
    ck_assert_ptr_null(coil_shield(NULL));
    ck_assert_ptr_null(coil_gather(&none, 1));
    ck_assert_ptr_null(coil_gather(NULL, 1));
    ck_assert_ptr_null(coil_gather_with(NULL));
    ck_assert_int_lt(coil_wait(&none, 1), 0);
    ck_assert_int_lt(coil_wait(NULL, 1), 0);
    ck_assert_int_lt(coil_wait_with(NULL), 0);
    ck_assert_int_lt(coil_as_completed(NULL, &none, 1), 0);
    ck_assert_int_lt(coil_as_completed_with(NULL, NULL), 0);
    ck_assert_int_lt(coil_as_completed_next(NULL, &next), 0);
    coil_as_completed_close(NULL);
    ck_assert_ptr_null(coil_create_task(NULL, NULL));
    ck_assert_ptr_null(coil_create_task_with(NULL, NULL));
    ck_assert_ptr_null(coil_loop_create_task(NULL, give, NULL));
    ck_assert_ptr_null(coil_loop_create_future(NULL));
    ck_assert_str_eq(coil_task_name(NULL), "");
    ck_assert_int_lt(coil_task_set_name(NULL, "x"), 0);
    ck_assert_int_eq(coil_cancelling(NULL), 0);
    ck_assert_int_eq(coil_uncancel(NULL), 0);
    (void)coil_all_tasks(NULL, 10);
    coil_unref(coil_ref(NULL));
    coil_timeout_begin(NULL, 1);
    ck_assert_int_lt(coil_timeout_end(NULL, 0), 0);
    ck_assert_int_lt(coil_timeout_reschedule(NULL, 1), 0);
    ck_assert(isinf(coil_timeout_when(NULL)));
    ck_assert(!coil_timeout_expired(NULL));
    coil_group_begin(NULL);
    ck_assert_ptr_null(coil_group_create_task(NULL, give, NULL));
    ck_assert_ptr_null(coil_group_create_task_with(NULL, give, NULL));
    ck_assert_int_lt(coil_group_spawn_with(NULL, give, NULL), 0);
    ck_assert_int_lt(coil_group_end(NULL, 0), 0);
    ck_assert_int_eq(coil_group_error(NULL, 0), 0);
    ck_assert_int_lt(coil_loop_run_until_complete(NULL, NULL), 0);
    ck_assert_int_lt(coil_run(NULL, NULL), 0);
}

static int give_nothing_in_task(void *unused)
{
    give_nothing(unused);
    coil_call_soon(give_nothing, NULL);
    return coil_sleep(0);
}

START_TEST(nothing_where_something_is_wanted_is_an_error_everywhere)
    {
        give_nothing(NULL);
        ck_assert_int_eq(run(give_nothing_in_task), 0);
        give_nothing(NULL);
    }
END_TEST

TASK_TEST(what_the_macros_fill_in_may_be_missing)
{
    coil_group group;
    coil_task *task = coil_create_task_with(give, NULL);

    ck_assert_int_eq(coil_join(task), 0);
    coil_unref(coil_future_new_from(NULL));
    ck_assert_ptr_nonnull(coil_call_soon_from(say, "a", NULL));
    ck_assert_ptr_nonnull(coil_call_later_from(0, say, "b", NULL));
    ck_assert_ptr_nonnull(coil_call_at_from(0, say, "c", NULL));
    ck_assert_int_eq(coil_fail_from(-EIO, NULL, "x"), -EIO);
    ck_assert_int_eq(coil_fail_from(-EIO, NULL, NULL), -EIO);
    coil_group_begin(&group);
    ck_assert_ptr_nonnull(coil_group_create_task_with(&group, give, NULL));
    ck_assert_int_eq(coil_group_spawn_with(&group, give, NULL), 0);
    ck_assert_int_eq(coil_group_end(&group, 0), 0);
    assert_said("abc");
    return 0;
}

/* ---- the reason why there is nothing --------------------------------------------------------------------------------- */

static int fill_up(void *unused)
{
    (void)unused;
    ck_assert_int_eq(coil_join(coil_create_task(give, NULL)), -EAGAIN); /* main is all that is allowed */
    ck_assert_int_eq(coil_wait_for(coil_create_task(give, NULL), 1), -EAGAIN);
    ck_assert_int_eq(coil_await(coil_shield(coil_create_task(give, NULL))), -EAGAIN);
    ck_assert_int_eq(coil_result(coil_create_task(give, NULL)), -EAGAIN);
    coil_task *none = coil_create_task(give, NULL);
    ck_assert_int_eq(coil_wait(&none, 1), -EAGAIN);
    ck_assert_int_eq(coil_join(coil_gather(&none, 1)), -EAGAIN);
    ck_assert_int_eq(coil_future_set_result(none, 1), -EAGAIN);
    ck_assert_int_eq(coil_wait_for_coroutine(give, NULL, 0), -EAGAIN);
    return 0;
}

START_TEST(what_could_not_be_made_passes_its_reason_on)
    {
        ck_assert_int_eq(coil_run(fill_up, NULL, .max_tasks = 1), 0);
    }
END_TEST

/* ---- the wrong place ------------------------------------------------------------------------------------------------- */

static coil_future *a_future;

static void await_in_callback(void *unused)
{
    coil_as_completed_iter iter;
    coil_future *next;

    (void)unused;
    ck_assert_int_eq(coil_await(a_future), -EPERM);
    ck_assert_int_eq(coil_wait_for(a_future, 1), -EPERM);
    ck_assert_int_eq(coil_wait_for(a_future, 0), -EPERM);
    ck_assert_int_eq(coil_wait_for_coroutine(give, NULL, 1), -EPERM);
    ck_assert_int_eq(coil_wait_for_coroutine(give, NULL, 0), -EPERM);
    ck_assert_int_eq(coil_sleep(0), -EPERM);
    ck_assert_int_eq(coil_sleep(1), -EPERM);
    ck_assert_int_eq(coil_wait(&a_future, 1), -EPERM);
    ck_assert(!coil_done(a_future));
    int rc = coil_as_completed(&iter, &a_future, 1);
    if (rc == 0) { /* a callback may begin one, and wait for nothing */
        ck_assert_int_eq(coil_as_completed_next(&iter, &next), -EPERM);
        coil_as_completed_close(&iter);
    } else {
        ck_assert_int_eq(rc, -EPERM);
    }
}

TASK_TEST(a_callback_cannot_await)
{
    a_future = coil_future_new();
    coil_call_soon(await_in_callback, NULL);
    coil_sleep(0);
    coil_unref(a_future);
    return 0;
}

START_TEST(outside_of_a_loop_nothing_can_be_made_or_awaited)
    {
        ck_assert_ptr_null(coil_create_task(give, NULL));
        ck_assert_int_eq(coil_creation_error(), -EPERM);
        ck_assert_ptr_null(coil_future_new());
        ck_assert_int_eq(coil_creation_error(), -EPERM);
        ck_assert_int_eq(coil_sleep(0), -EPERM);
        ck_assert_int_eq(coil_join(coil_create_task(give, NULL)), -EPERM);
        ck_assert_int_eq(coil_wait_for_coroutine(give, NULL, 1), -EPERM);
    }
END_TEST

TASK_TEST(a_sleep_that_is_no_number_is_refused)
{
    ck_assert_int_eq(coil_sleep(NAN), -EINVAL);
    ck_assert_int_eq(coil_sleep(-NAN), -EINVAL);
    return 0;
}

/* ---- the wrong loop -------------------------------------------------------------------------------------------------- */

static int use_foreign(void *future)
{
    coil_future *futures[2] = {future, future};
    coil_as_completed_iter iter;

    ck_assert_int_eq(coil_await(future), -EINVAL);
    ck_assert_int_eq(coil_wait_for(future, 1), -EINVAL);
    ck_assert_int_eq(coil_wait_for(future, 0), -EINVAL);
    ck_assert_int_eq(coil_wait(futures, 2), -EINVAL);
    ck_assert_ptr_null(coil_gather(futures, 2));
    ck_assert_int_eq(coil_creation_error(), -EINVAL);
    ck_assert_int_eq(coil_as_completed(&iter, futures, 2), -EINVAL);
    ck_assert(!coil_done(future));
    return 0;
}

START_TEST(a_future_of_another_loop_cannot_be_awaited)
    {
        coil_loop *other = coil_loop_new();
        coil_future *future = coil_loop_create_future(other);

        ck_assert_int_eq(coil_run(use_foreign, future), 0);
        coil_unref(future);
        ck_assert_int_eq(coil_loop_close(other), 0);
    }
END_TEST

Suite *misuse_suite(void)
{
    Suite *suite = suite_create("misuse");
    TCase *tc = tcase_create("misuse");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, nothing_where_something_is_wanted_is_an_error_everywhere);
    tcase_add_test(tc, what_the_macros_fill_in_may_be_missing);
    tcase_add_test(tc, what_could_not_be_made_passes_its_reason_on);
    tcase_add_test(tc, a_callback_cannot_await);
    tcase_add_test(tc, outside_of_a_loop_nothing_can_be_made_or_awaited);
    tcase_add_test(tc, a_sleep_that_is_no_number_is_refused);
    tcase_add_test(tc, a_future_of_another_loop_cannot_be_awaited);
    suite_add_tcase(suite, tc);
    return suite;
}
