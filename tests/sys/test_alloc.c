/* The allocator that a program brings: everything that the library allocates comes from it and goes back to it. */
#include "sys/alloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <coil.h>

#include "suites.h"

static int mallocs;
static int reallocs;
static int frees;
static long live;

static void *count_malloc(size_t size)
{
    void *block = malloc(size);

    mallocs++;
    live += block != NULL;
    return block;
}

static void *count_realloc(void *block, size_t size)
{
    void *result = realloc(block, size);

    reallocs++;
    live += block == NULL && result != NULL;
    return result;
}

static void count_free(void *block)
{
    frees++;
    live -= block != NULL;
    free(block);
}

START_TEST(every_block_comes_from_the_programs_functions)
    {
        ck_assert_int_eq(coil_set_allocator(count_malloc, count_realloc, count_free), 0);
        char *block = ci_alloc(10);
        ck_assert_ptr_nonnull(block);
        ck_assert_int_eq(mallocs, 1);
        memcpy(block, "something", 10);
        block = ci_realloc(block, 1000);
        ck_assert_ptr_nonnull(block);
        ck_assert_str_eq(block, "something");
        ck_assert_int_eq(reallocs, 1);
        ci_free(block);
        ck_assert_int_eq(frees, 1);
        ck_assert_int_eq(live, 0);
    }
END_TEST

START_TEST(zeroed_memory_is_zero_whatever_the_allocator_gives)
    {
        for (int i = 0; i < 100; i++) {
            unsigned char *block = ci_alloc(512);
            ck_assert_ptr_nonnull(block);
            memset(block, 0xA5, 512);
            ci_free(block);
            block = ci_alloc_zero(512);
            ck_assert_ptr_nonnull(block);
            for (int k = 0; k < 512; k++) {
                ck_assert_uint_eq(block[k], 0);
            }
            ci_free(block);
        }
    }
END_TEST

START_TEST(reallocating_null_allocates_and_freeing_null_does_nothing)
    {
        void *block = ci_realloc(NULL, 32);

        ck_assert_ptr_nonnull(block);
        ci_free(block);
        ci_free(NULL);
    }
END_TEST

START_TEST(an_incomplete_allocator_is_refused_and_changes_nothing)
    {
        ck_assert_int_eq(coil_set_allocator(count_malloc, count_realloc, count_free), 0);
        ck_assert_int_eq(coil_set_allocator(NULL, realloc, free), -EINVAL);
        ck_assert_int_eq(coil_set_allocator(malloc, NULL, free), -EINVAL);
        ck_assert_int_eq(coil_set_allocator(malloc, realloc, NULL), -EINVAL);
        ci_free(ci_alloc(1));
        ck_assert_int_eq(mallocs, 1);
        ck_assert_int_eq(frees, 1);
    }
END_TEST

static int child(void *arg)
{
    (void)arg;
    coil_sleep(0.001);
    return coil_fail(-EIO, "a note for %s", "the error");
}

static int use_everything(void *arg)
{
    coil_task *tasks[30];

    (void)arg;
    for (int i = 0; i < 30; i++) {
        tasks[i] = coil_create_task(child, NULL, .name = "a name that is too long to fit into the task itself");
    }
    coil_future *all = coil_gather(tasks, 30, .return_errors = true);
    ck_assert_int_eq(coil_wait_for(all, 10), 0);
    coil_unref(all);
    ck_assert_ptr_nonnull(strstr(coil_error_message(tasks[0]), "a note for the error"));
    for (int i = 0; i < 30; i++) {
        coil_unref(tasks[i]);
    }
    return 0;
}

START_TEST(a_whole_run_uses_it_and_gives_everything_back)
    {
        ck_assert_int_eq(coil_set_allocator(count_malloc, count_realloc, count_free), 0);
        ck_assert_int_eq(coil_run(use_everything, NULL, .clock = COIL_CLOCK_VIRTUAL), 0);
        ck_assert_int_gt(mallocs, 30);
        ck_assert_int_eq(live, 0);
    }
END_TEST

static void *no_malloc(size_t size)
{
    (void)size;
    return NULL;
}

static void *no_realloc(void *block, size_t size)
{
    (void)block;
    (void)size;
    return NULL;
}

START_TEST(an_allocator_that_has_nothing_makes_creation_fail)
    {
        ck_assert_int_eq(coil_set_allocator(no_malloc, no_realloc, count_free), 0);
        ck_assert_int_eq(coil_run(use_everything, NULL), -ENOMEM);
        ck_assert_ptr_null(coil_loop_new());
        ck_assert_int_eq(coil_creation_error(), -ENOMEM);
    }
END_TEST

Suite *alloc_suite(void)
{
    Suite *suite = suite_create("alloc");
    TCase *tc = tcase_create("alloc");

    tcase_add_test(tc, every_block_comes_from_the_programs_functions);
    tcase_add_test(tc, zeroed_memory_is_zero_whatever_the_allocator_gives);
    tcase_add_test(tc, reallocating_null_allocates_and_freeing_null_does_nothing);
    tcase_add_test(tc, an_incomplete_allocator_is_refused_and_changes_nothing);
    tcase_add_test(tc, a_whole_run_uses_it_and_gives_everything_back);
    tcase_add_test(tc, an_allocator_that_has_nothing_makes_creation_fail);
    suite_add_tcase(suite, tc);
    return suite;
}
