/*
 * What the tests of processes and signals share: PROCESS_TEST, whose body is the main coroutine of a run on the real clock, for
 * processes and signals are the kernel's. After each test no descriptor, no memory and no child may be left, dead or alive.
 */
#ifndef TESTS_PROCESS_HARNESS_H
#define TESTS_PROCESS_HARNESS_H

#include <check.h>
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <coil.h>

#include "loop/loop.h"
#include "tests/support/descriptors.h"
#include "tests/support/setup.h"

/* A test whose body is a coroutine; it returns 0. */
#define PROCESS_TEST(name)                \
    static int name##_main(void *unused); \
    START_TEST(name)                      \
        {                                 \
            run_clean(name##_main);       \
        }                                 \
    END_TEST                              \
    static int name##_main(__attribute__((unused)) void *unused)

/* ---- running --------------------------------------------------------------------------------------------------------- */

static inline void assert_no_children(void)
{
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
    ck_assert_int_eq(errno, ECHILD);
}

static inline void setup(void)
{
    prepare();
}

static inline void teardown(void)
{
    assert_no_children();
    ck_assert_int_eq(live_blocks, 0);
}

static inline void run_clean(coil_fn *main)
{
    int before = open_descriptors();

    ck_assert_int_eq(coil_run(main, NULL), 0);
    ck_assert_int_eq(open_descriptors(), before);
}

static inline coil_task *spawn(coil_fn *fn, void *arg)
{
    coil_task *task = coil_create_task(fn, arg);

    ck_assert_ptr_nonnull(task);
    return task;
}

/* Lets every task run until it waits. */
static inline void settle(void)
{
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(coil_sleep(0), 0);
    }
}

static inline sighandler_t disposition(int signo)
{
    struct sigaction action;

    ck_assert_int_eq(sigaction(signo, NULL, &action), 0);
    return action.sa_handler;
}

#endif
