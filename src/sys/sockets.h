/*
 * Socket calls that never block and never raise SIGPIPE, whatever flags the descriptor has. Wrappers return a size, a
 * descriptor or 0, or a negative errno (-EAGAIN: not now); EINTR is retried here; each asks ci_fault() with the name of its
 * system call first. Whether and how one waits for "now" is for others to know.
 */
#ifndef CI_SYS_SOCKETS_H
#define CI_SYS_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

/* As recv(2) with MSG_DONTWAIT ("recv"). */
ssize_t ci_socket_recv(int fd, void *data, size_t size, int flags);

/* As send(2) with MSG_DONTWAIT and MSG_NOSIGNAL ("send"). */
ssize_t ci_socket_send(int fd, const void *data, size_t size, int flags);

/* As recvmsg(2) with MSG_DONTWAIT, and descriptors that come with it are close-on-exec ("recvmsg"). */
ssize_t ci_socket_recvmsg(int fd, struct msghdr *message, int flags);

/* As sendmsg(2) with MSG_DONTWAIT and MSG_NOSIGNAL ("sendmsg"). */
ssize_t ci_socket_sendmsg(int fd, const struct msghdr *message, int flags);

/*
 * As accept4(2); the new descriptor is close-on-exec whatever flags say ("accept4"). A listener without O_NONBLOCK has it
 * for the time of the call, for accept4 has no flag to say so: another process that shares the listener and calls accept
 * in just that time can find EAGAIN there, and if it, too, sets the flag for a time, either may block until the next
 * connection comes. Who shares listeners among processes sets O_NONBLOCK once and for all; then nothing is touched here.
 */
int ci_socket_accept(int fd, struct sockaddr *address, socklen_t *length, int flags);

/* As connect(2), with O_NONBLOCK for the time of the call as above: -EINPROGRESS when it goes on by itself ("connect"). */
int ci_socket_connect(int fd, const struct sockaddr *address, socklen_t length);

/* Takes the pending error of the socket: 0 when there is none, else a negative errno ("getsockopt"). */
int ci_socket_error(int fd);

/* A new socket, non-blocking and close-on-exec, as socket(2) ("socket"). */
int ci_socket_open(int family, int type, int protocol);

/* As bind(2), listen(2), shutdown(2) (each under its own name). */
int ci_socket_bind(int fd, const struct sockaddr *address, socklen_t length);
int ci_socket_listen(int fd, int backlog);
int ci_socket_shutdown(int fd, int how);

/* As getsockname(2), getpeername(2) (each under its own name). */
int ci_socket_name(int fd, struct sockaddr *address, socklen_t *length);
int ci_socket_peer(int fd, struct sockaddr *address, socklen_t *length);

/* Sets an option that is an int ("setsockopt"). */
int ci_socket_set(int fd, int level, int option, int value);

/* Fills in the socket's type (SOCK_STREAM, ...) and protocol (IPPROTO_TCP, ...); -ENOTSOCK ("getsockopt"). */
int ci_socket_kind(int fd, int *type, int *protocol);

#endif
