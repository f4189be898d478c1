/* Servers that are full, short of something, or overrun. */
#include <sys/resource.h>

#include "loop/loop.h"
#include "serving.h"
#include "suites.h"

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

Suite *server_limits_suite(void)
{
    Suite *suite = suite_create("server_limits");
    TCase *tests = tcase_create("limits-of-servers");

    tcase_add_test(tests, beyond_max_connections_others_wait_and_none_is_dropped);
    tcase_add_test(tests, a_shortage_is_told_once_costs_nothing_and_ends_with_a_connection);
    tcase_add_test(tests, thousands_of_clients_come_at_once);
    suite_add_tcase(suite, tests);
    return suite;
}
