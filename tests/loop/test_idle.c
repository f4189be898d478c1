/* A loop that has nothing to do sleeps: no wake-ups, exact timeouts, and no polling for what cannot come. */
#include <pthread.h>
#include <semaphore.h>
#include <time.h>

#include "harness.h"
#include "suites.h"

static sem_t loop_sleeps;

static void tell_that_it_sleeps(void)
{
    sem_post(&loop_sleeps);
}

/* Lets the loop sleep for a real while, since what is claimed is that nothing happens in it. */
static void *disturb_late(void *unused)
{
    struct timespec while_ = {.tv_nsec = 100000000};

    (void)unused;
    while (sem_wait(&loop_sleeps) != 0) {
    }
    (void)nanosleep(&while_, NULL);
    if (coil_call_soon_threadsafe(loop, stop, NULL) == NULL) {
        abort();
    }
    return NULL;
}

static int waits_while_idle(void)
{
    pthread_t thread;
    struct counting_poller *poller = count_polls();

    ck_assert_int_eq(sem_init(&loop_sleeps, 0, 0), 0);
    poller->before_wait = tell_that_it_sleeps;
    ck_assert_int_eq(pthread_create(&thread, NULL, disturb_late, NULL), 0);
    uint64_t before = loop->iteration;
    ck_assert_int_eq(coil_loop_run_forever(loop), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_uint_le(loop->iteration - before, 2);
    return poller->waits;
}

START_TEST(a_loop_with_nothing_to_do_sleeps_until_it_is_woken)
    {
        ck_assert_int_eq(waits_while_idle(), 1);
    }
END_TEST

static void set_far_timer(void *unused)
{
    (void)unused;
    coil_call_later(3600, say, "an hour later");
}

START_TEST(a_loop_with_a_far_timer_sleeps_until_it_is_woken)
    {
        ck_assert_ptr_nonnull(coil_call_soon_threadsafe(loop, set_far_timer, NULL));
        ck_assert_int_eq(waits_while_idle(), 1);
    }
END_TEST

static void sleep_for_a_while(void *unused)
{
    (void)unused;
    coil_call_later(0.0123456789, stop, NULL);
}

START_TEST(the_sleep_is_as_long_as_the_next_timer_is_away_to_the_nanosecond)
    {
        ck_assert_ptr_nonnull(coil_call_soon_threadsafe(loop, sleep_for_a_while, NULL));
        struct counting_poller *poller = count_polls(); /* which has not heard of the call's wake-up */
        ck_assert_int_eq(coil_loop_run_forever(loop), 0);
        ck_assert_int_eq(poller->waits, 1); /* woken once, and not early */
        ck_assert_int_le(poller->last_timeout_ns, 12345679);
        ck_assert_int_gt(poller->last_timeout_ns, 0);
    }
END_TEST

static int laps;

static void lap(void *unused)
{
    (void)unused;
    if (++laps < 10000) {
        coil_call_soon(lap, NULL);
    } else {
        coil_loop_stop(loop);
    }
}

START_TEST(a_loop_with_nothing_in_flight_does_not_ask_the_kernel)
    {
        struct counting_poller *poller = count_polls();

        ck_assert_ptr_nonnull(coil_call_soon_threadsafe(loop, lap, NULL));
        ck_assert_int_eq(coil_loop_run_forever(loop), 0);
        ck_assert_int_eq(poller->waits, 0);
    }
END_TEST

START_TEST(with_something_in_flight_the_kernel_is_asked_now_and_then_however_much_is_ready)
    {
        struct counting_poller *poller = count_polls();

        poller->base.inflight = 1;
        loop->attention |= CI_LOOK_POLLER;
        ck_assert_ptr_nonnull(coil_call_soon_threadsafe(loop, lap, NULL));
        ck_assert_int_eq(coil_loop_run_forever(loop), 0);
        ck_assert_int_ge(poller->waits, 10000 / (CI_ENTRIES_PER_POLL + 1));
        ck_assert_int_eq(poller->last_timeout_ns, 0);
        poller->base.inflight = 0;
    }
END_TEST

Suite *idle_suite(void)
{
    Suite *suite = suite_create("idle");
    TCase *tc = tcase_create("idle");

    tcase_add_checked_fixture(tc, setup_real, teardown);
    tcase_add_test(tc, a_loop_with_nothing_to_do_sleeps_until_it_is_woken);
    tcase_add_test(tc, a_loop_with_a_far_timer_sleeps_until_it_is_woken);
    tcase_add_test(tc, the_sleep_is_as_long_as_the_next_timer_is_away_to_the_nanosecond);
    tcase_add_test(tc, a_loop_with_nothing_in_flight_does_not_ask_the_kernel);
    tcase_add_test(tc, with_something_in_flight_the_kernel_is_asked_now_and_then_however_much_is_ready);
    suite_add_tcase(suite, tc);
    return suite;
}
