/* accept and connect, on sockets that block. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/un.h>
#include <unistd.h>

#include "harness.h"
#include "suites.h"

static void shut(int fd)
{
    poller->class->evict(poller, fd);
    close(fd);
}

START_TEST(accept_waits_for_a_connection)
    {
        struct sockaddr_in address, peer, mine;
        socklen_t length = sizeof peer, mine_length = sizeof mine;
        struct job job = {.op = {.code = CI_OP_ACCEPT, .accept = {.address = (void *)&peer, .length = &length}}};

        open_poller(0);
        job.op.fd = tcp_listener(&address);
        start(&job);
        stays_waiting(&job, 0);
        int client = socket(AF_INET, SOCK_STREAM, 0);
        ck_assert_int_eq(connect(client, (void *)&address, sizeof address), 0);
        int fd = (int)finish(&job);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(getsockname(client, (void *)&mine, &mine_length), 0);
        ck_assert_int_eq(peer.sin_port, mine.sin_port);
        ck_assert_int_eq(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
        ck_assert_int_eq(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
        ck_assert_int_eq(fcntl(job.op.fd, F_GETFL) & O_NONBLOCK, 0);
        shut(job.op.fd);
        shut(fd);
        close(client);
        close_poller();
    }
END_TEST

START_TEST(accept_takes_every_connection_that_waits)
    {
        enum { CONNECTIONS = 10 };
        struct sockaddr_in address;
        struct job job;
        int clients[CONNECTIONS];

        open_poller(0);
        int listener = tcp_listener(&address);
        start_accept(&job, listener);
        for (int i = 0; i < CONNECTIONS; i++) {
            clients[i] = socket(AF_INET, SOCK_STREAM, 0);
            ck_assert_int_eq(connect(clients[i], (void *)&address, sizeof address), 0);
        }
        for (int i = 0; i < CONNECTIONS; i++) {
            int64_t fd = finish(&job);
            ck_assert_int_ge(fd, 0);
            shut((int)fd);
            close(clients[i]);
            start_accept(&job, listener);
        }
        stays_waiting(&job, MILLISECOND);
        ck_assert_int_eq(cancel(&job), -ECANCELED);
        shut(listener);
        close_poller();
    }
END_TEST

START_TEST(accept_tells_when_descriptors_run_out)
    {
        struct sockaddr_in address;
        struct rlimit limit;
        struct job job;

        open_poller(0);
        int listener = tcp_listener(&address);
        int client = socket(AF_INET, SOCK_STREAM, 0);
        start_accept(&job, listener);
        stays_waiting(&job, 0);
        getrlimit(RLIMIT_NOFILE, &limit);
        rlim_t old = limit.rlim_cur;
        limit.rlim_cur = (rlim_t)client + 1;
        setrlimit(RLIMIT_NOFILE, &limit);
        ck_assert_int_eq(connect(client, (void *)&address, sizeof address), 0);
        ck_assert_int_eq(finish(&job), -EMFILE);
        limit.rlim_cur = old;
        setrlimit(RLIMIT_NOFILE, &limit);
        start_accept(&job, listener);
        int64_t fd = finish(&job);
        ck_assert_int_ge(fd, 0);
        shut((int)fd);
        shut(listener);
        close(client);
        close_poller();
    }
END_TEST

START_TEST(connect_reaches_a_listener)
    {
        struct sockaddr_in address;
        char buffer[4];
        struct job job;

        open_poller(0);
        int listener = tcp_listener(&address);
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        start_connect(&job, fd, &address, sizeof address);
        ck_assert_int_eq(finish(&job), 0);
        ck_assert_int_eq(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
        int server = accept(listener, NULL, NULL);
        start_recv(&job, fd, buffer, sizeof buffer, 0);
        stays_waiting(&job, 0);
        ck_assert_int_eq(send(server, "hey", 3, 0), 3);
        ck_assert_int_eq(finish(&job), 3);
        start_connect(&job, fd, &address, sizeof address);
        int64_t rc = finish(&job);
        ck_assert(rc == 0 || rc == -EISCONN); /* Linux: 0 once, when the first connect did not wait for its end */
        shut(fd);
        close(server);
        close(listener);
        close_poller();
    }
END_TEST

START_TEST(connect_to_nobody_is_refused)
    {
        struct sockaddr_in address;
        struct job job;

        open_poller(0);
        close(tcp_listener(&address));
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        start_connect(&job, fd, &address, sizeof address);
        ck_assert_int_eq(finish(&job), -ECONNREFUSED);
        shut(fd);
        close_poller();
    }
END_TEST

/* A listener whose queue is full does not answer: to connect takes for ever. */
START_TEST(a_connect_that_takes_long_can_be_cancelled)
    {
        struct sockaddr_in address;
        socklen_t length = sizeof address;
        struct job job;
        int fillers[4];

        open_poller(0);
        int listener = tcp_listener(&address);
        ck_assert_int_eq(listen(listener, 0), 0);
        ck_assert_int_eq(getsockname(listener, (void *)&address, &length), 0);
        for (int i = 0; i < 4; i++) {
            fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
            (void)connect(fillers[i], (void *)&address, sizeof address);
        }
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        start_connect(&job, fd, &address, sizeof address);
        stays_waiting(&job, 20 * MILLISECOND);
        ck_assert_int_eq(cancel(&job), -ECANCELED);
        start_connect(&job, fd, &address, sizeof address); /* EALREADY: the kernel is at it, and this waits for that */
        stays_waiting(&job, MILLISECOND);
        poller->class->evict(poller, fd);
        ck_assert_int_eq(job.op.result, -EBADF);
        close(fd);
        for (int i = 0; i < 4; i++) {
            close(fillers[i]);
        }
        close(listener);
        close_poller();
    }
END_TEST

static int unix_listener(struct sockaddr_un *address, int backlog)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(address->sun_path + 1, sizeof address->sun_path - 1, "coil-test-%d", getpid());
    ck_assert_int_eq(bind(fd, (void *)address, sizeof *address), 0);
    ck_assert_int_eq(listen(fd, backlog), 0);
    return fd;
}

START_TEST(connect_waits_for_room_in_a_unix_listeners_queue)
    {
        struct sockaddr_un address;
        struct job jobs[4];
        int fds[4];

        open_poller(0);
        int listener = unix_listener(&address, 0);
        for (int i = 0; i < 4; i++) {
            fds[i] = socket(AF_UNIX, SOCK_STREAM, 0);
            start_connect(&jobs[i], fds[i], &address, sizeof address);
        }
        ck_assert(jobs[0].at_once);
        stays_waiting(&jobs[1], 10 * MILLISECOND);
        ck_assert_int_eq(cancel(&jobs[3]), -ECANCELED);
        poller->class->evict(poller, fds[2]);
        ck_assert_int_eq(jobs[2].op.result, -EBADF);
        close(accept(listener, NULL, NULL));
        ck_assert_int_eq(finish(&jobs[1]), 0);
        for (int i = 0; i < 4; i++) {
            shut(fds[i]);
        }
        close(listener);
        close_poller();
    }
END_TEST

START_TEST(a_unix_listener_that_goes_away_refuses)
    {
        struct sockaddr_un address;
        struct job jobs[2];
        int fds[2];

        open_poller(0);
        int listener = unix_listener(&address, 0);
        for (int i = 0; i < 2; i++) {
            fds[i] = socket(AF_UNIX, SOCK_STREAM, 0);
            start_connect(&jobs[i], fds[i], &address, sizeof address);
        }
        stays_waiting(&jobs[1], MILLISECOND);
        close(listener);
        ck_assert_int_eq(finish(&jobs[1]), -ECONNREFUSED);
        shut(fds[0]);
        shut(fds[1]);
        close_poller();
    }
END_TEST

Suite *connection_suite(void)
{
    Suite *suite = suite_create("connection");
    TCase *tests = tcase_create("accept-and-connect");

    tcase_add_test(tests, accept_waits_for_a_connection);
    tcase_add_test(tests, accept_takes_every_connection_that_waits);
    tcase_add_test(tests, accept_tells_when_descriptors_run_out);
    tcase_add_test(tests, connect_reaches_a_listener);
    tcase_add_test(tests, connect_to_nobody_is_refused);
    tcase_add_test(tests, a_connect_that_takes_long_can_be_cancelled);
    tcase_add_test(tests, connect_waits_for_room_in_a_unix_listeners_queue);
    tcase_add_test(tests, a_unix_listener_that_goes_away_refuses);
    suite_add_tcase(suite, tests);
    return suite;
}
