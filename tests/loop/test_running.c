/* Running and stopping: what a stop still lets run, what may not be done while a loop runs, and loops that cannot be made. */
#include <math.h>

#include "harness.h"
#include "suites.h"
#include "sys/fault.h"

static void stop_in_the_middle(void *unused)
{
    (void)unused;
    coil_call_soon(say, "a");
    coil_call_soon(stop, NULL);
    coil_call_soon(say, "b");
    coil_call_later(0, say, "c");
}

START_TEST(stop_finishes_the_iteration_under_way)
    {
        ck_assert_ptr_nonnull(coil_call_soon_threadsafe(loop, stop_in_the_middle, NULL));
        ck_assert_int_eq(coil_loop_run_forever(loop), 0);
        assert_said("abc");
    }
END_TEST

static void stop_and_call(void *unused)
{
    (void)unused;
    coil_loop_stop(loop);
    coil_call_soon(say, "next time");
}

START_TEST(what_a_stopped_iteration_added_runs_when_the_loop_runs_again)
    {
        ck_assert_ptr_nonnull(coil_call_soon_threadsafe(loop, stop_and_call, NULL));
        ck_assert_int_eq(coil_loop_run_forever(loop), 0);
        assert_said("");
        ck_assert_int_eq(coil_loop_run_forever(loop), -EDEADLK);
        assert_said("next time");
    }
END_TEST

START_TEST(a_loop_that_was_stopped_before_it_ran_runs_one_iteration)
    {
        ck_assert_ptr_nonnull(coil_call_soon_threadsafe(loop, stop_in_the_middle, NULL));
        coil_loop_stop(loop);
        uint64_t before = loop->iteration;
        ck_assert_int_eq(coil_loop_run_forever(loop), 0);
        ck_assert_uint_eq(loop->iteration, before + 1);
        assert_said("");
        ck_assert_int_eq(coil_loop_run_forever(loop), 0);
        assert_said("abc");
    }
END_TEST

static void stop_twice(void *unused)
{
    (void)unused;
    coil_loop_stop(loop);
    coil_loop_stop(loop);
}

START_TEST(stopping_twice_is_stopping_once)
    {
        ck_assert_ptr_nonnull(coil_call_soon_threadsafe(loop, stop_twice, NULL));
        ck_assert_int_eq(coil_loop_run_forever(loop), 0);
        run_with(say, "on");
        assert_said("on");
        coil_loop_stop(NULL);
    }
END_TEST

static void stop_before_a_timer(void *unused)
{
    (void)unused;
    coil_call_later(1, say, "late");
    coil_loop_stop(loop);
}

START_TEST(a_stopping_loop_does_not_wait_for_its_timers)
    {
        ck_assert_ptr_nonnull(coil_call_soon_threadsafe(loop, stop_before_a_timer, NULL));
        ck_assert_int_eq(coil_loop_run_forever(loop), 0);
        ck_assert_int_eq(loop->virtual_ns, 0);
        assert_said("");
    }
END_TEST

static void run_again(void *unused)
{
    (void)unused;
    ck_assert_ptr_eq(coil_get_running_loop(), loop);
    ck_assert_int_eq(coil_loop_run_forever(loop), -EPERM);
    coil_loop *other = coil_loop_new();
    ck_assert_ptr_nonnull(other);
    ck_assert_int_eq(coil_loop_run_forever(other), -EPERM);
    ck_assert_int_eq(coil_loop_close(other), 0);
    ck_assert_int_eq(coil_loop_close(loop), -EPERM);
    ck_assert_ptr_eq(coil_get_running_loop(), loop);
    coil_call_soon(say, "unharmed");
}

START_TEST(a_running_loop_cannot_be_run_or_closed)
    {
        run(run_again);
        assert_said("unharmed");
        ck_assert_ptr_null(coil_get_running_loop());
    }
END_TEST

START_TEST(no_loop_is_refused)
    {
        ck_assert_int_eq(coil_loop_run_forever(NULL), -EINVAL);
        ck_assert_int_eq(coil_loop_close(NULL), -EINVAL);
        ck_assert_double_eq(coil_time(), 0);
        ck_assert_ptr_null(coil_get_running_loop());
    }
END_TEST

START_TEST(options_that_make_no_sense_are_refused)
    {
        ck_assert_ptr_null(coil_loop_new(.slow_callback_duration = NAN));
        ck_assert_int_eq(coil_creation_error(), -EINVAL);
        ck_assert_ptr_null(coil_loop_new(.slow_callback_duration = -1));
        ck_assert_ptr_null(coil_loop_new(.clock = (enum coil_clock)17));
        ck_assert_ptr_null(coil_loop_new(.backend = (enum coil_backend)17));
        ck_assert_ptr_null(coil_loop_new(.stack_size = (size_t)2 << 30));
        ck_assert_int_eq(coil_creation_error(), -EINVAL);
        ck_assert_int_eq(setenv("COIL_BACKEND", "carrier pigeons", 1), 0);
        ck_assert_ptr_null(coil_loop_new());
        ck_assert_int_eq(coil_creation_error(), -EINVAL);
    }
END_TEST

START_TEST(no_options_are_the_default_ones)
    {
        coil_loop *other = coil_loop_new_with(NULL);

        ck_assert_ptr_nonnull(other);
        ck_assert(!other->virtual_clock);
        ck_assert_int_eq(other->slow_callback_ns, CI_SECOND_NS / 10);
        ck_assert_int_eq(coil_loop_close(other), 0);
    }
END_TEST

static int failing;

static int fail_the_nth(const char *call)
{
    (void)call;
    return --failing == 0 ? -EMFILE : 0;
}

START_TEST(a_loop_that_cannot_be_made_says_why_and_leaves_nothing)
    {
        int made_after = 0;

        ci_fault_hook = fail_the_nth;
        long before = live_blocks;
        for (int n = 1; made_after == 0 && n < 100; n++) {
            failing = n;
            coil_loop *other = coil_loop_new();
            bool all_went_well = failing > 0;
            failing = 0;
            if (other == NULL) {
                ck_assert(coil_creation_error() == -EMFILE || coil_creation_error() == -ENOMEM);
            } else {
                ck_assert_int_eq(coil_loop_close(other), 0);
            }
            ck_assert_int_eq(live_blocks, before);
            made_after = all_went_well ? n : 0;
        }
        ci_fault_hook = NULL;
        ck_assert_int_gt(made_after, 3);
    }
END_TEST

static int broken_wait(struct ci_poller *poller, int64_t timeout_ns)
{
    (void)poller;
    (void)timeout_ns;
    return -EBADF;
}

static void destroy_nothing(struct ci_poller *poller)
{
    (void)poller;
}

static void wake_nothing(struct ci_poller *poller)
{
    (void)poller;
}

static void sleep_long(void *unused)
{
    (void)unused;
    coil_call_later(1000, say, "never");
}

START_TEST(a_broken_poller_ends_the_run_with_its_error)
    {
        static const struct ci_poller_class broken = {
            .name = "broken", .wait = broken_wait, .wake = wake_nothing, .destroy = destroy_nothing};
        static struct ci_poller poller = {.class = &broken};

        ci_loop_set_poller(loop, &poller);
        ck_assert_ptr_nonnull(coil_call_soon_threadsafe(loop, sleep_long, NULL));
        ck_assert_int_eq(coil_loop_run_forever(loop), -EBADF);
        ck_assert_ptr_null(coil_get_running_loop());
        ck_assert_int_eq(coil_loop_run_forever(loop), -EBADF);
    }
END_TEST

START_TEST(many_loops_can_be_there_and_run_one_after_the_other)
    {
        coil_loop *first = loop;
        coil_loop *loops[10];

        for (int i = 0; i < 10; i++) {
            loops[i] = coil_loop_new(.clock = COIL_CLOCK_VIRTUAL);
            ck_assert_ptr_nonnull(loops[i]);
        }
        for (int i = 0; i < 10; i++) {
            loop = loops[i];
            run_with(say, ".");
        }
        assert_said("..........");
        for (int i = 9; i >= 0; i -= 2) {
            ck_assert_int_eq(coil_loop_close(loops[i]), 0);
            ck_assert_int_eq(coil_loop_close(loops[9 - i]), 0);
        }
        loop = first;
    }
END_TEST

static uint64_t ran_in;

static void note(void *unused)
{
    (void)unused;
    ran_in = iteration();
}

static void near_the_end(void *unused)
{
    (void)unused;
    struct ci_ready *ready = &coil_get_running_loop()->ready;
    ck_assert_uint_gt(ready->head, UINT32_MAX - 100);
    for (int i = 0; i < 1000; i++) {
        ck_assert_ptr_nonnull(coil_call_soon(note, NULL));
    }
    coil_call_soon(say, "last");
    ck_assert_uint_lt(ready->tail, ready->head);
}

START_TEST(the_ready_queues_positions_wrap_around_while_it_grows)
    {
        struct ci_ready *ready = &loop->ready;

        ready->head = ready->tail = ready->batch_end = UINT32_MAX - 50;
        run(near_the_end);
        assert_said("last");
        ck_assert_uint_ge(ready->mask, 1000);
        ck_assert_uint_ge(ran_in, 2);
    }
END_TEST

Suite *running_suite(void)
{
    Suite *suite = suite_create("running");
    TCase *tc = tcase_create("running");
    TCase *real_clock = tcase_create("running_real");

    tcase_add_checked_fixture(tc, setup_virtual, teardown);
    tcase_add_test(tc, stop_finishes_the_iteration_under_way);
    tcase_add_test(tc, what_a_stopped_iteration_added_runs_when_the_loop_runs_again);
    tcase_add_test(tc, a_loop_that_was_stopped_before_it_ran_runs_one_iteration);
    tcase_add_test(tc, stopping_twice_is_stopping_once);
    tcase_add_test(tc, a_stopping_loop_does_not_wait_for_its_timers);
    tcase_add_test(tc, a_running_loop_cannot_be_run_or_closed);
    tcase_add_test(tc, no_loop_is_refused);
    tcase_add_test(tc, options_that_make_no_sense_are_refused);
    tcase_add_test(tc, no_options_are_the_default_ones);
    tcase_add_test(tc, a_loop_that_cannot_be_made_says_why_and_leaves_nothing);
    tcase_add_test(tc, many_loops_can_be_there_and_run_one_after_the_other);
    tcase_add_test(tc, the_ready_queues_positions_wrap_around_while_it_grows);
    suite_add_tcase(suite, tc);

    tcase_add_checked_fixture(real_clock, setup_real, teardown);
    tcase_add_test(real_clock, a_broken_poller_ends_the_run_with_its_error);
    suite_add_tcase(suite, real_clock);
    return suite;
}
