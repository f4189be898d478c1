/*
 * Calls on descriptors of every kind. Wrappers return a size, a descriptor or 0, or a negative errno; EINTR is retried here;
 * each asks ci_fault() with the name of its system call first. None raises SIGPIPE. Nothing here knows how one waits.
 */
#ifndef CI_SYS_FD_H
#define CI_SYS_FD_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

/* What a descriptor stands for, as far as that decides how it is read and written without blocking. */
enum ci_fd_kind {
    CI_FD_FILE, /* always ready: regular files, block devices, directories */
    CI_FD_PIPE, /* pipes and FIFOs */
    CI_FD_SOCKET,
    CI_FD_TERMINAL, /* a terminal that can be opened a second time, so any but the master of a pseudo-terminal */
    CI_FD_OTHER,
};

/* ("fstat") */
int ci_fd_kind(int fd, enum ci_fd_kind *kind);

/* As read(2): may block ("read"). */
ssize_t ci_fd_read(int fd, void *data, size_t size);

/* As read(2), but does not block: -EAGAIN. -EOPNOTSUPP where the kernel cannot promise that: terminals, many devices and file
 * systems, and, before Linux 6.4, pipes and sockets. A regular file gives what is in memory ("preadv2"). */
ssize_t ci_fd_read_now(int fd, void *data, size_t size);

/* The same as readv(2). At offset, as preadv(2), unless it is -1 ("preadv2"). */
ssize_t ci_fd_readv_now(int fd, const struct iovec *vectors, int count, int64_t offset);

/* As write(2): may block ("write"). */
ssize_t ci_fd_write(int fd, const void *data, size_t size);

/* As write(2), but does not block: -EAGAIN, and -EOPNOTSUPP as ci_fd_read_now ("pwritev2"). */
ssize_t ci_fd_write_now(int fd, const void *data, size_t size);

/* The same as writev(2), or pwritev(2), as ci_fd_readv_now ("pwritev2"). */
ssize_t ci_fd_writev_now(int fd, const struct iovec *vectors, int count, int64_t offset);

/* As write(2), without blocking, by setting O_NONBLOCK for the time of the call: whoever shares the open file sees it. */
ssize_t ci_fd_write_nonblocking(int fd, const void *data, size_t size);

/* As write(2), without blocking, through a second opening of the terminal: nobody sees anything. Where it cannot be opened
 * a second time, as ci_fd_write_nonblocking ("open"). */
ssize_t ci_fd_write_terminal(int fd, const void *data, size_t size);

/* As poll(2) without any waiting: how many of fds have revents ("poll"). */
int ci_fd_poll(struct pollfd *fds, nfds_t count);

/* 0 if the descriptor is open, else -EBADF ("fcntl"). */
int ci_fd_check(int fd);

/* 0 if the descriptor is open for reading, or for writing, else -EBADF ("fcntl"). */
int ci_fd_check_reads(int fd);
int ci_fd_check_writes(int fd);

/* Closes it. The number is free afterwards in any case, for Linux lets go of it before anything can go wrong ("close"). */
int ci_fd_close(int fd);

/* A new eventfd(2), non-blocking and close-on-exec ("eventfd"). */
int ci_fd_event_open(void);

/* Adds 1 to an eventfd. Safe in a signal handler; errno stays. It cannot fail within the first 2^64 times. */
void ci_fd_event_signal(int fd);

#endif
