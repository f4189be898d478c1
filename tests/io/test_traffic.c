/* Many connections at once, of sizes and manners drawn at random, cancelled at random; every byte is checked. */
#include <stdint.h>

#include "coro/sanitizer.h"
#include "harness.h"
#include "suites.h"

static uint64_t random_state;

static uint32_t draw(uint32_t below)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(random_state >> 33) % below;
}

/* The byte that a stream has at a position. */
static char byte_at(uint32_t stream, size_t position)
{
    uint64_t x = (stream + 1) * UINT64_C(0x9E3779B97F4A7C15) + position * UINT64_C(0xBF58476D1CE4E5B9);

    return (char)(x >> 40);
}

static int echo(void *arg)
{
    char buffer[5000];
    int fd = *(int *)arg;
    ssize_t n;

    do {
        n = coil_recv(fd, buffer, 1 + draw(sizeof buffer), 0);
        if (n > 0) {
            ck_assert_int_eq(coil_send(fd, buffer, (size_t)n, 0), n);
        }
    } while (n > 0);
    ck_assert_int_eq(coil_close(fd), 0);
    return (int)n;
}

static int serve(void *arg)
{
    int listener = *(int *)arg;

    for (;;) {
        int fd = coil_accept(listener, NULL, NULL);
        if (fd < 0) {
            return fd == -EBADF ? 0 : fd;
        }
        coil_unref(coil_create_task(echo, &fd, .arg_size = sizeof fd));
    }
}

struct client {
    struct sockaddr_in address;
    uint32_t stream;
    size_t total;
    int fd;
};

static int send_stream(void *arg)
{
    struct client *client = arg;
    char buffer[3000];
    size_t sent = 0;

    while (sent < client->total) {
        size_t size = 1 + draw(sizeof buffer);
        size = size < client->total - sent ? size : client->total - sent;
        for (size_t i = 0; i < size; i++) {
            buffer[i] = byte_at(client->stream, sent + i);
        }
        ck_assert_int_eq(coil_send(client->fd, buffer, size, 0), (ssize_t)size);
        sent += size;
        if (draw(4) == 0) {
            ck_assert_int_eq(coil_sleep(draw(100) / 1e6), 0);
        }
    }
    ck_assert_int_eq(shutdown(client->fd, SHUT_WR), 0);
    return 0;
}

struct reading {
    int fd;
    char buffer[4000];
    size_t size;
    ssize_t result;
};

static int read_some(void *arg)
{
    struct reading *reading = arg;

    reading->result = coil_recv(reading->fd, reading->buffer, reading->size, 0);
    return reading->result < 0 ? (int)reading->result : 0;
}

/* Reads, sometimes under a time limit that is too short, or in a task that is cancelled: what was read counts, if anything was. */
static ssize_t read_somehow(struct reading *reading)
{
    int rc;

    reading->result = -ECANCELED;
    switch (draw(4)) {
    case 0:
        rc = coil_wait_for_coroutine(read_some, reading, draw(50) / 1e6);
        break;
    case 1: {
        coil_task *task = spawn(read_some, reading);
        ck_assert_int_eq(coil_sleep(draw(50) / 1e6), 0);
        coil_cancel(task);
        rc = coil_join(task);
        break;
    }
    default:
        rc = read_some(reading);
    }
    ck_assert(rc == 0 || rc == -ETIMEDOUT || rc == -ECANCELED);
    return reading->result;
}

static int talk(void *arg)
{
    struct client client = *(struct client *)arg;
    struct reading *reading = malloc(sizeof *reading);
    size_t got = 0;

    client.fd = tcp_socket();
    ck_assert_int_eq(coil_connect(client.fd, (struct sockaddr *)&client.address, sizeof client.address), 0);
    coil_task *sender = spawn(send_stream, &client);
    reading->fd = client.fd;
    for (;;) {
        reading->size = 1 + draw(sizeof reading->buffer);
        ssize_t n = read_somehow(reading);
        if (n == 0) {
            break;
        }
        ck_assert(n > 0 || n == -ECANCELED);
        for (ssize_t i = 0; i < n; i++) {
            ck_assert_int_eq(reading->buffer[i], byte_at(client.stream, got++));
        }
    }
    ck_assert_uint_eq(got, client.total);
    ck_assert_int_eq(coil_join(sender), 0);
    ck_assert_int_eq(coil_close(client.fd), 0);
    free(reading);
    return 0;
}

static int seed;

static int many_streams(void *unused)
{
    enum { CLIENTS = CI_WITH_TSAN ? 30 : 100 };
    coil_task *tasks[CLIENTS];
    struct client client;

    (void)unused;
    random_state = (uint64_t)seed;
    int listener = tcp_listener(&client.address);
    coil_task *server = spawn(serve, &listener);
    for (uint32_t i = 0; i < CLIENTS; i++) {
        client.stream = i;
        client.total = draw(3) == 0 ? draw(200000) : draw(2000);
        tasks[i] = coil_create_task(talk, &client, .arg_size = sizeof client);
    }
    for (int i = 0; i < CLIENTS; i++) {
        ck_assert_int_eq(coil_join(tasks[i]), 0);
    }
    ck_assert_int_eq(coil_close(listener), 0);
    ck_assert_int_eq(coil_join(server), 0);
    settle();
    ck_assert_int_eq(coil_sleep(0.05), 0);
    return 0;
}

START_TEST(no_byte_is_lost_in_many_streams)
    {
        seed = _i + 1;
        run_io(many_streams);
    }
END_TEST

Suite *traffic_suite(void)
{
    Suite *suite = suite_create("traffic");
    TCase *tests = tcase_create("many-streams");

    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, no_byte_is_lost_in_many_streams, 0, 4);
    suite_add_tcase(suite, tests);
    return suite;
}
