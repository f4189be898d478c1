/* Sockets: see sockets.h. */
#include "sys/sockets.h"

#include <errno.h>
#include <fcntl.h>

#include "sys/fault.h"

ssize_t ci_socket_recv(int fd, void *data, size_t size, int flags)
{
    ssize_t rc;

    do {
        rc = ci_fault("recv");
        if (rc == 0) {
            rc = recv(fd, data, size, flags | MSG_DONTWAIT);
            rc = rc < 0 ? -errno : rc;
        }
    } while (rc == -EINTR);
    return rc;
}

ssize_t ci_socket_send(int fd, const void *data, size_t size, int flags)
{
    ssize_t rc;

    do {
        rc = ci_fault("send");
        if (rc == 0) {
            rc = send(fd, data, size, flags | MSG_DONTWAIT | MSG_NOSIGNAL);
            rc = rc < 0 ? -errno : rc;
        }
    } while (rc == -EINTR);
    return rc;
}

ssize_t ci_socket_recvmsg(int fd, struct msghdr *message, int flags)
{
    ssize_t rc;

    do {
        rc = ci_fault("recvmsg");
        if (rc == 0) {
            rc = recvmsg(fd, message, flags | MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
            rc = rc < 0 ? -errno : rc;
        }
    } while (rc == -EINTR);
    return rc;
}

ssize_t ci_socket_sendmsg(int fd, const struct msghdr *message, int flags)
{
    ssize_t rc;

    do {
        rc = ci_fault("sendmsg");
        if (rc == 0) {
            rc = sendmsg(fd, message, flags | MSG_DONTWAIT | MSG_NOSIGNAL);
            rc = rc < 0 ? -errno : rc;
        }
    } while (rc == -EINTR);
    return rc;
}

/* Sets O_NONBLOCK. Returns 1 when it was not set and is to be taken away again, 0 when it was, or a negative errno. */
static int begin_nonblocking(int fd, int *flags)
{
    int rc = ci_fault("fcntl");

    if (rc < 0) {
        return rc;
    }
    *flags = fcntl(fd, F_GETFL);
    if (*flags < 0) {
        return -errno;
    }
    if (*flags & O_NONBLOCK) {
        return 0;
    }
    return fcntl(fd, F_SETFL, *flags | O_NONBLOCK) < 0 ? -errno : 1;
}

static void end_nonblocking(int fd, int begun, int flags)
{
    if (begun == 1) {
        (void)fcntl(fd, F_SETFL, flags); /* these flags were good a moment ago */
    }
}

int ci_socket_accept(int fd, struct sockaddr *address, socklen_t *length, int flags)
{
    int old_flags;
    int begun = begin_nonblocking(fd, &old_flags);
    int rc = begun;

    if (begun < 0) {
        return rc;
    }
    do {
        rc = ci_fault("accept4");
        if (rc == 0) {
            rc = accept4(fd, address, length, flags | SOCK_CLOEXEC);
            rc = rc < 0 ? -errno : rc;
        }
    } while (rc == -EINTR);
    end_nonblocking(fd, begun, old_flags);
    return rc;
}

int ci_socket_connect(int fd, const struct sockaddr *address, socklen_t length)
{
    int old_flags;
    int begun = begin_nonblocking(fd, &old_flags);
    int rc = begun;

    if (begun < 0) {
        return rc;
    }
    rc = ci_fault("connect");
    if (rc == 0) {
        rc = connect(fd, address, length) < 0 ? -errno : 0;
    }
    end_nonblocking(fd, begun, old_flags);
    return rc == -EINTR ? -EINPROGRESS : rc; /* an interrupted connect goes on, and must not be called again */
}

static int get_option(int fd, int option, int *value)
{
    socklen_t length = sizeof *value;
    int rc = ci_fault("getsockopt");

    if (rc < 0) {
        return rc;
    }
    return getsockopt(fd, SOL_SOCKET, option, value, &length) < 0 ? -errno : 0;
}

int ci_socket_error(int fd)
{
    int error = 0;
    int rc = get_option(fd, SO_ERROR, &error);

    return rc < 0 ? rc : -error;
}

int ci_socket_kind(int fd, int *type, int *protocol)
{
    int rc = get_option(fd, SO_TYPE, type);

    return rc < 0 ? rc : get_option(fd, SO_PROTOCOL, protocol);
}

/* ---- birth and names ------------------------------------------------------------------------------------------------- */

int ci_socket_open(int family, int type, int protocol)
{
    int rc = ci_fault("socket");

    if (rc < 0) {
        return rc;
    }
    rc = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
    return rc < 0 ? -errno : rc;
}

int ci_socket_bind(int fd, const struct sockaddr *address, socklen_t length)
{
    int rc = ci_fault("bind");

    if (rc < 0) {
        return rc;
    }
    return bind(fd, address, length) < 0 ? -errno : 0;
}

int ci_socket_listen(int fd, int backlog)
{
    int rc = ci_fault("listen");

    if (rc < 0) {
        return rc;
    }
    return listen(fd, backlog) < 0 ? -errno : 0;
}

int ci_socket_shutdown(int fd, int how)
{
    int rc = ci_fault("shutdown");

    if (rc < 0) {
        return rc;
    }
    return shutdown(fd, how) < 0 ? -errno : 0;
}

int ci_socket_name(int fd, struct sockaddr *address, socklen_t *length)
{
    int rc = ci_fault("getsockname");

    if (rc < 0) {
        return rc;
    }
    return getsockname(fd, address, length) < 0 ? -errno : 0;
}

int ci_socket_peer(int fd, struct sockaddr *address, socklen_t *length)
{
    int rc = ci_fault("getpeername");

    if (rc < 0) {
        return rc;
    }
    return getpeername(fd, address, length) < 0 ? -errno : 0;
}

int ci_socket_set(int fd, int level, int option, int value)
{
    int rc = ci_fault("setsockopt");

    if (rc < 0) {
        return rc;
    }
    return setsockopt(fd, level, option, &value, sizeof value) < 0 ? -errno : 0;
}
