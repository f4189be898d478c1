/*
 * What comes before and after a test that runs a loop: memory is counted, so that what is left of it is seen, and the threads of
 * tools are not taken for the program's.
 */
#ifndef TESTS_SUPPORT_SETUP_H
#define TESTS_SUPPORT_SETUP_H

#include <check.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <coil/base.h>

#include "coro/sanitizer.h"
#include "sys/thread.h"

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

/* ThreadSanitizer runs a thread of its own, which must not pass for one that could still wake the loop. */
static inline void discount_tools_threads(void)
{
    if (CI_WITH_TSAN) {
        atomic_store(&ci_sys_own_threads, 1);
    }
}

static inline void prepare(void)
{
    discount_tools_threads();
    ck_assert_int_eq(coil_set_allocator(count_malloc, count_realloc, count_free), 0);
}

#endif
