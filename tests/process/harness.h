/*
 * What the tests of processes and signals share: PROCESS_TEST, whose body is the main coroutine of a run on the real clock, for
 * processes and signals are the kernel's. After each test no descriptor, no memory and no child may be left, dead or alive.
 */
#ifndef TESTS_PROCESS_HARNESS_H
#define TESTS_PROCESS_HARNESS_H

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <coil.h>

#include "coro/sanitizer.h"
#include "loop/loop.h"
#include "sys/thread.h"

/* A test whose body is a coroutine; it returns 0. */
#define PROCESS_TEST(name)                \
    static int name##_main(void *unused); \
    START_TEST(name)                      \
        {                                 \
            run_clean(name##_main);       \
        }                                 \
    END_TEST                              \
    static int name##_main(__attribute__((unused)) void *unused)

static inline int open_descriptors(void)
{
    DIR *directory = opendir("/proc/self/fd");
    int count = 0;

    while (readdir(directory) != NULL) {
        count++;
    }
    closedir(directory);
    return count;
}

/* ---- memory ---------------------------------------------------------------------------------------------------------- */

static atomic_long live_blocks;

static inline void *count_malloc(size_t size)
{
    void *block = malloc(size);

    live_blocks += block != NULL;
    return block;
}

static inline void *count_realloc(void *block, size_t size)
{
    void *result = realloc(block, size);

    live_blocks += block == NULL && result != NULL;
    return result;
}

static inline void count_free(void *block)
{
    live_blocks -= block != NULL;
    free(block);
}

/* ---- running --------------------------------------------------------------------------------------------------------- */

static inline void assert_no_children(void)
{
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
    ck_assert_int_eq(errno, ECHILD);
}

static inline void setup(void)
{
    if (CI_WITH_TSAN) {
        atomic_store(&ci_sys_own_threads, 1); /* its own thread must not pass for one that could still wake the loop */
    }
    ck_assert_int_eq(coil_set_allocator(count_malloc, count_realloc, count_free), 0);
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
