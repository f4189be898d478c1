/* The room with the n-th allocation or system call failing, for every n: an error or a retry, no leak, no hang. */
#include <coil/dns.h>
#include <coil/watch.h>
#include <netdb.h>
#include <stdio.h>

#include "harness.h"
#include "suites.h"
#include "tests/support/fault_driver.h"

/* In the run there is no Check to tell: what is wrong ends the process, and the driver says at which call. */
#define MUST(condition)                                                        \
    do {                                                                       \
        if (!(condition)) {                                                    \
            fprintf(stderr, "test_fault.c:%d: not as it must be\n", __LINE__); \
            abort();                                                           \
        }                                                                      \
    } while (0)

static void quiet(coil_loop *loop, const struct coil_report *report, void *unused)
{
    (void)loop;
    (void)report;
    (void)unused;
}

/* ---- a client and a server ------------------------------------------------------------------------------------------- */

/* Lines, each of which is answered by itself. */
static int answer_lines(coil_stream *stream, void *unused)
{
    char line[64];
    ssize_t count;

    (void)unused;
    while ((count = coil_stream_read_line(stream, line, sizeof line)) > 0) {
        count = coil_stream_write(stream, line, (size_t)count);
        if (count < 0) {
            break;
        }
    }
    return (int)count;
}

static int talk(coil_stream *stream)
{
    char line[64];
    ssize_t count = coil_stream_write(stream, "hello\nworld\n", 12);

    for (int i = 0; i < 2 && count > 0; i++) {
        count = coil_stream_read_line(stream, line, sizeof line);
        MUST(count != 6 || strcmp(line, i == 0 ? "hello\n" : "world\n") == 0);
    }
    if (count > 0) {
        (void)coil_stream_write_eof(stream);
        count = coil_stream_read(stream, line, sizeof line);
    }
    return (int)count;
}

struct visit {
    const char *port;
    double delay;
};

static int visit(void *arg)
{
    const struct visit *visit = arg;
    coil_stream *stream;
    int rc = coil_open_connection(&stream, "127.0.0.1", visit->port, .happy_eyeballs_delay = visit->delay,
                                  .local_host = "127.0.0.1");

    MUST((rc == 0) == (stream != NULL));
    if (rc == 0) {
        rc = talk(stream);
        (void)coil_stream_close(stream);
        coil_stream_unref(stream);
    }
    return rc;
}

static int serve_and_visit(void *unused)
{
    coil_server *server;
    char port[8];

    (void)unused;
    coil_loop_set_exception_handler(coil_get_running_loop(), quiet, NULL);
    int rc = coil_start_server(&server, answer_lines, NULL, NULL, "0");
    MUST((rc == 0) == (server != NULL));
    if (rc < 0) {
        return rc;
    }
    (void)snprintf(port, sizeof port, "%d", coil_server_port(server));
    for (int i = 0; i < 2; i++) {
        (void)coil_wait_for_coroutine(visit, &(struct visit){port, 0.01 * i}, 0.05);
    }
    (void)coil_server_shutdown(server, 0.02);
    coil_server_unref(server);
    return 0;
}

/* ---- a full output --------------------------------------------------------------------------------------------------- */

enum { MUCH = 300000 };

static int drink(void *arg)
{
    static unsigned char data[5000];
    int fd = *(int *)arg;
    size_t total = 0;
    ssize_t count;

    while ((count = coil_recv(fd, data, sizeof data, 0)) != 0 && count != -ECANCELED) {
        for (ssize_t i = 0; i < count; i++) {
            MUST(data[i] == byte_at(total + (size_t)i));
        }
        total +=
            count > 0 ? (size_t)count : 0; /* after a failure it is tried again, or the writer would wait for ever */
    }
    return count < 0 ? (int)count : (int)total;
}

/* How much of MUCH the stream says that it has taken. */
static size_t pour(coil_stream *stream, const unsigned char *data)
{
    size_t at = 0;

    for (int tries = 0; at < MUCH && tries < 3;) {
        size_t size = MUCH - at < 7000 ? MUCH - at : at > MUCH / 2 ? MUCH - at : 7000;
        ssize_t count = coil_stream_write(stream, data + at, size);
        at += count > 0 ? (size_t)count : 0;
        tries += count <= 0;
        if (count == -ECANCELED) {
            coil_stream_abort(stream); /* the poller is broken: nobody drinks any more */
        }
    }
    return at;
}

static int pour_and_drink(void *unused)
{
    unsigned char *data = pattern(MUCH);
    coil_stream *stream;
    char line[64];
    int fds[2];

    (void)unused;
    coil_loop_set_exception_handler(coil_get_running_loop(), quiet, NULL);
    MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
    int size = SMALL_UNIX;
    (void)setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    int rc = coil_open_fd_connection(&stream, fds[0], 0);
    if (rc < 0) {
        (void)coil_close(fds[0]);
        (void)coil_close(fds[1]);
        free(data);
        return rc;
    }
    coil_task *drinker = coil_create_task(drink, &fds[1]);
    size_t poured = drinker == NULL ? 0 : pour(stream, data);
    (void)coil_stream_write_eof(stream);
    (void)coil_stream_read_exactly(stream, line, 0);
    (void)coil_stream_close(stream);
    coil_stream_unref(stream);
    if (drinker != NULL) {
        rc = coil_wait_for(drinker, 0.1);
        MUST(rc < 0 || (size_t)rc <= poured); /* nothing comes twice, nothing comes that was refused */
        coil_cancel(drinker);
        (void)coil_join(drinker);
    }
    (void)coil_close(fds[1]);
    free(data);
    return 0;
}

/* ---- names, watches, Unix sockets ------------------------------------------------------------------------------------ */

static void take_out(void *arg)
{
    (void)coil_remove_reader(*(int *)arg);
}

static int watch_and_look_up(void *unused)
{
    struct addrinfo *result;
    coil_server *server;
    coil_stream *stream;
    char path[64];
    int fds[2];

    (void)unused;
    coil_loop_set_exception_handler(coil_get_running_loop(), quiet, NULL);
    MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
    (void)coil_add_reader(fds[0], take_out, &fds[0]);
    (void)coil_add_writer(fds[0], take_out, &fds[0]);
    (void)send(fds[1], "x", 1, 0);
    (void)coil_sleep(0.001);
    (void)coil_remove_writer(fds[0]);
    (void)coil_close(fds[0]);
    (void)coil_close(fds[1]);
    if (coil_getaddrinfo("localhost", "80", NULL, &result) == 0) {
        freeaddrinfo(result);
    }
    (void)snprintf(path, sizeof path, "/tmp/coil-test-fault-%d", getpid());
    if (coil_start_unix_server(&server, answer_lines, NULL, path, .mode = 0600) == 0) {
        if (coil_open_unix_connection(&stream, path, .timeout = 0.05) == 0) {
            (void)coil_stream_write(stream, "x\n", 2);
            (void)coil_stream_close(stream);
            coil_stream_unref(stream);
        }
        (void)coil_server_shutdown(server, 0.02);
        coil_server_unref(server);
    }
    (void)unlink(path);
    return 0;
}

/* ---- all of it ------------------------------------------------------------------------------------------------------- */

static coil_fn *const scenes[] = {serve_and_visit, pour_and_drink, watch_and_look_up};
enum { SCENES = sizeof scenes / sizeof scenes[0] };

static void play(void *arg)
{
    int rc = coil_run(*(coil_fn *const *)arg, NULL);

    MUST(rc == 0 || rc == -ENOMEM || rc == -EIO || rc == -EAGAIN || rc == -ECANCELED);
}

START_TEST(no_failure_of_the_system_leaks_or_hangs)
    {
        coil_fn *scene = scenes[_i];
        const struct ci_fault_plan plan = {.scenario = play, .arg = &scene, .seconds = 10};

        ck_assert_int_gt(ci_fault_drive(&plan), 15);
    }
END_TEST

/* From the n-th on nothing can be allocated any more. */
START_TEST(no_end_of_memory_leaks_or_hangs)
    {
        coil_fn *scene = scenes[_i];
        const struct ci_fault_plan plan = {
            .scenario = play, .arg = &scene, .calls = "malloc realloc mmap", .in_a_row = -1};

        ck_assert_int_gt(ci_fault_drive(&plan), 5);
    }
END_TEST

Suite *fault_suite(void)
{
    Suite *suite = suite_create("fault");
    TCase *tests = tcase_create("failing-calls");

    tcase_set_timeout(tests, 240);
    tcase_add_loop_test(tests, no_failure_of_the_system_leaks_or_hangs, 0, SCENES);
    tcase_add_loop_test(tests, no_end_of_memory_leaks_or_hangs, 0, SCENES);
    suite_add_tcase(suite, tests);
    return suite;
}
