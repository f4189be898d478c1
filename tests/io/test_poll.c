/* coil_poll: several descriptors, time limits, and what becomes of the others when one is ready. */
#include <poll.h>
#include <time.h>

#include "harness.h"
#include "suites.h"

enum { MANY = 20 };

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

IO_TEST(the_first_that_is_ready_ends_the_wait)
{
    struct pollfd pollfds[MANY];
    int pairs[MANY][2];

    for (int i = 0; i < MANY; i++) {
        unix_pair(pairs[i]);
        pollfds[i] = (struct pollfd){.fd = pairs[i][0], .events = POLLIN, .revents = -1};
    }
    for (int i = 0; i < MANY; i++) {
        struct call call = {.data = pollfds, .size = MANY};
        coil_task *task = spawn(call_poll, &call);
        char byte;
        settle();
        ck_assert(!coil_done(task));
        ck_assert_int_eq(coil_write(pairs[i][1], "x", 1), 1);
        ck_assert_int_eq(coil_join(task), 1);
        for (int j = 0; j < MANY; j++) {
            ck_assert_int_eq(pollfds[j].revents, i == j ? POLLIN : 0);
        }
        ck_assert_int_eq(coil_read(pairs[i][0], &byte, 1), 1);
    }
    for (int i = 0; i < MANY; i++) {
        close_pair(pairs[i]);
    }
    return 0;
}

IO_TEST(what_is_ready_is_told_at_once)
{
    int fds[2];

    unix_pair(fds);
    struct pollfd pollfds[4] = {
        {.fd = fds[0], .events = POLLIN | POLLOUT},
        {.fd = -1, .events = POLLIN, .revents = -1},
        {.fd = 1000000, .events = POLLIN},
        {.fd = fds[1], .events = POLLIN, .revents = -1},
    };
    ck_assert_int_eq(coil_poll(pollfds, 4, INFINITY), 2);
    ck_assert_int_eq(pollfds[0].revents, POLLOUT);
    ck_assert_int_eq(pollfds[1].revents, 0);
    ck_assert_int_eq(pollfds[2].revents, POLLNVAL);
    ck_assert_int_eq(pollfds[3].revents, 0);
    close_pair(fds);
    return 0;
}

IO_TEST(a_time_limit_is_kept)
{
    int fds[2];

    unix_pair(fds);
    struct pollfd pollfds[2] = {{.fd = fds[0], .events = POLLIN}, {.fd = fds[1], .events = POLLIN}};
    ck_assert_int_eq(coil_poll(pollfds, 2, 0), 0);
    ck_assert_int_eq(coil_poll(pollfds, 2, -1), 0);
    double began = now();
    ck_assert_int_eq(coil_poll(pollfds, 2, 0.0201), 0);
    ck_assert_double_ge(now() - began, 0.0201);
    ck_assert_int_eq(pollfds[0].revents | pollfds[1].revents, 0);
    ck_assert_int_eq(coil_poll(pollfds, 2, NAN), -EINVAL);
    close_pair(fds);
    return 0;
}

IO_TEST(polling_nothing_is_sleeping)
{
    struct pollfd pollfd = {.fd = -1, .events = POLLIN, .revents = -1};
    struct call call = {.data = &pollfd, .size = 1};
    double began = now();

    ck_assert_int_eq(coil_poll(NULL, 0, 0.01), 0);
    ck_assert_int_eq(coil_poll(&pollfd, 1, 0.01), 0);
    ck_assert_double_ge(now() - began, 0.02);
    coil_task *task = spawn(call_poll, &call);
    settle();
    coil_cancel(task);
    ck_assert_int_eq(coil_join(task), -ECANCELED);
    return 0;
}

/* A file is ready for reading and writing, and for nothing else that ever ends a wait. */
IO_TEST(a_file_does_not_end_a_wait_for_what_it_never_has)
{
    int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    int fds[2];

    unix_pair(fds);
    struct pollfd pollfds[2] = {{.fd = file, .events = POLLPRI, .revents = -1}, {.fd = fds[0], .events = POLLIN}};
    double begin = now();
    ck_assert_int_eq(coil_poll(pollfds, 1, 0.01), 0);
    ck_assert_double_ge(now() - begin, 0.01);
    ck_assert_int_eq(pollfds[0].revents, 0);
    struct call call = {.data = pollfds, .size = 2};
    coil_task *task = spawn(call_poll, &call);
    settle();
    ck_assert(!coil_done(task));
    ck_assert_int_eq(coil_write(fds[1], "x", 1), 1);
    ck_assert_int_eq(coil_join(task), 1);
    ck_assert_int_eq(pollfds[1].revents, POLLIN);
    struct call file_call = {.data = pollfds, .size = 1};
    task = spawn(call_poll, &file_call);
    settle();
    ck_assert_int_eq(coil_close(file), 0);
    ck_assert_int_eq(coil_join(task), 1);
    ck_assert_int_eq(pollfds[0].revents, POLLNVAL);
    close_pair(fds);
    return 0;
}

IO_TEST(one_descriptor_may_be_given_twice)
{
    char byte;
    int fds[2];

    unix_pair(fds);
    struct pollfd pollfds[2] = {{.fd = fds[0], .events = POLLIN}, {.fd = fds[0], .events = POLLIN | POLLRDHUP}};
    struct call call = {.data = pollfds, .size = 2};
    for (int i = 0; i < 3; i++) {
        coil_task *task = spawn(call_poll, &call);
        settle();
        ck_assert_int_eq(coil_write(fds[1], "x", 1), 1);
        ck_assert_int_ge(coil_join(task), 1);
        ck_assert_int_eq(coil_read(fds[0], &byte, 1), 1);
    }
    close_pair(fds);
    return 0;
}

IO_TEST(a_hang_up_is_told_to_those_who_did_not_ask)
{
    int fds[2];

    ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
    struct pollfd pollfd = {.fd = fds[0], .events = 0};
    struct call call = {.data = &pollfd, .size = 1};
    coil_task *task = spawn(call_poll, &call);
    settle();
    ck_assert_int_eq(coil_close(fds[1]), 0);
    ck_assert_int_eq(coil_join(task), 1);
    ck_assert_int_eq(pollfd.revents, POLLHUP);
    ck_assert_int_eq(coil_close(fds[0]), 0);
    return 0;
}

/* ---- is the time kept when nothing else happens, and is the processor left alone ------------------------------------- */

IO_TEST(waiting_takes_no_processor_time)
{
    struct timespec before, after;
    char byte;
    int fds[2];

    tcp_pair(fds);
    struct call call = {.fd = fds[0], .data = &byte, .size = 1};
    coil_task *reader = spawn(call_recv, &call);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
    ck_assert_int_eq(coil_sleep(0.5), 0);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
    ck_assert_double_lt((double)(after.tv_sec - before.tv_sec) + (double)(after.tv_nsec - before.tv_nsec) / 1e9, 0.1);
    coil_cancel(reader);
    ck_assert_int_eq(coil_join(reader), -ECANCELED);
    close_pair(fds);
    return 0;
}

Suite *poll_suite(void)
{
    Suite *suite = suite_create("poll");
    TCase *tests = tcase_create("several-descriptors");

    tcase_add_test(tests, the_first_that_is_ready_ends_the_wait);
    tcase_add_test(tests, what_is_ready_is_told_at_once);
    tcase_add_test(tests, a_time_limit_is_kept);
    tcase_add_test(tests, polling_nothing_is_sleeping);
    tcase_add_test(tests, a_file_does_not_end_a_wait_for_what_it_never_has);
    tcase_add_test(tests, one_descriptor_may_be_given_twice);
    tcase_add_test(tests, a_hang_up_is_told_to_those_who_did_not_ask);
    tcase_add_test(tests, waiting_takes_no_processor_time);
    suite_add_tcase(suite, tests);
    return suite;
}
