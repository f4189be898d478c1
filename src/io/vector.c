/* Reads and writes of several pieces of memory, and at places in a file: see coil/io.h. */
#include <coil/io.h>

#include <limits.h>

#include "io/call.h"

static ssize_t transfer(enum ci_op_code code, int fd, const struct iovec *vectors, int count, off_t offset,
                        const char *what)
{
    struct ci_io_call call;

    if (count < 0 || count > IOV_MAX || offset < 0) {
        return -EINVAL;
    }
    call.op.code = code;
    call.op.fd = fd;
    call.op.vectors.data = vectors;
    call.op.vectors.count = count;
    call.op.vectors.offset = offset;
    return (ssize_t)ci_io_run(&call, what);
}

ssize_t coil_readv(int fd, const struct iovec *vectors, int count)
{
    return transfer(CI_OP_READV, fd, vectors, count, 0, "readv");
}

ssize_t coil_writev(int fd, const struct iovec *vectors, int count)
{
    return transfer(CI_OP_WRITEV, fd, vectors, count, 0, "writev");
}

ssize_t coil_preadv(int fd, const struct iovec *vectors, int count, off_t offset)
{
    return transfer(CI_OP_PREADV, fd, vectors, count, offset, "preadv");
}

ssize_t coil_pwritev(int fd, const struct iovec *vectors, int count, off_t offset)
{
    return transfer(CI_OP_PWRITEV, fd, vectors, count, offset, "pwritev");
}

ssize_t coil_pread(int fd, void *data, size_t size, off_t offset)
{
    const struct iovec vector = {.iov_base = data, .iov_len = size};

    return transfer(CI_OP_PREADV, fd, &vector, 1, offset, "pread");
}

ssize_t coil_pwrite(int fd, const void *data, size_t size, off_t offset)
{
    const struct iovec vector = {.iov_base = (void *)(uintptr_t)data, .iov_len = size}; /* only read from */

    return transfer(CI_OP_PWRITEV, fd, &vector, 1, offset, "pwrite");
}
