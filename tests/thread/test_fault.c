/*
 * Scenarios with the n-th allocation or system call failing, for every n. Each must come to its end, or to an error
 * that the failure explains, with no thread left and nobody waiting in vain.
 */
#include <stdio.h>

#include "gate.h"
#include "suites.h"
#include "tests/support/fault_driver.h"

/* In the run there is no Check to tell: what is wrong ends the process, and the driver says at which call. */
static void must(bool condition, int line)
{
    if (!condition) {
        fprintf(stderr, "test_fault.c:%d: not as it must be\n", line);
        abort();
    }
}

#define MUST(condition) must((condition), __LINE__)

static bool is_explained(int rc)
{
    return rc == -ENOMEM || rc == -EIO || rc == -EAGAIN;
}

/* ---- functions in threads -------------------------------------------------------------------------------------------- */

enum { CALLS = 12 };

static int count_call(void *arg)
{
    atomic_fetch_add((atomic_int *)arg, 1);
    usleep(100);
    return 5;
}

static int call(void *arg)
{
    int rc = coil_to_thread(count_call, arg);

    MUST(rc == 5 || rc == -ECANCELED || is_explained(rc));
    return rc;
}

static int calls_main(void *unused)
{
    atomic_int called = 0;
    coil_task *tasks[CALLS];
    int ended = 0;

    (void)unused;
    int rc = coil_loop_set_default_executor(coil_get_running_loop(), .max_workers = 3, .idle_time = 0.0002);
    MUST(rc == 0 || is_explained(rc));
    for (int i = 0; i < CALLS; i++) {
        tasks[i] = coil_create_task(call, &called);
    }
    (void)coil_sleep(0);
    for (int i = 0; i < CALLS; i++) {
        if (i % 4 == 0) {
            coil_cancel(tasks[i]);
        }
        rc = coil_join(tasks[i]);
        ended += rc == 5;
        MUST(rc == 5 || is_explained(rc) || rc == -ECANCELED); /* where the poller broke, everything is cancelled */
    }
    MUST(ended <= called);
    (void)coil_sleep(0.001);
    rc = coil_loop_shutdown_default_executor(coil_get_running_loop(), INFINITY);
    MUST(rc == 0 || is_explained(rc) || rc == -ECANCELED);
    return rc;
}

static void calls_scenario(void *unused)
{
    (void)unused;
    int rc = coil_run(calls_main, NULL);

    MUST(rc == 0 || is_explained(rc) || rc == -ECANCELED);
    MUST(atomic_load(&ci_sys_own_threads) == 0);
}

START_TEST(calls_survive_every_failure)
    {
        const struct ci_fault_plan plan = {.scenario = calls_scenario};

        ck_assert_int_gt(ci_fault_drive(&plan), 10);
    }
END_TEST

START_TEST(calls_survive_all_failures_from_one_on)
    {
        const struct ci_fault_plan plan = {
            .scenario = calls_scenario, .calls = "malloc realloc mmap pthread_create", .in_a_row = -1};

        ck_assert_int_gt(ci_fault_drive(&plan), 5);
    }
END_TEST

/* ---- coroutines and queues for plain threads ------------------------------------------------------------------------- */

enum { ROUNDS = 4 };

static coil_loop *loop;
static coil_queue *queue;

static bool is_possible(int rc)
{
    return rc >= 0 || rc == -ECANCELED || rc == -ETIMEDOUT || is_explained(rc);
}

static int nap(void *unused)
{
    (void)unused;
    int rc = coil_sleep(0);
    return rc < 0 ? rc : 3;
}

static void run_coroutine(bool cancels)
{
    coil_concurrent_future *future = coil_run_coroutine_threadsafe(loop, nap, NULL, .name = "a nap in the loop");

    if (cancels) {
        (void)coil_concurrent_future_cancel(future);
    }
    MUST(is_possible(coil_concurrent_future_result(future, INFINITY)));
    coil_concurrent_future_unref(future);
}

static int ask_loop(void *arg)
{
    for (int i = 0; i < ROUNDS; i++) {
        int item = i;
        run_coroutine(i % 2 == 1);
        MUST(is_possible(coil_queue_put_threadsafe(loop, queue, &item, 0)));
        MUST(is_possible(coil_queue_put_threadsafe(loop, queue, &item, 0.0001)));
        MUST(is_possible(coil_queue_get_threadsafe(loop, queue, &item, 0.0001)));
    }
    return *(int *)arg;
}

static int asks_main(void *unused)
{
    int number = 4;

    (void)unused;
    loop = coil_get_running_loop();
    queue = coil_queue_new(sizeof(int), 1);
    if (queue == NULL) {
        return coil_creation_error();
    }
    int rc = coil_to_thread(ask_loop, &number);
    MUST(rc == 4 || rc == -ECANCELED || is_explained(rc));
    return rc;
}

static void asks_scenario(void *unused)
{
    (void)unused;
    int rc = coil_run(asks_main, NULL);

    MUST(is_possible(rc));
    coil_queue_unref(queue);
}

START_TEST(what_threads_ask_of_a_loop_survives_every_failure)
    {
        const struct ci_fault_plan plan = {.scenario = asks_scenario, .except = "epoll_wait"};

        ck_assert_int_gt(ci_fault_drive(&plan), 20);
    }
END_TEST

START_TEST(what_threads_ask_of_a_loop_survives_all_failures_from_one_on)
    {
        const struct ci_fault_plan plan = {.scenario = asks_scenario, .calls = "malloc realloc mmap", .in_a_row = -1};

        ck_assert_int_gt(ci_fault_drive(&plan), 10);
    }
END_TEST

/* ---- loops on several threads ---------------------------------------------------------------------------------------- */

static int shard_main(void *unused)
{
    (void)unused;
    int rc = coil_sleep(0.0001);
    if (rc < 0) {
        return rc;
    }
    return coil_shard_index() == 1 ? -EDOM : coil_sleep(3600);
}

static void shards_scenario(void *unused)
{
    (void)unused;
    int rc = coil_run_sharded(3, shard_main, NULL);

    MUST(rc == -EDOM || is_explained(rc));
}

START_TEST(sharded_loops_survive_every_failure)
    {
        const struct ci_fault_plan plan = {.scenario = shards_scenario};

        ck_assert_int_gt(ci_fault_drive(&plan), 10);
    }
END_TEST

Suite *thread_fault_suite(void)
{
    Suite *suite = suite_create("thread_fault");
    TCase *tests = tcase_create("thread_fault");

    tcase_set_timeout(tests, 240);
    tcase_add_test(tests, calls_survive_every_failure);
    tcase_add_test(tests, calls_survive_all_failures_from_one_on);
    tcase_add_test(tests, what_threads_ask_of_a_loop_survives_every_failure);
    tcase_add_test(tests, what_threads_ask_of_a_loop_survives_all_failures_from_one_on);
    tcase_add_test(tests, sharded_loops_survive_every_failure);
    suite_add_tcase(suite, tests);
    return suite;
}
