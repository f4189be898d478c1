/*
 * Making an operation's call, however long it takes: what a thread does where the kernel does not go on by itself. It knows neither
 * pollers nor threads.
 */
#include <errno.h>
#include <sys/stat.h>

#include "poll/poll.h"
#include "poll/vector.h"
#include "sys/file.h"

/* As many calls as it takes: a file ends where a read gives nothing. */
static int64_t transfer(const struct ci_op *op, ssize_t (*call)(int, const struct iovec *, int, int64_t))
{
    struct iovec pieces[CI_VECTOR_PIECES];
    const struct iovec *data;
    struct ci_vector vector;
    int64_t done = op->result;
    ssize_t moved;

    ci_vector_of(op, &vector);
    size_t size = ci_vector_size(&vector);
    do {
        int count = ci_vector_left(&vector, (size_t)done, pieces, &data);
        moved = call(op->fd, data, count, vector.offset < 0 ? -1 : vector.offset + done);
        if (moved <= 0) {
            return done > 0 ? done : moved;
        }
        done += moved;
    } while ((size_t)done < size);
    return done;
}

int64_t ci_call_make(const struct ci_op *op)
{
    switch (op->code) {
    case CI_OP_READ:
    case CI_OP_READV:
    case CI_OP_PREADV:
        return transfer(op, ci_file_readv);
    case CI_OP_WRITE:
    case CI_OP_WRITEV:
    case CI_OP_PWRITEV:
        return transfer(op, ci_file_writev);
    case CI_OP_SYNC:
        return ci_file_sync(op->fd);
    case CI_OP_DATASYNC:
        return ci_file_datasync(op->fd);
    case CI_OP_TRUNCATE:
        return ci_file_truncate(op->fd, op->size);
    case CI_OP_STATX:
        return ci_file_statx(op->fd, op->path.name, op->path.flags, op->path.mode, op->path.status);
    case CI_OP_OPEN:
        return ci_file_open(op->fd, op->path.name, op->path.flags, (mode_t)op->path.mode);
    case CI_OP_UNLINK:
        return ci_file_unlink(op->fd, op->path.name, op->path.flags);
    case CI_OP_RENAME:
        return ci_file_rename(op->fd, op->path.name, op->path.new_directory, op->path.new_name,
                              (unsigned)op->path.flags);
    case CI_OP_MKDIR:
        return ci_file_mkdir(op->fd, op->path.name, (mode_t)op->path.mode);
    case CI_OP_ENTRIES:
        return ci_file_entries(op->fd, op->buffer.data, op->buffer.size);
    default:
        return -EINVAL; /* the others wait, and block nobody */
    }
}
