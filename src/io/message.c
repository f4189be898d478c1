/* Messages, and datagrams with addresses: see coil/io.h. */
#include <coil/io.h>

#include <limits.h>

#include "io/call.h"

static ssize_t run(enum ci_op_code code, int fd, struct msghdr *message, int flags, const char *what)
{
    struct ci_io_call call;

    if (message == NULL) {
        return -EFAULT;
    }
    if (message->msg_iovlen > IOV_MAX) {
        return -EMSGSIZE;
    }
    call.op.code = code;
    call.op.fd = fd;
    call.op.message.header = message;
    call.op.message.flags = flags;
    return (ssize_t)ci_io_run(&call, what);
}

ssize_t coil_recvmsg(int fd, struct msghdr *message, int flags)
{
    return run(CI_OP_RECVMSG, fd, message, flags, "recvmsg");
}

ssize_t coil_sendmsg(int fd, const struct msghdr *message, int flags)
{
    return run(CI_OP_SENDMSG, fd, (struct msghdr *)(uintptr_t)message, flags, "sendmsg");
}

ssize_t coil_recvfrom(int fd, void *data, size_t size, int flags, struct sockaddr *address, socklen_t *length)
{
    struct iovec vector = {.iov_base = data, .iov_len = size};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};

    if (address != NULL) {
        if (length == NULL) {
            return -EFAULT;
        }
        message.msg_name = address;
        message.msg_namelen = *length;
    }
    ssize_t got = run(CI_OP_RECVMSG, fd, &message, flags, "recvfrom");
    if (got >= 0 && address != NULL) {
        *length = message.msg_namelen;
    }
    return got;
}

ssize_t coil_sendto(int fd, const void *data, size_t size, int flags, const struct sockaddr *address, socklen_t length)
{
    struct iovec vector = {.iov_base = (void *)(uintptr_t)data, .iov_len = size}; /* only read from, as the address */
    struct msghdr message = {
        .msg_name = (void *)(uintptr_t)address, .msg_namelen = length, .msg_iov = &vector, .msg_iovlen = 1};

    return run(CI_OP_SENDMSG, fd, &message, flags, "sendto");
}
