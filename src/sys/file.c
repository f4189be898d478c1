/* Files: see file.h. */
#include "sys/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "sys/fault.h"

/* Makes the call, again when it is interrupted, unless name is to fail. */
#define RETRIED(name, call)            \
    do {                               \
        rc = ci_fault(name);           \
        if (rc == 0) {                 \
            rc = (call);               \
            rc = rc < 0 ? -errno : rc; \
        }                              \
    } while (rc == -EINTR)

ssize_t ci_file_readv(int fd, const struct iovec *vectors, int count, int64_t offset)
{
    ssize_t rc;

    RETRIED("preadv", preadv2(fd, vectors, count, offset, 0));
    return rc;
}

ssize_t ci_file_writev(int fd, const struct iovec *vectors, int count, int64_t offset)
{
    ssize_t rc;

    RETRIED("pwritev", pwritev2(fd, vectors, count, offset, 0));
    return rc;
}

int ci_file_open(int directory, const char *path, int flags, mode_t mode)
{
    int rc;

    RETRIED("openat", openat(directory, path, flags | O_CLOEXEC, mode));
    return rc;
}

int ci_file_sync(int fd)
{
    int rc;

    RETRIED("fsync", fsync(fd));
    return rc;
}

int ci_file_datasync(int fd)
{
    int rc;

    RETRIED("fdatasync", fdatasync(fd));
    return rc;
}

int ci_file_truncate(int fd, int64_t size)
{
    int rc;

    RETRIED("ftruncate", ftruncate(fd, size));
    return rc;
}

int ci_file_statx(int directory, const char *path, int flags, unsigned mask, struct statx *status)
{
    int rc;

    RETRIED("statx", statx(directory, path, flags, mask, status));
    return rc;
}

int ci_file_unlink(int directory, const char *path, int flags)
{
    int rc;

    RETRIED("unlinkat", unlinkat(directory, path, flags));
    return rc;
}

int ci_file_rename(int directory, const char *path, int new_directory, const char *new_path, unsigned flags)
{
    int rc;

    RETRIED("renameat2", renameat2(directory, path, new_directory, new_path, flags));
    return rc;
}

int ci_file_mkdir(int directory, const char *path, mode_t mode)
{
    int rc;

    RETRIED("mkdirat", mkdirat(directory, path, mode));
    return rc;
}

ssize_t ci_file_entries(int fd, void *data, size_t size)
{
    ssize_t rc;

    RETRIED("getdents64", getdents64(fd, data, size));
    return rc;
}
