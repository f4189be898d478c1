/* The names of errors: for every errno, for either sign, and for numbers that are none. */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include <coil/base.h>

#include "suites.h"

START_TEST(errors_are_named_by_their_symbol)
    {
        ck_assert_str_eq(coil_errname(-ECANCELED), "ECANCELED");
        ck_assert_str_eq(coil_errname(-ETIMEDOUT), "ETIMEDOUT");
        ck_assert_str_eq(coil_errname(-EDEADLK), "EDEADLK");
        ck_assert_str_eq(coil_errname(0), "0");
    }
END_TEST

START_TEST(errors_are_named_in_words)
    {
        ck_assert_str_eq(coil_strerror(-ECANCELED), "Operation canceled");
        ck_assert_str_eq(coil_strerror(-ENOMEM), "Cannot allocate memory");
        ck_assert_str_eq(coil_strerror(0), "Success");
    }
END_TEST

START_TEST(words_that_would_mislead_are_coils_own)
    {
        ck_assert_str_eq(coil_strerror(-ETIMEDOUT), "Timed out");
        ck_assert_str_eq(coil_strerror(-EALREADY), "Already done or under way");
        ck_assert_str_eq(coil_strerror(-EINPROGRESS), "Not done yet");
        ck_assert_str_eq(coil_strerror(-EDEADLK), "Deadlock");
        ck_assert_str_eq(coil_strerror(-ESHUTDOWN), "Shut down");
        ck_assert_str_eq(coil_strerror(-EINTR), "Interrupted");
    }
END_TEST

START_TEST(all_other_words_are_the_c_librarys)
    {
        int different = 0;

        for (int error = 0; error <= 200; error++) {
            const char *words = strerrordesc_np(error);
            different += words != NULL && strcmp(words, coil_strerror(-error)) != 0;
        }
        ck_assert_int_eq(different, 6); /* those of the test above */
    }
END_TEST

START_TEST(the_sign_does_not_matter)
    {
        ck_assert_str_eq(coil_errname(ENOENT), "ENOENT");
        ck_assert_str_eq(coil_strerror(ENOENT), coil_strerror(-ENOENT));
        ck_assert_str_eq(coil_strerror(ETIMEDOUT), coil_strerror(-ETIMEDOUT));
    }
END_TEST

START_TEST(numbers_that_are_no_errno_have_a_name_too)
    {
        static const int numbers[] = {INT_MIN, -INT_MAX, -4096, -9999, 9999, INT_MAX};

        for (int i = 0; i < 6; i++) {
            ck_assert_str_eq(coil_errname(numbers[i]), "EUNKNOWN");
            ck_assert_str_eq(coil_strerror(numbers[i]), "Unknown error");
        }
    }
END_TEST

START_TEST(no_number_gives_null_and_the_strings_stay)
    {
        const char *name = coil_errname(-EPERM);
        const char *words = coil_strerror(-EPERM);

        for (int rc = -5000; rc <= 5000; rc++) {
            ck_assert_ptr_nonnull(coil_errname(rc));
            ck_assert_ptr_nonnull(coil_strerror(rc));
        }
        ck_assert_str_eq(name, "EPERM");
        ck_assert_str_eq(words, "Operation not permitted");
    }
END_TEST

Suite *errors_suite(void)
{
    Suite *suite = suite_create("errors");
    TCase *tc = tcase_create("errors");

    tcase_add_test(tc, errors_are_named_by_their_symbol);
    tcase_add_test(tc, errors_are_named_in_words);
    tcase_add_test(tc, words_that_would_mislead_are_coils_own);
    tcase_add_test(tc, all_other_words_are_the_c_librarys);
    tcase_add_test(tc, the_sign_does_not_matter);
    tcase_add_test(tc, numbers_that_are_no_errno_have_a_name_too);
    tcase_add_test(tc, no_number_gives_null_and_the_strings_stay);
    suite_add_tcase(suite, tc);
    return suite;
}
