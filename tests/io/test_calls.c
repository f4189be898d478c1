/* Each call once and in the usual ways; what a call means on every kind of descriptor is tested with the poller. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>

#include "harness.h"
#include "loop/loop.h"
#include "suites.h"
#include "task/task.h"

IO_TEST(a_request_and_its_answer)
{
    char buffer[16] = "";
    int fds[2];

    tcp_pair(fds);
    struct call call = {.fd = fds[0], .data = buffer, .size = sizeof buffer};
    coil_task *server = spawn(call_recv, &call);
    settle();
    ck_assert(!coil_done(server));
    ck_assert_int_eq(coil_send(fds[1], "hello", 5, 0), 5);
    ck_assert_int_eq(coil_join(server), 5);
    ck_assert_str_eq(buffer, "hello");
    ck_assert_int_eq(coil_send(fds[0], "world", 5, 0), 5);
    ck_assert_int_eq(coil_recv(fds[1], buffer, sizeof buffer, 0), 5);
    ck_assert_str_eq(buffer, "world");
    close_pair(fds);
    return 0;
}

IO_TEST(a_pipe_between_tasks)
{
    enum { SIZE = 1 << 20 };
    char *data = malloc(SIZE);
    char buffer[10000];
    size_t total = 0;
    ssize_t n;
    int fds[2];

    ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
    for (size_t i = 0; i < SIZE; i++) {
        data[i] = (char)(i * 31 + i / 255);
    }
    struct call call = {.fd = fds[1], .data = data, .size = SIZE};
    coil_task *writer = spawn(call_write, &call);
    while (total < SIZE && (n = coil_read(fds[0], buffer, sizeof buffer)) > 0) {
        ck_assert_int_eq(memcmp(buffer, data + total, (size_t)n), 0);
        total += (size_t)n;
    }
    ck_assert_uint_eq(total, SIZE);
    ck_assert_int_eq(coil_join(writer), SIZE);
    close_pair(fds);
    free(data);
    return 0;
}

IO_TEST(accept_gives_the_peers_address_and_closes_on_exec)
{
    struct sockaddr_in address, peer, mine;
    socklen_t peer_length = sizeof peer, mine_length = sizeof mine;
    int listener = tcp_listener(&address);
    int client = tcp_socket();

    ck_assert_int_eq(coil_connect(client, (struct sockaddr *)&address, sizeof address), 0);
    int server = coil_accept(listener, (struct sockaddr *)&peer, &peer_length);
    ck_assert_int_ge(server, 0);
    getsockname(client, (struct sockaddr *)&mine, &mine_length);
    ck_assert_int_eq(peer.sin_port, mine.sin_port);
    ck_assert_int_eq(fcntl(server, F_GETFD), FD_CLOEXEC);
    ck_assert_int_eq(fcntl(server, F_GETFL) & O_NONBLOCK, 0);
    ck_assert_int_eq(fcntl(listener, F_GETFL) & O_NONBLOCK, 0);
    ck_assert_int_eq(coil_close(listener), 0);
    ck_assert_int_eq(coil_close(client), 0);
    ck_assert_int_eq(coil_close(server), 0);
    return 0;
}

IO_TEST(a_refused_connection_is_an_error)
{
    struct sockaddr_in address;
    int client = tcp_socket();

    ck_assert_int_eq(coil_close(tcp_listener(&address)), 0);
    ck_assert_int_eq(coil_connect(client, (struct sockaddr *)&address, sizeof address), -ECONNREFUSED);
    ck_assert_int_eq(coil_close(client), 0);
    return 0;
}

IO_TEST(errors_are_returned)
{
    char byte = 0;

    ck_assert_int_eq(coil_read(-1, &byte, 1), -EBADF);
    ck_assert_int_eq(coil_recv(1000000, &byte, 1, 0), -EBADF);
    ck_assert_int_eq(coil_close(1000000), -EBADF);
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    ck_assert_int_eq(coil_recv(fd, &byte, 1, 0), -ENOTSOCK);
    ck_assert_int_eq(coil_read(fd, &byte, 1), 0);
    ck_assert_int_eq(coil_write(fd, &byte, 1), 1);
    ck_assert_int_eq(coil_close(fd), 0);
    return 0;
}

IO_TEST(writing_to_nobody_raises_no_signal)
{
    int fds[2];

    signal(SIGPIPE, SIG_DFL);
    unix_pair(fds);
    ck_assert_int_eq(coil_close(fds[1]), 0);
    ck_assert_int_eq(coil_send(fds[0], "x", 1, 0), -EPIPE);
    ck_assert_int_eq(coil_write(fds[0], "x", 1), -EPIPE);
    ck_assert_int_eq(coil_close(fds[0]), 0);
    ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
    ck_assert_int_eq(coil_close(fds[0]), 0);
    ck_assert_int_eq(coil_write(fds[1], "x", 1), -EPIPE);
    ck_assert_int_eq(coil_close(fds[1]), 0);
    return 0;
}

IO_TEST(others_run_while_a_task_waits)
{
    char buffer[4];
    int fds[2];

    unix_pair(fds);
    struct call call = {.fd = fds[0], .data = buffer, .size = sizeof buffer};
    coil_task *reader = spawn(call_read, &call);
    for (int i = 0; i < 1000; i++) {
        ck_assert_int_eq(coil_sleep(0), 0);
    }
    ck_assert_int_eq(coil_sleep(0.01), 0);
    ck_assert(!coil_done(reader));
    ck_assert_int_eq(coil_write(fds[1], "x", 1), 1);
    ck_assert_int_eq(coil_join(reader), 1);
    close_pair(fds);
    return 0;
}

IO_TEST(several_tasks_read_in_the_order_in_which_they_came)
{
    enum { READERS = 5 };
    struct call calls[READERS];
    coil_task *tasks[READERS];
    char bytes[READERS];
    int fds[2];

    tcp_pair(fds);
    for (int i = 0; i < READERS; i++) {
        calls[i] = (struct call){.fd = fds[0], .data = &bytes[i], .size = 1};
        tasks[i] = spawn(call_recv, &calls[i]);
    }
    settle();
    coil_cancel(tasks[2]);
    ck_assert_int_eq(coil_join(tasks[2]), -ECANCELED);
    ck_assert_int_eq(coil_send(fds[1], "abcd", 4, 0), 4);
    for (int i = 0, expected = 'a'; i < READERS; i++) {
        if (i != 2) {
            ck_assert_int_eq(coil_join(tasks[i]), 1);
            ck_assert_int_eq(bytes[i], expected++);
        }
    }
    close_pair(fds);
    return 0;
}

IO_TEST(close_ends_the_wait_of_everybody)
{
    char byte;
    int fds[2];

    tcp_pair(fds);
    struct pollfd pollfd = {.fd = fds[0], .events = POLLIN};
    struct call in = {.fd = fds[0], .data = &byte, .size = 1};
    struct call polling = {.data = &pollfd, .size = 1};
    coil_task *reader = spawn(call_recv, &in);
    coil_task *poller = spawn(call_poll, &polling);
    settle();
    ck_assert_int_eq(coil_close(fds[0]), 0);
    ck_assert_int_eq(coil_join(reader), -EBADF);
    ck_assert_int_eq(coil_join(poller), 1);
    ck_assert_int_eq(pollfd.revents, POLLNVAL);
    ck_assert_int_eq(coil_recv(fds[1], &byte, 1, 0), 0);
    ck_assert_int_eq(coil_close(fds[1]), 0);
    return 0;
}

IO_TEST(close_ends_the_wait_of_an_acceptor)
{
    struct sockaddr_in address;
    struct call call = {.fd = tcp_listener(&address)};
    coil_task *acceptor = spawn(call_accept, &call);

    settle();
    ck_assert_int_eq(coil_close(call.fd), 0);
    ck_assert_int_eq(coil_join(acceptor), -EBADF);
    return 0;
}

IO_TEST(a_number_is_good_again_at_once)
{
    char byte;
    int fds[2];

    for (int round = 0; round < 20; round++) {
        if (round % 2 == 0) {
            tcp_pair(fds);
        } else {
            ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
        }
        struct call call = {.fd = fds[0], .data = &byte, .size = 1};
        coil_task *reader = spawn(call_read, &call);
        settle();
        ck_assert_int_eq(write(fds[1], "x", 1), 1);
        ck_assert_int_eq(coil_join(reader), 1);
        reader = spawn(call_read, &call);
        settle();
        ck_assert_int_eq(coil_close(fds[0]), 0);
        ck_assert_int_eq(coil_join(reader), -EBADF);
        ck_assert_int_eq(coil_close(fds[1]), 0);
    }
    return 0;
}

IO_TEST(a_time_limit_holds_for_every_call)
{
    char byte;
    struct timespec before, after;
    int fds[2];

    tcp_pair(fds);
    struct call call = {.fd = fds[0], .data = &byte, .size = 1};
    clock_gettime(CLOCK_MONOTONIC, &before);
    ck_assert_int_eq(coil_wait_for_coroutine(call_recv, &call, 0.0001), -ETIMEDOUT);
    clock_gettime(CLOCK_MONOTONIC, &after);
    double took = (double)(after.tv_sec - before.tv_sec) + (double)(after.tv_nsec - before.tv_nsec) / 1e9;
    ck_assert_double_ge(took, 0.0001);
    ck_assert_double_lt(took, 1); /* measured: 0.0002; a busy machine may take its time */
    ck_assert_int_eq(call.result, -ECANCELED);
    ck_assert_int_eq(coil_send(fds[1], "x", 1, 0), 1);
    ck_assert_int_eq(coil_wait_for_coroutine(call_recv, &call, 10), 1);
    close_pair(fds);
    return 0;
}

static int errors_outside[7];

static void call_everything(void *unused)
{
    struct pollfd pollfd = {.fd = 0, .events = POLLIN};
    char byte;

    (void)unused;
    errors_outside[0] = (int)coil_read(0, &byte, 1);
    errors_outside[1] = (int)coil_write(1, "", 0);
    errors_outside[2] = (int)coil_recv(0, &byte, 1, 0);
    errors_outside[3] = (int)coil_send(0, "", 0, 0);
    errors_outside[4] = coil_accept(0, NULL, NULL);
    errors_outside[5] = coil_connect(0, NULL, 0);
    errors_outside[6] = coil_poll(&pollfd, 1, 0);
}

static void check_everything(void)
{
    for (int i = 0; i < 7; i++) {
        ck_assert_int_eq(errors_outside[i], -EPERM);
        errors_outside[i] = 0;
    }
}

IO_TEST(outside_of_a_task_every_call_is_refused)
{
    ck_assert_ptr_nonnull(coil_call_soon(call_everything, NULL));
    settle();
    check_everything();
    return 0;
}

START_TEST(without_a_loop_every_call_is_refused)
    {
        call_everything(NULL);
        check_everything();
    }
END_TEST

static void close_it(void *fd)
{
    errors_outside[0] = coil_close(*(int *)fd);
}

IO_TEST(close_ends_the_wait_of_everybody_in_a_callback_too)
{
    char byte;
    int fds[2];

    unix_pair(fds);
    struct call call = {.fd = fds[0], .data = &byte, .size = 1};
    coil_task *reader = spawn(call_recv, &call);
    settle();
    errors_outside[0] = 1;
    ck_assert_ptr_nonnull(coil_call_soon(close_it, &fds[0]));
    settle();
    ck_assert_int_eq(errors_outside[0], 0);
    ck_assert_int_eq(coil_join(reader), -EBADF);
    ck_assert_int_eq(fcntl(fds[0], F_GETFD), -1);
    ck_assert_int_eq(coil_close(fds[1]), 0);
    return 0;
}

START_TEST(without_a_loop_close_is_close)
    {
        int fds[2];

        unix_pair(fds);
        ck_assert_int_eq(coil_close(fds[0]), 0);
        ck_assert_int_eq(coil_close(fds[0]), -EBADF);
        ck_assert_int_eq(coil_close(-1), -EBADF);
        ck_assert_int_eq(recv(fds[1], &(char){0}, 1, 0), 0);
        close(fds[1]);
    }
END_TEST

static const char *said_of(coil_task *task)
{
    static char text[100];
    const struct ci_wait *wait = ci_task_of(task)->wait;

    wait->describe(wait, text, sizeof text);
    return text;
}

IO_TEST(a_waiting_task_says_what_it_waits_for)
{
    char byte, expected[100];
    int fds[2];

    unix_pair(fds);
    struct pollfd pollfds[2] = {{.fd = fds[0], .events = POLLIN}, {.fd = fds[1], .events = POLLIN}};
    struct call in = {.fd = fds[0], .data = &byte, .size = 1}, polling = {.data = pollfds, .size = 2};
    coil_task *reader = spawn(call_recv, &in);
    coil_task *poller = spawn(call_poll, &polling);
    settle();
    snprintf(expected, sizeof expected, "waits for recv on fd %d", fds[0]);
    ck_assert_str_eq(said_of(reader), expected);
    ck_assert_str_eq(said_of(poller), "waits for poll on 2 descriptors");
    close_pair(fds);
    ck_assert_int_eq(coil_join(reader), -EBADF);
    ck_assert_int_eq(coil_join(poller), 1);
    return 0;
}

/* ---- the loop closes under those who wait ---------------------------------------------------------------------------- */

static void hear_nothing(coil_loop *loop, const struct coil_report *report, void *reports)
{
    (void)loop;
    ck_assert_int_eq(report->kind, COIL_REPORT_DESTROYED_PENDING);
    ++*(int *)reports;
}

static int nothing(void *unused)
{
    (void)unused;
    return coil_sleep(0);
}

START_TEST(a_loop_may_be_closed_under_those_who_wait)
    {
        enum { MANY = 20 };
        struct pollfd pollfds[MANY];
        char byte;
        int fds[2];
        int reports = 0;
        coil_loop *loop = coil_loop_new(.debug = false);

        unix_pair(fds);
        for (int i = 0; i < MANY; i++) {
            pollfds[i] = (struct pollfd){.fd = fds[0], .events = POLLIN};
        }
        coil_loop_set_exception_handler(loop, hear_nothing, &reports);
        struct call in = {.fd = fds[0], .data = &byte, .size = 1}, few = {.data = pollfds, .size = 1},
                    many = {.data = pollfds, .size = MANY};
        struct coil_task_options options = {.size = sizeof options, .arg = &in};
        coil_unref(coil_loop_create_task(loop, call_recv, &options));
        options.arg = &few;
        coil_unref(coil_loop_create_task(loop, call_poll, &options));
        options.arg = &many;
        coil_unref(coil_loop_create_task(loop, call_poll, &options));
        coil_task *task = coil_loop_create_task(loop, nothing, &options);
        ck_assert_int_eq(coil_loop_run_until_complete(loop, task), 0);
        coil_unref(task);
        ck_assert_int_eq(coil_loop_close(loop), 0);
        ck_assert_int_eq(reports, 3);
        close(fds[0]);
        close(fds[1]);
    }
END_TEST

Suite *calls_suite(void)
{
    Suite *suite = suite_create("calls");
    TCase *tests = tcase_create("each-call");

    tcase_add_test(tests, a_request_and_its_answer);
    tcase_add_test(tests, a_pipe_between_tasks);
    tcase_add_test(tests, accept_gives_the_peers_address_and_closes_on_exec);
    tcase_add_test(tests, a_refused_connection_is_an_error);
    tcase_add_test(tests, errors_are_returned);
    tcase_add_test(tests, writing_to_nobody_raises_no_signal);
    tcase_add_test(tests, others_run_while_a_task_waits);
    tcase_add_test(tests, several_tasks_read_in_the_order_in_which_they_came);
    tcase_add_test(tests, close_ends_the_wait_of_everybody);
    tcase_add_test(tests, close_ends_the_wait_of_an_acceptor);
    tcase_add_test(tests, a_number_is_good_again_at_once);
    tcase_add_test(tests, a_time_limit_holds_for_every_call);
    tcase_add_test(tests, outside_of_a_task_every_call_is_refused);
    tcase_add_test(tests, without_a_loop_every_call_is_refused);
    tcase_add_test(tests, close_ends_the_wait_of_everybody_in_a_callback_too);
    tcase_add_test(tests, without_a_loop_close_is_close);
    tcase_add_test(tests, a_waiting_task_says_what_it_waits_for);
    tcase_add_test(tests, a_loop_may_be_closed_under_those_who_wait);
    suite_add_tcase(suite, tests);
    return suite;
}
