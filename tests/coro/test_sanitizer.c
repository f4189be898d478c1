/*
 * That the sanitizers still do their work inside coroutines: they find what is wrong there, and nothing where
 * all is well. Without a sanitizer only the second half is there to test, which the other suites do too.
 */
#include <stdlib.h>

#include "child.h"
#include "coroutine.h"
#include "suites.h"

static struct ci_stack_pool pool;
static struct ci_context thread_context;

static void setup(void)
{
    ck_assert_int_eq(ci_stack_pool_init(&pool, 0), 0);
    ci_context_init_thread(&thread_context);
}

static void teardown(void)
{
    ci_stack_pool_destroy(&pool);
}

/* Frames with arrays, whose surroundings AddressSanitizer poisons; left half way up by the pause, and then
 * for good. */
__attribute__((noinline)) static int fill(struct coroutine *self, int depth)
{
    volatile char frame[64];
    int sum = 0;

    for (int i = 0; i < 64; i++) {
        frame[i] = (char)(i + depth);
    }
    if (depth == 0) {
        coroutine_pause(self);
    } else {
        sum = fill(self, depth - 1);
    }
    for (int i = 0; i < 64; i++) {
        sum += frame[i] == (char)(i + depth);
    }
    return sum;
}

static int fill_and_end(struct coroutine *self)
{
    return fill(self, self->number);
}

START_TEST(a_stack_whose_frames_were_abandoned_is_clean_for_the_next)
    {
        for (int i = 0; i < 2000; i++) {
            struct coroutine *coroutine = coroutine_new(&pool, &thread_context, fill_and_end, i % 60);
            coroutine_resume(coroutine);
            if (i % 2 == 0) {
                coroutine_resume(coroutine);
                ck_assert_int_eq(coroutine->result, 64 * (i % 60 + 1));
            }
            coroutine_free(&pool, coroutine);
        }
    }
END_TEST

START_TEST(a_pool_may_be_destroyed_and_its_addresses_used_again)
    {
        for (int i = 0; i < 20; i++) {
            for (int k = 0; k < 20; k++) {
                struct coroutine *coroutine = coroutine_new(&pool, &thread_context, fill_and_end, k);
                coroutine_resume(coroutine);
                coroutine_free(&pool, coroutine);
            }
            ci_stack_pool_destroy(&pool);
            ck_assert_int_eq(ci_stack_pool_init(&pool, 0), 0);
        }
    }
END_TEST

#if CI_WITH_ASAN

static int write_beyond(struct coroutine *self)
{
    volatile char buffer[16] = {0};
    volatile char *volatile end = buffer + 16; /* a pointer, so that it is not UndefinedBehaviorSanitizer's to find */

    end[self->number] = 1;
    return buffer[0];
}

static void overrun(void)
{
    coroutine_resume(coroutine_new(&pool, &thread_context, write_beyond, 0));
}

START_TEST(an_overrun_in_a_coroutine_is_found)
    {
        struct child_end end = run_child(overrun);

        ck_assert(!exited_with(&end, 0));
        ck_assert_ptr_nonnull(strstr(end.output, "stack-buffer-overflow"));
    }
END_TEST

static void use_after_release(void)
{
    struct coroutine *coroutine = coroutine_new(&pool, &thread_context, fill_and_end, 0);

    coroutine_free(&pool, coroutine);
    coroutine->number = 1;
}

START_TEST(the_use_of_a_released_stack_is_found)
    {
        struct child_end end = run_child(use_after_release);

        ck_assert(!exited_with(&end, 0));
        ck_assert_ptr_nonnull(strstr(end.output, "use-after-poison"));
    }
END_TEST

static int hold_memory(struct coroutine *self)
{
    char *volatile memory = malloc(1000);

    memory[0] = 1;
    coroutine_pause(self);
    free(memory);
    return 0;
}

static void end_with_suspended_coroutines(void)
{
    for (int i = 0; i < 100; i++) {
        coroutine_resume(coroutine_new(&pool, &thread_context, hold_memory, i));
    }
    exit(0);
}

START_TEST(what_a_suspended_coroutine_holds_has_not_leaked)
    {
        struct child_end end = run_child(end_with_suspended_coroutines);

        ck_assert_msg(exited_with(&end, 0), "%s", end.output);
    }
END_TEST

#endif

#if CI_WITH_TSAN

#include <pthread.h>

static volatile int shared; /* so that a write which nobody reads is not left out */
static int threads_here;

static int write_shared(struct coroutine *self)
{
    for (int i = 0; i < 1000; i++) {
        shared = self->number + i;
    }
    return 0;
}

/* Both threads are there before either writes; relaxed, so that this puts their writes into no order. */
static void *write_from_coroutine(void *arg)
{
    struct ci_stack_pool own_pool;
    struct ci_context own_context;

    (void)ci_stack_pool_init(&own_pool, 0);
    ci_context_init_thread(&own_context);
    (void)__atomic_add_fetch(&threads_here, 1, __ATOMIC_RELAXED);
    while (__atomic_load_n(&threads_here, __ATOMIC_RELAXED) < 2) {
    }
    for (int i = 0; i < 100; i++) {
        coroutine_resume(coroutine_new(&own_pool, &own_context, write_shared, i));
    }
    return arg;
}

static void race(void)
{
    pthread_t threads[2];

    for (int i = 0; i < 2; i++) {
        (void)pthread_create(&threads[i], NULL, write_from_coroutine, NULL);
    }
    for (int i = 0; i < 2; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    exit(0);
}

START_TEST(a_race_between_coroutines_of_two_threads_is_found)
    {
        struct child_end end = run_child(race);

        ck_assert_msg(strstr(end.output, "data race") != NULL, "%s", end.output);
    }
END_TEST

#endif

Suite *sanitizer_suite(void)
{
    Suite *suite = suite_create("sanitizer");
    TCase *tests = tcase_create("sanitizers");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_stack_whose_frames_were_abandoned_is_clean_for_the_next);
    tcase_add_test(tests, a_pool_may_be_destroyed_and_its_addresses_used_again);
#if CI_WITH_ASAN
    tcase_add_test(tests, an_overrun_in_a_coroutine_is_found);
    tcase_add_test(tests, the_use_of_a_released_stack_is_found);
    tcase_add_test(tests, what_a_suspended_coroutine_holds_has_not_leaked);
#endif
#if CI_WITH_TSAN
    tcase_add_test(tests, a_race_between_coroutines_of_two_threads_is_found);
#endif
    suite_add_tcase(suite, tests);
    return suite;
}
