/* Several operations on one descriptor: their order, cancelling one of them, closing it under all of them. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness.h"
#include "suites.h"

enum { KINDS = 3 };

/* The loop index: a pair of which coil made fds[0], one of the program's own, a pipe (fds[1] writes). */
static void begin(int kind, int fds[2])
{
    open_poller(0);
    if (kind == 0) {
        tcp_pair(fds);
    } else if (kind == 1) {
        unix_pair(SOCK_STREAM, fds);
    } else {
        ck_assert_int_eq(pipe(fds), 0);
    }
}

START_TEST(readers_are_served_in_order)
    {
        enum { READERS = 5 };
        struct job jobs[READERS];
        char buffers[READERS];
        int fds[2];

        begin(_i, fds);
        for (int i = 0; i < READERS; i++) {
            start_read(&jobs[i], fds[0], &buffers[i], 1);
        }
        ck_assert_int_eq(write(fds[1], "ab", 2), 2);
        ck_assert_int_eq(finish(&jobs[1]), 1);
        ck_assert_int_eq(jobs[0].completions, 1);
        stays_waiting(&jobs[2], MILLISECOND);
        ck_assert_int_eq(write(fds[1], "cde", 3), 3);
        for (int i = 0; i < READERS; i++) {
            ck_assert_int_eq(finish(&jobs[i]), 1);
            ck_assert_int_eq(buffers[i], 'a' + i);
            ck_assert(i == 0 || jobs[i].order > jobs[i - 1].order);
        }
        end(fds);
    }
END_TEST

START_TEST(nobody_overtakes_a_waiting_reader)
    {
        struct job first, second;
        char a, b;
        int fds[2];

        begin(_i, fds);
        start_read(&first, fds[0], &a, 1);
        ck_assert_int_eq(write(fds[1], "xy", 2), 2);
        start_read(&second, fds[0], &b, 1);
        ck_assert(!second.at_once);
        ck_assert_int_eq(finish(&first), 1);
        ck_assert_int_eq(finish(&second), 1);
        ck_assert_int_eq(a, 'x');
        ck_assert_int_eq(b, 'y');
        end(fds);
    }
END_TEST

START_TEST(writers_are_served_in_order_and_do_not_mix)
    {
        enum { SIZE = 1 << 19 };
        char *data[2] = {malloc(SIZE), malloc(SIZE)};
        struct job jobs[2];
        size_t taken = 0;
        int fds[2];

        begin(_i, fds);
        int writer = _i == 0 ? 0 : 1;
        for (int i = 0; i < 2; i++) {
            memset(data[i], 'a' + i, SIZE);
        }
        setsockopt(fds[writer], SOL_SOCKET, SO_SNDBUF, &(int){8192}, sizeof(int));
        fcntl(fds[1 - writer], F_SETFL, O_NONBLOCK);
        fill(fds[writer]);
        for (int i = 0; i < 2; i++) {
            start_write(&jobs[i], fds[writer], data[i], SIZE);
            ck_assert(!jobs[i].at_once);
        }
        while (taken < 2 * SIZE) {
            char byte[4096];
            ssize_t n = read(fds[1 - writer], byte, sizeof byte);
            for (ssize_t j = 0; j < n; j++) {
                if (byte[j] != 0) {
                    ck_assert_int_eq(byte[j], taken < SIZE ? 'a' : 'b');
                    taken++;
                }
            }
            ck_assert_int_eq(poller->class->wait(poller, 0), 0);
        }
        ck_assert_int_eq(finish(&jobs[0]), SIZE);
        ck_assert_int_eq(finish(&jobs[1]), SIZE);
        ck_assert_int_lt(jobs[0].order, jobs[1].order);
        end(fds);
        free(data[0]);
        free(data[1]);
    }
END_TEST

START_TEST(a_cancelled_reader_lets_the_next_one_have_it)
    {
        struct job jobs[3];
        char buffers[3] = "";
        int fds[2];

        begin(_i, fds);
        for (int i = 0; i < 3; i++) {
            start_read(&jobs[i], fds[0], &buffers[i], 1);
        }
        ck_assert_int_eq(cancel(&jobs[1]), -ECANCELED);
        ck_assert_int_eq(cancel(&jobs[0]), -ECANCELED);
        ck_assert_int_eq(write(fds[1], "x", 1), 1);
        ck_assert_int_eq(finish(&jobs[2]), 1);
        ck_assert_int_eq(buffers[0] + buffers[1], 0);
        end(fds);
    }
END_TEST

START_TEST(cancelling_twice_or_too_late_changes_nothing)
    {
        struct job job;
        char byte;
        int fds[2];

        begin(_i, fds);
        start_read(&job, fds[0], &byte, 1);
        poller->class->cancel(poller, &job.op);
        ck_assert_int_eq(write(fds[1], "x", 1), 1);
        poller->class->cancel(poller, &job.op);
        ck_assert_int_eq(finish(&job), -ECANCELED);
        start_read(&job, fds[0], &byte, 1);
        ck_assert_int_eq(finish(&job), 1);
        poller->class->cancel(poller, &job.op);
        ck_assert_int_eq(poller->class->wait(poller, 0), 0);
        ck_assert_int_eq(job.op.result, 1);
        end(fds);
    }
END_TEST

START_TEST(the_kernel_never_writes_to_the_buffer_of_a_finished_read)
    {
        size_t page = (size_t)sysconf(_SC_PAGESIZE);
        char *buffer = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        struct job job, other;
        char byte;
        int fds[2];

        begin(_i, fds);
        start_read(&job, fds[0], buffer, page);
        ck_assert_int_eq(cancel(&job), -ECANCELED);
        ck_assert_int_eq(mprotect(buffer, page, PROT_NONE), 0);
        ck_assert_int_eq(write(fds[1], "x", 1), 1);
        start_read(&other, fds[0], &byte, 1);
        ck_assert_int_eq(finish(&other), 1);
        end(fds);
        munmap(buffer, page);
    }
END_TEST

START_TEST(eviction_ends_everybody_at_once)
    {
        struct job in[2], poll_, out;
        char *data = calloc(1, 1 << 22);
        char buffer[4];
        int fds[2];

        begin(_i, fds);
        int reader = 0, writer = _i == 0 ? 0 : 1;
        start_read(&in[0], fds[reader], buffer, sizeof buffer);
        start_read(&in[1], fds[reader], buffer, sizeof buffer);
        start_poll(&poll_, fds[reader], POLLIN);
        start_write(&out, fds[writer], data, 1 << 22);
        poller->class->evict(poller, fds[reader]);
        ck_assert_int_eq(in[0].op.result, -EBADF);
        ck_assert_int_eq(in[1].op.result, -EBADF);
        ck_assert_int_eq(poll_.op.result, -EBADF);
        poller->class->evict(poller, fds[writer]);
        ck_assert_int_eq(in[0].completions + in[1].completions + poll_.completions + out.completions, 4);
        ck_assert_int_gt(out.op.result, 0);
        ck_assert_uint_eq(poller->inflight, 0);
        end(fds);
        free(data);
    }
END_TEST

START_TEST(eviction_completes_what_was_cancelled_before)
    {
        struct job job;
        char byte;
        int fds[2];

        begin(_i, fds);
        start_read(&job, fds[0], &byte, 1);
        poller->class->cancel(poller, &job.op);
        poller->class->evict(poller, fds[0]);
        ck_assert_int_eq(job.completions, 1);
        ck_assert_int_eq(job.op.result, -ECANCELED);
        end(fds);
    }
END_TEST

START_TEST(readers_pollers_and_writers_do_not_disturb_each_other)
    {
        struct job in, poll_in, poll_out;
        char byte;
        int fds[2];

        open_poller(0);
        unix_pair(SOCK_STREAM, fds);
        size_t filled = fill(fds[0]);
        start_poll(&poll_out, fds[0], POLLOUT);
        start_poll(&poll_in, fds[0], POLLIN);
        start_recv(&in, fds[0], &byte, 1, 0);
        ck_assert_int_eq(send(fds[1], "xy", 2, 0), 2);
        ck_assert_int_eq(finish(&in), 1);
        ck_assert_int_eq(finish(&poll_in), POLLIN);
        stays_waiting(&poll_out, 0);
        drain(fds[1], filled);
        ck_assert_int_eq(finish(&poll_out), POLLOUT);
        end(fds);
    }
END_TEST

/* A completion that takes other operations down with it, as one of several polls of the same descriptor does. */
static struct job rivals[3];

static void cancel_rivals(struct ci_op *op)
{
    for (int i = 0; i < 3; i++) {
        if (op == &rivals[i].op) {
            rivals[i].completions++;
        } else {
            poller->class->cancel(poller, &rivals[i].op);
        }
    }
}

START_TEST(a_completion_may_cancel_its_neighbours)
    {
        int fds[2];

        begin(_i, fds);
        for (int i = 0; i < 3; i++) {
            start_poll(&rivals[i], fds[0], POLLIN);
            rivals[i].op.complete = cancel_rivals;
        }
        ck_assert_int_eq(write(fds[1], "x", 1), 1);
        ck_assert_int_eq(finish(&rivals[0]), POLLIN);
        ck_assert_int_eq(finish(&rivals[1]), -ECANCELED);
        ck_assert_int_eq(finish(&rivals[2]), -ECANCELED);
        end(fds);
    }
END_TEST

START_TEST(more_descriptors_than_one_piece_of_the_table)
    {
        enum { PAIRS = 400 };
        static struct job jobs[PAIRS];
        static char bytes[PAIRS];
        static int fds[PAIRS][2];

        open_poller(0);
        for (int i = 0; i < PAIRS; i++) {
            ck_assert_int_eq(pipe(fds[i]), 0);
            start_read(&jobs[i], fds[i][0], &bytes[i], 1);
        }
        for (int i = 0; i < PAIRS; i++) {
            ck_assert_int_eq(write(fds[i][1], "x", 1), 1);
        }
        for (int i = 0; i < PAIRS; i++) {
            ck_assert_int_eq(finish(&jobs[i]), 1);
        }
        close_poller();
    }
END_TEST

Suite *waiters_suite(void)
{
    Suite *suite = suite_create("waiters");
    TCase *tests = tcase_create("several-waiters");

    tcase_add_loop_test(tests, readers_are_served_in_order, 0, KINDS);
    tcase_add_loop_test(tests, nobody_overtakes_a_waiting_reader, 0, KINDS);
    tcase_add_loop_test(tests, writers_are_served_in_order_and_do_not_mix, 0, KINDS);
    tcase_add_loop_test(tests, a_cancelled_reader_lets_the_next_one_have_it, 0, KINDS);
    tcase_add_loop_test(tests, cancelling_twice_or_too_late_changes_nothing, 0, KINDS);
    tcase_add_loop_test(tests, the_kernel_never_writes_to_the_buffer_of_a_finished_read, 0, KINDS);
    tcase_add_loop_test(tests, eviction_ends_everybody_at_once, 0, KINDS);
    tcase_add_loop_test(tests, eviction_completes_what_was_cancelled_before, 0, KINDS);
    tcase_add_test(tests, readers_pollers_and_writers_do_not_disturb_each_other);
    tcase_add_loop_test(tests, a_completion_may_cancel_its_neighbours, 0, KINDS);
    tcase_add_test(tests, more_descriptors_than_one_piece_of_the_table);
    suite_add_tcase(suite, tests);
    return suite;
}
