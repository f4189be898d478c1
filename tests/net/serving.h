/*
 * What the tests of servers share: handlers, clients, and the reports that come.
 */
#ifndef TESTS_NET_SERVING_H
#define TESTS_NET_SERVING_H

#include <stdio.h>

#include "harness.h"

static int reports;
static struct coil_report last_report;

static inline void note_report(coil_loop *loop, const struct coil_report *report, void *userdata)
{
    (void)loop;
    (void)userdata;
    reports++;
    last_report = *report;
}

static inline void watch_reports(void)
{
    coil_loop_set_exception_handler(coil_get_running_loop(), note_report, NULL);
}

/* ---- handlers -------------------------------------------------------------------------------------------------------- */

static inline int echo(coil_stream *stream, void *userdata)
{
    char data[4096];
    ssize_t count;

    (void)userdata;
    while ((count = coil_stream_read(stream, data, sizeof data)) > 0) {
        count = coil_stream_write(stream, data, (size_t)count);
        if (count < 0) {
            break;
        }
    }
    return (int)count;
}

/* Holds the connection until the peer ends it, and counts how many are held. */
static int held;
static int most_held;

static inline int hold(coil_stream *stream, void *userdata)
{
    char data[16];
    ssize_t count;

    (void)userdata;
    held++;
    most_held = held > most_held ? held : most_held;
    do {
        count = coil_stream_read(stream, data, sizeof data);
    } while (count > 0);
    held--;
    return (int)count;
}

static inline int greet_and_go(coil_stream *stream, void *userdata)
{
    const char *text = userdata;

    return (int)coil_stream_write(stream, text, strlen(text));
}

static inline int fail_with(coil_stream *stream, void *userdata)
{
    (void)stream;
    return coil_fail(*(int *)userdata, "a handler's own trouble");
}

/* ---- clients --------------------------------------------------------------------------------------------------------- */

static inline coil_server *serve(coil_connection_fn *handler, void *userdata, const char *host)
{
    coil_server *server;

    ck_assert_int_eq(coil_start_server(&server, handler, userdata, host, "0"), 0);
    return server;
}

static inline coil_stream *visit(const coil_server *server)
{
    coil_stream *stream;
    char port[8];

    (void)snprintf(port, sizeof port, "%d", coil_server_port(server));
    ck_assert_int_eq(coil_open_connection(&stream, "127.0.0.1", port), 0);
    return stream;
}

static inline void leave(coil_stream *stream)
{
    (void)coil_stream_close(stream);
    coil_stream_unref(stream);
}

static inline void end(coil_server *server)
{
    ck_assert_int_eq(coil_server_close(server), 0);
    ck_assert_int_eq(coil_server_wait_closed(server), 0);
    coil_server_unref(server);
}

#endif
