/*
 * What a connection costs that does nothing: memory of a server's end, with its task that waits to read, and of a client's end that nobody
 * waits in, both in this process and both streams; and how long it takes until all of them are there, coming all at once. The kernel's
 * own memory for sockets is not the process's, and not in it.
 *
 *     bench_idle [CONNECTIONS]
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <coil/server.h>
#include <coil/stream.h>
#include <coil/task.h>

#include "measure.h"

enum { CONNECTIONS = 9000, BACKLOG = 4096, LINE = 128, AT_ONCE = 5000 };

static coil_stream **streams;
static size_t arrived;
static char port[8];

static int wait_for_bytes(coil_stream *stream, void *unused)
{
    char data[LINE];

    (void)unused;
    arrived++;
    return (int)coil_stream_read(stream, data, sizeof data);
}

static int wait_for_line(coil_stream *stream, void *unused)
{
    char line[LINE];

    (void)unused;
    arrived++;
    return (int)coil_stream_read_line(stream, line, sizeof line);
}

static int connect_one(void *arg)
{
    return coil_open_connection((coil_stream **)arg, "127.0.0.1", port);
}

/* All at once, as far as that goes. */
static int connect_all(size_t count)
{
    int rc = 0;

    for (size_t at = 0; at < count && rc == 0; at += AT_ONCE) {
        coil_group group;
        coil_group_begin(&group);
        for (size_t i = at; i < count && i < at + AT_ONCE; i++) {
            (void)coil_group_spawn(&group, connect_one, &streams[i]);
        }
        rc = coil_group_end(&group, 0);
    }
    while (rc == 0 && arrived < count) {
        rc = coil_sleep(0.001);
    }
    return rc == 0 ? coil_sleep(0.2) : rc; /* what stacks were used for a moment goes back to the kernel */
}

static int measure(const char *name, coil_connection_fn *handler, size_t count)
{
    coil_server *server;

    arrived = 0;
    int rc = coil_start_server(&server, handler, NULL, "127.0.0.1", "0", .backlog = BACKLOG);
    if (rc < 0) {
        return rc;
    }
    (void)snprintf(port, sizeof port, "%d", coil_server_port(server));
    double memory = bench_memory_bytes();
    double start_ns = bench_wall_ns();
    rc = connect_all(count);
    double seconds = (bench_wall_ns() - start_ns) / 1e9 - 0.2;
    if (rc == 0) {
        printf("  %-22s %6.0f bytes per connection, all there after %.3f s\n", name,
               (bench_memory_bytes() - memory) / (double)count, seconds);
    }
    for (size_t i = 0; i < count; i++) {
        coil_stream_abort(streams[i]);
        coil_stream_unref(streams[i]);
        streams[i] = NULL;
    }
    (void)coil_server_shutdown(server, 10);
    coil_server_unref(server);
    return rc;
}

static int run(void *arg)
{
    size_t count = *(const size_t *)arg;

    printf("%zu idle connections, both ends in this process\n", count);
    int rc = measure("waiting in read", wait_for_bytes, count);
    return rc < 0 ? rc : measure("waiting in read_line", wait_for_line, count);
}

int main(int argc, char **argv)
{
    size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : CONNECTIONS;
    struct rlimit limit;

    (void)getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    streams = calloc(count, sizeof *streams);
    int rc = coil_run(run, &count);
    free(streams);
    if (rc < 0) {
        fprintf(stderr, "bench_idle: %s\n", coil_strerror(rc));
    }
    return rc < 0;
}
