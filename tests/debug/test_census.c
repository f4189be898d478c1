/* The census counts whom it was told of, and no others. */
#include "debug/census.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "suites.h"
#include "sys/alloc.h"
#include "sys/fault.h"

enum { FUTURES = 3000, STEPS = 200000 };

static struct ci_census census;
static void *here[] = {(void *)0x1000, (void *)0x2000};
static void *there[] = {(void *)0x1000, (void *)0x3000};

static void setup(void)
{
    ci_census_begin(&census);
}

static void teardown(void)
{
    ci_fault_hook = NULL;
    ci_census_end(&census);
}

/* Addresses as the pool's stacks have them, far apart; the census only compares them. */
static struct coil_future *future(size_t i)
{
    return (struct coil_future *)((i + 1) * 69632 - 256);
}

START_TEST(after_many_births_and_deaths_it_agrees_with_a_list)
    {
        static bool lives[FUTURES];
        size_t living = 0;
        size_t count;

        srand(1);
        for (int step = 0; step < STEPS; step++) {
            size_t i = (size_t)rand() % FUTURES;
            if (lives[i]) {
                ci_census_remove(&census, future(i));
            } else {
                ci_census_add(&census, future(i), i % 2 == 0 ? here : there, 2);
            }
            lives[i] = !lives[i];
            living += lives[i] ? 1 : (size_t)-1;
        }
        for (size_t i = 0; i < FUTURES; i++) {
            ck_assert(ci_census_has(&census, future(i)) == lives[i]);
            struct ci_origin *origin = ci_census_origin(&census, future(i));
            ck_assert((origin != NULL) == lives[i]);
            ck_assert(origin == NULL || memcmp(origin->addresses, i % 2 == 0 ? here : there, sizeof(here)) == 0);
        }
        struct ci_census_entry *list = ci_census_list(&census, &count);
        ck_assert_uint_eq(count, living);
        for (size_t i = 1; i < count; i++) {
            ck_assert(list[i - 1].serial < list[i].serial);
        }
        ci_free(list);
    }
END_TEST

START_TEST(equal_backtraces_are_kept_once)
    {
        ci_census_add(&census, future(0), here, 2);
        ci_census_add(&census, future(1), there, 2);
        ci_census_add(&census, future(2), here, 2);
        ci_census_add(&census, future(3), here, 1);
        ck_assert_ptr_eq(ci_census_origin(&census, future(0)), ci_census_origin(&census, future(2)));
        ck_assert_ptr_ne(ci_census_origin(&census, future(0)), ci_census_origin(&census, future(1)));
        ck_assert_ptr_ne(ci_census_origin(&census, future(0)), ci_census_origin(&census, future(3)));
    }
END_TEST

START_TEST(an_empty_one_knows_nobody)
    {
        size_t count;

        ci_census_remove(&census, future(0));
        ck_assert(!ci_census_has(&census, future(0)));
        ck_assert_ptr_null(ci_census_list(&census, &count));
        ck_assert_uint_eq(count, 0);
    }
END_TEST

static int refuse_memory(const char *call)
{
    (void)call;
    return -ENOMEM;
}

START_TEST(without_memory_a_future_is_simply_missing)
    {
        ci_census_add(&census, future(0), here, 2);
        ci_fault_hook = refuse_memory;
        for (size_t i = 1; i < 200; i++) {
            ci_census_add(&census, future(i), there, 2);
        }
        ci_fault_hook = NULL;
        ck_assert(ci_census_has(&census, future(0)));
        ck_assert(!ci_census_has(&census, future(199)));
        ck_assert_ptr_null(ci_census_origin(&census, future(1)));
        for (size_t i = 0; i < 200; i++) {
            ci_census_remove(&census, future(i));
        }
        ck_assert_uint_eq(census.count, 0);
    }
END_TEST

Suite *census_suite(void)
{
    Suite *suite = suite_create("census");
    TCase *tcase = tcase_create("census");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, after_many_births_and_deaths_it_agrees_with_a_list);
    tcase_add_test(tcase, equal_backtraces_are_kept_once);
    tcase_add_test(tcase, an_empty_one_knows_nobody);
    tcase_add_test(tcase, without_memory_a_future_is_simply_missing);
    suite_add_tcase(suite, tcase);
    return suite;
}
