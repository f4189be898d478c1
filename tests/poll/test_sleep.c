/* wait and wake: how long the poller sleeps, what wakes it, and how many system calls a request costs. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "base/duration.h"
#include "harness.h"
#include "suites.h"

static int sleeps(void)
{
    return calls_of("epoll_wait") + calls_of("epoll_pwait2") + calls_of("ppoll") + calls_of("io_uring_enter");
}

static int64_t wait_for_ns(int64_t timeout_ns)
{
    int64_t began_ns = now_ns();

    ck_assert_int_eq(poller->class->wait(poller, timeout_ns), 0);
    return now_ns() - began_ns;
}

START_TEST(timeouts_are_never_early_and_not_rounded_to_milliseconds)
    {
        static const int64_t timeouts_ns[] = {1, 1000, 100000, 999999, 1000001, 3700000};

        open_poller(_i);
        for (size_t i = 0; i < sizeof timeouts_ns / sizeof timeouts_ns[0]; i++) {
            int64_t best_ns = INT64_MAX;
            for (int round = 0; round < 20; round++) {
                int64_t took_ns = wait_for_ns(timeouts_ns[i]);
                ck_assert_int_ge(took_ns, timeouts_ns[i]);
                best_ns = took_ns < best_ns ? took_ns : best_ns;
            }
            ck_assert_int_lt(best_ns, timeouts_ns[i] + 500000);
        }
        close_poller();
    }
END_TEST

START_TEST(a_timeout_is_one_sleep)
    {
        open_poller(0);
        count_calls();
        wait_for_ns(20 * MILLISECOND);
        ck_assert_int_eq(sleeps(), 1);
        close_poller();
    }
END_TEST

static void *wake_later(void *arg)
{
    usleep(20000);
    poller->class->wake(poller);
    return arg;
}

START_TEST(wake_ends_a_sleep_from_another_thread)
    {
        pthread_t thread;

        open_poller(_i);
        for (int round = 0; round < 3; round++) {
            pthread_create(&thread, NULL, wake_later, NULL);
            ck_assert_int_lt(wait_for_ns(CI_FOREVER), SECOND);
            pthread_join(thread, NULL);
            ck_assert_int_ge(wait_for_ns(10 * MILLISECOND), 10 * MILLISECOND); /* once is once */
        }
        close_poller();
    }
END_TEST

START_TEST(wake_before_the_sleep_ends_it_too)
    {
        open_poller(_i);
        poller->class->wake(poller);
        poller->class->wake(poller);
        ck_assert_int_lt(wait_for_ns(10 * SECOND), SECOND);
        ck_assert_int_ge(wait_for_ns(10 * MILLISECOND), 10 * MILLISECOND);
        poller->class->wake(poller);
        ck_assert_int_eq(poller->class->wait(poller, 0), 0); /* who looks after this sees what the waker did */
        ck_assert_int_ge(wait_for_ns(10 * MILLISECOND), 10 * MILLISECOND);
        close_poller();
    }
END_TEST

static void *wake_often(void *arg)
{
    for (int i = 0; i < 20000; i++) {
        atomic_fetch_add((atomic_int *)arg, 1);
        poller->class->wake(poller);
    }
    return NULL;
}

START_TEST(no_wake_is_lost)
    {
        pthread_t threads[2];
        atomic_int sent = 0;

        open_poller(0);
        for (int i = 0; i < 2; i++) {
            pthread_create(&threads[i], NULL, wake_often, &sent);
        }
        while (atomic_load(&sent) < 40000) {
            ck_assert_int_lt(wait_for_ns(10 * SECOND), 5 * SECOND);
        }
        for (int i = 0; i < 2; i++) {
            pthread_join(threads[i], NULL);
        }
        close_poller();
    }
END_TEST

static volatile sig_atomic_t alarms;

static void wake_on_alarm(int signo)
{
    (void)signo;
    alarms++;
    poller->class->wake(poller);
}

static void ignore_alarm(int signo)
{
    (void)signo;
    alarms++;
}

START_TEST(wake_works_in_a_signal_handler)
    {
        struct itimerval timer = {.it_value = {.tv_usec = 10000}};

        open_poller(_i);
        signal(SIGALRM, wake_on_alarm);
        setitimer(ITIMER_REAL, &timer, NULL);
        ck_assert_int_lt(wait_for_ns(CI_FOREVER), SECOND);
        ck_assert_int_eq(alarms, 1);
        close_poller();
    }
END_TEST

START_TEST(a_signal_ends_the_sleep_early)
    {
        struct itimerval timer = {.it_value = {.tv_usec = 10000}};

        open_poller(_i);
        signal(SIGALRM, ignore_alarm);
        setitimer(ITIMER_REAL, &timer, NULL);
        ck_assert_int_lt(wait_for_ns(10 * SECOND), SECOND);
        ck_assert_int_eq(alarms, 1);
        close_poller();
    }
END_TEST

static void *wake_much_later(void *arg)
{
    usleep(400000);
    poller->class->wake(poller);
    return arg;
}

/* An operation on a registration that is taken for granted is proved after a while, once; then the sleep is undisturbed. */
START_TEST(an_idle_sleep_is_undisturbed)
    {
        pthread_t thread;
        char byte;
        struct job job;
        int fds[2];

        open_poller(0);
        if (_i == 0) {
            tcp_pair(fds);
        } else {
            plain_tcp_pair(fds);
        }
        for (int round = 0; round < 2; round++) {
            start_recv(&job, fds[0], &byte, 1, 0);
            ck_assert_int_eq(send(fds[1], "x", 1, 0), 1);
            ck_assert_int_eq(finish(&job), 1);
        }
        start_recv(&job, fds[0], &byte, 1, 0);
        count_calls();
        pthread_create(&thread, NULL, wake_much_later, NULL);
        ck_assert_int_ge(wait_for_ns(CI_FOREVER), 300 * MILLISECOND);
        ck_assert_int_le(sleeps(), _i == 0 ? 3 : 1);
        ck_assert_int_le(calls_of("epoll_ctl"), _i == 0 ? 1 : 0);
        pthread_join(thread, NULL);
        ck_assert_int_eq(cancel(&job), -ECANCELED);
        close_poller();
    }
END_TEST

START_TEST(data_that_nobody_waits_for_wakes_at_most_twice)
    {
        pthread_t thread;
        struct job job, idle;
        char bytes[16];
        int fds[2], others[2];

        open_poller(0);
        if (_i == 0) {
            tcp_pair(fds);
        } else {
            unix_pair(SOCK_STREAM, fds);
        }
        unix_pair(SOCK_STREAM, others);
        start_recv(&idle, others[0], bytes, 1, 0);
        start_recv(&job, fds[0], bytes, sizeof bytes, 0);
        ck_assert_int_eq(send(fds[1], "x", 1, 0), 1);
        ck_assert_int_eq(finish(&job), 1);
        count_calls();
        for (int i = 0; i < 10; i++) {
            ck_assert_int_eq(send(fds[1], "x", 1, 0), 1);
            ck_assert_int_eq(poller->class->wait(poller, MILLISECOND), 0);
        }
        ck_assert_int_le(sleeps(), 12);
        ck_assert_int_le(calls_of("epoll_ctl"), 1);
        start_recv(&job, fds[0], bytes, sizeof bytes, 0);
        ck_assert_int_eq(finish(&job), 10);
        pthread_create(&thread, NULL, wake_later, NULL);
        start_recv(&job, fds[0], bytes, sizeof bytes, 0);
        stays_waiting(&job, MILLISECOND);
        ck_assert_int_eq(send(fds[1], "x", 1, 0), 1);
        ck_assert_int_eq(finish(&job), 1);
        pthread_join(thread, NULL);
        ck_assert_int_eq(cancel(&idle), -ECANCELED);
        close_poller();
    }
END_TEST

/* The promise behind the speed: one recv, one send, one sleep a request on a connection that coil accepted. */
START_TEST(a_request_costs_one_recv_and_one_send)
    {
        enum { REQUESTS = 100 };
        char bytes[64];
        struct job job;
        int fds[2];

        open_poller(0);
        if (_i == 0) {
            tcp_pair(fds);
        } else {
            plain_tcp_pair(fds);
        }
        for (int i = 0; i <= REQUESTS; i++) {
            if (i == 1) {
                count_calls();
            }
            start_recv(&job, fds[0], bytes, sizeof bytes, 0);
            ck_assert_int_eq(send(fds[1], "request", 7, 0), 7);
            ck_assert_int_eq(finish(&job), 7);
            start_send(&job, fds[0], bytes, 7, 0);
            ck_assert(job.at_once);
            ck_assert_int_eq(recv(fds[1], bytes, 7, 0), 7);
        }
        ck_assert_int_le(calls_of("recv"), REQUESTS + 2);
        ck_assert_int_eq(calls_of("send"), REQUESTS);
        ck_assert_int_le(sleeps(), REQUESTS + 2);
        ck_assert_int_le(calls_of("epoll_ctl"), _i == 0 ? 3 : REQUESTS + 2);
        close_poller();
    }
END_TEST

START_TEST(what_epoll_refuses_is_the_waits_error)
    {
        open_poller(0);
        fail_nth_call(1, -EINVAL);
        ck_assert_int_eq(poller->class->wait(poller, 0), -EINVAL);
        no_hook();
        close_poller();
    }
END_TEST

Suite *sleep_suite(void)
{
    Suite *suite = suite_create("sleep");
    TCase *tests = tcase_create("wait-and-wake");

    tcase_add_loop_test(tests, timeouts_are_never_early_and_not_rounded_to_milliseconds, 0, 2);
    tcase_add_test(tests, a_timeout_is_one_sleep);
    tcase_add_loop_test(tests, wake_ends_a_sleep_from_another_thread, 0, 2);
    tcase_add_loop_test(tests, wake_before_the_sleep_ends_it_too, 0, 2);
    tcase_add_test(tests, no_wake_is_lost);
    tcase_add_loop_test(tests, wake_works_in_a_signal_handler, 0, 2);
    tcase_add_loop_test(tests, a_signal_ends_the_sleep_early, 0, 2);
    tcase_add_loop_test(tests, an_idle_sleep_is_undisturbed, 0, 2);
    tcase_add_loop_test(tests, data_that_nobody_waits_for_wakes_at_most_twice, 0, 2);
    tcase_add_loop_test(tests, a_request_costs_one_recv_and_one_send, 0, 2);
    tcase_add_test(tests, what_epoll_refuses_is_the_waits_error);
    suite_add_tcase(suite, tests);
    return suite;
}
