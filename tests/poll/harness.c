/* What the tests of the poller share: see harness.h. */
#include "harness.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/duration.h"
#include "sys/fault.h"

enum { NAMES = 32 };

struct ci_poller *poller;

static int completed;

static struct {
    const char *names[NAMES];
    int counts[NAMES];
    int all;
    int fail_at;
    int error;
    bool failed;
    bool old_kernel;
    int setups;
    bool counting;
} hook;

/* ---- system calls ---------------------------------------------------------------------------------------------------- */

static void count(const char *call)
{
    int i = 0;

    while (i < NAMES - 1 && hook.names[i] != NULL && strcmp(hook.names[i], call) != 0) {
        i++;
    }
    hook.names[i] = call;
    hook.counts[i]++;
    hook.all++;
}

static int answer(const char *call)
{
    if (hook.counting) {
        count(call);
        if (hook.all == hook.fail_at) {
            hook.failed = true;
            return hook.error == -EINTR && strcmp(call, "connect") == 0 ? 0 : hook.error;
        }
    }
    if (hook.old_kernel && (strcmp(call, "preadv2") == 0 || strcmp(call, "pwritev2") == 0)) {
        return -EOPNOTSUPP;
    }
    if (hook.old_kernel && (strcmp(call, "io_uring_setup") == 0 && hook.setups++ < 2)) {
        return -EINVAL;
    }
    return hook.old_kernel && strcmp(call, "epoll_pwait2") == 0 ? -ENOSYS : 0;
}

void count_calls(void)
{
    bool old_kernel = hook.old_kernel;

    memset(&hook, 0, sizeof hook);
    hook.old_kernel = old_kernel;
    hook.counting = true;
    ci_fault_hook = answer;
}

int calls_of(const char *name)
{
    if (name == NULL) {
        return hook.all;
    }
    for (int i = 0; i < NAMES && hook.names[i] != NULL; i++) {
        if (strcmp(hook.names[i], name) == 0) {
            return hook.counts[i];
        }
    }
    return 0;
}

void fail_nth_call(int nth, int error)
{
    count_calls();
    hook.fail_at = nth;
    hook.error = error;
}

bool call_failed(void)
{
    return hook.failed;
}

void no_hook(void)
{
    memset(&hook, 0, sizeof hook);
    ci_fault_hook = NULL;
}

/* ---- the poller and operations --------------------------------------------------------------------------------------- */

bool on_uring(void)
{
    const char *backend = getenv("COIL_BACKEND");

    return backend != NULL && strcmp(backend, "io_uring") == 0;
}

static bool with_side_ring(void)
{
    const char *backend = getenv("COIL_BACKEND");

    return backend == NULL || *backend == '\0';
}

int try_open_poller(void)
{
    return on_uring() ? ci_uring_open(&poller) : ci_epoll_open(&poller, with_side_ring());
}

void open_poller(int kernel)
{
    if (kernel == 1) {
        hook.old_kernel = true;
        ci_fault_hook = answer;
    }
    ck_assert_int_eq(try_open_poller(), 0);
}

void close_poller(void)
{
    ck_assert_uint_eq(poller->inflight, 0);
    poller->class->destroy(poller);
    poller = NULL;
}

void end(const int fds[2])
{
    for (int i = 0; i < 2; i++) {
        if (fds[i] >= 0) {
            poller->class->evict(poller, fds[i]);
            close(fds[i]);
        }
    }
    close_poller();
}

static void on_complete(struct ci_op *op)
{
    struct job *job = ci_container_of(op, struct job, op);

    job->completions++;
    job->order = ++completed;
}

void start(struct job *job)
{
    job->completions = 0;
    job->op.complete = on_complete;
    int rc = poller->class->submit(poller, &job->op);
    ck_assert_msg(rc >= 0, "submit: %s", strerror(-rc));
    if (rc == CI_BLOCKS) { /* what others do in a thread */
        job->op.result = ci_call_make(&job->op);
        rc = 1;
    }
    job->at_once = rc == 1;
    ck_assert_int_eq(job->completions, 0);
}

void start_recv(struct job *job, int fd, void *data, size_t size, int flags)
{
    job->op = (struct ci_op){.code = CI_OP_RECV, .fd = fd, .buffer = {.data = data, .size = size, .flags = flags}};
    start(job);
}

void start_send(struct job *job, int fd, const void *data, size_t size, int flags)
{
    void *bytes = (void *)(uintptr_t)data;

    job->op = (struct ci_op){.code = CI_OP_SEND, .fd = fd, .buffer = {.data = bytes, .size = size, .flags = flags}};
    start(job);
}

void start_read(struct job *job, int fd, void *data, size_t size)
{
    job->op = (struct ci_op){.code = CI_OP_READ, .fd = fd, .buffer = {.data = data, .size = size}};
    start(job);
}

void start_write(struct job *job, int fd, const void *data, size_t size)
{
    job->op = (struct ci_op){.code = CI_OP_WRITE, .fd = fd, .buffer = {.data = (void *)(uintptr_t)data, .size = size}};
    start(job);
}

void start_poll(struct job *job, int fd, short events)
{
    job->op = (struct ci_op){.code = CI_OP_POLL, .fd = fd, .poll = {.events = events}};
    start(job);
}

void start_accept(struct job *job, int fd)
{
    job->op = (struct ci_op){.code = CI_OP_ACCEPT, .fd = fd};
    start(job);
}

void start_connect(struct job *job, int fd, const void *address, socklen_t length)
{
    job->op = (struct ci_op){.code = CI_OP_CONNECT, .fd = fd, .connect = {.address = address, .length = length}};
    start(job);
}

bool is_over(const struct job *job)
{
    return job->at_once || job->completions > 0;
}

int64_t finish(struct job *job)
{
    int64_t end_ns = now_ns() + 10 * SECOND;

    while (!is_over(job)) {
        ck_assert_msg(now_ns() < end_ns, "the operation never ends");
        int rc = poller->class->wait(poller, SECOND);
        ck_assert_msg(rc == 0, "wait: %s", strerror(-rc));
    }
    ck_assert_int_eq(job->completions, job->at_once ? 0 : 1);
    return job->op.result;
}

void stays_waiting(struct job *job, int64_t for_ns)
{
    int64_t end_ns = now_ns() + for_ns;

    do {
        ck_assert_int_eq(poller->class->wait(poller, for_ns == 0 ? 0 : end_ns - now_ns()), 0);
    } while (now_ns() < end_ns);
    ck_assert(!is_over(job));
}

int64_t cancel(struct job *job)
{
    poller->class->cancel(poller, &job->op);
    if (job->completions == 0) {
        ck_assert_int_eq(poller->class->wait(poller, CI_FOREVER), 0);
    }
    ck_assert_int_eq(job->completions, 1);
    return job->op.result;
}

/* ---- descriptors ----------------------------------------------------------------------------------------------------- */

int tcp_listener(struct sockaddr_in *address)
{
    socklen_t length = sizeof *address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)address, sizeof *address), 0);
    ck_assert_int_eq(listen(fd, 16), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)address, &length), 0);
    return fd;
}

static int connected_to(const struct sockaddr_in *address)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(connect(fd, (const struct sockaddr *)address, sizeof *address), 0);
    return fd;
}

void tcp_pair(int fds[2])
{
    struct sockaddr_in address;
    struct job job;
    int listener = tcp_listener(&address);

    fds[1] = connected_to(&address);
    start_accept(&job, listener);
    fds[0] = (int)finish(&job);
    ck_assert_int_ge(fds[0], 0);
    poller->class->evict(poller, listener);
    close(listener);
}

void plain_tcp_pair(int fds[2])
{
    struct sockaddr_in address;
    int listener = tcp_listener(&address);

    fds[1] = connected_to(&address);
    fds[0] = accept(listener, NULL, NULL);
    ck_assert_int_ge(fds[0], 0);
    close(listener);
}

void unix_pair(int type, int fds[2])
{
    ck_assert_int_eq(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds), 0);
}

size_t fill(int fd)
{
    static const char zeros[65536];
    int flags = fcntl(fd, F_GETFL);
    size_t total = 0;
    size_t piece = sizeof zeros;

    ck_assert_int_eq(fcntl(fd, F_SETFL, flags | O_NONBLOCK), 0);
    while (piece > 0) {
        ssize_t n = write(fd, zeros, piece);
        if (n < 0) {
            ck_assert_int_eq(errno, EAGAIN);
            piece /= 2;
        } else {
            total += (size_t)n;
        }
    }
    ck_assert_int_eq(fcntl(fd, F_SETFL, flags), 0);
    return total;
}

void drain(int fd, size_t n)
{
    char buffer[65536];

    while (n > 0) {
        ssize_t got = read(fd, buffer, n < sizeof buffer ? n : sizeof buffer);
        ck_assert_int_gt(got, 0);
        n -= (size_t)got;
    }
}

int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}
