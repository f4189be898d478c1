/* Callbacks: in which order and in which iteration they run, by call_soon, call_later and call_at. */
#include <math.h>

#include "harness.h"
#include "suites.h"

static uint64_t began;

static void note_iteration(void *text)
{
    ck_assert_uint_eq(iteration(), began + 1);
    say(text);
}

static void soon_in_order(void *unused)
{
    (void)unused;
    began = iteration();
    ck_assert_ptr_nonnull(coil_call_soon(note_iteration, "a"));
    ck_assert_ptr_nonnull(coil_call_soon(note_iteration, "b"));
    ck_assert_ptr_nonnull(coil_call_soon(note_iteration, "c"));
    say("-");
}

START_TEST(call_soon_runs_in_order_in_the_next_iteration)
    {
        run(soon_in_order);
        assert_said("-abc");
    }
END_TEST

static void chain(void *userdata)
{
    int *left = userdata;

    ck_assert_uint_eq(iteration(), began);
    began++;
    if (--*left > 0) {
        coil_call_soon(chain, left);
    }
}

static void begin_chain(void *userdata)
{
    began = iteration() + 1;
    coil_call_soon(chain, userdata);
}

START_TEST(what_a_callback_asks_for_runs_one_iteration_later)
    {
        int left = 100;

        run_with(begin_chain, &left);
        ck_assert_int_eq(left, 0);
    }
END_TEST

static void zero_delays(void *unused)
{
    (void)unused;
    began = iteration();
    coil_call_later(0, note_iteration, "1");
    coil_call_later(-5, note_iteration, "2");
    coil_call_soon(note_iteration, "3");
    coil_call_later(-INFINITY, note_iteration, "0");
}

START_TEST(call_later_with_no_delay_goes_through_the_timers)
    {
        run(zero_delays);
        assert_said("3021"); /* the ready first, then the timers by their deadlines */
    }
END_TEST

static void equal_deadlines(void *unused)
{
    (void)unused;
    double when = coil_time() + 1;
    coil_call_at(when, say, "a");
    coil_call_later(1, say, "b");
    coil_call_later(0.5, say, "-");
    coil_call_at(when, say, "c");
    coil_call_later(1, say, "d");
}

START_TEST(equal_deadlines_run_in_the_order_in_which_they_were_made)
    {
        run(equal_deadlines);
        assert_said("-abcd");
    }
END_TEST

static void deadlines(void *unused)
{
    (void)unused;
    coil_call_later(3, say, "3");
    coil_call_later(1, say, "1");
    coil_call_later(2.000000001, say, "+");
    coil_call_later(2, say, "2");
    coil_call_at(coil_time() - 100, say, "0");
}

START_TEST(callbacks_run_in_the_order_of_their_deadlines)
    {
        run(deadlines);
        assert_said("012+3");
    }
END_TEST

static void never(void *unused)
{
    (void)unused;
    coil_handle *later = coil_call_later(INFINITY, say, "later");
    coil_handle *at = coil_call_at(INFINITY, say, "at");
    ck_assert_ptr_nonnull(later);
    ck_assert_ptr_nonnull(at);
    coil_handle_cancel(at);
}

START_TEST(an_infinite_delay_never_comes_and_keeps_no_loop_alive)
    {
        run(never);
        assert_said("");
    }
END_TEST

static void far(void *unused)
{
    (void)unused;
    coil_call_later(1e9, say, "thirty years");
    coil_call_later(1e-12, say, "a picosecond, ");
}

START_TEST(delays_may_be_as_long_or_short_as_one_likes)
    {
        run(far);
        assert_said("a picosecond, thirty years");
    }
END_TEST

static void misuse(void *unused)
{
    (void)unused;
    ck_assert_ptr_null(coil_call_soon(NULL, NULL));
    ck_assert_int_eq(coil_creation_error(), -EINVAL);
    ck_assert_ptr_null(coil_call_later(1, NULL, NULL));
    ck_assert_int_eq(coil_creation_error(), -EINVAL);
    ck_assert_ptr_null(coil_call_at(1, NULL, NULL));
    ck_assert_int_eq(coil_creation_error(), -EINVAL);
    ck_assert_ptr_null(coil_call_later(NAN, say, "x"));
    ck_assert_int_eq(coil_creation_error(), -EINVAL);
    ck_assert_ptr_null(coil_call_at(NAN, say, "x"));
    ck_assert_int_eq(coil_creation_error(), -EINVAL);
}

START_TEST(callbacks_that_make_no_sense_are_refused)
    {
        run(misuse);
        assert_said("");
    }
END_TEST

START_TEST(without_a_running_loop_callbacks_are_refused)
    {
        ck_assert_ptr_null(coil_call_soon(say, "x"));
        ck_assert_int_eq(coil_creation_error(), -EPERM);
        ck_assert_ptr_null(coil_call_later(1, say, "x"));
        ck_assert_int_eq(coil_creation_error(), -EPERM);
        ck_assert_ptr_null(coil_call_at(1, say, "x"));
        ck_assert_int_eq(coil_creation_error(), -EPERM);
        ck_assert_ptr_null(coil_call_soon_threadsafe(NULL, say, "x"));
        ck_assert_int_eq(coil_creation_error(), -EINVAL);
        ck_assert_ptr_null(coil_call_soon_threadsafe(loop, NULL, "x"));
        ck_assert_int_eq(coil_creation_error(), -EINVAL);
    }
END_TEST

static void fails(void *unused)
{
    (void)unused;
    coil_loop_call_exception_handler(coil_get_running_loop(), "it did not work", -EIO);
    coil_call_soon(say, "and on");
}

static void hear(coil_loop *from, const struct coil_report *report, void *userdata)
{
    ck_assert_ptr_eq(from, loop);
    ck_assert_uint_eq(report->size, sizeof(*report));
    ck_assert_int_eq(report->kind, COIL_REPORT_CALLBACK_ERROR);
    ck_assert_str_eq(report->message, "it did not work");
    ck_assert_int_eq(report->error, -EIO);
    ck_assert_ptr_null(report->future);
    ++*(int *)userdata;
}

START_TEST(an_error_in_a_callback_goes_to_the_handler_and_the_loop_goes_on)
    {
        int heard = 0;

        coil_loop_set_exception_handler(loop, hear, &heard);
        run(fails);
        ck_assert_int_eq(heard, 1);
        assert_said("and on");
        coil_loop_call_exception_handler(NULL, "nobody hears this", -EIO);
        coil_loop_set_exception_handler(NULL, hear, NULL);
        coil_report_print(NULL);
        ck_assert_int_eq(heard, 1);
    }
END_TEST

Suite *callback_suite(void)
{
    Suite *suite = suite_create("callback");
    TCase *tc = tcase_create("callback");

    tcase_add_checked_fixture(tc, setup_virtual, teardown);
    tcase_add_test(tc, call_soon_runs_in_order_in_the_next_iteration);
    tcase_add_test(tc, what_a_callback_asks_for_runs_one_iteration_later);
    tcase_add_test(tc, call_later_with_no_delay_goes_through_the_timers);
    tcase_add_test(tc, equal_deadlines_run_in_the_order_in_which_they_were_made);
    tcase_add_test(tc, callbacks_run_in_the_order_of_their_deadlines);
    tcase_add_test(tc, an_infinite_delay_never_comes_and_keeps_no_loop_alive);
    tcase_add_test(tc, delays_may_be_as_long_or_short_as_one_likes);
    tcase_add_test(tc, callbacks_that_make_no_sense_are_refused);
    tcase_add_test(tc, without_a_running_loop_callbacks_are_refused);
    tcase_add_test(tc, an_error_in_a_callback_goes_to_the_handler_and_the_loop_goes_on);
    suite_add_tcase(suite, tc);
    return suite;
}
