/*
 * coil_cancel_threadsafe: the loop holds on to the future by itself from the call until the request has run, whoever gives back the
 * last reference meanwhile, and whether it ever runs.
 */
#include <pthread.h>

#include "harness.h"
#include "suites.h"

static void *cancel_there(void *future)
{
    return coil_cancel_threadsafe(future) == 0 ? NULL : future;
}

/* Has future cancelled by another thread. The request is on its way when this returns, and the loop has not looked. */
static void cancel_from_afar(coil_future *future)
{
    pthread_t thread;
    void *failed;

    ck_assert_int_eq(pthread_create(&thread, NULL, cancel_there, future), 0);
    ck_assert_int_eq(pthread_join(thread, &failed), 0);
    ck_assert_ptr_null(failed);
}

/* How many futures there are, but for a task that has ended and whose stack is about to be released. */
static size_t futures_left(void)
{
    const struct ci_runtime *runtime = ci_runtime_of(coil_get_running_loop());

    return runtime->futures - (runtime->corpse != NULL);
}

static void say_cancelled(coil_future *future, void *text)
{
    ck_assert(coil_cancelled(future));
    say(text);
}

TASK_TEST(the_last_reference_may_be_given_back_right_after_the_call)
{
    long before = live_blocks;
    A_FUTURE(future);

    ck_assert_int_eq(coil_add_done_callback(future, say_cancelled, "cancelled"), 0);
    cancel_from_afar(future);
    coil_unref(future);
    ck_assert_int_gt(live_blocks, before);
    let_pass(3);
    assert_said("cancelled");
    ck_assert_int_eq(live_blocks, before);
    return 0;
}

TASK_TEST(several_requests_hold_on_to_one_future)
{
    long before = live_blocks;
    A_FUTURE(future);
    coil_task *task = spawn(await_it, future);

    coil_sleep(0);
    for (int i = 0; i < 10; i++) {
        cancel_from_afar(i % 2 == 0 ? future : task);
    }
    coil_unref(future);
    coil_unref(task);
    let_pass(3);
    ck_assert_int_eq(live_blocks, before);
    ck_assert_uint_eq(futures_left(), 1);
    return 0;
}

static int end_soon(void *unused)
{
    (void)unused;
    return coil_sleep(0);
}

static int fail_soon(void *unused)
{
    (void)unused;
    (void)coil_sleep(0);
    return -EIO;
}

/* The task ends, and with it the last reference, while the request is under way: its stack must stay. */
TASK_TEST(a_task_may_end_while_a_request_is_on_its_way)
{
    for (int i = 0; i < 2; i++) {
        coil_task *task = spawn(i == 0 ? end_soon : fail_soon, NULL);
        coil_sleep(0);
        cancel_from_afar(task);
        coil_unref(task);
        let_pass(3);                          /* it is next in this iteration, before the loop looks */
        ck_assert_uint_eq(futures_left(), 1); /* main's own; the request counts as a look at the error */
    }
    return 0;
}

TASK_TEST(a_gathers_last_reference_may_go_while_a_request_for_a_child_is_on_its_way)
{
    long before = live_blocks;
    A_FUTURE(child);
    coil_future *all = coil_gather(&child, 1);

    cancel_from_afar(child);
    coil_unref(child);
    coil_unref(all);
    let_pass(4);
    ck_assert_int_eq(take_report(COIL_REPORT_NEVER_RETRIEVED)->error, -ECANCELED);
    ck_assert_int_eq(live_blocks, before);
    return 0;
}

/* ---- the loop closes ------------------------------------------------------------------------------------------------- */

static int make_request(void *future)
{
    cancel_from_afar(future);
    return 0;
}

START_TEST(a_request_that_the_closing_loop_finds_lets_its_future_go)
    {
        coil_loop *loop = coil_loop_new();
        coil_future *future = coil_loop_create_future(loop);
        coil_task *task = coil_loop_create_task(
            loop, hang, &(const struct coil_task_options){.size = sizeof(struct coil_task_options)});

        coil_loop_set_exception_handler(loop, hear, NULL);
        cancel_from_afar(future);
        cancel_from_afar(task);
        coil_unref(future);
        coil_unref(task);
        ck_assert_int_eq(coil_loop_close(loop), 0);
        take_report(COIL_REPORT_DESTROYED_PENDING);
    }
END_TEST

START_TEST(a_request_that_arrived_and_had_no_turn_lets_its_future_go)
    {
        coil_loop *loop = coil_loop_new();
        coil_future *future = coil_loop_create_future(loop);

        cancel_from_afar(future);
        coil_unref(future);
        ck_assert(ci_remote_collect(loop)); /* as in an iteration whose poller fails then */
        ck_assert_int_eq(coil_loop_close(loop), 0);
    }
END_TEST

START_TEST(a_future_outlives_its_loop_with_a_request_that_was_dropped)
    {
        coil_loop *loop = coil_loop_new();
        const struct coil_task_options options = {.size = sizeof(options)};
        coil_future *future = coil_loop_create_future(loop);
        coil_task *task = coil_loop_create_task(loop, give, &options);

        ck_assert_int_eq(coil_loop_run_until_complete(loop, task), 0);
        (void)make_request(future);
        (void)make_request(task);
        ck_assert_int_eq(coil_loop_close(loop), 0);
        ck_assert(!coil_done(future));
        ck_assert_int_eq(coil_result(task), 0);
        coil_unref(future);
        coil_unref(task);
    }
END_TEST

/* ---- many ------------------------------------------------------------------------------------------------------------ */

enum { THREADS = 4, ROUNDS = 200 };

static pthread_barrier_t barrier;
static coil_future *shared[THREADS];

/* Each round: cancels its future, and has done with it. */
static void *cancel_again_and_again(void *arg)
{
    int i = *(int *)arg;

    for (int round = 0; round < ROUNDS; round++) {
        (void)pthread_barrier_wait(&barrier);
        if (coil_cancel_threadsafe(shared[i]) != 0) {
            abort();
        }
        (void)pthread_barrier_wait(&barrier);
    }
    return NULL;
}

static int be_cancelled_all_the_time(void *unused)
{
    pthread_t threads[THREADS];
    int numbers[THREADS];

    (void)unused;
    for (int i = 0; i < THREADS; i++) {
        numbers[i] = i;
        ck_assert_int_eq(pthread_create(&threads[i], NULL, cancel_again_and_again, &numbers[i]), 0);
    }
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < THREADS; i++) {
            shared[i] = i % 2 == 0 ? coil_future_new() : coil_create_task(hang, NULL);
        }
        (void)pthread_barrier_wait(&barrier);
        (void)pthread_barrier_wait(&barrier);
        for (int i = 0; i < THREADS; i++) {
            coil_unref(shared[i]); /* the calls have returned; whether the requests have arrived nobody knows */
        }
        if (round % 3 == 0) {
            coil_sleep(0);
        }
    }
    for (int i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    }
    let_pass(5);
    ck_assert_uint_eq(coil_all_tasks(NULL, 0), 1);
    ck_assert_uint_eq(futures_left(), 1);
    return 0;
}

START_TEST(many_threads_may_cancel_and_be_done_with_it)
    {
        ck_assert_int_eq(pthread_barrier_init(&barrier, NULL, THREADS + 1), 0);
        ck_assert_int_eq(coil_run(be_cancelled_all_the_time, NULL), 0);
        ck_assert_int_eq(pthread_barrier_destroy(&barrier), 0);
    }
END_TEST

Suite *remote_suite(void)
{
    Suite *suite = suite_create("remote");
    TCase *tc = tcase_create("remote");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, the_last_reference_may_be_given_back_right_after_the_call);
    tcase_add_test(tc, several_requests_hold_on_to_one_future);
    tcase_add_test(tc, a_task_may_end_while_a_request_is_on_its_way);
    tcase_add_test(tc, a_gathers_last_reference_may_go_while_a_request_for_a_child_is_on_its_way);
    tcase_add_test(tc, a_request_that_the_closing_loop_finds_lets_its_future_go);
    tcase_add_test(tc, a_request_that_arrived_and_had_no_turn_lets_its_future_go);
    tcase_add_test(tc, a_future_outlives_its_loop_with_a_request_that_was_dropped);
    tcase_add_test(tc, many_threads_may_cancel_and_be_done_with_it);
    suite_add_tcase(suite, tc);
    return suite;
}
