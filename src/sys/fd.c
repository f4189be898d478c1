/*
 * Descriptors: see fd.h. A write to a pipe that nobody reads raises SIGPIPE unless the call says RWF_NOSIGNAL (Linux 6.18).
 * Before that the signal is blocked in this thread around the call, and taken off again when it came: it is sent to the
 * thread that wrote, so no other can see it, and a program's own handler, mask and pending SIGPIPE stay as they were.
 */
#include "sys/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "sys/fault.h"

#ifndef RWF_NOSIGNAL
#define RWF_NOSIGNAL 0x00000100
#endif

enum { PTMX_MAJOR = 5, PTMX_MINOR = 2 };

/* Whether this kernel knows RWF_NOSIGNAL. The error for a flag it does not know is the same as for a file without NOWAIT. */
enum nosignal { NOSIGNAL_UNKNOWN, NOSIGNAL_WORKS, NOSIGNAL_REFUSED };
static atomic_int nosignal;

/* ---- SIGPIPE --------------------------------------------------------------------------------------------------------- */

struct sigpipe_guard {
    sigset_t old_mask;
    bool was_pending;
};

static void guard_begin(struct sigpipe_guard *guard)
{
    sigset_t sigpipe, pending;

    sigemptyset(&sigpipe);
    sigaddset(&sigpipe, SIGPIPE);
    (void)pthread_sigmask(SIG_BLOCK, &sigpipe, &guard->old_mask); /* fails for bad arguments only, as all of these */
    guard->was_pending = false;
    if (sigismember(&guard->old_mask, SIGPIPE)) {
        (void)sigpending(&pending);
        guard->was_pending = sigismember(&pending, SIGPIPE);
    }
}

static void guard_end(const struct sigpipe_guard *guard, ssize_t rc)
{
    const struct timespec at_once = {0};
    sigset_t sigpipe;

    if (rc == -EPIPE && !guard->was_pending) {
        sigemptyset(&sigpipe);
        sigaddset(&sigpipe, SIGPIPE);
        (void)sigtimedwait(&sigpipe, NULL, &at_once); /* EAGAIN: what was written to raises no signal */
    }
    (void)pthread_sigmask(SIG_SETMASK, &guard->old_mask, NULL);
}

/* ---- reading --------------------------------------------------------------------------------------------------------- */

ssize_t ci_fd_read(int fd, void *data, size_t size)
{
    ssize_t rc;

    do {
        rc = ci_fault("read");
        if (rc == 0) {
            rc = read(fd, data, size);
            rc = rc < 0 ? -errno : rc;
        }
    } while (rc == -EINTR);
    return rc;
}

ssize_t ci_fd_readv_now(int fd, const struct iovec *vectors, int count, int64_t offset)
{
    ssize_t rc;

    do {
        rc = ci_fault("preadv2");
        if (rc == 0) {
            rc = preadv2(fd, vectors, count, offset, RWF_NOWAIT);
            rc = rc < 0 ? -errno : rc;
        }
    } while (rc == -EINTR);
    return rc;
}

ssize_t ci_fd_read_now(int fd, void *data, size_t size)
{
    const struct iovec vector = {.iov_base = data, .iov_len = size};

    return ci_fd_readv_now(fd, &vector, 1, -1);
}

/* ---- writing --------------------------------------------------------------------------------------------------------- */

static ssize_t write_plainly(int fd, const void *data, size_t size)
{
    ssize_t rc;

    do {
        rc = ci_fault("write");
        if (rc == 0) {
            rc = write(fd, data, size);
            rc = rc < 0 ? -errno : rc;
        }
    } while (rc == -EINTR);
    return rc;
}

ssize_t ci_fd_write(int fd, const void *data, size_t size)
{
    struct sigpipe_guard guard;
    ssize_t rc;

    guard_begin(&guard);
    rc = write_plainly(fd, data, size);
    guard_end(&guard, rc);
    return rc;
}

static ssize_t write_with_flags(int fd, const struct iovec *vectors, int count, int64_t offset, int flags)
{
    ssize_t rc;

    do {
        rc = ci_fault("pwritev2");
        if (rc == 0) {
            rc = pwritev2(fd, vectors, count, offset, flags);
            rc = rc < 0 ? -errno : rc;
        }
    } while (rc == -EINTR);
    return rc;
}

ssize_t ci_fd_writev_now(int fd, const struct iovec *vectors, int count, int64_t offset)
{
    int known = atomic_load_explicit(&nosignal, memory_order_relaxed);
    struct sigpipe_guard guard;
    ssize_t rc;

    if (known != NOSIGNAL_REFUSED) {
        rc = write_with_flags(fd, vectors, count, offset, RWF_NOWAIT | RWF_NOSIGNAL);
        if (rc != -EOPNOTSUPP || known == NOSIGNAL_WORKS) {
            if (rc > 0) {
                atomic_store_explicit(&nosignal, NOSIGNAL_WORKS, memory_order_relaxed);
            }
            return rc;
        }
    }
    guard_begin(&guard);
    rc = write_with_flags(fd, vectors, count, offset, RWF_NOWAIT);
    guard_end(&guard, rc);
    if (rc > 0) {
        atomic_store_explicit(&nosignal, NOSIGNAL_REFUSED, memory_order_relaxed);
    }
    return rc;
}

ssize_t ci_fd_write_now(int fd, const void *data, size_t size)
{
    const struct iovec vector = {.iov_base = (void *)(uintptr_t)data, .iov_len = size}; /* only read from */

    return ci_fd_writev_now(fd, &vector, 1, -1);
}

static int get_flags(int fd)
{
    int rc = ci_fault("fcntl");

    if (rc < 0) {
        return rc;
    }
    rc = fcntl(fd, F_GETFL);
    return rc < 0 ? -errno : rc;
}

ssize_t ci_fd_write_nonblocking(int fd, const void *data, size_t size)
{
    int flags = get_flags(fd);
    ssize_t written;

    if (flags < 0) {
        return flags;
    }
    if (flags & O_NONBLOCK) {
        return ci_fd_write(fd, data, size);
    }
    if (fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) {
        return -errno;
    }
    written = ci_fd_write(fd, data, size);
    (void)fcntl(fd, F_SETFL, flags); /* these flags were good a moment ago */
    return written;
}

ssize_t ci_fd_write_terminal(int fd, const void *data, size_t size)
{
    char path[sizeof "/proc/self/fd/-2147483648"];
    ssize_t written;
    int own = ci_fault("open");

    if (own == 0) {
        (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd); /* the longest number fits */
        own = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    }
    if (own < 0) {
        return ci_fd_write_nonblocking(fd, data, size);
    }
    written = write_plainly(own, data, size);
    (void)close(own); /* what was written is in the terminal's queue, and the terminal stays open */
    return written;
}

/* ---- the rest -------------------------------------------------------------------------------------------------------- */

static enum ci_fd_kind character_kind(int fd, dev_t device)
{
    struct termios settings;

    if (device == makedev(PTMX_MAJOR, PTMX_MINOR) || tcgetattr(fd, &settings) < 0) {
        return CI_FD_OTHER;
    }
    return CI_FD_TERMINAL;
}

int ci_fd_kind(int fd, enum ci_fd_kind *kind)
{
    struct stat status;
    int rc = ci_fault("fstat");

    if (rc < 0) {
        return rc;
    }
    if (fstat(fd, &status) < 0) {
        return -errno;
    }
    switch (status.st_mode & S_IFMT) {
    case S_IFREG:
    case S_IFBLK:
    case S_IFDIR:
        *kind = CI_FD_FILE;
        break;
    case S_IFIFO:
        *kind = CI_FD_PIPE;
        break;
    case S_IFSOCK:
        *kind = CI_FD_SOCKET;
        break;
    case S_IFCHR:
        *kind = character_kind(fd, status.st_rdev);
        break;
    default:
        *kind = CI_FD_OTHER;
    }
    return 0;
}

int ci_fd_poll(struct pollfd *fds, nfds_t count)
{
    int rc;

    do {
        rc = ci_fault("poll");
        if (rc == 0) {
            rc = poll(fds, count, 0);
            rc = rc < 0 ? -errno : rc;
        }
    } while (rc == -EINTR);
    return rc;
}

int ci_fd_check(int fd)
{
    int rc = get_flags(fd);

    return rc < 0 ? rc : 0;
}

int ci_fd_check_reads(int fd)
{
    int rc = get_flags(fd);

    if (rc < 0) {
        return rc;
    }
    return (rc & O_ACCMODE) == O_WRONLY ? -EBADF : 0;
}

int ci_fd_check_writes(int fd)
{
    int rc = get_flags(fd);

    if (rc < 0) {
        return rc;
    }
    return (rc & O_ACCMODE) == O_RDONLY ? -EBADF : 0;
}

int ci_fd_close(int fd)
{
    int rc = ci_fault("close");

    if (close(fd) < 0 && errno != EINTR) {
        return -errno;
    }
    return rc;
}

int ci_fd_event_open(void)
{
    int rc = ci_fault("eventfd");

    if (rc < 0) {
        return rc;
    }
    rc = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return rc < 0 ? -errno : rc;
}

void ci_fd_event_signal(int fd)
{
    const uint64_t one = 1;
    int saved = errno;

    (void)!write(fd, &one, sizeof one); /* nothing could be done in a signal handler, and nothing can go wrong */
    errno = saved;
}
