/*
 * What the tests of streams and servers share, beside what the tests of I/O do: streams on one end of a pair, the plain descriptor on
 * the other, so that a test decides byte by byte what the stream sees.
 */
#ifndef TESTS_NET_HARNESS_H
#define TESTS_NET_HARNESS_H

#include <coil/server.h>
#include <coil/stream.h>
#include <coil/sync.h>

#include "tests/io/harness.h"

/* A stream and the other end of its connection. */
struct pair {
    coil_stream *stream;
    int fd;
};

/* Small buffers of the kernel's, so that a test need not write megabytes to fill them. */
static inline void make_small(int fd, int bytes)
{
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes), 0);
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes), 0);
}

/* TCP on the loopback has segments of 64 KiB: with less room than a few of those it goes by its timers. */
enum { SMALL_UNIX = 8 * 1024, SMALL_TCP = 128 * 1024 };

static inline struct pair pair_new(size_t limit)
{
    struct pair pair;
    int fds[2];

    unix_pair(fds);
    make_small(fds[0], SMALL_UNIX);
    make_small(fds[1], SMALL_UNIX);
    ck_assert_int_eq(coil_open_fd_connection(&pair.stream, fds[0], limit), 0);
    pair.fd = fds[1];
    return pair;
}

static inline struct pair pair_new_tcp(size_t limit)
{
    struct pair pair;
    int fds[2];

    tcp_pair(fds);
    make_small(fds[0], SMALL_TCP);
    make_small(fds[1], SMALL_TCP);
    ck_assert_int_eq(coil_open_fd_connection(&pair.stream, fds[0], limit), 0);
    pair.fd = fds[1];
    return pair;
}

static inline void pair_free(struct pair *pair)
{
    ck_assert_int_eq(coil_stream_close(pair->stream), 0);
    coil_stream_unref(pair->stream);
    if (pair->fd >= 0) {
        ck_assert_int_eq(coil_close(pair->fd), 0);
    }
}

/* Has the other end send text, all of which the kernel takes. */
static inline void say(const struct pair *pair, const char *text)
{
    ck_assert_int_eq(send(pair->fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Has the other end end its output. */
static inline void say_end(const struct pair *pair)
{
    ck_assert_int_eq(shutdown(pair->fd, SHUT_WR), 0);
}

/* Has the kernel send a reset when the other end is closed, and closes it. */
static inline void reset(struct pair *pair)
{
    const struct linger linger = {.l_onoff = 1, .l_linger = 0};

    ck_assert_int_eq(setsockopt(pair->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger), 0);
    ck_assert_int_eq(coil_close(pair->fd), 0);
    pair->fd = -1;
}

/* What the other end receives within the call, up to size bytes. */
static inline ssize_t hear(const struct pair *pair, void *data, size_t size)
{
    return recv(pair->fd, data, size, MSG_DONTWAIT);
}

/* Bytes that differ from place to place. */
static inline unsigned char byte_at(size_t i)
{
    return (unsigned char)(i * 7 + i / 251 + i / 65521);
}

static inline unsigned char *pattern(size_t size)
{
    unsigned char *data = malloc(size);

    for (size_t i = 0; i < size; i++) {
        data[i] = byte_at(i);
    }
    return data;
}

/* One call of a stream, for a task to make: run with the function below that has the name of the call. */
struct stream_call {
    coil_stream *stream;
    void *data;
    size_t size;
    const char *separator;
    ssize_t result;
    int after; /* what the next await returned */
};

static inline int stream_read(void *arg)
{
    struct stream_call *call = arg;

    call->result = coil_stream_read(call->stream, call->data, call->size);
    call->after = coil_sleep(0);
    return 0;
}

static inline int stream_read_exactly(void *arg)
{
    struct stream_call *call = arg;

    call->result = coil_stream_read_exactly(call->stream, call->data, call->size);
    call->after = coil_sleep(0);
    return 0;
}

static inline int stream_read_until(void *arg)
{
    struct stream_call *call = arg;

    call->result =
        coil_stream_read_until(call->stream, call->separator, strlen(call->separator), call->data, call->size);
    call->after = coil_sleep(0);
    return 0;
}

static inline int stream_read_line(void *arg)
{
    struct stream_call *call = arg;

    call->result = coil_stream_read_line(call->stream, call->data, call->size);
    call->after = coil_sleep(0);
    return 0;
}

static inline int stream_write(void *arg)
{
    struct stream_call *call = arg;

    call->result = coil_stream_write(call->stream, call->data, call->size);
    call->after = coil_sleep(0);
    return 0;
}

static inline int stream_close(void *arg)
{
    struct stream_call *call = arg;

    call->result = coil_stream_close(call->stream);
    call->after = coil_sleep(0);
    return 0;
}

static inline int stream_flush(void *arg)
{
    struct stream_call *call = arg;

    call->result = coil_stream_flush(call->stream);
    call->after = coil_sleep(0);
    return 0;
}

#endif
