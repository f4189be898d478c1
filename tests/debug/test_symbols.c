/* Addresses get names, with libdw and, as far as that goes, without. */
#include "debug/symbols.h"

#include <errno.h>
#include <string.h>

#include "collect.h"
#include "debug/backtrace.h"
#include "suites.h"
#include "sys/fault.h"

enum { DEPTH = 16 };

static void *addresses[DEPTH];
static struct ci_frame frames[2 * DEPTH];

static void setup(void)
{
    ci_backtrace_prepare();
    ci_symbols_open();
}

static void teardown(void)
{
    ci_symbols_close();
}

/* A call that is the last thing done becomes a jump, and leaves no trace on the stack. */
static inline __attribute__((always_inline)) size_t not_the_last_thing(size_t value)
{
    __asm__ volatile("" : "+r"(value));
    return value;
}

__attribute__((noinline)) static size_t inner(void)
{
    size_t depth = ci_backtrace_capture(addresses, DEPTH, 0);

    return not_the_last_thing(depth);
}

__attribute__((noinline)) static size_t outer(int *line)
{
    *line = __LINE__ + 1;
    size_t depth = inner();

    return not_the_last_thing(depth);
}

START_TEST(a_backtrace_names_static_functions_with_their_files_and_lines)
    {
        int line;
        size_t count = ci_symbols_find(addresses, outer(&line), frames, 2 * DEPTH);

        ck_assert_uint_ge(count, 3);
        if (!HAVE_NAMES) {
            return;
        }
        ck_assert_str_eq(frames[0].function, "inner");
        ck_assert_str_eq(frames[1].function, "outer");
        ck_assert_str_eq(frames[2].function, "a_backtrace_names_static_functions_with_their_files_and_lines_fn");
        if (frames[1].file != NULL) { /* it was compiled with debug information */
            ck_assert_ptr_nonnull(strstr(frames[1].file, "test_symbols.c"));
            ck_assert_int_eq(frames[1].line, line);
        }
    }
END_TEST

static inline __attribute__((always_inline)) size_t inlined(void)
{
    return not_the_last_thing(inner());
}

__attribute__((noinline)) static size_t around(void)
{
    size_t depth = inlined();

    return not_the_last_thing(depth);
}

START_TEST(an_inlined_function_is_a_frame_of_its_own)
    {
        size_t count = ci_symbols_find(addresses, around(), frames, 2 * DEPTH);

        ck_assert_uint_ge(count, 3);
        if (frames[0].file != NULL) {
            ck_assert_str_eq(frames[1].function, "inlined");
            ck_assert(frames[1].inlined);
            ck_assert_str_eq(frames[2].function, "around");
            ck_assert(!frames[2].inlined);
            ck_assert_int_gt(frames[2].line, frames[1].line);
        }
    }
END_TEST

static int without_libdw(const char *call)
{
    return strcmp(call, "dlopen") == 0 ? -ENOENT : 0;
}

START_TEST(without_libdw_there_are_modules_and_offsets)
    {
        int line;

        ci_fault_hook = without_libdw;
        size_t count = ci_symbols_find(addresses, outer(&line), frames, 2 * DEPTH);
        ci_fault_hook = NULL;
        ck_assert_uint_ge(count, 3);
        for (size_t i = 0; i < 3; i++) {
            ck_assert_ptr_null(frames[i].file);
            ck_assert_ptr_nonnull(strstr(frames[i].module, "test_debug"));
            ck_assert_uint_gt(frames[i].offset, 0);
        }
    }
END_TEST

START_TEST(an_address_that_is_nowhere_does_no_harm)
    {
        void *nowhere[] = {NULL, (void *)1, (void *)~(uintptr_t)0};

        ck_assert_uint_eq(ci_symbols_find(nowhere, 3, frames, 2 * DEPTH), 3);
        for (size_t i = 0; i < 3; i++) {
            ck_assert_ptr_null(frames[i].function);
            ck_assert_ptr_eq(frames[i].address, nowhere[i]);
        }
    }
END_TEST

START_TEST(there_may_be_too_little_room)
    {
        int line;
        size_t depth = outer(&line);

        for (size_t room = 0; room < 3; room++) {
            ck_assert_uint_eq(ci_symbols_find(addresses, depth, frames, room), room);
        }
    }
END_TEST

Suite *symbols_suite(void)
{
    Suite *suite = suite_create("symbols");
    TCase *tcase = tcase_create("symbols");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_backtrace_names_static_functions_with_their_files_and_lines);
    tcase_add_test(tcase, an_inlined_function_is_a_frame_of_its_own);
    tcase_add_test(tcase, without_libdw_there_are_modules_and_offsets);
    tcase_add_test(tcase, an_address_that_is_nowhere_does_no_harm);
    tcase_add_test(tcase, there_may_be_too_little_room);
    suite_add_tcase(suite, tcase);
    return suite;
}
