/*
 * Descriptors: the calls of POSIX, made by coroutines. Each has the name and the arguments of the call that it replaces and
 * means the same, but only the calling task waits, not the thread. Any descriptor will do, with or without O_NONBLOCK; what a
 * call waits for, it waits for even if the flag is set. The flags are afterwards as they were: where the kernel cannot be asked
 * otherwise not to block (accept, connect, writing to some devices), a descriptor without O_NONBLOCK has it for the time of a
 * system call. Who shares such a one with another process, which would see that, sets the flag for good.
 *
 * All of these but coil_close await where they have to wait. What can be done at once is done without letting others run, except
 * that every 128th such call in a row lets everything else that is ready run once before it returns, so that a descriptor that
 * is always ready keeps nobody waiting. All return a negative errno; errno itself means nothing after them. All but coil_close
 * return -EPERM outside of a task. Where they have to wait, -ENOMEM and -ENOSPC mean that the kernel cannot watch one descriptor
 * more (fs.epoll.max_user_watches). None fails with EINTR, and none raises SIGPIPE.
 *
 * Cancellation never loses a byte. If the kernel was faster, the call returns its result, and the cancellation stays pending
 * for the next await that has to wait; a call that had moved a part returns how much. One that comes while a call lets others
 * run is returned by the next call, which then does nothing. When a call has returned, the kernel has no more to do with the
 * caller's buffer.
 *
 * Several tasks may wait on one descriptor; each direction is served in the order in which they came.
 *
 * Close with coil_close what a task may be waiting on, and what coil_accept handed out. If such a one is closed by close(2) and
 * its number is used again, that works nevertheless, but the first wait on it may be served up to 0.1 seconds late.
 */
#ifndef COIL_IO_H
#define COIL_IO_H

#include <dirent.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <coil/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Reads up to size bytes into data, waiting until there is at least one, or the end: then it returns 0, as for a size of 0.
 * Returns how many were read. A regular file is read where it stands, as many bytes as it has up to size; where
 * those are not in memory, the task waits for the disk. -ECANCELED, and what read(2) may fail with, except EAGAIN and EINTR.
 * POSIX: read.
 */
COIL_API ssize_t coil_read(int fd, void *data, size_t size);

/*
 * Writes size bytes of data, waiting until all of them are taken, as a blocking write does. Returns size; or fewer, when an
 * error or a cancellation came after some had been written: the next call then tells the error. Up to PIPE_BUF bytes go into
 * a pipe in one piece. -EPIPE when nobody can read them any more; -ECANCELED, and what write(2) may fail with, except EAGAIN
 * and EINTR. POSIX: write.
 */
COIL_API ssize_t coil_write(int fd, const void *data, size_t size);

/*
 * Receives up to size bytes from a socket, waiting until there is something. flags as for recv(2): with MSG_WAITALL it waits
 * until size bytes have come (fewer at the end of the stream, or when an error or a cancellation comes in between); with
 * MSG_DONTWAIT it never waits and returns -EAGAIN instead, as do MSG_OOB and MSG_ERRQUEUE by their nature. Returns how many were
 * received, 0 at the end of the stream. -ECANCELED, -ENOTSOCK, and what recv(2) may fail with. POSIX: recv; asyncio:
 * loop.sock_recv_into.
 */
COIL_API ssize_t coil_recv(int fd, void *data, size_t size, int flags);

/*
 * Sends size bytes through a socket, waiting until all of them are taken; flags as for send(2), MSG_NOSIGNAL always among them,
 * and with MSG_DONTWAIT as many as are taken at once, else -EAGAIN. Returns size, or fewer as coil_write. -EPIPE when the
 * connection is closed; -ECANCELED, -ENOTSOCK, and what send(2) may fail with. POSIX: send; asyncio: loop.sock_sendall.
 */
COIL_API ssize_t coil_send(int fd, const void *data, size_t size, int flags);

/*
 * The same for count pieces of memory, one after the other: coil_readv fills them as coil_read, coil_writev writes them as
 * coil_write, and what fits is one call, so one datagram or one record. -EINVAL if count is negative or more than IOV_MAX, and what
 * coil_read and coil_write may return. POSIX: readv, writev.
 */
COIL_API ssize_t coil_readv(int fd, const struct iovec *vectors, int count);
COIL_API ssize_t coil_writev(int fd, const struct iovec *vectors, int count);

/*
 * Receives up to size bytes and, unless address is NULL, who sent them: *length says how much room address has, and afterwards how
 * much it needs. flags and result as coil_recv. -EFAULT for an address without a length, and what coil_recv may return. POSIX:
 * recvfrom; asyncio: loop.sock_recvfrom_into.
 */
COIL_API ssize_t coil_recvfrom(int fd, void *data, size_t size, int flags, struct sockaddr *address, socklen_t *length);

/*
 * Sends size bytes to an address, or to whom the socket is connected if it is NULL. flags and result as coil_send. POSIX: sendto;
 * asyncio: loop.sock_sendto.
 */
COIL_API ssize_t coil_sendto(int fd, const void *data, size_t size, int flags, const struct sockaddr *address,
                             socklen_t length);

/*
 * Receives a message with all that belongs to it, as recvmsg(2) has it; flags and result as coil_recv. Descriptors that come with it
 * are close-on-exec and belong to the caller. message must stay as it is until the call returns. -EFAULT for NULL, -EMSGSIZE
 * for more than IOV_MAX vectors, and what coil_recv may return. POSIX: recvmsg.
 */
COIL_API ssize_t coil_recvmsg(int fd, struct msghdr *message, int flags);

/*
 * Sends a message with all that belongs to it, as sendmsg(2) has it; flags and result as coil_send. Where a stream takes it in parts,
 * what belongs to it goes with the first. message is only read. Errors as coil_recvmsg and coil_send. POSIX: sendmsg.
 */
COIL_API ssize_t coil_sendmsg(int fd, const struct msghdr *message, int flags);

/*
 * Takes the next connection from a listening socket, waiting until there is one. address and length, unless NULL, receive
 * the peer's address as in accept(2). Returns a new descriptor, close-on-exec and blocking, which belongs to the caller: close it
 * with coil_close. -ECANCELED, -EMFILE and -ENFILE (no descriptors left; the connection stays in the queue), and what accept(2) may
 * fail with, except EAGAIN and EINTR. A listener without O_NONBLOCK has it for the time of a system call; who shares one among
 * processes sets it for good. POSIX: accept; asyncio: loop.sock_accept.
 */
COIL_API int coil_accept(int fd, struct sockaddr *address, socklen_t *length);

/*
 * Connects a socket to an address, waiting until the connection is there. Returns 0. After an error or -ECANCELED the socket
 * may be half-way connected, and is good for nothing but coil_close. -ECONNREFUSED, -ETIMEDOUT (the peer does not answer), and what
 * connect(2) may fail with, except EINPROGRESS and EINTR. POSIX: connect; asyncio: loop.sock_connect.
 */
COIL_API int coil_connect(int fd, const struct sockaddr *address, socklen_t length);

/*
 * Waits until one of count descriptors has one of its events, or is broken, or for timeout seconds: INFINITY is for ever, 0 or
 * less is not at all. Fills in every revents and returns how many are not 0; 0 when the time was over first. Entries with a
 * negative fd are passed over; one that is closed meanwhile gives POLLNVAL. -ECANCELED, -EINVAL (NaN, or too many), -ENOMEM.
 * POSIX: poll.
 */
COIL_API int coil_poll(struct pollfd *fds, nfds_t count, double timeout);

/*
 * Closes a descriptor. It does not await, and may be called in a callback as well. Whoever waits on it in the running loop gets
 * -EBADF (or the number of bytes moved so far) in the next iteration, and nothing of what was known of its number is left. Without
 * a running loop it is close(2) and no more; a loop that does not run, or runs in another thread, is not told. The number is
 * free afterwards, also when an error is returned: -EBADF, -EIO, and what close(2) may fail with, except EINTR. POSIX: close.
 */
COIL_API int coil_close(int fd);

/* ---- files ----------------------------------------------------------------------------------------------------------- */

/*
 * What follows may take as long as a disk or a file server does, and only the calling task waits for that: the kernel goes on by itself
 * where io_uring is to be had, and else a few threads of the loop's own do the work. All of it can be cancelled. A call that was
 * begun may have its effect nevertheless; then it returns its result, and the cancellation stays pending for the next await.
 */

/*
 * Reads up to size bytes at offset in a file, as many as there are; where it stands does not change. Returns how many, 0 at or behind
 * the end. -ECANCELED, -EINVAL (a negative offset), -ESPIPE (no file with places), and what pread(2) may fail with, except EINTR.
 * POSIX: pread.
 */
COIL_API ssize_t coil_pread(int fd, void *data, size_t size, off_t offset);

/*
 * Writes size bytes of data at offset in a file; where it stands does not change. Returns size, or fewer as coil_write. -ECANCELED,
 * -EINVAL, -ESPIPE, and what pwrite(2) may fail with, except EINTR. POSIX: pwrite.
 */
COIL_API ssize_t coil_pwrite(int fd, const void *data, size_t size, off_t offset);

/* The same for count pieces of memory, one after the other. -EINVAL also for a count that is negative or more than IOV_MAX. Linux: preadv,
 * pwritev. */
COIL_API ssize_t coil_preadv(int fd, const struct iovec *vectors, int count, off_t offset);
COIL_API ssize_t coil_pwritev(int fd, const struct iovec *vectors, int count, off_t offset);

/*
 * Opens a file, with flags as for open(2), O_CLOEXEC always among them; with O_CREAT or O_TMPFILE, a mode_t follows. Returns a
 * descriptor, which belongs to the caller: close it with coil_close. -ECANCELED, and what open(2) may fail with, except EINTR.
 * POSIX: open.
 */
COIL_API int coil_open(const char *name, int flags, ...);

/* The same for a name that, unless it begins with a slash, is to be found from a directory (AT_FDCWD: the process's). POSIX: openat. */
COIL_API int coil_openat(int directory, const char *name, int flags, ...);

/*
 * Waits until what was written to a file is on the disk. Returns 0. -ECANCELED, -EIO, and what fsync(2) may fail with. POSIX:
 * fsync.
 */
COIL_API int coil_fsync(int fd);

/* The same, without what is not needed to read it again, such as the time of the change. POSIX: fdatasync. */
COIL_API int coil_fdatasync(int fd);

/* Makes a file have size bytes. Returns 0. -ECANCELED, -EINVAL, and what ftruncate(2) may fail with, except EINTR. POSIX: ftruncate. */
COIL_API int coil_ftruncate(int fd, off_t size);

/* Tells about the file of that name. Returns 0. -ECANCELED, -ENOENT, -EFAULT for NULL, and what stat(2) may fail with. POSIX: stat. */
COIL_API int coil_stat(const char *name, struct stat *status);

/*
 * Tells what mask (STATX_SIZE, ...) asks for about a file; flags are those of statx(2): AT_SYMLINK_NOFOLLOW for a link itself,
 * AT_EMPTY_PATH with an empty name for what the descriptor directory stands for. struct statx is declared by sys/stat.h, for who
 * defines _GNU_SOURCE. Returns 0. -ECANCELED, and what statx(2) may fail with. Linux: statx.
 */
struct statx;
COIL_API int coil_statx(int directory, const char *name, int flags, unsigned mask, struct statx *status);

/* Removes a name. Returns 0. -ECANCELED, -EISDIR (a directory), and what unlink(2) may fail with. POSIX: unlink. */
COIL_API int coil_unlink(const char *name);

/* Removes a directory, which must be empty. Returns 0. -ECANCELED, -ENOTEMPTY, and what rmdir(2) may fail with. POSIX: rmdir. */
COIL_API int coil_rmdir(const char *name);

/* Makes a directory; the process's umask is taken off mode. Returns 0. -ECANCELED, -EEXIST, and what mkdir(2) may fail with. POSIX:
 * mkdir. */
COIL_API int coil_mkdir(const char *name, mode_t mode);

/*
 * Gives a file a new name, in the place of whatever had that. Returns 0. -ECANCELED, -EXDEV (another file system), and what rename(2)
 * may fail with. POSIX: rename.
 */
COIL_API int coil_rename(const char *name, const char *new_name);

/* A directory that is being listed. */
typedef struct coil_dir coil_dir;

/*
 * Opens a directory to be listed. Returns 0 with *ret, which belongs to the caller, to be given to coil_closedir; or, with NULL there,
 * -ECANCELED, -ENOMEM, -ENOTDIR, and what open(2) may fail with; -EINVAL if ret is NULL. POSIX: opendir.
 */
COIL_API int coil_opendir(coil_dir **ret, const char *name);

/*
 * The next entry of a directory, in no order, "." and ".." among them. Returns 1 with *entry, which is good until the next call; 0 at the
 * end, or a negative errno: -ECANCELED, -ENOENT (the directory was removed), -EINVAL for NULL. One task at a time. Fetches many at once, always in a
 * thread. POSIX: readdir.
 */
COIL_API int coil_readdir(coil_dir *dir, const struct dirent **entry);

/* Ends a listing. Does not await. NULL is fine. Returns as coil_close. POSIX: closedir. */
COIL_API int coil_closedir(coil_dir *dir);

#ifdef __cplusplus
}
#endif

#endif
