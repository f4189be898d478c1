/* What the pool costs: resident pages, page tables, mappings; and that they go back. Read from /proc/self. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "child.h"
#include "coro/stack.h"
#include "suites.h"

#define KIB  ((size_t)1024)
#define MIB  (1024 * KIB)
#define MANY 100000

static struct ci_stack_pool pool;
static struct ci_stack *stacks[MANY];

static void setup(void)
{
    memset(stacks, 1, sizeof stacks); /* so that these pages are not counted as the pool's */
    ck_assert_int_eq(ci_stack_pool_init(&pool, 0), 0);
}

static void teardown(void)
{
    ci_stack_pool_destroy(&pool);
}

static size_t status_bytes(const char *field)
{
    char line[256];
    size_t kib = 0;
    FILE *status = fopen("/proc/self/status", "re");

    ck_assert_ptr_nonnull(status);
    while (fgets(line, sizeof line, status) != NULL) {
        if (strncmp(line, field, strlen(field)) == 0) {
            kib = strtoul(line + strlen(field), NULL, 10);
        }
    }
    fclose(status);
    return kib * KIB;
}

static size_t resident_bytes(void)
{
    return status_bytes("VmRSS:");
}

static size_t table_bytes(void)
{
    return status_bytes("VmPTE:");
}

static int mappings(void)
{
    int lines = 0;
    int c;
    FILE *maps = fopen("/proc/self/maps", "re");

    ck_assert_ptr_nonnull(maps);
    while ((c = getc(maps)) != EOF) {
        lines += c == '\n';
    }
    fclose(maps);
    return lines;
}

static void acquire_many(int count)
{
    int error = 0;

    for (int i = 0; i < count; i++) {
        stacks[i] = ci_stack_acquire(&pool, 0, &error);
        ck_assert_msg(stacks[i] != NULL, "%d: %s", error, ci_stack_pool_problem(&pool));
        ((char *)ci_stack_top(stacks[i]))[-1] = 1;
    }
}

static void release_many(int count)
{
    for (int i = 0; i < count; i++) {
        ci_stack_release(&pool, stacks[i]);
    }
}

START_TEST(a_stack_costs_one_page_and_its_tables)
    {
        size_t before = resident_bytes() + table_bytes();
        int mappings_before = mappings();

        acquire_many(MANY);
        ck_assert_uint_le((resident_bytes() + table_bytes() - before) / MANY, 4250);
        if (!pool.guards_split_mappings) {
            ck_assert_int_le(mappings() - mappings_before, 12);
        }
        release_many(MANY);
    }
END_TEST

static void reverse(int count)
{
    for (int i = 0; i < count / 2; i++) {
        struct ci_stack *other = stacks[count - 1 - i];
        stacks[count - 1 - i] = stacks[i];
        stacks[i] = other;
    }
}

static void shuffle(int count)
{
    for (int i = count - 1; i > 0; i--) {
        int k = rand() % (i + 1);
        struct ci_stack *other = stacks[k];
        stacks[k] = stacks[i];
        stacks[i] = other;
    }
}

/* Whatever the order in which a spike's tasks end, at most the home regions' top pages stay. */
START_TEST(memory_goes_back_after_a_spike)
    {
        void (*const orders[])(int) = {NULL, reverse, shuffle};
        size_t resident = resident_bytes();
        size_t tables = table_bytes();

        srand(3);
        for (size_t order = 0; order < 3; order++) {
            acquire_many(MANY);
            ck_assert_uint_ge(resident_bytes(), resident + MANY * 4 * KIB);
            if (orders[order] != NULL) {
                orders[order](MANY);
            }
            release_many(MANY);
            ck_assert_uint_le(resident_bytes(), resident + 80 * MIB);
            ck_assert_uint_le(table_bytes(), tables + 20 * MIB);
        }
        ci_stack_pool_trim(&pool);
        ck_assert_uint_le(resident_bytes(), resident + 4 * MIB);
    }
END_TEST

/* One stack of the spike stays in use in a far region: everything else goes back all the same. */
START_TEST(a_long_lived_stack_keeps_only_itself)
    {
        size_t resident = resident_bytes();

        acquire_many(MANY);
        release_many(MANY - 1);
        ck_assert_uint_le(resident_bytes(), resident + 80 * MIB);
        for (int i = 0; i < 100000; i++) {
            int error = 0;
            ci_stack_release(&pool, ci_stack_acquire(&pool, 0, &error));
        }
        ci_stack_release(&pool, stacks[MANY - 1]);
    }
END_TEST

static void touch_all_of(int count)
{
    for (int i = 0; i < count; i++) {
        memset(stacks[i]->low, 1, ci_stack_usable_bytes(stacks[i]));
    }
}

START_TEST(one_deep_call_does_not_keep_its_pages)
    {
        size_t resident = resident_bytes();
        int error = 0;

        acquire_many(5000);
        touch_all_of(5000);
        ck_assert_uint_ge(resident_bytes(), resident + 5000 * 60 * KIB);
        release_many(5000);
        for (int i = 0; i < 3000; i++) { /* life goes on with few stacks */
            ci_stack_release(&pool, ci_stack_acquire(&pool, 0, &error));
        }
        ck_assert_uint_le(resident_bytes(), resident + 5000 * 5 * KIB);
    }
END_TEST

START_TEST(trimming_gives_deep_pages_back_at_once)
    {
        size_t resident = resident_bytes();

        acquire_many(1000);
        touch_all_of(1000);
        release_many(1000);
        ci_stack_pool_trim(&pool);
        ck_assert_uint_le(resident_bytes(), resident + 1000 * 5 * KIB);
        acquire_many(1000);
        touch_all_of(1000);
        release_many(1000);
    }
END_TEST

static void touch_guard_after_trim(void)
{
    int error = 0;

    acquire_many(40000);
    touch_all_of(2000);
    release_many(40000);
    ci_stack_pool_trim(&pool);
    acquire_many(30000);
    for (int i = 0; i < 30000; i += 500) {
        /* each of these must fault; the child would end with 0 if the last one did not */
        if (fork() == 0) {
            ((volatile char *)stacks[i]->low)[-1] = 1;
            _exit(0);
        }
        wait(&error);
        if (WIFEXITED(error) && WEXITSTATUS(error) == 0) {
            _exit(0);
        }
    }
    _exit(7);
}

START_TEST(guards_survive_trimming)
    {
        struct child_end end = run_child(touch_guard_after_trim);

        ck_assert(exited_with(&end, 7));
    }
END_TEST

START_TEST(the_high_water_mark_counts_pages)
    {
        acquire_many(1);
        ck_assert_uint_le(ci_stack_high_water(stacks[0]), 4 * KIB);
        stacks[0]->low[30 * KIB] = 1;
        ck_assert_uint_ge(ci_stack_high_water(stacks[0]), 33 * KIB);
        ck_assert_uint_le(ci_stack_high_water(stacks[0]), 38 * KIB);
        release_many(1);
    }
END_TEST

START_TEST(a_measuring_pool_counts_bytes_and_forgets_the_last_user)
    {
        size_t bytes;

        acquire_many(100);
        touch_all_of(100);
        release_many(100);
        ci_stack_pool_measure(&pool);
        acquire_many(100);
        for (int i = 0; i < 100; i++) {
            ck_assert_uint_le(ci_stack_high_water(stacks[i]), RUNNING_ON_VALGRIND ? 4 * KIB : 16);
            bytes = 100 + (size_t)i * 500;
            ((char *)ci_stack_top(stacks[i]))[-(ptrdiff_t)bytes] = 1;
            ck_assert_uint_ge(ci_stack_high_water(stacks[i]), bytes);
            ck_assert_uint_le(ci_stack_high_water(stacks[i]), bytes + (RUNNING_ON_VALGRIND ? 4 * KIB : 16));
        }
        release_many(100);
        acquire_many(100);
        for (int i = 0; i < 100; i++) {
            ck_assert_uint_le(ci_stack_high_water(stacks[i]), RUNNING_ON_VALGRIND ? 4 * KIB : 16);
        }
        release_many(100);
    }
END_TEST

Suite *stack_memory_suite(void)
{
    Suite *suite = suite_create("stack_memory");
    TCase *tests = tcase_create("high_water");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, the_high_water_mark_counts_pages);
    tcase_add_test(tests, a_measuring_pool_counts_bytes_and_forgets_the_last_user);
    suite_add_tcase(suite, tests);

    /* The sanitizers and valgrind keep shadows, which would be counted too. */
    if (!CI_WITH_ASAN && !CI_WITH_TSAN && !RUNNING_ON_VALGRIND) {
        TCase *counted = tcase_create("memory");
        tcase_add_checked_fixture(counted, setup, teardown);
        tcase_set_timeout(counted, 120);
        tcase_add_test(counted, a_stack_costs_one_page_and_its_tables);
        tcase_add_test(counted, memory_goes_back_after_a_spike);
        tcase_add_test(counted, a_long_lived_stack_keeps_only_itself);
        tcase_add_test(counted, one_deep_call_does_not_keep_its_pages);
        tcase_add_test(counted, trimming_gives_deep_pages_back_at_once);
        tcase_add_test(counted, guards_survive_trimming);
        suite_add_tcase(suite, counted);
    }
    return suite;
}
