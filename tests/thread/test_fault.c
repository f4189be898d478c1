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

Suite *thread_fault_suite(void)
{
    Suite *suite = suite_create("thread_fault");
    TCase *tests = tcase_create("thread_fault");

    tcase_set_timeout(tests, 240);
    tcase_add_test(tests, calls_survive_every_failure);
    tcase_add_test(tests, calls_survive_all_failures_from_one_on);
    suite_add_tcase(suite, tests);
    return suite;
}
