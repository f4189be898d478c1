/* Sockets: recv, send, read, write, poll, as POSIX has them, on descriptors that block. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "suites.h"

enum { FAMILIES = 3 };

/* A pair of the i-th family: TCP that coil accepted, TCP it knows nothing of, Unix. */
static void stream_pair(int family, int fds[2])
{
    if (family == 0) {
        tcp_pair(fds);
    } else if (family == 1) {
        plain_tcp_pair(fds);
    } else {
        unix_pair(SOCK_STREAM, fds);
    }
}

/* The loop index of a test: which kernel, which family. */
static void begin(int i, int fds[2])
{
    open_poller(i / FAMILIES);
    stream_pair(i % FAMILIES, fds);
}

START_TEST(recv_takes_what_is_there_at_once)
    {
        char buffer[16] = "";
        struct job job;
        int fds[2];

        begin(_i, fds);
        ck_assert_int_eq(send(fds[1], "hello", 5, 0), 5);
        start_recv(&job, fds[0], buffer, sizeof buffer, 0);
        ck_assert(job.at_once);
        ck_assert_int_eq(finish(&job), 5);
        ck_assert_str_eq(buffer, "hello");
        end(fds);
    }
END_TEST

START_TEST(recv_waits_for_data_again_and_again)
    {
        char buffer[16];
        struct job job;
        int fds[2];

        begin(_i, fds);
        for (int round = 0; round < 100; round++) {
            start_recv(&job, fds[0], buffer, sizeof buffer, 0);
            stays_waiting(&job, round == 0 ? 5 * MILLISECOND : 0);
            ck_assert_int_eq(send(fds[1], "hello", 5, 0), 5);
            ck_assert_int_eq(finish(&job), 5);
        }
        end(fds);
    }
END_TEST

START_TEST(read_and_write_move_data_as_recv_and_send)
    {
        char buffer[16] = "";
        struct job in, out;
        int fds[2];

        begin(_i, fds);
        for (int round = 0; round < 10; round++) {
            start_read(&in, fds[0], buffer, sizeof buffer);
            stays_waiting(&in, 0);
            start_write(&out, fds[1], "hello", 6);
            ck_assert_int_eq(finish(&out), 6);
            ck_assert_int_eq(finish(&in), 6);
            ck_assert_str_eq(buffer, "hello");
        }
        end(fds);
    }
END_TEST

START_TEST(nothing_is_left_behind_by_a_small_buffer)
    {
        char buffer[4];
        struct job job;
        int fds[2];

        begin(_i, fds);
        start_recv(&job, fds[0], buffer, sizeof buffer, 0);
        ck_assert_int_eq(send(fds[1], "0123456789", 10, 0), 10);
        ck_assert_int_eq(finish(&job), 4);
        start_recv(&job, fds[0], buffer, sizeof buffer, 0);
        ck_assert_int_eq(finish(&job), 4);
        start_recv(&job, fds[0], buffer, sizeof buffer, 0);
        ck_assert_int_eq(finish(&job), 2);
        start_recv(&job, fds[0], buffer, sizeof buffer, 0);
        stays_waiting(&job, MILLISECOND);
        ck_assert_int_eq(cancel(&job), -ECANCELED);
        end(fds);
    }
END_TEST

START_TEST(the_end_of_the_stream_wakes_a_reader)
    {
        char buffer[16];
        struct job job;
        int fds[2];

        begin(_i, fds);
        start_recv(&job, fds[0], buffer, sizeof buffer, 0);
        stays_waiting(&job, 0);
        shutdown(fds[1], SHUT_WR);
        ck_assert_int_eq(finish(&job), 0);
        start_recv(&job, fds[0], buffer, sizeof buffer, 0);
        ck_assert_int_eq(finish(&job), 0);
        end(fds);
    }
END_TEST

START_TEST(an_end_that_comes_with_the_data_is_seen_after_it)
    {
        char buffer[16];
        struct job job;
        int fds[2];

        begin(_i, fds);
        start_recv(&job, fds[0], buffer, sizeof buffer, 0);
        stays_waiting(&job, 0);
        ck_assert_int_eq(send(fds[1], "bye", 3, 0), 3);
        shutdown(fds[1], SHUT_WR);
        ck_assert_int_eq(finish(&job), 3);
        start_recv(&job, fds[0], buffer, sizeof buffer, 0);
        ck_assert_int_eq(finish(&job), 0);
        end(fds);
    }
END_TEST

START_TEST(half_close_leaves_the_other_direction_open)
    {
        char buffer[16];
        struct job in, out;
        int fds[2];

        begin(_i, fds);
        shutdown(fds[1], SHUT_WR);
        start_recv(&in, fds[0], buffer, sizeof buffer, 0);
        ck_assert_int_eq(finish(&in), 0);
        start_send(&out, fds[0], "still here", 10, 0);
        ck_assert_int_eq(finish(&out), 10);
        ck_assert_int_eq(recv(fds[1], buffer, sizeof buffer, 0), 10);
        end(fds);
    }
END_TEST

START_TEST(shutdown_by_oneself_wakes_the_reader)
    {
        char buffer[16];
        struct job job;
        int fds[2];

        begin(_i, fds);
        start_recv(&job, fds[0], buffer, sizeof buffer, 0);
        stays_waiting(&job, 0);
        shutdown(fds[0], SHUT_RD);
        ck_assert_int_eq(finish(&job), 0);
        end(fds);
    }
END_TEST

/* Makes the buffers of the senders small, so that a few hundred kilobytes fill all there is between the two ends. */
static void narrow(const int fds[2])
{
    for (int i = 0; i < 2; i++) {
        setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &(int){8192}, sizeof(int));
    }
}

/* The result of a job that sends, while so many bytes are taken at the other end. */
static int64_t finish_while_taking(struct job *job, int fd, size_t size)
{
    char buffer[65536];

    for (size_t taken = 0; taken < size;) {
        ssize_t n = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);
        taken += n > 0 ? (size_t)n : 0;
        ck_assert_int_eq(poller->class->wait(poller, 0), 0);
    }
    return finish(job);
}

START_TEST(send_waits_until_everything_is_taken)
    {
        enum { SIZE = 1 << 20 };
        char *data = calloc(1, SIZE);
        struct job job;
        int fds[2];

        begin(_i, fds);
        narrow(fds);
        start_send(&job, fds[0], data, SIZE, 0);
        stays_waiting(&job, 0);
        ck_assert_int_eq(finish_while_taking(&job, fds[1], SIZE), SIZE);
        end(fds);
        free(data);
    }
END_TEST

START_TEST(write_waits_until_everything_is_taken)
    {
        enum { SIZE = 1 << 20 };
        char *data = calloc(1, SIZE);
        struct job job;
        int fds[2];

        begin(_i, fds);
        narrow(fds);
        start_write(&job, fds[0], data, SIZE);
        stays_waiting(&job, 0);
        ck_assert_int_eq(finish_while_taking(&job, fds[1], SIZE), SIZE);
        end(fds);
        free(data);
    }
END_TEST

START_TEST(a_cancelled_send_tells_what_went_out)
    {
        enum { SIZE = 4 << 20 };
        char *data = calloc(1, SIZE);
        struct job job;
        int fds[2];

        begin(_i, fds);
        narrow(fds);
        start_send(&job, fds[0], data, SIZE, 0);
        stays_waiting(&job, MILLISECOND);
        int64_t sent = cancel(&job);
        ck_assert_int_gt(sent, 0);
        ck_assert_int_lt(sent, SIZE);
        drain(fds[1], (size_t)sent);
        char byte;
        ck_assert_int_eq(recv(fds[1], &byte, 1, MSG_DONTWAIT), -1);
        end(fds);
        free(data);
    }
END_TEST

START_TEST(sending_to_nobody_is_an_error_and_no_signal)
    {
        struct job job;
        int fds[2];
        int64_t rc = 0;

        begin(_i, fds);
        poller->class->evict(poller, fds[1]);
        close(fds[1]);
        fds[1] = -1;
        for (int i = 0; i < 100 && rc >= 0; i++) {
            start_send(&job, fds[0], "x", 1, 0);
            rc = finish(&job);
            usleep(1000);
        }
        ck_assert(rc == -EPIPE || rc == -ECONNRESET);
        start_send(&job, fds[0], "x", 1, 0);
        ck_assert_int_eq(finish(&job), -EPIPE);
        start_write(&job, fds[0], "x", 1);
        ck_assert_int_eq(finish(&job), -EPIPE);
        end(fds);
    }
END_TEST

START_TEST(a_reset_wakes_reader_and_writer)
    {
        enum { SIZE = 4 << 20 };
        char *data = calloc(1, SIZE);
        char buffer[16];
        struct job in, out;
        int fds[2];

        begin(_i, fds);
        narrow(fds);
        start_recv(&in, fds[0], buffer, sizeof buffer, 0);
        start_send(&out, fds[0], data, SIZE, 0);
        stays_waiting(&in, MILLISECOND);
        ck_assert(!is_over(&out));
        setsockopt(fds[1], SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger));
        close(fds[1]);
        fds[1] = -1;
        int64_t got = finish(&in);
        ck_assert(got == -ECONNRESET || got == 0);
        ck_assert_int_lt(finish(&out), SIZE);
        end(fds);
        free(data);
    }
END_TEST

START_TEST(flags_are_honoured)
    {
        char buffer[16] = "";
        struct job job;
        int fds[2];

        begin(_i, fds);
        start_recv(&job, fds[0], buffer, sizeof buffer, MSG_DONTWAIT);
        ck_assert(job.at_once);
        ck_assert_int_eq(finish(&job), -EAGAIN);
        start_recv(&job, fds[0], buffer, 3, MSG_PEEK);
        stays_waiting(&job, 0);
        ck_assert_int_eq(send(fds[1], "abc", 3, 0), 3);
        ck_assert_int_eq(finish(&job), 3);
        start_recv(&job, fds[0], buffer, sizeof buffer, MSG_PEEK);
        ck_assert_int_eq(finish(&job), 3);
        start_recv(&job, fds[0], buffer, sizeof buffer, MSG_PEEK | MSG_WAITALL);
        ck_assert_int_eq(finish(&job), 3);
        start_recv(&job, fds[0], buffer, sizeof buffer, 0);
        ck_assert_int_eq(finish(&job), 3);
        ck_assert_str_eq(buffer, "abc");
        start_send(&job, fds[0], buffer, 3, MSG_DONTWAIT);
        ck_assert(job.at_once);
        end(fds);
    }
END_TEST

START_TEST(waitall_waits_for_all)
    {
        char buffer[8];
        struct job job;
        int fds[2];

        begin(_i, fds);
        start_recv(&job, fds[0], buffer, sizeof buffer, MSG_WAITALL);
        for (int i = 0; i < 7; i++) {
            stays_waiting(&job, 0);
            ck_assert_int_eq(send(fds[1], "x", 1, 0), 1);
        }
        stays_waiting(&job, MILLISECOND);
        ck_assert_int_eq(send(fds[1], "xy", 2, 0), 2);
        ck_assert_int_eq(finish(&job), 8);
        start_recv(&job, fds[0], buffer, sizeof buffer, MSG_WAITALL);
        stays_waiting(&job, 0);
        shutdown(fds[1], SHUT_WR);
        ck_assert_int_eq(finish(&job), 1);
        end(fds);
    }
END_TEST

START_TEST(a_cancelled_waitall_keeps_what_it_got)
    {
        char buffer[8];
        struct job job;
        int fds[2];

        begin(_i, fds);
        start_recv(&job, fds[0], buffer, sizeof buffer, MSG_WAITALL);
        ck_assert_int_eq(send(fds[1], "abc", 3, 0), 3);
        stays_waiting(&job, MILLISECOND);
        ck_assert_int_eq(cancel(&job), 3);
        ck_assert_int_eq(memcmp(buffer, "abc", 3), 0);
        end(fds);
    }
END_TEST

START_TEST(reading_or_writing_nothing_does_not_wait)
    {
        struct job job;
        int fds[2];

        begin(_i, fds);
        start_read(&job, fds[0], NULL, 0);
        ck_assert(job.at_once);
        ck_assert_int_eq(finish(&job), 0);
        start_write(&job, fds[0], "", 0);
        ck_assert_int_eq(finish(&job), 0);
        start_send(&job, fds[0], "", 0, 0);
        ck_assert_int_eq(finish(&job), 0);
        end(fds);
    }
END_TEST

START_TEST(poll_tells_what_happened)
    {
        struct job job;
        char byte;
        int fds[2];

        begin(_i, fds);
        start_poll(&job, fds[0], POLLOUT | POLLIN);
        ck_assert_int_eq(finish(&job), POLLOUT);
        start_poll(&job, fds[0], POLLIN);
        stays_waiting(&job, 0);
        ck_assert_int_eq(send(fds[1], "x", 1, 0), 1);
        ck_assert_int_eq(finish(&job), POLLIN);
        ck_assert_int_eq(recv(fds[0], &byte, 1, 0), 1);
        start_poll(&job, fds[0], POLLRDHUP);
        stays_waiting(&job, 0);
        shutdown(fds[1], SHUT_WR);
        ck_assert_int_eq(finish(&job), POLLRDHUP);
        start_poll(&job, fds[0], 0);
        stays_waiting(&job, 0);
        shutdown(fds[0], SHUT_WR);
        ck_assert_int_eq(finish(&job) & POLLHUP, POLLHUP);
        end(fds);
    }
END_TEST

START_TEST(urgent_data_does_not_hide_what_follows)
    {
        char buffer[16];
        struct job job;
        int fds[2];

        open_poller(0);
        stream_pair(_i, fds);
        start_recv(&job, fds[0], buffer, sizeof buffer, 0);
        stays_waiting(&job, 0);
        ck_assert_int_eq(send(fds[1], "ab", 2, 0), 2);
        ck_assert_int_eq(send(fds[1], "!", 1, MSG_OOB), 1);
        ck_assert_int_eq(send(fds[1], "cd", 2, 0), 2);
        ck_assert_int_eq(finish(&job), 2);
        start_recv(&job, fds[0], buffer, 1, MSG_OOB);
        ck_assert_int_eq(finish(&job), 1);
        ck_assert_int_eq(buffer[0], '!');
        start_recv(&job, fds[0], buffer, sizeof buffer, 0);
        ck_assert_int_eq(finish(&job), 2);
        start_recv(&job, fds[0], buffer, 1, MSG_OOB);
        ck_assert_int_eq(finish(&job), -EINVAL);
        end(fds);
    }
END_TEST

START_TEST(datagrams_are_taken_one_by_one)
    {
        char buffer[16];
        struct job job;
        int fds[2];

        open_poller(_i);
        unix_pair(SOCK_DGRAM, fds);
        start_recv(&job, fds[0], buffer, sizeof buffer, 0);
        stays_waiting(&job, 0);
        ck_assert_int_eq(send(fds[1], "one", 3, 0), 3);
        ck_assert_int_eq(send(fds[1], "four", 4, 0), 4);
        ck_assert_int_eq(send(fds[1], "", 0, 0), 0);
        ck_assert_int_eq(finish(&job), 3);
        start_recv(&job, fds[0], buffer, sizeof buffer, MSG_WAITALL);
        ck_assert_int_eq(finish(&job), 4);
        start_recv(&job, fds[0], buffer, sizeof buffer, 0);
        ck_assert_int_eq(finish(&job), 0);
        start_recv(&job, fds[0], buffer, sizeof buffer, 0);
        stays_waiting(&job, 0);
        ck_assert_int_eq(cancel(&job), -ECANCELED);
        end(fds);
    }
END_TEST

START_TEST(a_descriptor_passed_along_does_not_hide_the_bytes_behind_it)
    {
        char control[CMSG_SPACE(sizeof(int))] = {0};
        struct iovec vector = {.iov_base = "a", .iov_len = 1};
        struct msghdr message = {
            .msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        char buffer[16];
        struct job first, second;
        int fds[2];

        open_poller(_i);
        unix_pair(SOCK_STREAM, fds);
        *header =
            (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
        memcpy(CMSG_DATA(header), &fds[1], sizeof(int));
        start_recv(&first, fds[0], buffer, sizeof buffer, 0);
        start_recv(&second, fds[0], buffer, sizeof buffer, 0);
        ck_assert_int_eq(sendmsg(fds[1], &message, 0), 1);
        ck_assert_int_eq(send(fds[1], "bcd", 3, 0), 3);
        ck_assert_int_eq(finish(&first), 1);
        ck_assert_int_eq(finish(&second), 3);
        end(fds);
    }
END_TEST

START_TEST(calls_for_sockets_fail_on_other_things)
    {
        char buffer[16];
        struct job job;

        open_poller(_i);
        int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
        start_recv(&job, file, buffer, sizeof buffer, 0);
        ck_assert_int_eq(finish(&job), -ENOTSOCK);
        start_send(&job, file, buffer, sizeof buffer, 0);
        ck_assert_int_eq(finish(&job), -ENOTSOCK);
        start_accept(&job, file);
        ck_assert_int_eq(finish(&job), -ENOTSOCK);
        start_connect(&job, file, &(struct sockaddr){0}, sizeof(struct sockaddr));
        ck_assert_int_eq(finish(&job), -ENOTSOCK);
        close(file);
        start_recv(&job, file, buffer, sizeof buffer, 0);
        ck_assert_int_eq(finish(&job), -EBADF);
        start_poll(&job, file, POLLIN);
        ck_assert_int_eq(finish(&job), POLLNVAL);
        close_poller();
    }
END_TEST

START_TEST(a_number_that_never_was_open_costs_nothing)
    {
        struct job job = {.op = {.code = CI_OP_RECV}};
        static const int numbers[] = {-1, 1 << 20, INT32_MAX};

        open_poller(0);
        count_calls();
        for (size_t i = 0; i < 3; i++) {
            job.op.fd = numbers[i];
            ck_assert_int_eq(poller->class->submit(poller, &job.op), -EBADF);
        }
        ck_assert_int_eq(calls_of("realloc") + calls_of("mmap"), 0);
        close_poller();
    }
END_TEST

Suite *stream_suite(void)
{
    Suite *suite = suite_create("stream");
    TCase *tests = tcase_create("sockets");

    tcase_add_loop_test(tests, recv_takes_what_is_there_at_once, 0, 2 * FAMILIES);
    tcase_add_loop_test(tests, recv_waits_for_data_again_and_again, 0, 2 * FAMILIES);
    tcase_add_loop_test(tests, read_and_write_move_data_as_recv_and_send, 0, 2 * FAMILIES);
    tcase_add_loop_test(tests, nothing_is_left_behind_by_a_small_buffer, 0, 2 * FAMILIES);
    tcase_add_loop_test(tests, the_end_of_the_stream_wakes_a_reader, 0, 2 * FAMILIES);
    tcase_add_loop_test(tests, an_end_that_comes_with_the_data_is_seen_after_it, 0, 2 * FAMILIES);
    tcase_add_loop_test(tests, half_close_leaves_the_other_direction_open, 0, 2 * FAMILIES);
    tcase_add_loop_test(tests, shutdown_by_oneself_wakes_the_reader, 0, 2 * FAMILIES);
    tcase_add_loop_test(tests, send_waits_until_everything_is_taken, 0, 2 * FAMILIES);
    tcase_add_loop_test(tests, write_waits_until_everything_is_taken, 0, 2 * FAMILIES);
    tcase_add_loop_test(tests, a_cancelled_send_tells_what_went_out, 0, 2 * FAMILIES);
    tcase_add_loop_test(tests, sending_to_nobody_is_an_error_and_no_signal, 0, 2 * FAMILIES);
    tcase_add_loop_test(tests, a_reset_wakes_reader_and_writer, 0, 2 * FAMILIES);
    tcase_add_loop_test(tests, flags_are_honoured, 0, 2 * FAMILIES);
    tcase_add_loop_test(tests, waitall_waits_for_all, 0, 2 * FAMILIES);
    tcase_add_loop_test(tests, a_cancelled_waitall_keeps_what_it_got, 0, 2 * FAMILIES);
    tcase_add_loop_test(tests, reading_or_writing_nothing_does_not_wait, 0, 2 * FAMILIES);
    tcase_add_loop_test(tests, poll_tells_what_happened, 0, 2 * FAMILIES);
    tcase_add_loop_test(tests, urgent_data_does_not_hide_what_follows, 0, 2);
    tcase_add_loop_test(tests, datagrams_are_taken_one_by_one, 0, 2);
    tcase_add_loop_test(tests, a_descriptor_passed_along_does_not_hide_the_bytes_behind_it, 0, 2);
    tcase_add_loop_test(tests, calls_for_sockets_fail_on_other_things, 0, 2);
    tcase_add_test(tests, a_number_that_never_was_open_costs_nothing);
    suite_add_tcase(suite, tests);
    return suite;
}
