/*
 * What the tests of I/O share: IO_TEST, whose body is the main coroutine of a run on the real clock, since the kernel's is real; pairs
 * of descriptors, which all block; and calls packed up so that a task can make them. After each test no descriptor may be left.
 */
#ifndef TESTS_IO_HARNESS_H
#define TESTS_IO_HARNESS_H

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <coil/io.h>
#include <coil/task.h>

#include "tests/support/descriptors.h"

/* A test whose body is a coroutine; it returns 0. */
#define IO_TEST(name)                     \
    static int name##_main(void *unused); \
    START_TEST(name)                      \
        {                                 \
            run_io(name##_main);          \
        }                                 \
    END_TEST                              \
    static int name##_main(__attribute__((unused)) void *unused)

/* The same for a test that loops, with its index in loop_index. */
#define IO_LOOP_TEST(name)                \
    static int name##_main(void *unused); \
    START_TEST(name)                      \
        {                                 \
            loop_index = _i;              \
            run_io(name##_main);          \
        }                                 \
    END_TEST                              \
    static int name##_main(__attribute__((unused)) void *unused)

static inline void run_io(coil_fn *main)
{
    int before = open_descriptors();

    ck_assert_int_eq(coil_run(main, NULL), 0);
    ck_assert_int_eq(open_descriptors(), before);
}

/* ---- descriptors ----------------------------------------------------------------------------------------------------- */

static inline int tcp_listener(struct sockaddr_in *address)
{
    socklen_t length = sizeof *address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    ck_assert_int_eq(bind(fd, (struct sockaddr *)address, sizeof *address), 0);
    ck_assert_int_eq(listen(fd, 1024), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)address, &length), 0);
    return fd;
}

static inline int tcp_socket(void)
{
    return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

/* A connected pair; fds[0] comes from coil_accept. */
static inline void tcp_pair(int fds[2])
{
    struct sockaddr_in address;
    int listener = tcp_listener(&address);

    fds[1] = tcp_socket();
    ck_assert_int_eq(coil_connect(fds[1], (struct sockaddr *)&address, sizeof address), 0);
    fds[0] = coil_accept(listener, NULL, NULL);
    ck_assert_int_ge(fds[0], 0);
    ck_assert_int_eq(coil_close(listener), 0);
}

static inline void unix_pair(int fds[2])
{
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
}

static inline void close_pair(const int fds[2])
{
    ck_assert_int_eq(coil_close(fds[0]), 0);
    ck_assert_int_eq(coil_close(fds[1]), 0);
}

/* ---- calls ----------------------------------------------------------------------------------------------------------- */

/* One call, for a task to make: run with the function below that has the name of the call. */
struct call {
    int fd;
    void *data;
    size_t size;
    int flags;
    ssize_t result;
    int after; /* what the next await returned */
};

static inline int call_recv(void *arg)
{
    struct call *call = arg;

    call->result = coil_recv(call->fd, call->data, call->size, call->flags);
    return (int)call->result;
}

static inline int call_send(void *arg)
{
    struct call *call = arg;

    call->result = coil_send(call->fd, call->data, call->size, call->flags);
    return (int)call->result;
}

static inline int call_read(void *arg)
{
    struct call *call = arg;

    call->result = coil_read(call->fd, call->data, call->size);
    return (int)call->result;
}

static inline int call_write(void *arg)
{
    struct call *call = arg;

    call->result = coil_write(call->fd, call->data, call->size);
    return (int)call->result;
}

static inline int call_accept(void *arg)
{
    struct call *call = arg;

    call->result = coil_accept(call->fd, NULL, NULL);
    return (int)call->result;
}

static inline int call_connect(void *arg)
{
    struct call *call = arg;

    call->result = coil_connect(call->fd, call->data, (socklen_t)call->size);
    return (int)call->result;
}

static inline int call_poll(void *arg)
{
    struct call *call = arg;

    call->result = coil_poll(call->data, (nfds_t)call->size, INFINITY);
    return (int)call->result;
}

static inline coil_task *spawn(coil_fn *fn, void *arg)
{
    coil_task *task = coil_create_task(fn, arg);

    ck_assert_ptr_nonnull(task);
    return task;
}

/* Lets every task run until it waits. */
static inline void settle(void)
{
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(coil_sleep(0), 0);
    }
}

#endif
