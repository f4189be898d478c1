/* Connecting: addresses in turn, the race, what is said when all fails, and that nothing stays open. */
#include <coil/dns.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>

#include "harness.h"
#include "net/connect.h"
#include "suites.h"

/* A port on which somebody listens, and one on which nobody does. */
struct ports {
    int listener;
    char open[8];
    char closed[8];
    struct sockaddr_in address;
};

static struct ports ports_new(void)
{
    struct ports ports;
    struct sockaddr_in closed;

    ports.listener = tcp_listener(&ports.address);
    (void)snprintf(ports.open, sizeof ports.open, "%d", ntohs(ports.address.sin_port));
    close(tcp_listener(&closed));
    (void)snprintf(ports.closed, sizeof ports.closed, "%d", ntohs(closed.sin_port));
    return ports;
}

static void leave(coil_stream *stream)
{
    ck_assert_int_eq(coil_stream_close(stream), 0);
    coil_stream_unref(stream);
}

/* ---- the plain way --------------------------------------------------------------------------------------------------- */

IO_TEST(a_connection_is_made_and_does_not_delay)
{
    struct ports ports = ports_new();
    coil_stream *stream;
    int fd, value = 0;
    socklen_t length = sizeof fd;

    ck_assert_int_eq(coil_open_connection(&stream, "127.0.0.1", ports.open), 0);
    ck_assert_int_eq(coil_stream_get_extra_info(stream, COIL_INFO_SOCKET, &fd, &length), 0);
    ck_assert_int_eq(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, &length), 0);
    ck_assert_int_eq(value, 1);
    leave(stream);
    ck_assert_int_eq(coil_open_connection(&stream, "localhost", ports.open, .family = AF_INET), 0);
    leave(stream);
    ck_assert_int_eq(coil_close(ports.listener), 0);
    return 0;
}

static int connect_to_closed(void *arg)
{
    const struct ports *ports = arg;
    coil_stream *stream = (coil_stream *)arg;
    int rc = coil_open_connection(&stream, "127.0.0.1", ports->closed);

    ck_assert_ptr_null(stream);
    return rc;
}

IO_TEST(a_refusal_names_the_address)
{
    struct ports ports = ports_new();
    coil_task *task = spawn(connect_to_closed, &ports);
    char words[128];

    ck_assert_int_eq(coil_await(task), -ECONNREFUSED);
    (void)snprintf(words, sizeof words,
                   "connecting to 127.0.0.1 port %s: 127.0.0.1:%s: Connection refused: Connection refused",
                   ports.closed, ports.closed);
    ck_assert_str_eq(coil_error_message(task), words);
    coil_unref(task);
    ck_assert_int_eq(coil_close(ports.listener), 0);
    return 0;
}

IO_TEST(the_address_to_connect_from_can_be_chosen)
{
    struct ports ports = ports_new();
    struct sockaddr_in own;
    socklen_t length = sizeof own;
    coil_stream *stream;

    ck_assert_int_eq(coil_open_connection(&stream, "127.0.0.1", ports.open, .local_host = "127.0.0.5"), 0);
    ck_assert_int_eq(coil_stream_get_extra_info(stream, COIL_INFO_SOCKNAME, &own, &length), 0);
    ck_assert_uint_eq(ntohl(own.sin_addr.s_addr), 0x7f000005);
    leave(stream);
    ck_assert_int_eq(coil_open_connection(&stream, "127.0.0.1", ports.open, .local_host = "192.0.2.1"), -EADDRNOTAVAIL);
    ck_assert_int_eq(coil_open_connection(&stream, "127.0.0.1", ports.open, .local_host = "::1"), -EADDRNOTAVAIL);
    ck_assert_int_eq(coil_close(ports.listener), 0);
    return 0;
}

IO_TEST(misuse_is_refused)
{
    coil_stream *stream;

    ck_assert_int_eq(coil_open_connection(NULL, "127.0.0.1", "80"), -EINVAL);
    ck_assert_int_eq(coil_open_connection(&stream, "127.0.0.1", NULL), -EINVAL);
    ck_assert_int_eq(coil_open_connection(&stream, "127.0.0.1", "80", .timeout = NAN), -EINVAL);
    ck_assert_int_eq(coil_open_connection(&stream, "127.0.0.1", "80", .happy_eyeballs_delay = -1), -EINVAL);
    ck_assert_int_eq(coil_open_connection(&stream, "127.0.0.1", "80", .family = 9999), -EAFNOSUPPORT);
    ck_assert_int_eq(coil_open_fd_connection(&stream, -1, 0), -EBADF);
    ck_assert_int_eq(coil_open_fd_connection(NULL, 0, 0), -EINVAL);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(coil_open_fd_connection(&stream, fd, 0), -EINVAL);
    ck_assert_int_eq(coil_close(fd), 0);
    return 0;
}

START_TEST(outside_of_a_loop_it_is_refused)
    {
        coil_stream *stream;

        ck_assert_int_eq(coil_open_connection(&stream, "127.0.0.1", "80"), -EPERM);
        ck_assert_int_eq(coil_open_fd_connection(&stream, 0, 0), -EPERM);
    }
END_TEST

/* ---- addresses that do not answer ------------------------------------------------------------------------------------ */

/* A listener whose queue is full: it answers no more, and refuses nobody. */
struct silent {
    int listener;
    int fds[3];
    struct sockaddr_in address;
};

static struct silent silent_new(void)
{
    struct silent silent;

    silent.listener = tcp_listener(&silent.address);
    ck_assert_int_eq(listen(silent.listener, 0), 0);
    for (int i = 0; i < 3; i++) {
        silent.fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void)connect(silent.fds[i], (struct sockaddr *)&silent.address, sizeof silent.address);
    }
    return silent;
}

static void silent_free(const struct silent *silent)
{
    for (int i = 0; i < 3; i++) {
        close(silent->fds[i]);
    }
    ck_assert_int_eq(coil_close(silent->listener), 0);
}

static void port_text(const struct sockaddr_in *address, char *text)
{
    (void)snprintf(text, 8, "%d", ntohs(address->sin_port));
}

IO_TEST(the_time_limit_holds)
{
    struct silent silent = silent_new();
    coil_stream *stream;
    char port[8];

    port_text(&silent.address, port);
    ck_assert_int_eq(coil_open_connection(&stream, "127.0.0.1", port, .timeout = 0.02), -ETIMEDOUT);
    ck_assert_ptr_null(stream);
    ck_assert_int_eq(coil_open_connection(&stream, "127.0.0.1", port, .timeout = -1), -ETIMEDOUT);
    ck_assert_int_eq(coil_open_connection(&stream, "127.0.0.1", port, .timeout = 0.02, .happy_eyeballs_delay = 0.001),
                     -ETIMEDOUT);
    silent_free(&silent);
    return 0;
}

static int connect_for_ever(void *arg)
{
    coil_stream *stream;
    char port[8];

    port_text(arg, port);
    return coil_open_connection(&stream, "127.0.0.1", port, .happy_eyeballs_delay = 0.001);
}

IO_TEST(a_connect_that_is_cancelled_leaves_nothing_open)
{
    struct silent silent = silent_new();
    coil_task *task = spawn(connect_for_ever, &silent.address);

    ck_assert_int_eq(coil_sleep(0.01), 0);
    ck_assert_int_eq(coil_cancel(task), 1);
    ck_assert_int_eq(coil_join(task), -ECANCELED);
    silent_free(&silent);
    return 0;
}

/* ---- the race -------------------------------------------------------------------------------------------------------- */

/* A list of addresses as the resolver gives it. */
static void link_up(struct addrinfo *infos, struct sockaddr_in *addresses, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        infos[i] = (struct addrinfo){.ai_family = addresses[i].sin_family,
                                     .ai_socktype = SOCK_STREAM,
                                     .ai_addr = (struct sockaddr *)&addresses[i],
                                     .ai_addrlen = sizeof addresses[i],
                                     .ai_next = i + 1 < count ? &infos[i + 1] : NULL};
    }
}

IO_TEST(the_next_address_does_not_wait_for_a_silent_one)
{
    struct silent silent = silent_new();
    struct ports ports = ports_new();
    struct sockaddr_in addresses[3] = {silent.address, silent.address, ports.address};
    struct addrinfo infos[3];
    const struct addrinfo *winner;
    struct ci_failures failures = {0};
    const struct ci_route route = {.delay = 0.005};

    link_up(infos, addresses, 3);
    double before = coil_time();
    int fd = ci_race(infos, &route, &winner, &failures);
    ck_assert_int_ge(fd, 0);
    ck_assert_ptr_eq(winner, &infos[2]);
    ck_assert_double_ge(coil_time() - before, 0.01);
    ck_assert_int_eq(coil_close(fd), 0);
    ck_assert_int_eq(coil_close(ports.listener), 0);
    silent_free(&silent);
    return 0;
}

IO_TEST(the_next_address_comes_at_once_when_the_last_has_failed)
{
    struct ports ports = ports_new();
    struct sockaddr_in refused = ports.address;
    const struct addrinfo *winner;
    struct addrinfo infos[3];
    struct ci_failures failures = {0};
    const struct ci_route route = {.delay = 1000};

    refused.sin_port = htons((uint16_t)atoi(ports.closed));
    struct sockaddr_in addresses[3] = {refused, refused, ports.address};
    link_up(infos, addresses, 3);
    int fd = ci_race(infos, &route, &winner, &failures);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(failures.last, -ECONNREFUSED);
    ck_assert_int_eq(coil_close(fd), 0);
    link_up(infos, addresses, 2);
    ck_assert_int_eq(ci_race(infos, &route, &winner, &failures), -ECONNREFUSED);
    ck_assert_int_eq(coil_close(ports.listener), 0);
    return 0;
}

IO_TEST(of_two_that_succeed_at_once_one_is_closed)
{
    struct ports first = ports_new();
    struct ports second = ports_new();
    struct sockaddr_in addresses[2] = {first.address, second.address};
    struct addrinfo infos[2];
    const struct addrinfo *winner;
    struct ci_failures failures = {0};

    link_up(infos, addresses, 2);
    for (int i = 0; i < 50; i++) {
        const struct ci_route route = {.delay = i * 0.000002};
        int fd = ci_race(infos, &route, &winner, &failures);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(coil_close(fd), 0);
    }
    ck_assert_int_eq(coil_close(first.listener), 0);
    ck_assert_int_eq(coil_close(second.listener), 0);
    return 0;
}

/* ---- what cannot be told is said in words ---------------------------------------------------------------------------- */

static int look_up_nothing(void *unused)
{
    struct addrinfo *result = (struct addrinfo *)&result;

    (void)unused;
    int rc = coil_getaddrinfo("no such name.invalid", "80", NULL, &result);
    ck_assert_ptr_null(result);
    return rc;
}

IO_TEST(a_name_that_does_not_exist_is_an_error_in_words)
{
    coil_task *task = spawn(look_up_nothing, NULL);
    int rc = coil_await(task);

    ck_assert(rc == -ENXIO || rc == -EAGAIN || rc == -EIO); /* without a network no name server says so */
    ck_assert_ptr_nonnull(strstr(coil_error_message(task), "no such name.invalid: "));
    coil_unref(task);
    return 0;
}

Suite *connect_suite(void)
{
    Suite *suite = suite_create("connect");
    TCase *tests = tcase_create("connecting");

    tcase_add_test(tests, a_connection_is_made_and_does_not_delay);
    tcase_add_test(tests, a_refusal_names_the_address);
    tcase_add_test(tests, the_address_to_connect_from_can_be_chosen);
    tcase_add_test(tests, misuse_is_refused);
    tcase_add_test(tests, outside_of_a_loop_it_is_refused);
    tcase_add_test(tests, the_time_limit_holds);
    tcase_add_test(tests, a_connect_that_is_cancelled_leaves_nothing_open);
    tcase_add_test(tests, the_next_address_does_not_wait_for_a_silent_one);
    tcase_add_test(tests, the_next_address_comes_at_once_when_the_last_has_failed);
    tcase_add_test(tests, of_two_that_succeed_at_once_one_is_closed);
    tcase_add_test(tests, a_name_that_does_not_exist_is_an_error_in_words);
    suite_add_tcase(suite, tests);
    return suite;
}
