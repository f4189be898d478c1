/* The switch: that contexts start, pause, go on and end as they should. Registers are for arch_selftest.c. */
#include <pthread.h>
#include <stdlib.h>

#include "coroutine.h"
#include "suites.h"

#define THOUSANDS 5000

static struct ci_stack_pool pool;
static struct ci_context thread_context;

static void setup(void)
{
    ck_assert_int_eq(ci_stack_pool_init(&pool, 0), 0);
    ci_context_init_thread(&thread_context);
}

static void teardown(void)
{
    ck_assert_uint_eq(ci_stack_pool_in_use(&pool), 0);
    ci_stack_pool_destroy(&pool);
}

static int give_number(struct coroutine *self)
{
    return self->number;
}

START_TEST(a_context_runs_its_entry_to_the_end)
    {
        struct coroutine *coroutine = coroutine_new(&pool, &thread_context, give_number, 42);

        ck_assert(!coroutine->done);
        coroutine_resume(coroutine);
        ck_assert(coroutine->done);
        ck_assert_int_eq(coroutine->result, 42);
        coroutine_free(&pool, coroutine);
    }
END_TEST

static int add_up(struct coroutine *self)
{
    int sum = 0;
    double product = 1;

    for (int i = 1; i <= 10; i++) {
        sum += i;
        product *= i;
        coroutine_pause(self);
    }
    ck_assert(product > 3628799.5 && product < 3628800.5);
    return sum;
}

START_TEST(locals_survive_a_switch)
    {
        struct coroutine *coroutine = coroutine_new(&pool, &thread_context, add_up, 0);

        for (int i = 0; i < 10; i++) {
            coroutine_resume(coroutine);
            ck_assert(!coroutine->done);
        }
        coroutine_resume(coroutine);
        ck_assert(coroutine->done);
        ck_assert_int_eq(coroutine->result, 55);
        coroutine_free(&pool, coroutine);
    }
END_TEST

START_TEST(a_context_that_never_started_is_just_forgotten)
    {
        for (int i = 0; i < 100; i++) {
            struct coroutine *coroutine = coroutine_new(&pool, &thread_context, give_number, i);
            coroutine_free(&pool, coroutine);
        }
    }
END_TEST

static int climb(int depth)
{
    volatile char frame[200] = {1};

    return depth == 0 ? frame[0] : climb(depth - 1) + frame[0];
}

static int climb_and_pause(struct coroutine *self)
{
    int height = climb(self->number % 100);

    coroutine_pause(self);
    return height;
}

START_TEST(thousands_of_contexts_take_turns)
    {
        static struct coroutine *coroutines[THOUSANDS];

        for (int round = 0; round < 3; round++) {
            for (int i = 0; i < THOUSANDS; i++) {
                coroutines[i] = coroutine_new(&pool, &thread_context, climb_and_pause, i);
            }
            for (int i = 0; i < 2 * THOUSANDS; i++) {
                coroutine_resume(coroutines[i % THOUSANDS]);
            }
            for (int i = 0; i < THOUSANDS; i++) {
                ck_assert(coroutines[i]->done);
                ck_assert_int_eq(coroutines[i]->result, i % 100 + 1);
                coroutine_free(&pool, coroutines[i]);
            }
        }
    }
END_TEST

/* A coroutine that runs another one, which does the same: each is the other's resumer. */
static int descend(struct coroutine *self)
{
    struct coroutine *inner;
    int sum = self->number;

    if (self->number > 0) {
        inner = coroutine_new(&pool, &self->context, descend, self->number - 1);
        coroutine_resume(inner);
        ck_assert(inner->done);
        sum += inner->result;
        coroutine_free(&pool, inner);
    }
    return sum;
}

START_TEST(a_context_may_run_others)
    {
        struct coroutine *outer = coroutine_new(&pool, &thread_context, descend, 100);

        coroutine_resume(outer);
        ck_assert_int_eq(outer->result, 5050);
        coroutine_free(&pool, outer);
    }
END_TEST

static void *run_in_thread(void *arg)
{
    struct ci_stack_pool own_pool;
    struct ci_context own_context;
    intptr_t sum = 0;

    ck_assert_int_eq(ci_stack_pool_init(&own_pool, 0), 0);
    ci_context_init_thread(&own_context);
    for (int i = 0; i < 1000; i++) {
        struct coroutine *coroutine = coroutine_new(&own_pool, &own_context, climb_and_pause, (int)(intptr_t)arg);
        coroutine_resume(coroutine);
        coroutine_resume(coroutine);
        sum += coroutine->result;
        coroutine_free(&own_pool, coroutine);
    }
    ci_stack_pool_destroy(&own_pool);
    return (void *)sum;
}

START_TEST(each_thread_has_contexts_of_its_own)
    {
        pthread_t threads[4];

        for (intptr_t i = 0; i < 4; i++) {
            ck_assert_int_eq(pthread_create(&threads[i], NULL, run_in_thread, (void *)i), 0);
        }
        for (intptr_t i = 0; i < 4; i++) {
            void *sum = NULL;
            ck_assert_int_eq(pthread_join(threads[i], &sum), 0);
            ck_assert_int_eq((intptr_t)sum, 1000 * (i + 1));
        }
    }
END_TEST

Suite *context_suite(void)
{
    Suite *suite = suite_create("context");
    TCase *tests = tcase_create("switch");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_context_runs_its_entry_to_the_end);
    tcase_add_test(tests, locals_survive_a_switch);
    tcase_add_test(tests, a_context_that_never_started_is_just_forgotten);
    tcase_add_test(tests, thousands_of_contexts_take_turns);
    tcase_add_test(tests, a_context_may_run_others);
    tcase_add_test(tests, each_thread_has_contexts_of_its_own);
    suite_add_tcase(suite, tests);
    return suite;
}
