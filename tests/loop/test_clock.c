/* The virtual clock: it stands still while anything can run, jumps to the next timer, and moves when it is told to. */
#include <math.h>
#include <time.h>

#include "harness.h"
#include "suites.h"

static double began;

static void at_once(void *unused)
{
    (void)unused;
    ck_assert_double_eq(coil_time(), began);
}

static void at(void *userdata)
{
    ck_assert_double_eq_tol(coil_time(), *(double *)userdata, 1e-12);
    say("!");
}

static void jumps(void *unused)
{
    static double instants[] = {0.001, 1.5, 3600, 1e8, 1.5};

    (void)unused;
    began = coil_time();
    ck_assert_double_eq(began, 0);
    for (int i = 0; i < 5; i++) {
        ck_assert_ptr_nonnull(coil_call_later(instants[i], at, &instants[i]));
    }
    for (int i = 0; i < 100; i++) {
        coil_call_soon(at_once, NULL);
    }
}

START_TEST(the_clock_jumps_to_each_timer_exactly)
    {
        time_t before = time(NULL);

        run(jumps);
        assert_said("!!!!!");
        ck_assert_int_eq(loop->virtual_ns, 100000000 * CI_SECOND_NS);
        ck_assert_int_lt(time(NULL) - before, 10); /* for three years */
    }
END_TEST

static int laps;

static void lap(void *unused)
{
    (void)unused;
    ck_assert_double_eq(coil_time(), 0);
    if (++laps < 1000) {
        coil_call_soon(lap, NULL);
    } else {
        say("laps, ");
    }
}

static void race(void *unused)
{
    (void)unused;
    coil_call_later(1e-9, say, "then the timer");
    coil_call_soon(lap, NULL);
}

START_TEST(the_clock_stands_still_while_anything_can_run)
    {
        run(race);
        assert_said("laps, then the timer");
    }
END_TEST

static void advance(void *unused)
{
    (void)unused;
    coil_call_later(3, say, "3");
    coil_call_later(1, say, "1");
    coil_call_later(10, say, "10");
    coil_call_soon(say, "soon ");
    ck_assert_int_eq(coil_clock_advance(5), 0);
    ck_assert_double_eq(coil_time(), 5);
    ck_assert_int_eq(coil_clock_advance(0), 0);
    ck_assert_double_eq(coil_time(), 5);
}

START_TEST(advancing_the_clock_makes_timers_due_in_order)
    {
        run(advance);
        assert_said("soon 1310");
        ck_assert_int_eq(loop->virtual_ns, 10 * CI_SECOND_NS);
    }
END_TEST

static void advance_wrongly(void *unused)
{
    (void)unused;
    ck_assert_int_eq(coil_clock_advance(-1), -EINVAL);
    ck_assert_int_eq(coil_clock_advance(-1e-12), -EINVAL);
    ck_assert_int_eq(coil_clock_advance(NAN), -EINVAL);
    ck_assert_int_eq(coil_clock_advance(INFINITY), -EINVAL);
    ck_assert_double_eq(coil_time(), 0);
}

START_TEST(the_clock_goes_neither_back_nor_to_the_end_of_time)
    {
        ck_assert_int_eq(coil_clock_advance(1), -EPERM);
        ck_assert_double_eq(coil_time(), 0);
        run(advance_wrongly);
    }
END_TEST

static void advance_real_clock(void *unused)
{
    (void)unused;
    ck_assert_int_eq(coil_clock_advance(1), -EPERM);
    double first = coil_time();
    struct timespec now;
    ck_assert_int_eq(clock_gettime(CLOCK_MONOTONIC, &now), 0);
    ck_assert_double_le(first, (double)now.tv_sec + (double)now.tv_nsec / 1e9 + 1e-6);
    ck_assert_double_ge(coil_time(), first);
}

START_TEST(a_real_clock_is_the_monotonic_one_and_cannot_be_moved)
    {
        run(advance_real_clock);
    }
END_TEST

static void sleep_a_little(void *unused)
{
    (void)unused;
    began = coil_time();
    coil_call_later(0.0005, stop, NULL);
}

START_TEST(a_real_timer_is_never_early)
    {
        ck_assert_ptr_nonnull(coil_call_soon_threadsafe(loop, sleep_a_little, NULL));
        ck_assert_int_eq(coil_loop_run_forever(loop), 0);
        ck_assert_double_ge((double)ci_clock_ns() / 1e9, began + 0.0005);
    }
END_TEST

Suite *clock_suite(void)
{
    Suite *suite = suite_create("clock");
    TCase *virtual_clock = tcase_create("clock_virtual");
    TCase *real_clock = tcase_create("clock_real");

    tcase_add_checked_fixture(virtual_clock, setup_virtual, teardown);
    tcase_add_test(virtual_clock, the_clock_jumps_to_each_timer_exactly);
    tcase_add_test(virtual_clock, the_clock_stands_still_while_anything_can_run);
    tcase_add_test(virtual_clock, advancing_the_clock_makes_timers_due_in_order);
    tcase_add_test(virtual_clock, the_clock_goes_neither_back_nor_to_the_end_of_time);
    suite_add_tcase(suite, virtual_clock);

    tcase_add_checked_fixture(real_clock, setup_real, teardown);
    tcase_add_test(real_clock, a_real_clock_is_the_monotonic_one_and_cannot_be_moved);
    tcase_add_test(real_clock, a_real_timer_is_never_early);
    suite_add_tcase(suite, real_clock);
    return suite;
}
