/* The calls on one descriptor, each an operation of the poller: see coil/io.h. */
#include <coil/io.h>

#include "io/block.h"
#include "io/call.h"
#include "sys/fd.h"

/* READ, WRITE, RECV, SEND. The poller does not write to data for those that send. */
static inline ssize_t transfer(enum ci_op_code code, int fd, const void *data, size_t size, int flags, const char *what)
{
    struct ci_io_call call;

    call.op.code = code;
    call.op.fd = fd;
    call.op.buffer.data = (void *)(uintptr_t)data;
    call.op.buffer.size = size;
    call.op.buffer.flags = flags;
    return (ssize_t)ci_io_run(&call, what);
}

ssize_t coil_read(int fd, void *data, size_t size)
{
    return transfer(CI_OP_READ, fd, data, size, 0, "read");
}

ssize_t coil_write(int fd, const void *data, size_t size)
{
    return transfer(CI_OP_WRITE, fd, data, size, 0, "write");
}

ssize_t coil_recv(int fd, void *data, size_t size, int flags)
{
    return transfer(CI_OP_RECV, fd, data, size, flags, "recv");
}

ssize_t coil_send(int fd, const void *data, size_t size, int flags)
{
    return transfer(CI_OP_SEND, fd, data, size, flags, "send");
}

int coil_accept(int fd, struct sockaddr *address, socklen_t *length)
{
    struct ci_io_call call;

    call.op.code = CI_OP_ACCEPT;
    call.op.fd = fd;
    call.op.accept.address = address;
    call.op.accept.length = length;
    call.op.accept.flags = 0;
    return (int)ci_io_run(&call, "accept");
}

int coil_connect(int fd, const struct sockaddr *address, socklen_t length)
{
    struct ci_io_call call;

    call.op.code = CI_OP_CONNECT;
    call.op.fd = fd;
    call.op.connect.address = address;
    call.op.connect.length = length;
    return (int)ci_io_run(&call, "connect");
}

int coil_close(int fd)
{
    struct coil_loop *loop = ci_loop_running;

    if (loop != NULL) {
        loop->poller->class->evict(loop->poller, fd);
        ci_io_block_evict(loop, fd);
    }
    return ci_fd_close(fd);
}
