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

#include <poll.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <coil/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Reads up to size bytes into data, waiting until there is at least one, or the end: then it returns 0, as for a size of 0.
 * Returns how many were read. A regular file is read at once, blocking the thread as long as the disk takes. -ECANCELED, and
 * what read(2) may fail with, except EAGAIN and EINTR. POSIX: read.
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

#ifdef __cplusplus
}
#endif

#endif
