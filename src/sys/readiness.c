/*
 * epoll: see readiness.h. epoll_wait's milliseconds serve where no time is involved; everything else takes a timespec. Containers
 * whose filter is older than epoll_pwait2 refuse it with EPERM; with good arguments it has no other reason to. The C library
 * has a function for it since glibc 2.35, which is younger than what coil asks for; its number is the same everywhere.
 */
#include "sys/readiness.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/duration.h"
#include "sys/fault.h"

#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif

static atomic_bool pwait2_refused;

int ci_epoll_create(void)
{
    int rc = ci_fault("epoll_create1");

    if (rc < 0) {
        return rc;
    }
    rc = epoll_create1(EPOLL_CLOEXEC);
    return rc < 0 ? -errno : rc;
}

int ci_epoll_control(int epoll_fd, int operation, int fd, uint32_t events, uint64_t data)
{
    struct epoll_event event = {.events = events, .data = {.u64 = data}};
    int rc = ci_fault("epoll_ctl");

    if (rc < 0) {
        return rc;
    }
    return epoll_ctl(epoll_fd, operation, fd, &event) < 0 ? -errno : 0;
}

static int wait_without_clock(int epoll_fd, struct epoll_event *events, int capacity, int timeout)
{
    int rc = ci_fault("epoll_wait");

    if (rc < 0) {
        return rc;
    }
    rc = epoll_wait(epoll_fd, events, capacity, timeout);
    return rc < 0 ? -errno : rc;
}

static int wait_by_pwait2(int epoll_fd, struct epoll_event *events, int capacity, const struct timespec *timeout)
{
    int rc = ci_fault("epoll_pwait2");

    if (rc < 0) {
        return rc;
    }
    rc = (int)syscall(SYS_epoll_pwait2, epoll_fd, events, capacity, timeout, NULL, (size_t)0);
    return rc < 0 ? -errno : rc;
}

static int wait_by_ppoll(int epoll_fd, struct epoll_event *events, int capacity, const struct timespec *timeout)
{
    struct pollfd readable = {.fd = epoll_fd, .events = POLLIN};
    int rc = ci_fault("ppoll");

    if (rc < 0) {
        return rc;
    }
    rc = ppoll(&readable, 1, timeout, NULL);
    if (rc <= 0) {
        return rc < 0 ? -errno : 0;
    }
    return wait_without_clock(epoll_fd, events, capacity, 0);
}

int ci_epoll_wait(int epoll_fd, struct epoll_event *events, int capacity, int64_t timeout_ns)
{
    struct timespec timeout;

    if (timeout_ns == 0 || timeout_ns == CI_FOREVER) {
        return wait_without_clock(epoll_fd, events, capacity, timeout_ns == 0 ? 0 : -1);
    }
    timeout = (struct timespec){.tv_sec = timeout_ns / CI_SECOND_NS, .tv_nsec = timeout_ns % CI_SECOND_NS};
    if (!atomic_load_explicit(&pwait2_refused, memory_order_relaxed)) {
        int rc = wait_by_pwait2(epoll_fd, events, capacity, &timeout);
        if (rc != -ENOSYS && rc != -EPERM) {
            return rc;
        }
        atomic_store_explicit(&pwait2_refused, true, memory_order_relaxed);
    }
    return wait_by_ppoll(epoll_fd, events, capacity, &timeout);
}
