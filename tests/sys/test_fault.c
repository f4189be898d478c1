/* The hook by which tests make calls fail: it is asked with the call's name, before anything has happened. */
#include "sys/fault.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "suites.h"
#include "sys/alloc.h"
#include "sys/memory.h"
#include "sys/signal.h"
#include "sys/thread.h"

static const char *refused;
static int asked;

static int refuse(const char *call)
{
    asked++;
    return strcmp(call, refused) == 0 ? -EMFILE : 0;
}

static void setup(void)
{
    asked = 0;
    refused = "";
    ci_fault_hook = refuse;
}

static void teardown(void)
{
    ci_fault_hook = NULL;
}

START_TEST(without_a_hook_every_call_happens)
    {
        ci_fault_hook = NULL;
        ck_assert_int_eq(ci_fault("malloc"), 0);
        void *block = ci_alloc(1);
        ck_assert_ptr_nonnull(block);
        ci_free(block);
    }
END_TEST

START_TEST(a_hook_that_returns_zero_lets_the_call_happen)
    {
        void *block = ci_alloc(1);

        ck_assert_ptr_nonnull(block);
        ck_assert_int_eq(asked, 1);
        ci_free(block);
        ck_assert_int_eq(asked, 1); /* freeing cannot fail and does not ask */
    }
END_TEST

START_TEST(allocations_fail_on_command)
    {
        refused = "malloc";
        ck_assert_ptr_null(ci_alloc(10));
        ck_assert_ptr_null(ci_alloc_zero(10));
        refused = "";
        char *block = ci_alloc(10);
        ck_assert_ptr_nonnull(block);
        strcpy(block, "kept");
        refused = "realloc";
        ck_assert_ptr_null(ci_realloc(block, 20));
        ck_assert_str_eq(block, "kept");
        ci_free(block);
    }
END_TEST

START_TEST(system_calls_report_the_error_that_the_hook_chose)
    {
        void *start = NULL;
        struct sigaction action;

        refused = "mmap";
        ck_assert_int_eq(ci_memory_map(4096, &start), -EMFILE);
        ck_assert_ptr_null(start);
        refused = "sigaction";
        ck_assert_int_eq(ci_signal_action(SIGUSR1, NULL, &action), -EMFILE);
        refused = "thread_count";
        ck_assert_int_eq(ci_sys_thread_count(), -EMFILE);
    }
END_TEST

START_TEST(a_call_that_was_refused_has_not_happened)
    {
        void *start = NULL;

        ck_assert_int_eq(ci_memory_map(4096, &start), 0);
        refused = "munmap";
        ck_assert_int_eq(ci_memory_unmap(start, 4096), -EMFILE);
        *(char *)start = 1; /* still mapped */
        refused = "";
        ck_assert_int_eq(ci_memory_unmap(start, 4096), 0);
    }
END_TEST

Suite *fault_suite(void)
{
    Suite *suite = suite_create("fault");
    TCase *tc = tcase_create("fault");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, without_a_hook_every_call_happens);
    tcase_add_test(tc, a_hook_that_returns_zero_lets_the_call_happen);
    tcase_add_test(tc, allocations_fail_on_command);
    tcase_add_test(tc, system_calls_report_the_error_that_the_hook_chose);
    tcase_add_test(tc, a_call_that_was_refused_has_not_happened);
    suite_add_tcase(suite, tc);
    return suite;
}
