/* Servers: a task for each connection, limits, shortages, and every way to their end. */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "harness.h"
#include "loop/loop.h"
#include "suites.h"

static int reports;
static struct coil_report last_report;

static void note_report(coil_loop *loop, const struct coil_report *report, void *userdata)
{
    (void)loop;
    (void)userdata;
    reports++;
    last_report = *report;
}

static void watch_reports(void)
{
    coil_loop_set_exception_handler(coil_get_running_loop(), note_report, NULL);
}

/* ---- handlers -------------------------------------------------------------------------------------------------------- */

static int echo(coil_stream *stream, void *userdata)
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

static int hold(coil_stream *stream, void *userdata)
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

static int greet_and_go(coil_stream *stream, void *userdata)
{
    const char *text = userdata;

    return (int)coil_stream_write(stream, text, strlen(text));
}

static int fail_with(coil_stream *stream, void *userdata)
{
    (void)stream;
    return coil_fail(*(int *)userdata, "a handler's own trouble");
}

/* ---- clients --------------------------------------------------------------------------------------------------------- */

static coil_server *serve(coil_connection_fn *handler, void *userdata, const char *host)
{
    coil_server *server;

    ck_assert_int_eq(coil_start_server(&server, handler, userdata, host, "0"), 0);
    return server;
}

static coil_stream *visit(const coil_server *server)
{
    coil_stream *stream;
    char port[8];

    (void)snprintf(port, sizeof port, "%d", coil_server_port(server));
    ck_assert_int_eq(coil_open_connection(&stream, "127.0.0.1", port), 0);
    return stream;
}

static void leave(coil_stream *stream)
{
    (void)coil_stream_close(stream);
    coil_stream_unref(stream);
}

static void end(coil_server *server)
{
    ck_assert_int_eq(coil_server_close(server), 0);
    ck_assert_int_eq(coil_server_wait_closed(server), 0);
    coil_server_unref(server);
}

/* ---- serving --------------------------------------------------------------------------------------------------------- */

IO_TEST(an_echo_server_echoes)
{
    char data[16];
    coil_server *server = serve(echo, NULL, "127.0.0.1");
    coil_stream *stream = visit(server);

    ck_assert(coil_server_is_serving(server));
    ck_assert_int_eq(coil_stream_write(stream, "hello", 5), 5);
    ck_assert_int_eq(coil_stream_read_exactly(stream, data, 5), 5);
    ck_assert_mem_eq(data, "hello", 5);
    ck_assert_uint_eq(coil_server_connections(server), 1);
    ck_assert_int_eq(coil_stream_write_eof(stream), 0);
    ck_assert_int_eq(coil_stream_read(stream, data, sizeof data), 0);
    leave(stream);
    end(server);
    return 0;
}

IO_TEST(no_host_is_both_families_on_one_port)
{
    coil_server *server = serve(echo, NULL, NULL);
    coil_stream *stream;
    char port[8];
    int fds[4];

    size_t count = coil_server_sockets(server, fds, 4);
    ck_assert_uint_ge(count, 1);
    (void)snprintf(port, sizeof port, "%d", coil_server_port(server));
    ck_assert_int_eq(coil_open_connection(&stream, "127.0.0.1", port), 0);
    leave(stream);
    if (count == 2) {
        ck_assert_int_eq(coil_open_connection(&stream, "::1", port), 0);
        leave(stream);
    }
    end(server);
    return 0;
}

IO_TEST(the_stream_is_flushed_and_closed_when_the_handler_returns)
{
    char line[32];
    coil_server *server = serve(greet_and_go, (char[]){"hello and goodbye\n"}, "127.0.0.1");
    coil_stream *stream = visit(server);

    ck_assert_int_eq(coil_stream_read_line(stream, line, sizeof line), 18);
    ck_assert_int_eq(coil_stream_read_line(stream, line, sizeof line), 0);
    leave(stream);
    end(server);
    ck_assert_int_eq(reports, 0);
    return 0;
}

static int greet_slowly(coil_stream *stream, void *userdata)
{
    static char much[4 << 20];

    (void)userdata;
    return (int)coil_stream_write(stream, much, sizeof much) > 0 ? 0 : -EIO;
}

IO_TEST(a_slow_peer_gets_everything_although_the_handler_has_returned)
{
    static char data[65536];
    size_t total = 0;
    ssize_t count;
    coil_server *server = serve(greet_slowly, NULL, "127.0.0.1");
    coil_stream *stream = visit(server);

    while ((count = coil_stream_read(stream, data, sizeof data)) > 0) {
        total += (size_t)count;
    }
    ck_assert_int_eq(count, 0);
    ck_assert_uint_eq(total, 4 << 20);
    leave(stream);
    end(server);
    return 0;
}

IO_TEST(the_peers_address_is_known)
{
    struct sockaddr_in peer, own;
    socklen_t length = sizeof peer;
    coil_server *server = serve(hold, NULL, "127.0.0.1");
    coil_stream *stream = visit(server);

    ck_assert_int_eq(coil_stream_get_extra_info(stream, COIL_INFO_PEERNAME, &peer, &length), 0);
    ck_assert_int_eq(ntohs(peer.sin_port), coil_server_port(server));
    ck_assert_int_eq(coil_stream_get_extra_info(stream, COIL_INFO_SOCKNAME, &own, &length), 0);
    leave(stream);
    end(server);
    return 0;
}

static int tell_peer(coil_stream *stream, void *userdata)
{
    struct sockaddr_in *peer = userdata;
    socklen_t length = sizeof *peer;

    return coil_stream_get_extra_info(stream, COIL_INFO_PEERNAME, peer, &length);
}

IO_TEST(the_handler_knows_who_has_come)
{
    struct sockaddr_in peer, own;
    socklen_t length = sizeof own;
    char data[4];
    coil_server *server = serve(tell_peer, &peer, "127.0.0.1");
    coil_stream *stream = visit(server);

    ck_assert_int_eq(coil_stream_get_extra_info(stream, COIL_INFO_SOCKNAME, &own, &length), 0);
    ck_assert_int_eq(coil_stream_read(stream, data, sizeof data), 0);
    ck_assert_int_eq(peer.sin_port, own.sin_port);
    leave(stream);
    end(server);
    return 0;
}

/* ---- errors of handlers ---------------------------------------------------------------------------------------------- */

static const struct {
    int error;
    int reports;
} outcomes[] = {{-EINVAL, 1},  {-EIO, 1},       {-ENOMEM, 1}, {-ECONNRESET, 0}, {-EPIPE, 0}, {-ECANCELED, 0},
                {-ENODATA, 0}, {-ETIMEDOUT, 0}, {3, 0}};
enum { OUTCOMES = sizeof outcomes / sizeof outcomes[0] };

static int loop_index;

IO_LOOP_TEST(an_error_is_reported_unless_it_is_normal)
{
    char data[4];
    int error = outcomes[loop_index].error;
    coil_server *server = serve(fail_with, &error, "127.0.0.1");

    watch_reports();
    coil_stream *stream = visit(server);
    ck_assert_int_eq(coil_stream_read(stream, data, sizeof data), 0);
    leave(stream);
    end(server);
    ck_assert_int_eq(reports, outcomes[loop_index].reports);
    if (reports > 0) {
        ck_assert_int_eq(last_report.kind, COIL_REPORT_SERVER_ERROR);
        ck_assert_int_eq(last_report.error, error);
    }
    return 0;
}

/* ---- limits ---------------------------------------------------------------------------------------------------------- */

IO_TEST(beyond_max_connections_others_wait_and_none_is_dropped)
{
    enum { CLIENTS = 10, MOST = 3 };
    coil_server *server;
    coil_stream *streams[CLIENTS];
    char data[4];

    ck_assert_int_eq(coil_start_server(&server, hold, NULL, NULL, "0", .max_connections = MOST), 0);
    for (int i = 0; i < CLIENTS; i++) {
        streams[i] = visit(server);
    }
    ck_assert_int_eq(coil_sleep(0.01), 0);
    ck_assert_int_eq(held, MOST);
    for (int i = 0; i < CLIENTS; i++) {
        ck_assert_int_eq(coil_stream_write_eof(streams[i]), 0);
        ck_assert_int_eq(coil_stream_read(streams[i], data, sizeof data), 0); /* it was served */
        leave(streams[i]);
    }
    ck_assert_int_eq(most_held, MOST);
    end(server);
    return 0;
}

IO_TEST(a_shortage_is_told_once_costs_nothing_and_ends_with_a_connection)
{
    enum { EXTRA = 3 };
    struct rlimit limit, low;
    coil_stream *streams[2 + EXTRA];
    char data[4];
    coil_server *server = serve(hold, NULL, "127.0.0.1");

    watch_reports();
    streams[0] = visit(server);
    streams[1] = visit(server);
    ck_assert_int_eq(coil_sleep(0.01), 0);
    ck_assert_int_eq(held, 2);
    int fds[EXTRA];
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                  .sin_port = htons((uint16_t)coil_server_port(server))};
    for (int i = 0; i < EXTRA; i++) {
        fds[i] = tcp_socket();
    }
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    low = limit;
    low.rlim_cur = (rlim_t)fds[EXTRA - 1] + 1;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &low), 0);
    for (int i = 0; i < EXTRA; i++) {
        ck_assert_int_eq(coil_connect(fds[i], (struct sockaddr *)&address, sizeof address), 0);
    }
    ck_assert_int_eq(coil_sleep(0.005), 0);
    uint64_t iteration = coil_get_running_loop()->iteration;
    ck_assert_int_eq(coil_sleep(0.02), 0);
    ck_assert_uint_le(coil_get_running_loop()->iteration, iteration + 3);
    ck_assert_int_eq(held, 2);
    ck_assert_int_eq(reports, 1);
    ck_assert_int_eq(last_report.error, -EMFILE);
    leave(streams[0]);
    double before = coil_time();
    while (held == 2 && coil_time() < before + 5) {
        ck_assert_int_eq(coil_sleep(0.001), 0); /* one goes, and its descriptor and the client's are free */
    }
    ck_assert_double_lt(coil_time(), before + 0.9); /* sooner than after the second that it would wait else */
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    leave(streams[1]);
    for (int i = 0; i < EXTRA; i++) {
        ck_assert_int_eq(shutdown(fds[i], SHUT_WR), 0);
        ck_assert_int_eq(coil_recv(fds[i], data, sizeof data, 0), 0);
        ck_assert_int_eq(coil_close(fds[i]), 0);
    }
    end(server);
    return 0;
}

static coil_server *storm_server;

static int connect_one(void *arg)
{
    coil_stream **stream = arg;
    char port[8];

    (void)snprintf(port, sizeof port, "%d", coil_server_port(storm_server));
    return coil_open_connection(stream, "127.0.0.1", port);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { STORM = 500 };
#else
enum { STORM = 5000 };
#endif

IO_TEST(thousands_of_clients_come_at_once)
{
    static coil_stream *streams[STORM];
    static coil_task *tasks[STORM];
    char data[4];

    ck_assert_int_eq(coil_start_server(&storm_server, echo, NULL, "127.0.0.1", "0", .backlog = 4096), 0);
    for (int i = 0; i < STORM; i++) {
        tasks[i] = spawn(connect_one, &streams[i]);
    }
    for (int i = 0; i < STORM; i++) {
        ck_assert_int_eq(coil_join(tasks[i]), 0);
        ck_assert_int_eq(coil_stream_write(streams[i], &i, sizeof i), sizeof i);
    }
    for (int i = 0; i < STORM; i++) {
        ck_assert_int_eq(coil_stream_read_exactly(streams[i], data, sizeof i), sizeof i);
        ck_assert_mem_eq(data, &i, sizeof i);
    }
    ck_assert_uint_eq(coil_server_connections(storm_server), STORM);
    for (int i = 0; i < STORM; i++) {
        leave(streams[i]);
    }
    end(storm_server);
    return 0;
}

/* ---- the end --------------------------------------------------------------------------------------------------------- */

IO_TEST(close_leaves_connections_alone)
{
    char data[4];
    coil_server *server = serve(echo, NULL, "127.0.0.1");
    coil_stream *stream = visit(server);
    coil_stream *late;
    char port[8];

    (void)snprintf(port, sizeof port, "%d", coil_server_port(server));
    ck_assert_int_eq(coil_stream_write(stream, "ab", 2), 2);
    ck_assert_int_eq(coil_stream_read_exactly(stream, data, 2), 2);
    ck_assert_int_eq(coil_server_close(server), 0);
    ck_assert_int_eq(coil_server_close(server), 0);
    ck_assert(!coil_server_is_serving(server));
    ck_assert_int_eq(coil_server_port(server), 0);
    ck_assert_int_eq(coil_open_connection(&late, "127.0.0.1", port), -ECONNREFUSED);
    ck_assert_ptr_null(late);
    ck_assert_int_eq(coil_stream_write(stream, "cd", 2), 2);
    ck_assert_int_eq(coil_stream_read_exactly(stream, data, 2), 2);
    ck_assert_uint_eq(coil_server_connections(server), 1);
    leave(stream);
    ck_assert_int_eq(coil_server_wait_closed(server), 0);
    coil_server_unref(server);
    return 0;
}

IO_TEST(shutdown_waits_for_those_who_finish_in_time)
{
    coil_server *server = serve(hold, NULL, "127.0.0.1");
    coil_stream *stream = visit(server);

    ck_assert_int_eq(coil_sleep(0.005), 0);
    ck_assert_int_eq(coil_stream_write_eof(stream), 0);
    ck_assert_int_eq(coil_server_shutdown(server, 10), 0);
    ck_assert_int_eq(held, 0);
    leave(stream);
    coil_server_unref(server);
    return 0;
}

IO_TEST(shutdown_cancels_those_who_do_not)
{
    char data[4];
    coil_server *server = serve(hold, NULL, "127.0.0.1");
    coil_stream *stream = visit(server);

    watch_reports();
    ck_assert_int_eq(coil_sleep(0.005), 0);
    ck_assert_int_eq(coil_server_shutdown(server, 0.01), -ETIMEDOUT);
    ck_assert_uint_eq(coil_server_connections(server), 0);
    ck_assert_int_eq(coil_stream_read(stream, data, sizeof data), 0);
    leave(stream);
    ck_assert_int_eq(coil_server_shutdown(server, 0), 0);
    ck_assert_int_eq(coil_server_shutdown(server, NAN), -EINVAL);
    coil_server_unref(server);
    ck_assert_int_eq(reports, 0);
    return 0;
}

static int write_for_ever(coil_stream *stream, void *userdata)
{
    static char zeros[50000];

    (void)userdata;
    for (;;) {
        ssize_t count = coil_stream_write(stream, zeros, sizeof zeros);
        if (count < 0) {
            return (int)count;
        }
    }
}

IO_TEST(shutdown_is_not_held_up_by_a_peer_that_does_not_read)
{
    coil_server *server = serve(write_for_ever, NULL, "127.0.0.1");
    coil_stream *stream = visit(server);

    ck_assert_int_eq(coil_sleep(0.02), 0);
    ck_assert_int_eq(coil_server_shutdown(server, 0), -ETIMEDOUT);
    coil_stream_abort(stream);
    coil_stream_unref(stream);
    coil_server_unref(server);
    return 0;
}

static int serve_forever(void *server)
{
    return coil_server_serve_forever(server);
}

IO_TEST(serve_forever_ends_when_the_server_is_closed)
{
    coil_server *server = serve(hold, NULL, "127.0.0.1");
    coil_task *task = spawn(serve_forever, server);

    settle();
    ck_assert_int_eq(coil_server_serve_forever(server), -EBUSY);
    ck_assert_int_eq(coil_server_close(server), 0);
    ck_assert_int_eq(coil_join(task), 0);
    ck_assert_int_eq(coil_server_serve_forever(server), -EPIPE);
    coil_server_unref(server);
    return 0;
}

IO_TEST(serve_forever_that_is_cancelled_ends_everything)
{
    char data[4];
    coil_server *server = serve(hold, NULL, "127.0.0.1");
    coil_task *task = spawn(serve_forever, server);
    coil_stream *stream = visit(server);

    ck_assert_int_eq(coil_sleep(0.005), 0);
    ck_assert_int_eq(coil_cancel(task), 1);
    ck_assert_int_eq(coil_join(task), -ECANCELED);
    ck_assert_int_eq(held, 0);
    ck_assert_uint_eq(coil_server_connections(server), 0);
    ck_assert_int_eq(coil_stream_read(stream, data, sizeof data), 0);
    leave(stream);
    coil_server_unref(server);
    return 0;
}

IO_TEST(a_handler_that_never_began_leaves_nothing)
{
    char data[4];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    coil_server *server = serve(hold, NULL, "127.0.0.1");
    int fd = tcp_socket();

    address.sin_port = htons((uint16_t)coil_server_port(server));
    ck_assert_int_eq(coil_connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    while (coil_server_connections(server) == 0) {
        (void)coil_sleep(0);
    }
    ck_assert_int_eq(coil_server_shutdown(server, 0), -ETIMEDOUT);
    ck_assert_int_eq(coil_recv(fd, data, sizeof data, 0), 0);
    ck_assert_int_eq(coil_close(fd), 0);
    coil_server_unref(server);
    return 0;
}

static int keep(coil_stream *stream, void *userdata)
{
    *(coil_stream **)userdata = coil_stream_ref(stream);
    return 0;
}

IO_TEST(a_stream_that_is_kept_is_closed_all_the_same)
{
    char data[4];
    coil_stream *kept = NULL;
    coil_server *server = serve(keep, &kept, "127.0.0.1");
    coil_stream *stream = visit(server);

    ck_assert_int_eq(coil_stream_read(stream, data, sizeof data), 0);
    ck_assert_ptr_nonnull(kept);
    ck_assert(coil_stream_is_closing(kept));
    ck_assert_int_eq(coil_stream_read(kept, data, sizeof data), 0);
    coil_stream_unref(kept);
    leave(stream);
    end(server);
    return 0;
}

static int leave_server_open(void *unused)
{
    coil_stream *stream;

    (void)unused;
    watch_reports();
    coil_server *server = serve(hold, NULL, NULL);
    stream = visit(server);
    (void)coil_sleep(0.005);
    ck_assert_int_eq(held, 1);
    leave(stream);
    coil_server_unref(server);
    server = serve(hold, NULL, NULL);
    stream = visit(server);
    (void)coil_sleep(0.005);
    coil_stream_abort(stream);
    coil_stream_unref(stream);
    coil_server_unref(server);
    return 0;
}

START_TEST(servers_that_are_left_open_end_with_the_loop)
    {
        int before = open_descriptors();

        ck_assert_int_eq(coil_run(leave_server_open, NULL), 0);
        ck_assert_int_eq(open_descriptors(), before);
        ck_assert_int_eq(reports, 2);
        ck_assert_int_eq(last_report.kind, COIL_REPORT_NOT_CLOSED);
    }
END_TEST

/* ---- addresses ------------------------------------------------------------------------------------------------------- */

IO_TEST(a_port_that_is_taken_is_refused_and_named)
{
    coil_server *server = serve(hold, NULL, "127.0.0.1");
    coil_server *second;
    char port[8];

    (void)snprintf(port, sizeof port, "%d", coil_server_port(server));
    ck_assert_int_eq(coil_start_server(&second, hold, NULL, "127.0.0.1", port), -EADDRINUSE);
    ck_assert_ptr_null(second);
    ck_assert_int_eq(coil_start_server(&second, hold, NULL, "192.0.2.1", "0"), -EADDRNOTAVAIL);
    end(server);
    return 0;
}

IO_TEST(reuse_port_lets_several_listen)
{
    coil_server *first;
    coil_server *second;
    char port[8];

    ck_assert_int_eq(coil_start_server(&first, hold, NULL, "127.0.0.1", "0", .reuse_port = true), 0);
    (void)snprintf(port, sizeof port, "%d", coil_server_port(first));
    ck_assert_int_eq(coil_start_server(&second, hold, NULL, "127.0.0.1", port, .reuse_port = true), 0);
    end(first);
    end(second);
    return 0;
}

IO_TEST(misuse_is_refused)
{
    coil_server *server;

    ck_assert_int_eq(coil_start_server(NULL, hold, NULL, NULL, "0"), -EINVAL);
    ck_assert_int_eq(coil_start_server(&server, NULL, NULL, NULL, "0"), -EINVAL);
    ck_assert_int_eq(coil_start_server(&server, hold, NULL, NULL, NULL), -EINVAL);
    ck_assert_int_eq(coil_start_server(&server, hold, NULL, NULL, "0", .backlog = -1), -EINVAL);
    ck_assert_int_eq(coil_start_server(&server, hold, NULL, NULL, "0", .grace = NAN), -EINVAL);
    ck_assert_int_lt(coil_server_close(NULL), 0);
    ck_assert_int_lt(coil_server_wait_closed(NULL), 0);
    ck_assert_int_eq(coil_server_port(NULL), 0);
    coil_server_unref(NULL);
    return 0;
}

/* ---- Unix sockets ---------------------------------------------------------------------------------------------------- */

static char folder[] = "/tmp/coil-test-XXXXXX";

static const char *path_in(const char *name)
{
    static char path[64];

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

IO_TEST(a_unix_server_makes_its_file_and_takes_it_away)
{
    struct stat status;
    coil_server *server;
    coil_stream *stream;
    char data[4];

    ck_assert_ptr_nonnull(mkdtemp(folder));
    const char *path = path_in("socket");
    ck_assert_int_eq(coil_start_unix_server(&server, echo, NULL, path, .mode = 0600), 0);
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_uint_eq(status.st_mode & 0777, 0600);
    ck_assert_int_eq(coil_server_port(server), 0);
    ck_assert_int_eq(coil_open_unix_connection(&stream, path), 0);
    ck_assert_int_eq(coil_stream_write(stream, "ab", 2), 2);
    ck_assert_int_eq(coil_stream_read_exactly(stream, data, 2), 2);
    leave(stream);
    end(server);
    ck_assert_int_eq(stat(path, &status), -1);
    ck_assert_int_eq(coil_open_unix_connection(&stream, path), -ENOENT);
    ck_assert_int_eq(rmdir(folder), 0);
    return 0;
}

IO_TEST(a_stale_socket_file_is_replaced_and_a_live_one_is_not)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    coil_server *server;
    coil_server *second;

    ck_assert_ptr_nonnull(mkdtemp(folder));
    const char *path = path_in("socket");
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    close(fd);
    ck_assert_int_eq(coil_start_unix_server(&server, echo, NULL, path), 0);
    ck_assert_int_eq(coil_start_unix_server(&second, echo, NULL, path), -EADDRINUSE);
    ck_assert_ptr_null(second);
    end(server);
    fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    close(fd);
    ck_assert_int_eq(coil_start_unix_server(&second, echo, NULL, path), -EADDRINUSE);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(rmdir(folder), 0);
    return 0;
}

IO_TEST(a_file_that_is_anothers_by_now_stays)
{
    struct stat status;
    coil_server *server;

    ck_assert_ptr_nonnull(mkdtemp(folder));
    const char *path = path_in("socket");
    ck_assert_int_eq(coil_start_unix_server(&server, echo, NULL, path), 0);
    ck_assert_int_eq(unlink(path), 0);
    int fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    close(fd);
    end(server);
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(rmdir(folder), 0);
    return 0;
}

IO_TEST(a_path_that_is_too_long_is_refused)
{
    char path[200];
    coil_server *server;
    coil_stream *stream;

    memset(path, 'x', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    ck_assert_int_eq(coil_start_unix_server(&server, echo, NULL, path), -ENAMETOOLONG);
    ck_assert_int_eq(coil_open_unix_connection(&stream, path), -ENAMETOOLONG);
    ck_assert_int_eq(coil_open_unix_connection(&stream, ""), -EINVAL);
    return 0;
}

Suite *server_suite(void)
{
    Suite *suite = suite_create("server");
    TCase *tests = tcase_create("servers");

    tcase_add_test(tests, an_echo_server_echoes);
    tcase_add_test(tests, no_host_is_both_families_on_one_port);
    tcase_add_test(tests, the_stream_is_flushed_and_closed_when_the_handler_returns);
    tcase_add_test(tests, a_slow_peer_gets_everything_although_the_handler_has_returned);
    tcase_add_test(tests, the_peers_address_is_known);
    tcase_add_test(tests, the_handler_knows_who_has_come);
    tcase_add_loop_test(tests, an_error_is_reported_unless_it_is_normal, 0, OUTCOMES);
    tcase_add_test(tests, beyond_max_connections_others_wait_and_none_is_dropped);
    tcase_add_test(tests, a_shortage_is_told_once_costs_nothing_and_ends_with_a_connection);
    tcase_add_test(tests, thousands_of_clients_come_at_once);
    tcase_add_test(tests, close_leaves_connections_alone);
    tcase_add_test(tests, shutdown_waits_for_those_who_finish_in_time);
    tcase_add_test(tests, shutdown_cancels_those_who_do_not);
    tcase_add_test(tests, shutdown_is_not_held_up_by_a_peer_that_does_not_read);
    tcase_add_test(tests, serve_forever_ends_when_the_server_is_closed);
    tcase_add_test(tests, serve_forever_that_is_cancelled_ends_everything);
    tcase_add_test(tests, a_handler_that_never_began_leaves_nothing);
    tcase_add_test(tests, a_stream_that_is_kept_is_closed_all_the_same);
    tcase_add_test(tests, servers_that_are_left_open_end_with_the_loop);
    tcase_add_test(tests, a_port_that_is_taken_is_refused_and_named);
    tcase_add_test(tests, reuse_port_lets_several_listen);
    tcase_add_test(tests, misuse_is_refused);
    tcase_add_test(tests, a_unix_server_makes_its_file_and_takes_it_away);
    tcase_add_test(tests, a_stale_socket_file_is_replaced_and_a_live_one_is_not);
    tcase_add_test(tests, a_file_that_is_anothers_by_now_stays);
    tcase_add_test(tests, a_path_that_is_too_long_is_refused);
    suite_add_tcase(suite, tests);
    return suite;
}
