/* Servers: a task for each connection, and what is told of those that fail. */
#include "serving.h"
#include "suites.h"

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
    tcase_add_test(tests, a_port_that_is_taken_is_refused_and_named);
    tcase_add_test(tests, reuse_port_lets_several_listen);
    tcase_add_test(tests, misuse_is_refused);
    suite_add_tcase(suite, tests);
    return suite;
}
