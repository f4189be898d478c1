/* Coroutines for plain threads: results, cancellation, callbacks. */
#include "gate.h"
#include "suites.h"

/* A plain thread beside the loop of the test. */
static pthread_t thread;
static coil_loop *main_loop;
static coil_concurrent_future *future;
static coil_future *awaited;

/*
 * Has fn run in a plain thread while the test's coroutine, which calls this, lets its loop run. Returns when the
 * thread has ended.
 */
static atomic_bool thread_has_ended;
static void (*thread_fn)(void);

static void *run_thread(void *unused)
{
    (void)unused;
    thread_fn();
    atomic_store(&thread_has_ended, true);
    return NULL;
}

static void beside(void (*fn)(void))
{
    main_loop = coil_get_running_loop();
    thread_fn = fn;
    atomic_store(&thread_has_ended, false);
    ck_assert_int_eq(pthread_create(&thread, NULL, run_thread, NULL), 0);
    while (!atomic_load(&thread_has_ended)) {
        ck_assert_int_eq(coil_sleep(0), 0);
        usleep(100);
    }
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
}

/* ---- results --------------------------------------------------------------------------------------------------------- */

static void ask_for_results(void)
{
    int number = 42;

    future = coil_run_coroutine_threadsafe(main_loop, give, &number);
    ck_assert_int_eq(coil_concurrent_future_result(future, INFINITY), 42);
    ck_assert(coil_concurrent_future_done(future));
    ck_assert(!coil_concurrent_future_cancelled(future));
    ck_assert_int_eq(coil_concurrent_future_result(future, 0), 42);
    ck_assert_int_eq(coil_concurrent_future_cancel(future), 0);
    coil_concurrent_future_unref(future);
    number = -EDOM;
    future = coil_run_coroutine_threadsafe(main_loop, give, &number);
    ck_assert_int_eq(coil_concurrent_future_result(future, 60), -EDOM);
    coil_concurrent_future_unref(future);
}

TASK_TEST(the_thread_gets_what_the_coroutine_returns)
{
    beside(ask_for_results);
    return 0;
}

static int say_name(void *arg)
{
    say((char *)(uintptr_t)coil_task_name(coil_current_task()));
    say(arg);
    return 7;
}

static void run_named(void)
{
    char text[] = " copied";
    char name[] = "a name that is too long to be kept inside of the task";

    future = coil_run_coroutine_threadsafe(main_loop, say_name, text, .name = name, .arg_size = sizeof text);
    memset(text, 'x', sizeof text - 1);
    memset(name, 'x', sizeof name - 1);
    ck_assert_int_eq(coil_concurrent_future_result(future, INFINITY), 7);
    coil_concurrent_future_unref(future);
}

TASK_TEST(argument_and_name_are_copied_at_once)
{
    beside(run_named);
    assert_said("a name that is too long to be kept inside of the task copied");
    return 0;
}

static void let_it_go(void)
{
    coil_concurrent_future_unref(coil_run_coroutine_threadsafe(main_loop, say_name, "", .name = "runs all the same"));
}

TASK_TEST(letting_go_of_the_future_does_not_stop_the_coroutine)
{
    beside(let_it_go);
    let_pass(4);
    assert_said("runs all the same");
    return 0;
}

static int fail_again(void *unused)
{
    (void)unused;
    return -EDOM;
}

static void let_a_failure_go(void)
{
    coil_concurrent_future_unref(coil_run_coroutine_threadsafe(main_loop, fail_again, NULL));
}

TASK_TEST(an_error_that_the_future_has_taken_is_not_reported)
{
    beside(let_a_failure_go);
    let_pass(4);
    return 0;
}

static int await_awaited(void *unused)
{
    (void)unused;
    int rc = coil_await(awaited);
    say_rc(rc);
    return rc;
}

static void time_out(void)
{
    future = coil_run_coroutine_threadsafe(main_loop, await_awaited, NULL);
    ck_assert_int_eq(coil_concurrent_future_result(future, 0), -ETIMEDOUT);
    ck_assert_int_eq(coil_concurrent_future_result(future, -1), -ETIMEDOUT);
    ck_assert_int_eq(coil_concurrent_future_result(future, 0.01), -ETIMEDOUT);
    ck_assert(!coil_concurrent_future_done(future));
}

TASK_TEST(a_timeout_leaves_the_coroutine_running)
{
    awaited = coil_future_new();
    beside(time_out);
    coil_future_set_result(awaited, 3);
    let_pass(3);
    ck_assert_int_eq(coil_concurrent_future_result(future, 0), 3); /* it is done: there is nothing to wait for */
    coil_concurrent_future_unref(future);
    coil_unref(awaited);
    assert_said("ok ");
    return 0;
}

TASK_TEST(the_loops_own_thread_must_not_wait_for_itself)
{
    int number = 5;

    future = coil_run_coroutine_threadsafe(coil_get_running_loop(), give, &number);
    ck_assert_int_eq(coil_concurrent_future_result(future, INFINITY), -EDEADLK);
    let_pass(4);
    ck_assert_int_eq(coil_concurrent_future_result(future, INFINITY), 5);
    coil_concurrent_future_unref(future);
    return 0;
}

static void complete_awaited(void *unused)
{
    (void)unused;
    coil_future_set_result(awaited, 0);
}

static void *wait_for_it(void *arg)
{
    return (void *)(intptr_t)coil_concurrent_future_result(arg, INFINITY);
}

static void wait_in_many_threads(void)
{
    pthread_t waiters[4];
    void *rc;

    future = coil_run_coroutine_threadsafe(main_loop, await_awaited, NULL);
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(pthread_create(&waiters[i], NULL, wait_for_it, coil_concurrent_future_ref(future)), 0);
    }
    usleep(1000);
    ck_assert_ptr_nonnull(coil_call_soon_threadsafe(main_loop, complete_awaited, NULL));
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(pthread_join(waiters[i], &rc), 0);
        ck_assert_int_eq((int)(intptr_t)rc, 0);
        coil_concurrent_future_unref(future);
    }
    coil_concurrent_future_unref(future);
}

TASK_TEST(several_threads_may_wait_for_one_coroutine)
{
    awaited = coil_future_new();
    beside(wait_in_many_threads);
    coil_unref(awaited);
    assert_said("ok ");
    return 0;
}

/* ---- cancelling ------------------------------------------------------------------------------------------------------ */

static void cancel_it(void)
{
    future = coil_run_coroutine_threadsafe(main_loop, await_awaited, NULL);
    ck_assert_int_eq(coil_concurrent_future_result(future, 0.01), -ETIMEDOUT);
    ck_assert_int_eq(coil_concurrent_future_cancel(future), 1);
    ck_assert_int_eq(coil_concurrent_future_cancel(future), 1);
    ck_assert(coil_concurrent_future_cancelled(future));
    ck_assert_int_eq(coil_concurrent_future_result(future, INFINITY), -ECANCELED);
    coil_concurrent_future_unref(future);
}

TASK_TEST(cancelling_the_future_cancels_the_task)
{
    awaited = coil_future_new();
    beside(cancel_it);
    let_pass(4);
    ck_assert(coil_cancelled(awaited));
    coil_unref(awaited);
    assert_said("ECANCELED ");
    return 0;
}

static void cancel_early(void)
{
    future = coil_run_coroutine_threadsafe(main_loop, await_awaited, NULL);
    ck_assert_int_eq(coil_concurrent_future_cancel(future), 1);
}

/*
 * The loop does not look before the thread has done all of it. As in asyncio, the task takes its first step before it
 * is cancelled.
 */
TASK_TEST(a_cancellation_before_the_task_is_there_reaches_it_after_its_first_step)
{
    main_loop = coil_get_running_loop();
    awaited = coil_future_new();
    thread_fn = cancel_early;
    ck_assert_int_eq(pthread_create(&thread, NULL, run_thread, NULL), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    let_pass(6);
    ck_assert(coil_cancelled(awaited));
    coil_concurrent_future_unref(future);
    coil_unref(awaited);
    assert_said("ECANCELED ");
    return 0;
}

static int swallow(void *unused)
{
    (void)unused;
    ck_assert_int_eq(coil_await(awaited), -ECANCELED);
    coil_uncancel(coil_current_task());
    return -EDOM;
}

static void cancel_who_swallows(void)
{
    future = coil_run_coroutine_threadsafe(main_loop, swallow, NULL, .name = "swallows");
    ck_assert_int_eq(coil_concurrent_future_result(future, 0.01), -ETIMEDOUT);
    ck_assert_int_eq(coil_concurrent_future_cancel(future), 1);
    coil_concurrent_future_unref(future);
}

TASK_TEST(the_error_of_a_task_whose_future_was_cancelled_is_reported)
{
    awaited = coil_future_new();
    beside(cancel_who_swallows);
    let_pass(5);
    ck_assert_str_eq(take_report(COIL_REPORT_NEVER_RETRIEVED)->task, "swallows");
    coil_unref(awaited);
    return 0;
}

static int cancel_own_task(void *unused)
{
    (void)unused;
    coil_cancel(coil_current_task());
    return coil_sleep(1);
}

static void ask_for_cancelled(void)
{
    future = coil_run_coroutine_threadsafe(main_loop, cancel_own_task, NULL);
    ck_assert_int_eq(coil_concurrent_future_result(future, INFINITY), -ECANCELED);
    ck_assert(coil_concurrent_future_cancelled(future));
    coil_concurrent_future_unref(future);
}

TASK_TEST(a_task_that_is_cancelled_makes_the_future_cancelled)
{
    beside(ask_for_cancelled);
    return 0;
}

TASK_TEST(the_loops_own_thread_may_cancel_too)
{
    awaited = coil_future_new();
    future = coil_run_coroutine_threadsafe(coil_get_running_loop(), await_awaited, NULL);
    let_pass(3);
    trigger(NULL);
    ck_assert_int_eq(coil_concurrent_future_cancel(future), 1);
    let_pass(2);
    ck_assert(coil_cancelled(awaited));
    coil_concurrent_future_unref(future);
    coil_unref(awaited);
    let_pass(3);
    assert_said("ECANCELED ");
    return 0;
}

/* ---- done-callbacks -------------------------------------------------------------------------------------------------- */

static pthread_t called_in;

static void note_call(coil_concurrent_future *done, void *word)
{
    ck_assert_ptr_eq(done, future);
    ck_assert(coil_concurrent_future_done(done));
    called_in = pthread_self();
    say(word);
}

static void be_called_back(void)
{
    future = coil_run_coroutine_threadsafe(main_loop, await_awaited, NULL);
    ck_assert_int_eq(coil_concurrent_future_add_done_callback(future, note_call, "first "), 0);
    ck_assert_int_eq(coil_concurrent_future_add_done_callback(future, note_call, "second "), 0);
    ck_assert_ptr_nonnull(coil_call_soon_threadsafe(main_loop, complete_awaited, NULL));
    ck_assert_int_eq(coil_concurrent_future_result(future, INFINITY), 0);
}

TASK_TEST(callbacks_are_called_in_order_by_the_loop)
{
    awaited = coil_future_new();
    beside(be_called_back);
    assert_said("ok first second ");
    ck_assert(pthread_equal(called_in, pthread_self()));
    ck_assert_int_eq(coil_concurrent_future_add_done_callback(future, note_call, "at once"), 0);
    assert_said("at once");
    coil_concurrent_future_unref(future);
    coil_unref(awaited);
    return 0;
}

static void cancel_and_be_called_back(void)
{
    future = coil_run_coroutine_threadsafe(main_loop, hang, NULL);
    ck_assert_int_eq(coil_concurrent_future_add_done_callback(future, note_call, "called"), 0);
    ck_assert_int_eq(coil_concurrent_future_cancel(future), 1);
    ck_assert(pthread_equal(called_in, pthread_self()));
    coil_concurrent_future_unref(future);
}

TASK_TEST(who_cancels_calls_them)
{
    beside(cancel_and_be_called_back);
    assert_said("called");
    return 0;
}

Suite *concurrent_suite(void)
{
    Suite *suite = suite_create("concurrent");
    TCase *tests = tcase_create("concurrent");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, the_thread_gets_what_the_coroutine_returns);
    tcase_add_test(tests, argument_and_name_are_copied_at_once);
    tcase_add_test(tests, letting_go_of_the_future_does_not_stop_the_coroutine);
    tcase_add_test(tests, an_error_that_the_future_has_taken_is_not_reported);
    tcase_add_test(tests, a_timeout_leaves_the_coroutine_running);
    tcase_add_test(tests, the_loops_own_thread_must_not_wait_for_itself);
    tcase_add_test(tests, several_threads_may_wait_for_one_coroutine);
    tcase_add_test(tests, cancelling_the_future_cancels_the_task);
    tcase_add_test(tests, a_cancellation_before_the_task_is_there_reaches_it_after_its_first_step);
    tcase_add_test(tests, the_error_of_a_task_whose_future_was_cancelled_is_reported);
    tcase_add_test(tests, a_task_that_is_cancelled_makes_the_future_cancelled);
    tcase_add_test(tests, the_loops_own_thread_may_cancel_too);
    tcase_add_test(tests, callbacks_are_called_in_order_by_the_loop);
    tcase_add_test(tests, who_cancels_calls_them);
    suite_add_tcase(suite, tests);
    return suite;
}
