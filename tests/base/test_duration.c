/* Seconds to nanoseconds and back: rounding, the ends of the range, and sums that would overflow. NaN is the caller's to refuse. */
#include "base/duration.h"

#include <float.h>
#include <math.h>

#include "suites.h"

START_TEST(seconds_become_the_nearest_nanosecond)
    {
        ck_assert_int_eq(ci_duration_ns(0.0), 0);
        ck_assert_int_eq(ci_duration_ns(1.0), CI_SECOND_NS);
        ck_assert_int_eq(ci_duration_ns(0.1), 100000000);
        ck_assert_int_eq(ci_duration_ns(1e-9), 1);
        ck_assert_int_eq(ci_duration_ns(1.4e-9), 1);
        ck_assert_int_eq(ci_duration_ns(1.6e-9), 2);
        ck_assert_int_eq(ci_duration_ns(0.000123456), 123456);
    }
END_TEST

START_TEST(what_is_positive_never_becomes_zero)
    {
        ck_assert_int_eq(ci_duration_ns(1e-10), 1);
        ck_assert_int_eq(ci_duration_ns(4e-10), 1);
        ck_assert_int_eq(ci_duration_ns(DBL_MIN), 1);
        ck_assert_int_eq(ci_duration_ns(DBL_TRUE_MIN), 1);
    }
END_TEST

START_TEST(negative_durations_mirror_positive_ones)
    {
        ck_assert_int_eq(ci_duration_ns(-0.0), 0);
        ck_assert_int_eq(ci_duration_ns(-1.0), -CI_SECOND_NS);
        ck_assert_int_eq(ci_duration_ns(-1.6e-9), -2);
        ck_assert_int_le(ci_duration_ns(-DBL_TRUE_MIN), 0);
    }
END_TEST

START_TEST(what_no_clock_reaches_is_for_ever)
    {
        ck_assert_int_eq(ci_duration_ns(INFINITY), CI_FOREVER);
        ck_assert_int_eq(ci_duration_ns(DBL_MAX), CI_FOREVER);
        ck_assert_int_eq(ci_duration_ns(9.3e9), CI_FOREVER);
        ck_assert_int_eq(ci_duration_ns(1e10), CI_FOREVER);
        ck_assert_int_eq(ci_duration_ns(-INFINITY), -CI_FOREVER);
        ck_assert_int_eq(ci_duration_ns(-DBL_MAX), -CI_FOREVER);
    }
END_TEST

START_TEST(the_longest_finite_durations_stay_finite)
    {
        ck_assert_int_lt(ci_duration_ns(9.1e9), CI_FOREVER);
        ck_assert_int_gt(ci_duration_ns(9.1e9), INT64_C(9000000000) * CI_SECOND_NS);
        ck_assert_int_lt(ci_duration_ns(nextafter(9.2e9, 0)), CI_FOREVER);
    }
END_TEST

START_TEST(nanoseconds_become_seconds)
    {
        ck_assert_double_eq(ci_duration_seconds(CI_SECOND_NS), 1.0);
        ck_assert_double_eq(ci_duration_seconds(-CI_SECOND_NS / 2), -0.5);
        ck_assert_double_eq(ci_duration_seconds(0), 0.0);
    }
END_TEST

START_TEST(there_and_back_is_the_same_instant)
    {
        static const double instants[] = {0.1, 0.25, 1.0 / 3, 17.000000001, 86400.5, 1e6 + 0.001};

        for (int i = 0; i < 6; i++) {
            int64_t ns = ci_duration_ns(instants[i]);
            ck_assert_int_eq(ci_duration_ns(ci_duration_seconds(ns)), ns);
        }
    }
END_TEST

START_TEST(deadlines_are_sums)
    {
        ck_assert_int_eq(ci_deadline_ns(100, 23), 123);
        ck_assert_int_eq(ci_deadline_ns(100, -23), 77);
        ck_assert_int_eq(ci_deadline_ns(0, 0), 0);
    }
END_TEST

START_TEST(deadlines_never_overflow)
    {
        ck_assert_int_eq(ci_deadline_ns(0, CI_FOREVER), CI_FOREVER);
        ck_assert_int_eq(ci_deadline_ns(1, CI_FOREVER), CI_FOREVER);
        ck_assert_int_eq(ci_deadline_ns(-5, CI_FOREVER), CI_FOREVER);
        ck_assert_int_eq(ci_deadline_ns(CI_FOREVER - 1, 2), CI_FOREVER);
        ck_assert_int_eq(ci_deadline_ns(CI_FOREVER - 1, 1), CI_FOREVER);
        ck_assert_int_eq(ci_deadline_ns(-10, -CI_FOREVER), -CI_FOREVER);
    }
END_TEST

Suite *duration_suite(void)
{
    Suite *suite = suite_create("duration");
    TCase *tc = tcase_create("duration");

    tcase_add_test(tc, seconds_become_the_nearest_nanosecond);
    tcase_add_test(tc, what_is_positive_never_becomes_zero);
    tcase_add_test(tc, negative_durations_mirror_positive_ones);
    tcase_add_test(tc, what_no_clock_reaches_is_for_ever);
    tcase_add_test(tc, the_longest_finite_durations_stay_finite);
    tcase_add_test(tc, nanoseconds_become_seconds);
    tcase_add_test(tc, there_and_back_is_the_same_instant);
    tcase_add_test(tc, deadlines_are_sums);
    tcase_add_test(tc, deadlines_never_overflow);
    suite_add_tcase(suite, tc);
    return suite;
}
