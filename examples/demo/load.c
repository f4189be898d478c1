/*
 * The client half of the demo. Every client is a task: it connects, waits for all the others to be connected,
 * and then sends one request after the other and checks that it comes back, each under a timeout. A client
 * that fails is counted, and ends alone. It knows the server's address and nothing else of it.
 */
#include "load.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "terminal.h"

enum {
    REQUEST_BYTES = 64,
    BATCH = 200, /* so many clients connect at once, which is well below the listener's backlog */
};

static const double connect_timeout = 5.0;
static const double request_timeout = 2.0;

/* ---- one client ---------------------------------------------------------------------------------------- */

/* Sends a request, and receives the same. */
static int exchange(int fd, const char *request)
{
    char answer[REQUEST_BYTES];

    ssize_t rc = coil_send(fd, request, REQUEST_BYTES, 0);
    if (rc >= 0) {
        rc = coil_recv(fd, answer, sizeof(answer), MSG_WAITALL);
    }
    if (rc < 0) {
        return (int)rc;
    }
    if (rc < REQUEST_BYTES) {
        return -ENODATA; /* the connection has ended */
    }
    return memcmp(request, answer, sizeof(answer)) == 0 ? 0 : -EBADMSG;
}

static int send_requests(struct load *load, int fd)
{
    char request[REQUEST_BYTES] = {0};
    double now = coil_time();
    int rc = 0;

    for (unsigned number = 0; rc == 0 && now < load->end; number++) {
        coil_timeout limit;
        double began = now;
        snprintf(request, sizeof(request), "client %d, request %u", fd, number);

        coil_timeout_begin(&limit, request_timeout);
        rc = exchange(fd, request);
        rc = coil_timeout_end(&limit, rc);

        now = coil_time();
        if (rc == 0) {
            load->requests++;
            latency_record(&load->latency, (uint64_t)((now - began) * 1e9));
        }
    }
    return rc;
}

/*
 * Every client comes here once, whether it has got a connection or not; the last one of a batch wakes
 * load_run.
 */
static void line_up(struct load *load)
{
    load->lined_up++;
    if (load->lined_up == load->started) {
        (void)coil_future_set_result(load->batch_lined_up, 0); /* refused only when everything is being cancelled */
    }
}

/*
 * A connection counts once something has come back over it: the kernel makes them faster than the server
 * takes them.
 */
static int connect_client(struct load *load, int fd)
{
    const struct sockaddr *address = (const struct sockaddr *)&load->address;
    char hello[REQUEST_BYTES] = "hello";
    coil_timeout limit;

    coil_timeout_begin(&limit, connect_timeout);
    int rc = coil_connect(fd, address, sizeof(load->address));
    if (rc == 0) {
        rc = exchange(fd, hello);
    }
    return coil_timeout_end(&limit, rc);
}

static int talk(struct load *load, int fd)
{
    int rc = connect_client(load, fd);

    line_up(load);
    if (rc < 0) {
        return rc;
    }
    load->connected++;
    rc = coil_await(load->start);
    return rc < 0 ? rc : send_requests(load, fd);
}

static int client(void *arg)
{
    struct load *load = arg;
    int rc = 0;

    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        rc = -errno;
        line_up(load);
    } else {
        rc = talk(load, fd);
        (void)coil_close(fd);
    }
    if (rc == -ECANCELED) {
        return rc;
    }
    if (rc < 0) {
        load->failed++;
        load->first_error = load->first_error == 0 ? rc : load->first_error;
    }
    return 0; /* an error here would end all the others */
}

/* ---- all of them --------------------------------------------------------------------------------------- */

static int connect_batch(struct load *load, coil_group *group, size_t size)
{
    int rc = 0;

    load->batch_lined_up = coil_future_new();
    load->started += size;
    for (size_t i = 0; i < size && rc == 0; i++) {
        rc = coil_group_spawn(group, client, load);
    }
    if (rc == 0) {
        rc = coil_await(load->batch_lined_up);
    }
    coil_unref(load->batch_lined_up);
    load->batch_lined_up = NULL; /* after a cancellation some may still come, and complete nothing */
    return rc;
}

static int connect_clients(struct load *load, coil_group *group)
{
    double began = coil_time();
    char text[COUNT_BYTES];

    while (load->started < load->clients) {
        size_t left = load->clients - load->started;
        int rc = connect_batch(load, group, left < BATCH ? left : BATCH);
        if (rc < 0) {
            return rc;
        }
        if (terminal_is_interactive()) {
            terminal_progress("  %zu of %zu clients connected", load->connected, load->clients);
        }
    }
    terminal_progress("  %s clients connected in %.2f s", format_count(text, load->connected), coil_time() - began);
    terminal_keep_progress();
    return 0;
}

static void show_progress(const struct load *load, double elapsed)
{
    char clients[COUNT_BYTES];
    char requests[COUNT_BYTES];
    char per_second[COUNT_BYTES];

    format_count(clients, load->connected);
    format_count(requests, load->requests);
    format_count(per_second, (unsigned long long)((double)load->requests / elapsed));
    terminal_progress("  %4.1f s   %s clients   %s requests   %s per second", elapsed, clients, requests, per_second);
}

static int watch_requests(struct load *load)
{
    double step = terminal_is_interactive() ? 0.1 : 1.0;

    load->began = coil_time();
    load->end = load->began + load->seconds;
    int rc = coil_future_set_result(load->start, 0);
    while (rc == 0 && coil_time() < load->end) {
        double left = load->end - coil_time();
        rc = coil_sleep(left < step ? left : step);
        show_progress(load, coil_time() - load->began);
    }
    return rc;
}

int load_run(void *arg)
{
    struct load *load = arg;
    coil_group group;

    load->start = coil_future_new();
    coil_group_begin(&group);
    int rc = connect_clients(load, &group);
    if (rc == 0) {
        rc = watch_requests(load);
    }
    rc = coil_group_end(&group, rc); /* each client ends when its last request has been answered */
    load->measured_seconds = coil_time() - load->began;
    coil_unref(load->start);
    return rc;
}
