/* The pool: what it hands out, in which order, with which guards, and what it says when it cannot. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "child.h"
#include "coro/stack.h"
#include "faults.h"
#include "suites.h"

#define KIB ((size_t)1024)
#define MIB (1024 * KIB)

static struct ci_stack_pool pool;

static void setup(void)
{
    ck_assert_int_eq(ci_stack_pool_init(&pool, 0), 0);
}

static void teardown(void)
{
    fail_no_calls();
    ci_stack_pool_destroy(&pool);
}

static struct ci_stack *acquire(size_t bytes)
{
    int error = 0;
    struct ci_stack *stack = ci_stack_acquire(&pool, bytes, &error);

    ck_assert_msg(stack != NULL, "%d: %s", error, ci_stack_pool_problem(&pool));
    return stack;
}

START_TEST(the_last_released_is_acquired_first)
    {
        struct ci_stack *stacks[100];

        for (int i = 0; i < 100; i++) {
            stacks[i] = acquire(0);
        }
        ck_assert_uint_eq(ci_stack_pool_in_use(&pool), 100);
        for (int i = 0; i < 100; i++) {
            ci_stack_release(&pool, stacks[i]);
        }
        ck_assert_uint_eq(ci_stack_pool_in_use(&pool), 0);
        for (int i = 99; i >= 0; i--) {
            ck_assert_ptr_eq(acquire(0), stacks[i]);
        }
    }
END_TEST

START_TEST(all_of_a_stack_can_be_written)
    {
        struct ci_stack *stacks[50];

        for (int i = 0; i < 50; i++) {
            stacks[i] = acquire(0);
            ck_assert_uint_ge(ci_stack_usable_bytes(stacks[i]), 63 * KIB - 64);
            ck_assert_uint_eq((uintptr_t)ci_stack_top(stacks[i]) % 16, 0);
            memset(stacks[i]->low, i, ci_stack_usable_bytes(stacks[i]));
        }
        for (int i = 0; i < 50; i++) {
            const char *top = ci_stack_top(stacks[i]);
            const char *at = stacks[i]->low;
            while (at < top && *at == i) {
                at++;
            }
            ck_assert_ptr_eq(at, top);
            ci_stack_release(&pool, stacks[i]);
        }
    }
END_TEST

START_TEST(a_size_is_rounded_up_to_a_power_of_two)
    {
        static const struct {
            size_t asked, slot;
        } sizes[] = {
            {1, 16 * KIB},          {16 * KIB, 16 * KIB}, {16 * KIB + 1, 32 * KIB}, {64 * KIB, 64 * KIB},
            {100 * KIB, 128 * KIB}, {8 * MIB, 8 * MIB},   {900 * MIB, 1024 * MIB},  {1024 * MIB, 1024 * MIB},
        };

        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            struct ci_stack *stack = acquire(sizes[i].asked);
            size_t usable_bytes = ci_stack_usable_bytes(stack);
            ck_assert_uint_le(usable_bytes, sizes[i].slot);
            ck_assert_uint_ge(usable_bytes, sizes[i].slot - KIB);
            stack->low[0] = 1;
            ck_assert_int_eq(stack->low[0], 1);
            ci_stack_release(&pool, stack);
            ck_assert_ptr_eq(acquire(sizes[i].asked), stack);
            ci_stack_release(&pool, stack);
        }
    }
END_TEST

START_TEST(too_large_a_size_is_invalid)
    {
        struct ci_stack_pool other;
        int error = 0;

        ck_assert_ptr_null(ci_stack_acquire(&pool, 1024 * MIB + 1, &error));
        ck_assert_int_eq(error, -EINVAL);
        ck_assert_ptr_nonnull(strstr(ci_stack_pool_problem(&pool), "1 GiB"));
        ck_assert_ptr_null(ci_stack_acquire(&pool, SIZE_MAX, &error));
        ck_assert_int_eq(ci_stack_pool_init(&other, 1024 * MIB + 1), -EINVAL);
    }
END_TEST

START_TEST(the_default_size_is_the_pools)
    {
        struct ci_stack_pool other;
        int error = 0;
        struct ci_stack *stack;

        ck_assert_int_eq(ci_stack_pool_init(&other, 256 * KIB), 0);
        stack = ci_stack_acquire(&other, 0, &error);
        ck_assert_ptr_nonnull(stack);
        ck_assert_uint_gt(ci_stack_usable_bytes(stack), 250 * KIB);
        ci_stack_release(&other, stack);
        ci_stack_pool_destroy(&other);
    }
END_TEST

START_TEST(an_address_is_found_in_its_stack)
    {
        struct ci_stack *first = acquire(0);
        struct ci_stack *second = acquire(0);
        struct ci_stack *small = acquire(16 * KIB);
        int local = 0;

        ck_assert_ptr_eq(ci_stack_find(&pool, first->low), first);
        ck_assert_ptr_eq(ci_stack_find(&pool, first->low - 1), first);
        ck_assert_ptr_eq(ci_stack_find(&pool, first), first);
        ck_assert_ptr_eq(ci_stack_find(&pool, second->low + 5), second);
        ck_assert_ptr_eq(ci_stack_find(&pool, small->low + 5), small);
        ck_assert_ptr_null(ci_stack_find(&pool, &local));
        ck_assert_ptr_null(ci_stack_find(&pool, second->low + 10 * MIB));
    }
END_TEST

static void touch_below(void)
{
    volatile char *low = acquire(0)->low;

    low[0] = 1;
    low[-1] = 1;
}

static void touch_guard_end(void)
{
    volatile char *low = acquire(8 * MIB)->low;

    low[-4096] = 1;
}

START_TEST(a_guard_lies_below_every_stack)
    {
        struct child_end end = run_child(touch_below);

        ck_assert(died_of(&end, SIGSEGV));
        end = run_child(touch_guard_end);
        ck_assert(died_of(&end, SIGSEGV));
    }
END_TEST

/* As on a kernel before 6.13. */
static void refuse_guards(void)
{
    fail_calls("madvise", 0, -EINVAL);
}

/* As on a kernel that has process_madvise, but not for this. */
static void refuse_batches(void)
{
    fail_calls("process_madvise", 0, -EINVAL);
}

static void touch_below_mprotect(void)
{
    ci_fault_hook = NULL;
    pool.guards_split_mappings = true;
    touch_below();
}

START_TEST(without_guard_advice_a_guard_is_a_protected_page)
    {
        struct child_end end = run_child(touch_below_mprotect);

        ck_assert(died_of(&end, SIGSEGV));
        refuse_batches();
        (void)acquire(0);
        ck_assert(!pool.guards_split_mappings);
        refuse_guards();
        pool.guards_hold = false;
        for (int i = 0; i < 10; i++) {
            (void)acquire(32 * KIB); /* a class that has no guards yet */
        }
        ck_assert(pool.guards_split_mappings);
    }
END_TEST

START_TEST(guard_advice_that_does_nothing_is_noticed)
    {
        fail_calls("madvise", 2, -EINVAL); /* the first is about huge pages, the second asks whether the guards hold */
        (void)acquire(0);
        ck_assert(faults.hit);
        ck_assert(pool.guards_split_mappings);
    }
END_TEST

START_TEST(too_many_mappings_are_refused_in_time)
    {
        int error = 0;
        size_t count = 0;
        void *page;

        pool.guards_split_mappings = true;
        pool.map_limit = 2000;
        while (ci_stack_acquire(&pool, 0, &error) != NULL) {
            count++;
        }
        ck_assert_int_eq(error, -ENOMEM);
        ck_assert_uint_eq(count, 900);
        ck_assert_ptr_nonnull(strstr(ci_stack_pool_problem(&pool), "max_map_count"));
        page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        ck_assert(page != MAP_FAILED);
        munmap(page, 4096);

        /* A pool that is destroyed gives its share back. */
        ci_stack_pool_destroy(&pool);
        ck_assert_int_eq(ci_stack_pool_init(&pool, 0), 0);
        pool.guards_split_mappings = true;
        pool.map_limit = 2000;
        (void)acquire(0);
    }
END_TEST

/* As with mlockall in the middle: the first guards split no mapping, the others do. */
START_TEST(only_guards_that_split_a_mapping_count_against_the_limit)
    {
        refuse_batches();
        (void)acquire(0);
        ck_assert(!pool.guards_split_mappings);
        pool.guards_split_mappings = true;
        for (int i = 0; i < 20; i++) {
            (void)acquire(0);
        }
        ci_stack_pool_destroy(&pool);
        ck_assert_int_eq(ci_stack_pool_init(&pool, 0), 0);
        pool.guards_split_mappings = true;
        (void)acquire(0);
    }
END_TEST

START_TEST(little_address_space_gives_small_regions)
    {
#if !CI_WITH_ASAN && !CI_WITH_TSAN /* nor on valgrind, which live on address space */
        struct rlimit limit = {200 * MIB, 200 * MIB};
        int error = 0;
        int count = 0;

        if (RUNNING_ON_VALGRIND) {
            return;
        }
        ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
        while (ci_stack_acquire(&pool, 0, &error) != NULL) {
            count++;
        }
        ck_assert_int_eq(error, -ENOMEM);
        ck_assert_int_gt(count, 1500);
        ck_assert_ptr_nonnull(strstr(ci_stack_pool_problem(&pool), "address space"));
#endif
    }
END_TEST

enum { EXERCISED = 500 };

/* Everything that the pool does with the kernel, so that each of these calls can be made to fail. */
static bool exercise(void)
{
    struct ci_stack *stacks[EXERCISED];
    size_t count = 0;
    int error = 0;
    bool complete;

    ck_assert_int_eq(ci_stack_pool_init(&pool, 0), 0);
    while (count < EXERCISED) {
        stacks[count] = ci_stack_acquire(&pool, count % 100 == 0 ? 32 * KIB : 0, &error);
        if (stacks[count] == NULL) {
            ck_assert_int_lt(error, 0);
            ck_assert_str_ne(ci_stack_pool_problem(&pool), "no problem");
            break;
        }
        stacks[count++]->low[0] = 1;
    }
    complete = count == EXERCISED;
    while (count > 0) {
        size_t high_water = ci_stack_high_water(stacks[--count]);
        ck_assert_uint_gt(high_water, 0);
        ck_assert_uint_le(high_water, 64 * KIB);
        ci_stack_release(&pool, stacks[count]);
    }
    ci_stack_pool_trim(&pool);
    ck_assert_uint_eq(ci_stack_pool_in_use(&pool), 0);
    ci_stack_pool_destroy(&pool);
    return complete;
}

START_TEST(any_system_call_may_fail)
    {
        static const int errors[] = {-ENOMEM, -EINVAL};
        int incomplete = 0;

        for (size_t e = 0; e < 2; e++) {
            for (int nth = 1;; nth += nth < 60 ? 1 : 97) {
                fail_calls(NULL, nth, errors[e]);
                incomplete += !exercise();
                if (!faults.hit) {
                    break;
                }
            }
        }
        fail_no_calls();
        ck_assert_int_gt(incomplete, 0);
        ck_assert_int_eq(ci_stack_pool_init(&pool, 0), 0);
    }
END_TEST

START_TEST(after_a_failure_the_pool_goes_on)
    {
        int error = 0;

        fail_calls("mmap", 0, -ENOMEM);
        ck_assert_ptr_null(ci_stack_acquire(&pool, 0, &error));
        ck_assert_int_eq(error, -ENOMEM);
        fail_no_calls();
        ci_stack_release(&pool, acquire(0));
    }
END_TEST

/* The same random life with every size, for every stack to be written from end to end by its owner alone. */
START_TEST(no_stack_is_handed_out_twice)
    {
        enum { SLOTS = 6000, TURNS = 60000 };
        static struct ci_stack *stacks[SLOTS];

        srand(7);
        for (int turn = 0; turn < TURNS; turn++) {
            /* a tide: mostly taking for a while, then mostly giving back */
            int i = rand() % SLOTS;
            bool rising = turn / 10000 % 2 == 0;
            if (stacks[i] == NULL && (rising || rand() % 8 == 0)) {
                stacks[i] = acquire(rand() % 3 == 0 ? 16 * KIB << rand() % 3 : 0);
                *(int *)(void *)stacks[i]->low = i;
                ((int *)ci_stack_top(stacks[i]))[-1] = i;
            } else if (stacks[i] != NULL && (!rising || rand() % 8 == 0)) {
                ck_assert_int_eq(*(int *)(void *)stacks[i]->low, i);
                ck_assert_int_eq(((int *)ci_stack_top(stacks[i]))[-1], i);
                ci_stack_release(&pool, stacks[i]);
                stacks[i] = NULL;
            }
            if (turn % 9999 == 0) {
                ci_stack_pool_trim(&pool);
            }
        }
    }
END_TEST

Suite *stack_suite(void)
{
    Suite *suite = suite_create("stack");
    TCase *tests = tcase_create("pool");
    TCase *failures = tcase_create("pool_failures");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, the_last_released_is_acquired_first);
    tcase_add_test(tests, all_of_a_stack_can_be_written);
    tcase_add_test(tests, a_size_is_rounded_up_to_a_power_of_two);
    tcase_add_test(tests, too_large_a_size_is_invalid);
    tcase_add_test(tests, the_default_size_is_the_pools);
    tcase_add_test(tests, an_address_is_found_in_its_stack);
    tcase_add_test(tests, a_guard_lies_below_every_stack);
    tcase_add_test(tests, no_stack_is_handed_out_twice);
    suite_add_tcase(suite, tests);

    tcase_add_checked_fixture(failures, setup, teardown);
    tcase_set_timeout(failures, 120);
    tcase_add_test(failures, without_guard_advice_a_guard_is_a_protected_page);
    tcase_add_test(failures, guard_advice_that_does_nothing_is_noticed);
    tcase_add_test(failures, too_many_mappings_are_refused_in_time);
    tcase_add_test(failures, only_guards_that_split_a_mapping_count_against_the_limit);
    tcase_add_test(failures, little_address_space_gives_small_regions);
    tcase_add_test(failures, any_system_call_may_fail);
    tcase_add_test(failures, after_a_failure_the_pool_goes_on);
    suite_add_tcase(suite, failures);
    return suite;
}
