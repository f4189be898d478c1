/*
 * What coil costs a server: CPU time per request of an echo server with a task per connection (coil_recv, coil_send; or
 * streams), beside a bare server on epoll that does the same with nothing in between. Server and load generator are pinned to a core each; the
 * generator keeps one request of 64 bytes in flight on every connection. All servers are there all the time and take short turns,
 * since a machine's mood changes more than what is to be measured; each number is the median of all turns, and the ratio that of
 * the ratios between turns that followed each other.
 *
 *     bench_echo [RUNS [MILLISECONDS [CONNECTIONS...]]]
 */
#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <coil/io.h>
#include <coil/stream.h>
#include <coil/task.h>

#include "measure.h"

enum { REQUEST = 64, BUFFER = 1024, BATCH = 64, MOST_RUNS = 201 };

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void pin(int core)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET((size_t)core, &set);
    (void)sched_setaffinity(0, sizeof set, &set); /* with a single core there is nothing to choose */
}

/* ---- the servers ----------------------------------------------------------------------------------------------------- */

static void watch(int epoll_fd, int fd, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.fd = fd};

    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0) {
        die("epoll_ctl");
    }
}

static void echo(int fd)
{
    char buffer[BUFFER];
    ssize_t n = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);

    if (n > 0) {
        (void)!send(fd, buffer, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
    } else if (n == 0 || errno != EAGAIN) {
        close(fd);
    }
}

static void serve_bare(int listener, uint32_t trigger)
{
    static struct epoll_event events[BATCH];
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC);

    watch(epoll_fd, listener, EPOLLIN);
    for (;;) {
        int count = epoll_wait(epoll_fd, events, BATCH, -1);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd != listener) {
                echo(fd);
                continue;
            }
            fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
            watch(epoll_fd, fd, EPOLLIN | trigger);
        }
    }
}

static void bare_level(int listener)
{
    serve_bare(listener, 0);
}

static void bare_edge(int listener)
{
    serve_bare(listener, EPOLLET);
}

static int serve_connection(void *arg)
{
    char buffer[BUFFER];
    int fd = *(int *)arg;
    ssize_t n;

    do {
        n = coil_recv(fd, buffer, sizeof buffer, 0);
        if (n > 0) {
            n = coil_send(fd, buffer, (size_t)n, 0);
        }
    } while (n > 0);
    return coil_close(fd);
}

static int serve_coil(void *arg)
{
    int listener = *(int *)arg;

    for (;;) {
        int fd = coil_accept(listener, NULL, NULL);
        if (fd < 0) {
            return fd;
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        coil_unref(coil_create_task(serve_connection, &fd, .arg_size = sizeof fd));
    }
}

static void coil_epoll(int listener)
{
    (void)coil_run(serve_coil, &listener, .backend = COIL_BACKEND_EPOLL);
}

static void coil_uring(int listener)
{
    (void)coil_run(serve_coil, &listener, .backend = COIL_BACKEND_IO_URING);
}

/* The sockets are not coil's own: another server has accepted them, as it were. */
static int serve_coil_foreign(void *arg)
{
    int listener = *(int *)arg;

    for (;;) {
        struct pollfd pollfd = {.fd = listener, .events = POLLIN};
        int rc = coil_poll(&pollfd, 1, INFINITY);
        if (rc < 0) {
            return rc;
        }
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        coil_unref(coil_create_task(serve_connection, &fd, .arg_size = sizeof fd));
    }
}

static void coil_foreign_epoll(int listener)
{
    (void)coil_run(serve_coil_foreign, &listener, .backend = COIL_BACKEND_EPOLL);
}

static void coil_foreign_uring(int listener)
{
    (void)coil_run(serve_coil_foreign, &listener, .backend = COIL_BACKEND_IO_URING);
}

/* ---- by streams ------------------------------------------------------------------------------------------------------ */

typedef ssize_t stream_reader(coil_stream *stream, void *data, size_t size);

/* A connection, and how it is read: whatever comes, or a request by its size, which goes through the stream's own buffer. */
struct streamed {
    int fd;
    stream_reader *read;
    size_t size;
};

static int serve_stream(void *arg)
{
    const struct streamed *streamed = arg;
    char buffer[BUFFER];
    coil_stream *stream;
    ssize_t n;

    int rc = coil_open_fd_connection(&stream, streamed->fd, 0);
    if (rc < 0) {
        return rc;
    }
    do {
        n = streamed->read(stream, buffer, streamed->size);
        if (n > 0) {
            n = coil_stream_write(stream, buffer, (size_t)n);
        }
    } while (n > 0);
    rc = coil_stream_close(stream);
    coil_stream_unref(stream);
    return rc;
}

static int serve_streams(int listener, stream_reader *read, size_t size)
{
    for (;;) {
        struct streamed streamed = {.fd = coil_accept(listener, NULL, NULL), .read = read, .size = size};
        if (streamed.fd < 0) {
            return streamed.fd;
        }
        coil_unref(coil_create_task(serve_stream, &streamed, .arg_size = sizeof streamed));
    }
}

static int serve_streams_read(void *arg)
{
    return serve_streams(*(int *)arg, coil_stream_read, BUFFER);
}

static int serve_streams_exactly(void *arg)
{
    return serve_streams(*(int *)arg, coil_stream_read_exactly, REQUEST);
}

static void coil_streams_read(int listener)
{
    (void)coil_run(serve_streams_read, &listener, .backend = COIL_BACKEND_EPOLL);
}

static void coil_streams_exactly(int listener)
{
    (void)coil_run(serve_streams_exactly, &listener, .backend = COIL_BACKEND_EPOLL);
}

/* ---- the load generator ---------------------------------------------------------------------------------------------- */

static int listen_somewhere(struct sockaddr_in *address)
{
    socklen_t length = sizeof *address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (bind(fd, (struct sockaddr *)address, sizeof *address) < 0 || listen(fd, 4096) < 0 ||
        getsockname(fd, (struct sockaddr *)address, &length) < 0) {
        die("listen");
    }
    return fd;
}

static int connect_to(const struct sockaddr_in *address)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || connect(fd, (const struct sockaddr *)address, sizeof *address) < 0) {
        die("connect");
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    return fd;
}

static double cpu_ns_of(pid_t pid)
{
    struct timespec time;
    clockid_t clock;

    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &time) < 0) {
        die("clock_gettime");
    }
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

/* A server that runs, and the connections to it. */
struct contestant {
    const char *name;
    void (*server)(int);
    pid_t pid;
    int epoll_fd;
    int *fds;
    double cpu_ns[MOST_RUNS]; /* per request */
    double rate[MOST_RUNS];   /* requests per second */
    double ratio[MOST_RUNS];  /* of cpu_ns to the first contestant's */
};

static void start(struct contestant *contestant, int connections)
{
    struct sockaddr_in address;
    int listener = listen_somewhere(&address);

    contestant->pid = fork();
    if (contestant->pid == 0) {
        pin(0);
        contestant->server(listener);
        _exit(1);
    }
    close(listener);
    contestant->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    contestant->fds = calloc((size_t)connections, sizeof(int));
    for (int i = 0; i < connections; i++) {
        contestant->fds[i] = connect_to(&address);
        watch(contestant->epoll_fd, contestant->fds[i], EPOLLIN);
    }
}

static void stop(struct contestant *contestant, int connections)
{
    kill(contestant->pid, SIGKILL);
    waitpid(contestant->pid, NULL, 0);
    for (int i = 0; i < connections; i++) {
        close(contestant->fds[i]);
    }
    free(contestant->fds);
    close(contestant->epoll_fd);
}

static void request(int fd)
{
    static const char data[REQUEST] = "ping";

    if (send(fd, data, REQUEST, MSG_DONTWAIT | MSG_NOSIGNAL) != REQUEST) {
        die("send");
    }
}

/* Keeps a request in flight on each connection for so long, and waits for the last answers. Returns how many there were. */
static long load(const struct contestant *contestant, int connections, double for_ns)
{
    static struct epoll_event events[BATCH];
    static char buffer[BUFFER];
    double end_ns = bench_wall_ns() + for_ns;
    long answers = 0;
    int inflight = connections;

    for (int i = 0; i < connections; i++) {
        request(contestant->fds[i]);
    }
    while (inflight > 0) {
        bool more = bench_wall_ns() < end_ns;
        int count = epoll_wait(contestant->epoll_fd, events, BATCH, 1000);
        for (int i = 0; i < count; i++) {
            if (recv(events[i].data.fd, buffer, sizeof buffer, MSG_DONTWAIT) != REQUEST) {
                die("recv");
            }
            answers++;
            if (more) {
                request(events[i].data.fd);
            } else {
                inflight--;
            }
        }
    }
    return answers;
}

static void measure(struct contestant *contestant, int connections, double for_ns, int run)
{
    double cpu_ns = cpu_ns_of(contestant->pid);
    double wall_ns = bench_wall_ns();
    double answers = (double)load(contestant, connections, for_ns);

    contestant->rate[run] = answers / (bench_wall_ns() - wall_ns) * 1e9;
    contestant->cpu_ns[run] = (cpu_ns_of(contestant->pid) - cpu_ns) / answers;
}

/* ---- the table ------------------------------------------------------------------------------------------------------- */

static struct contestant contestants[] = {
    {.name = "bare epoll, edge-triggered", .server = bare_edge},
    {.name = "bare epoll, level-triggered", .server = bare_level},
    {.name = "coil on epoll", .server = coil_epoll},
    {.name = "coil on epoll, foreign sockets", .server = coil_foreign_epoll},
    {.name = "coil on io_uring", .server = coil_uring},
    {.name = "coil on epoll, streams", .server = coil_streams_read},
    {.name = "coil on epoll, read_exactly", .server = coil_streams_exactly},
    {.name = "coil on io_uring, foreign sockets", .server = coil_foreign_uring},
};

enum { CONTESTANTS = sizeof contestants / sizeof contestants[0] };

static void compare(int connections, int runs, double for_ns)
{
    for (int c = 0; c < CONTESTANTS; c++) {
        start(&contestants[c], connections);
    }
    pin(1);
    for (int run = -1; run < runs; run++) {
        for (int c = 0; c < CONTESTANTS; c++) {
            measure(&contestants[c], connections, for_ns, run < 0 ? 0 : run); /* the first is to warm up */
        }
        for (int c = 0; c < CONTESTANTS && run >= 0; c++) {
            contestants[c].ratio[run] = contestants[c].cpu_ns[run] / contestants[0].cpu_ns[run];
        }
    }
    printf("echo, %d bytes, %d connections, server on one core, median of %d runs\n", REQUEST, connections, runs);
    for (int c = 0; c < CONTESTANTS; c++) {
        printf("  %-30s %6.0f ns CPU/request  %8.0f requests/s  %5.3f\n", contestants[c].name,
               bench_median(contestants[c].cpu_ns, (size_t)runs), bench_median(contestants[c].rate, (size_t)runs),
               bench_median(contestants[c].ratio, (size_t)runs));
        stop(&contestants[c], connections);
    }
    fflush(stdout);
}

int main(int argc, char **argv)
{
    int runs = argc > 1 ? atoi(argv[1]) : 51;
    double for_ns = (argc > 2 ? atof(argv[2]) : 50) * 1e6;
    struct rlimit limit;

    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    runs = runs < 1 ? 1 : runs > MOST_RUNS ? MOST_RUNS : runs;
    if (argc <= 3) {
        compare(50, runs, for_ns);
        compare(1000, runs, for_ns);
    }
    for (int i = 3; i < argc; i++) {
        compare(atoi(argv[i]), runs, for_ns);
    }
    return 0;
}
