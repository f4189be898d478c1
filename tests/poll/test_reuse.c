/* A number that is closed and used again: nothing hangs, nothing comes from before, whoever closed it and however. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "suites.h"

/* Closes number and makes it stand for another open file, as if the kernel had handed it out again. */
static void becomes(int number, int *fd)
{
    ck_assert_int_eq(dup2(*fd, number), number);
    close(*fd);
    *fd = number;
}

/* Has been read from, and is known to be empty. */
static void use(int fd, int peer)
{
    char buffer[16];
    struct job job;

    for (int i = 0; i < 3; i++) {
        start_recv(&job, fd, buffer, sizeof buffer, 0);
        stays_waiting(&job, 0);
        ck_assert_int_eq(send(peer, "x", 1, 0), 1);
        ck_assert_int_eq(finish(&job), 1);
    }
}

START_TEST(a_number_is_used_again_after_an_eviction)
    {
        char buffer[16];
        struct job job;
        int old[2], new[2];

        open_poller(0);
        tcp_pair(old);
        use(old[0], old[1]);
        unix_pair(SOCK_STREAM, new);
        poller->class->evict(poller, old[0]);
        becomes(old[0], &new[0]);
        start_recv(&job, new[0], buffer, sizeof buffer, 0);
        stays_waiting(&job, MILLISECOND);
        ck_assert_int_eq(send(new[1], "new", 3, 0), 3);
        ck_assert_int_eq(finish(&job), 3);
        close_poller();
    }
END_TEST

/* The loop index: what the number stood for, and stands for then. */
static void some_pair(int kind, int fds[2])
{
    if (kind == 0) {
        tcp_pair(fds);
    } else if (kind == 1) {
        plain_tcp_pair(fds);
    } else if (kind == 2) {
        unix_pair(SOCK_STREAM, fds);
    } else {
        ck_assert_int_eq(pipe(fds), 0);
    }
}

START_TEST(a_number_closed_behind_our_back_is_used_again)
    {
        char buffer[16];
        struct job job;
        int old[2], new[2];

        open_poller(0);
        some_pair(_i / 4 % 3, old);
        use(old[0], old[1]);
        some_pair(_i % 4, new);
        becomes(old[0], &new[0]);
        for (int round = 0; round < 3; round++) {
            int64_t began_ns = now_ns();
            start_read(&job, new[0], buffer, sizeof buffer);
            stays_waiting(&job, 0);
            ck_assert_int_eq(write(new[1], "new", 3), 3);
            ck_assert_int_eq(finish(&job), 3);
            ck_assert_int_lt(now_ns() - began_ns, SECOND);
        }
        close_poller();
    }
END_TEST

START_TEST(writing_to_a_number_that_is_used_again_works_too)
    {
        struct job job;
        int old[2], new[2];

        open_poller(0);
        some_pair(_i, old);
        fill(old[0]);
        start_send(&job, old[0], "x", 1, 0);
        stays_waiting(&job, 0);
        ck_assert_int_eq(cancel(&job), -ECANCELED);
        unix_pair(SOCK_STREAM, new);
        size_t filled = fill(new[0]);
        becomes(old[0], &new[0]);
        start_send(&job, new[0], "x", 1, 0);
        stays_waiting(&job, 0);
        drain(new[1], filled);
        ck_assert_int_eq(finish(&job), 1);
        close_poller();
    }
END_TEST

START_TEST(a_file_under_a_used_number_is_simply_read)
    {
        char buffer[16];
        struct job job;
        int old[2];

        open_poller(0);
        some_pair(_i, old);
        use(old[0], old[1]);
        int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
        becomes(old[0], &file);
        start_read(&job, file, buffer, sizeof buffer);
        ck_assert_int_eq(finish(&job), sizeof buffer);
        ck_assert_int_eq(memcmp(buffer, "\177ELF", 4), 0);
        close_poller();
    }
END_TEST

START_TEST(accept_may_hand_out_a_number_again)
    {
        char buffer[16];
        struct job job;
        int old[2], new[2];

        open_poller(0);
        tcp_pair(old);
        use(old[0], old[1]);
        start_recv(&job, old[0], buffer, sizeof buffer, 0);
        stays_waiting(&job, 0);
        close(old[1]);
        old[1] = -1;
        close(old[0]); /* under the one who waits: nothing will come for it any more */
        int number = old[0];
        do {
            tcp_pair(new);
        } while (new[0] != number &&new[0] < number + 8);
        ck_assert_int_eq(new[0], number);
        int64_t rc = finish(&job);
        ck_assert(rc == -EBADF || rc == 0);
        use(new[0], new[1]);
        close_poller();
    }
END_TEST

START_TEST(who_waited_on_a_closed_number_does_not_read_from_its_successor)
    {
        char mine = 0, yours = 0;
        struct job before, after;
        int old[2], new[2];

        open_poller(0);
        unix_pair(SOCK_STREAM, old);
        unix_pair(SOCK_STREAM, new);
        start_recv(&before, old[0], &mine, 1, 0);
        stays_waiting(&before, 0);
        becomes(old[0], &new[0]);
        start_recv(&after, new[0], &yours, 1, 0);
        ck_assert_int_eq(send(new[1], "x", 1, 0), 1);
        ck_assert_int_eq(finish(&after), 1);
        ck_assert_int_eq(finish(&before), -EBADF);
        ck_assert_int_eq(mine, 0);
        ck_assert_int_eq(yours, 'x');
        close_poller();
    }
END_TEST

START_TEST(a_wait_on_a_number_that_the_program_closed_ends)
    {
        char byte;
        struct job job;
        int fds[2];

        open_poller(0);
        tcp_pair(fds);
        use(fds[0], fds[1]);
        start_recv(&job, fds[0], &byte, 1, 0);
        ck_assert_int_eq(close(fds[0]), 0);
        ck_assert_int_eq(finish(&job), -EBADF);
        close_poller();
    }
END_TEST

/* The open file lives on under another number, and what happens to it is still told for the old one. */
START_TEST(news_of_a_duplicate_do_not_reach_the_successor)
    {
        char byte;
        struct job job;
        int old[2], new[2];

        open_poller(0);
        some_pair(_i, old);
        use(old[0], old[1]);
        int duplicate = dup(old[0]);
        unix_pair(SOCK_STREAM, new);
        becomes(old[0], &new[0]);
        start_poll(&job, new[0], POLLIN);
        ck_assert_int_eq(send(old[1], "x", 1, 0), 1);
        stays_waiting(&job, 120 * MILLISECOND);
        ck_assert_int_eq(send(new[1], "x", 1, 0), 1);
        ck_assert_int_eq(finish(&job), POLLIN);
        ck_assert_int_eq(recv(duplicate, &byte, 1, 0), 1);
        close_poller();
    }
END_TEST

START_TEST(a_duplicate_of_an_evicted_number_is_silent)
    {
        struct job job;
        char byte;
        int fds[2], idle[2];

        open_poller(0);
        some_pair(_i, fds);
        use(fds[0], fds[1]);
        int duplicate = dup(fds[0]);
        poller->class->evict(poller, fds[0]);
        close(fds[0]);
        unix_pair(SOCK_STREAM, idle);
        start_recv(&job, idle[0], &byte, 1, 0);
        count_calls();
        ck_assert_int_eq(send(fds[1], "x", 1, 0), 1);
        ck_assert_int_eq(poller->class->wait(poller, 5 * MILLISECOND), 0);
        ck_assert_int_eq(calls_of("epoll_pwait2") + calls_of("io_uring_enter"), 1);
        ck_assert_int_eq(cancel(&job), -ECANCELED);
        close(duplicate);
        close_poller();
    }
END_TEST

Suite *reuse_suite(void)
{
    Suite *suite = suite_create("reuse");
    TCase *tests = tcase_create("numbers-used-again");

    tcase_add_test(tests, a_number_is_used_again_after_an_eviction);
    tcase_add_loop_test(tests, a_number_closed_behind_our_back_is_used_again, 0, 12);
    tcase_add_loop_test(tests, writing_to_a_number_that_is_used_again_works_too, 0, 3);
    tcase_add_loop_test(tests, a_file_under_a_used_number_is_simply_read, 0, 3);
    tcase_add_test(tests, accept_may_hand_out_a_number_again);
    tcase_add_test(tests, who_waited_on_a_closed_number_does_not_read_from_its_successor);
    tcase_add_test(tests, a_wait_on_a_number_that_the_program_closed_ends);
    tcase_add_loop_test(tests, news_of_a_duplicate_do_not_reach_the_successor, 0, 3);
    tcase_add_loop_test(tests, a_duplicate_of_an_evicted_number_is_silent, 0, 3);
    suite_add_tcase(suite, tests);
    return suite;
}
