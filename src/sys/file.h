/*
 * Calls on files that may block as long as the disk takes. Wrappers return a size, a descriptor or 0, or a negative errno; EINTR is
 * retried here; each asks ci_fault() with the name of its system call first. All of it is safe in any thread.
 */
#ifndef CI_SYS_FILE_H
#define CI_SYS_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>

/* As readv(2) and writev(2); at offset, as preadv(2) and pwritev(2), unless it is -1 ("preadv", "pwritev"). */
ssize_t ci_file_readv(int fd, const struct iovec *vectors, int count, int64_t offset);
ssize_t ci_file_writev(int fd, const struct iovec *vectors, int count, int64_t offset);

/* As openat(2); the descriptor is close-on-exec whatever flags say ("openat"). */
int ci_file_open(int directory, const char *path, int flags, mode_t mode);

/* ("fsync", "fdatasync", "ftruncate") */
int ci_file_sync(int fd);
int ci_file_datasync(int fd);
int ci_file_truncate(int fd, int64_t size);

/* As statx(2), unlinkat(2), renameat2(2) and mkdirat(2) ("statx", "unlinkat", "renameat2", "mkdirat"). */
int ci_file_statx(int directory, const char *path, int flags, unsigned mask, struct statx *status);
int ci_file_unlink(int directory, const char *path, int flags);
int ci_file_rename(int directory, const char *path, int new_directory, const char *new_path, unsigned flags);
int ci_file_mkdir(int directory, const char *path, mode_t mode);

/* As getdents64(2): fills data with entries of the directory, returns how many bytes ("getdents64"). */
ssize_t ci_file_entries(int fd, void *data, size_t size);

#endif
