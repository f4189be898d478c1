/* Coroutines for plain threads whose loop closes first, or that cannot be had at all. */
#include "gate.h"
#include "loop/part.h"
#include "suites.h"

static pthread_t thread;
static coil_loop *main_loop;
static coil_concurrent_future *future;
static int result;

static int do_nothing(void *unused)
{
    (void)unused;
    return 0;
}

static void do_nothing_when_done(coil_concurrent_future *done, void *unused)
{
    (void)done;
    (void)unused;
}

/* ---- loops that close ------------------------------------------------------------------------------------------------ */

static void *wait_for_result(void *unused)
{
    (void)unused;
    result = coil_concurrent_future_result(future, INFINITY);
    ck_assert_int_eq(coil_concurrent_future_cancel(future), result == -ECANCELED);
    coil_concurrent_future_unref(future);
    return NULL;
}

static void *start_hanging(void *unused)
{
    (void)unused;
    future = coil_run_coroutine_threadsafe(main_loop, hang, NULL);
    return NULL;
}

static void stop_loop(void *unused)
{
    (void)unused;
    coil_loop_stop(coil_get_running_loop());
}

/*
 * Makes a loop with a coroutine for another thread, lets it run so many iterations, closes it, and waits for the
 * thread.
 */
static void close_after(int iterations, bool cancel)
{
    coil_loop *loop = coil_loop_new();

    main_loop = loop;
    coil_loop_set_exception_handler(loop, hear, NULL);
    ck_assert_int_eq(pthread_create(&thread, NULL, start_hanging, NULL), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, wait_for_result, NULL), 0);
    for (int i = 0; i < iterations; i++) {
        ck_assert_ptr_nonnull(coil_call_soon_threadsafe(loop, stop_loop, NULL));
        ck_assert_int_eq(coil_loop_run_forever(loop), 0);
    }
    if (cancel) {
        (void)coil_concurrent_future_ref(future);
        ck_assert_int_eq(coil_concurrent_future_cancel(future), 1);
        coil_concurrent_future_unref(future);
    }
    ck_assert_int_eq(coil_loop_close(loop), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(result, -ECANCELED);
}

START_TEST(a_loop_that_closes_before_it_has_looked_ends_the_future_as_cancelled)
    {
        close_after(0, false);
        close_after(0, true);
    }
END_TEST

START_TEST(a_loop_that_closes_under_the_task_ends_the_future_as_cancelled)
    {
        for (int iterations = 1; iterations < 4; iterations++) {
            close_after(iterations, false);
            (void)take_report(COIL_REPORT_DESTROYED_PENDING);
        }
    }
END_TEST

START_TEST(a_loop_that_closes_before_it_has_seen_the_cancellation_forgets_it)
    {
        for (int iterations = 1; iterations < 4; iterations++) {
            close_after(iterations, true);
            (void)take_report(COIL_REPORT_DESTROYED_PENDING);
        }
    }
END_TEST

static void cancel_then_stop(void *unused)
{
    (void)unused;
    (void)coil_concurrent_future_cancel(future);
    coil_loop_stop(coil_get_running_loop());
}

START_TEST(nor_does_it_if_it_has_seen_it_and_has_not_acted_yet)
    {
        coil_loop *loop = coil_loop_new();

        coil_loop_set_exception_handler(loop, hear, NULL);
        future = coil_run_coroutine_threadsafe(loop, hang, NULL);
        for (int i = 0; i < 3; i++) {
            (void)coil_call_soon_threadsafe(loop, i < 2 ? stop_loop : cancel_then_stop, NULL);
            ck_assert_int_eq(coil_loop_run_forever(loop), 0);
        }
        ck_assert_int_eq(coil_loop_close(loop), 0);
        ck_assert(coil_concurrent_future_cancelled(future));
        coil_concurrent_future_unref(future);
        (void)take_report(COIL_REPORT_DESTROYED_PENDING);
    }
END_TEST

/* A coroutine that comes when coil_run has cancelled every task is not begun. */
static void ask_in_the_end(struct ci_part *part)
{
    future = coil_run_coroutine_threadsafe(part->loop, hang, NULL);
    let_pass(2);
    ck_assert(coil_concurrent_future_cancelled(future));
    coil_concurrent_future_unref(future);
    say("asked");
}

static void forget_part(struct ci_part *part)
{
    (void)part;
}

static int add_part(void *unused)
{
    static const struct ci_part_class asking = {.name = "asking", .shutdown = ask_in_the_end, .close = forget_part};
    static struct ci_part part;

    (void)unused;
    ci_part_add(coil_get_running_loop(), &part, &asking);
    return 0;
}

START_TEST(what_comes_while_run_ends_is_not_begun)
    {
        ck_assert_int_eq(run(add_part), 0);
        assert_said("asked");
    }
END_TEST

/* ---- misuse ---------------------------------------------------------------------------------------------------------- */

START_TEST(nonsense_is_refused)
    {
        coil_loop *loop = coil_loop_new();

        ck_assert_ptr_null(coil_run_coroutine_threadsafe(NULL, give, NULL));
        ck_assert_int_eq(coil_creation_error(), -EINVAL);
        ck_assert_ptr_null(coil_run_coroutine_threadsafe(loop, NULL, NULL));
        ck_assert_ptr_null(coil_run_coroutine_threadsafe(loop, give, NULL, .arg_size = 4));
        ck_assert_ptr_null(coil_run_coroutine_threadsafe(loop, give, loop, .arg_size = 4096));
        ck_assert_int_eq(coil_concurrent_future_result(NULL, 1), -EINVAL);
        ck_assert_int_eq(coil_concurrent_future_cancel(NULL), 0);
        ck_assert(coil_concurrent_future_done(NULL));
        ck_assert(!coil_concurrent_future_cancelled(NULL));
        ck_assert_int_eq(coil_concurrent_future_add_done_callback(NULL, do_nothing_when_done, NULL), -EINVAL);
        ck_assert_ptr_null(coil_concurrent_future_ref(NULL));
        coil_concurrent_future_unref(NULL);
        future = coil_run_coroutine_threadsafe_with(loop, do_nothing, NULL);
        ck_assert_int_eq(coil_concurrent_future_result(future, NAN), -EINVAL);
        ck_assert_int_eq(coil_concurrent_future_add_done_callback(future, NULL, NULL), -EINVAL);
        ck_assert_int_eq(coil_loop_close(loop), 0);
        coil_concurrent_future_unref(future);
    }
END_TEST

static int too_many(void *unused)
{
    (void)unused;
    future = coil_run_coroutine_threadsafe(coil_get_running_loop(), give, NULL);
    let_pass(2);
    ck_assert_int_eq(coil_concurrent_future_result(future, 0), -EAGAIN);
    coil_concurrent_future_unref(future);
    return 0;
}

START_TEST(that_no_task_could_be_made_is_the_result)
    {
        ck_assert_int_eq(coil_run(too_many, NULL, .max_tasks = 1), 0);
    }
END_TEST

Suite *concurrent_end_suite(void)
{
    Suite *suite = suite_create("concurrent_end");
    TCase *tests = tcase_create("concurrent_end");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_loop_that_closes_before_it_has_looked_ends_the_future_as_cancelled);
    tcase_add_test(tests, a_loop_that_closes_under_the_task_ends_the_future_as_cancelled);
    tcase_add_test(tests, a_loop_that_closes_before_it_has_seen_the_cancellation_forgets_it);
    tcase_add_test(tests, nor_does_it_if_it_has_seen_it_and_has_not_acted_yet);
    tcase_add_test(tests, what_comes_while_run_ends_is_not_begun);
    tcase_add_test(tests, nonsense_is_refused);
    tcase_add_test(tests, that_no_task_could_be_made_is_the_result);
    suite_add_tcase(suite, tests);
    return suite;
}
