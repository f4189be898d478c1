/* Every way to the end of a server. */
#include "serving.h"
#include "suites.h"

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

Suite *server_end_suite(void)
{
    Suite *suite = suite_create("server_end");
    TCase *tests = tcase_create("ends-of-servers");

    tcase_add_test(tests, close_leaves_connections_alone);
    tcase_add_test(tests, shutdown_waits_for_those_who_finish_in_time);
    tcase_add_test(tests, shutdown_cancels_those_who_do_not);
    tcase_add_test(tests, shutdown_is_not_held_up_by_a_peer_that_does_not_read);
    tcase_add_test(tests, serve_forever_ends_when_the_server_is_closed);
    tcase_add_test(tests, serve_forever_that_is_cancelled_ends_everything);
    tcase_add_test(tests, a_handler_that_never_began_leaves_nothing);
    tcase_add_test(tests, a_stream_that_is_kept_is_closed_all_the_same);
    tcase_add_test(tests, servers_that_are_left_open_end_with_the_loop);
    suite_add_tcase(suite, tests);
    return suite;
}
