/*
 * Attempts: see attempt.h. Sockets are asked with MSG_DONTWAIT, everything else with RWF_NOWAIT where the kernel supports it for
 * that kind (pipes since Linux 6.4; not terminals, eventfds for writing, inotify). For the rest the kernel is asked with poll(2)
 * whether the call would block; then a read is made as it is, and a write in a way that cannot block. That read blocks if
 * somebody else who shares the descriptor was faster; there is no way around that which the others would not notice.
 *
 * An operation that moves bytes moves all of them, as a blocking call does: only an error, a cancellation or the end of the
 * stream makes a write short. What was moved is never lost: it is the result, and the error comes with the next call.
 */
#include "poll/attempt.h"

#include <errno.h>
#include <limits.h>

#include "poll/vector.h"
#include "sys/fd.h"
#include "sys/sockets.h"

static bool finished(struct ci_op *op, int64_t result)
{
    op->result = result;
    return true;
}

/* An error ends the operation; if bytes were moved before it, they are the result. */
static bool failed(struct ci_op *op, int64_t error)
{
    return finished(op, op->result > 0 ? op->result : error);
}

static bool not_now(struct ci_watch *watch, uint8_t direction)
{
    watch->ready &= (uint8_t)~direction;
    return false;
}

/* Nothing will announce that the call can be made: it is made, and takes as long as it takes. */
static bool blocks(struct ci_op *op)
{
    op->state |= CI_ATTEMPT_BLOCKS;
    return false;
}

static bool is_buffer(const struct ci_op *op)
{
    return op->code == CI_OP_RECV || op->code == CI_OP_SEND || op->code == CI_OP_READ || op->code == CI_OP_WRITE;
}

static char *rest(const struct ci_op *op)
{
    return (char *)op->buffer.data + op->result;
}

static size_t rest_size(const struct ci_op *op)
{
    struct ci_vector vector;

    if (is_buffer(op)) {
        return op->buffer.size - (size_t)op->result;
    }
    ci_vector_of(op, &vector);
    return ci_vector_size(&vector) - (size_t)op->result;
}

/* The first of the memory that is left, which is not empty if rest_size() is not 0. */
static struct iovec first_rest(const struct ci_op *op)
{
    struct iovec pieces[CI_VECTOR_PIECES];
    const struct iovec *data;
    struct ci_vector vector;

    ci_vector_of(op, &vector);
    int count = ci_vector_left(&vector, (size_t)op->result, pieces, &data);
    for (int i = 0; i < count; i++) {
        if (data[i].iov_len > 0) {
            return data[i];
        }
    }
    return (struct iovec){0};
}

static bool is_socket(const struct ci_watch *watch)
{
    return watch->kind == CI_WATCH_TCP || watch->kind == CI_WATCH_STREAM || watch->kind == CI_WATCH_SOCKET;
}

/*
 * Notes what a read of got bytes, where wanted were asked for, says about what is left. TCP ends a read early only when nothing
 * is left, at the urgent mark, or where the stream ends, and tells with an event of anything that comes later. Other
 * streams also end it where the sender's messages carry descriptors, or in packet mode; so with them it is only likely.
 */
static void note_read(struct ci_watch *watch, size_t got, size_t wanted)
{
    if (got >= wanted) {
        watch->traits &= (uint8_t)~CI_WATCH_EMPTIED;
    } else if (got == 0) {
        return; /* the end: the next read tells it again, at once */
    } else if (watch->kind == CI_WATCH_TCP && !(watch->traits & (CI_WATCH_ENDED | CI_WATCH_URGENT))) {
        watch->ready &= (uint8_t)~CI_READY_IN;
    } else if (watch->kind == CI_WATCH_STREAM || watch->kind == CI_WATCH_PIPE) {
        watch->traits |= CI_WATCH_EMPTIED;
    }
}

/* ---- recv, send ------------------------------------------------------------------------------------------------------ */

static bool is_stream(int fd)
{
    int type, protocol;

    return ci_socket_kind(fd, &type, &protocol) == 0 && type == SOCK_STREAM;
}

/* MSG_WAITALL means something for streams, and POSIX lets MSG_PEEK override it. */
static bool wants_all(const struct ci_op *op, int flags)
{
    return (op->code == CI_OP_RECV || op->code == CI_OP_RECVMSG) && (flags & (MSG_WAITALL | MSG_PEEK)) == MSG_WAITALL &&
           !ci_attempt_never_waits(op) && is_stream(op->fd);
}

/* A message of nothing but the memory that is left. */
static struct msghdr rest_message(const struct ci_op *op, struct iovec *pieces)
{
    const struct iovec *data;
    struct ci_vector vector;

    ci_vector_of(op, &vector);
    int count = ci_vector_left(&vector, (size_t)op->result, pieces, &data);
    return (struct msghdr){.msg_iov = (struct iovec *)(uintptr_t)data, .msg_iovlen = (size_t)count};
}

/* Addresses and what else belongs to a message go with its first bytes. */
static ssize_t receive(struct ci_op *op, int flags)
{
    struct iovec pieces[CI_VECTOR_PIECES];

    if (is_buffer(op)) {
        return ci_socket_recv(op->fd, rest(op), rest_size(op), flags);
    }
    if (op->code == CI_OP_RECVMSG && op->result == 0) {
        return ci_socket_recvmsg(op->fd, op->message.header, flags);
    }
    struct msghdr message = rest_message(op, pieces);
    return ci_socket_recvmsg(op->fd, &message, flags);
}

static ssize_t transmit(const struct ci_op *op, int flags)
{
    struct iovec pieces[CI_VECTOR_PIECES];

    if (is_buffer(op)) {
        return ci_socket_send(op->fd, rest(op), rest_size(op), flags);
    }
    if (op->code == CI_OP_SENDMSG && op->result == 0) {
        return ci_socket_sendmsg(op->fd, op->message.header, flags);
    }
    struct msghdr message = rest_message(op, pieces);
    return ci_socket_sendmsg(op->fd, &message, flags);
}

static bool attempt_recv(struct ci_op *op, struct ci_watch *watch, int flags)
{
    for (;;) {
        size_t wanted = rest_size(op);
        ssize_t got = receive(op, flags);
        if (got == -EAGAIN && !ci_attempt_never_waits(op)) {
            return not_now(watch, CI_READY_IN);
        }
        if (got < 0) {
            return failed(op, got);
        }
        if (!(flags & (MSG_PEEK | MSG_OOB | MSG_ERRQUEUE))) {
            note_read(watch, (size_t)got, wanted);
        }
        op->result += got;
        if (got == 0 || (size_t)got >= wanted || !(flags & MSG_WAITALL) || !wants_all(op, flags)) {
            return true;
        }
    }
}

static bool attempt_send(struct ci_op *op, struct ci_watch *watch, int flags)
{
    for (;;) {
        ssize_t sent = transmit(op, flags);
        if (sent == -EAGAIN && !ci_attempt_never_waits(op)) {
            return not_now(watch, CI_READY_OUT);
        }
        if (sent < 0) {
            return failed(op, sent);
        }
        op->result += sent;
        if (sent == 0 || rest_size(op) == 0) {
            return true;
        }
    }
}

/* ---- read ------------------------------------------------------------------------------------------------------------ */

/*
 * Whether the descriptor is a file's: then "not now" is for ever. It is asked where that is not known to be false, and also where it was
 * true, since the number may have gone to something else.
 */
static bool is_file(const struct ci_op *op, struct ci_watch *watch)
{
    enum ci_fd_kind kind;

    if ((watch->kind != CI_WATCH_UNKNOWN && watch->kind != CI_WATCH_FILE) || ci_fd_kind(op->fd, &kind) < 0) {
        return false;
    }
    switch (kind) {
    case CI_FD_FILE:
        watch->kind = CI_WATCH_FILE;
        return true;
    case CI_FD_PIPE:
        watch->kind = CI_WATCH_PIPE;
        break;
    case CI_FD_SOCKET:
        watch->kind = CI_WATCH_UNKNOWN;
        break;
    case CI_FD_TERMINAL:
    case CI_FD_OTHER:
        watch->kind = CI_WATCH_OTHER;
    }
    return false;
}

/* Whether poll(2) says that the descriptor has one of events, or is broken or gone. */
static int is_ready(int fd, short events, short *revents)
{
    struct pollfd pollfd = {.fd = fd, .events = events};
    int rc = ci_fd_poll(&pollfd, 1);

    *revents = rc > 0 ? pollfd.revents : 0;
    return rc;
}

static bool read_when_ready(struct ci_op *op, struct ci_watch *watch)
{
    struct iovec memory = first_rest(op);
    short revents;
    ssize_t got = is_ready(op->fd, POLLIN, &revents);

    if (got == 0) {
        got = ci_fd_check_reads(op->fd); /* what is not open for reading is never ready for it */
        return got == 0 ? not_now(watch, CI_READY_IN) : finished(op, got);
    }
    if (got > 0) {
        got = ci_fd_read(op->fd, memory.iov_base, memory.iov_len);
    }
    return got == -EAGAIN ? not_now(watch, CI_READY_IN) : finished(op, got);
}

/* The kernel has no read for this file that promises not to block. */
static bool read_unaided(struct ci_op *op, struct ci_watch *watch)
{
    enum ci_fd_kind kind;
    int rc = ci_fd_kind(op->fd, &kind);

    if (rc < 0) {
        return finished(op, rc);
    }
    if (kind == CI_FD_FILE) {
        return blocks(op);
    }
    return kind == CI_FD_SOCKET ? attempt_recv(op, watch, 0) : read_when_ready(op, watch);
}

/* Reads on in a file, as long as what follows is in memory: where it ends a read gives nothing. */
static bool read_on(struct ci_op *op)
{
    struct iovec pieces[CI_VECTOR_PIECES];
    const struct iovec *data;
    struct ci_vector vector;

    ci_vector_of(op, &vector);
    while (rest_size(op) > 0) {
        int count = ci_vector_left(&vector, (size_t)op->result, pieces, &data);
        ssize_t got = ci_fd_readv_now(op->fd, data, count, -1);
        if (got == -EAGAIN) {
            return blocks(op);
        }
        if (got <= 0) {
            break;
        }
        op->result += got;
    }
    return true;
}

static bool attempt_read(struct ci_op *op, struct ci_watch *watch)
{
    size_t wanted = rest_size(op);
    struct ci_vector vector;
    ssize_t got;

    if (is_socket(watch) && wanted > 0) {
        if (!attempt_recv(op, watch, 0)) {
            return false;
        }
        if (op->result != -ENOTSOCK) {
            return true;
        }
        ci_watch_learn(watch, op->fd);
        op->result = 0;
    }
    ci_vector_of(op, &vector);
    got = ci_fd_readv_now(op->fd, vector.data, vector.count, -1);
    if (got == -EOPNOTSUPP) {
        return wanted == 0 ? finished(op, 0) : read_unaided(op, watch);
    }
    if (got == -EAGAIN) {
        return is_file(op, watch) ? blocks(op) : not_now(watch, CI_READY_IN);
    }
    op->result = got;
    if (got <= 0) {
        return true;
    }
    note_read(watch, (size_t)got, wanted);
    return (size_t)got < wanted && is_file(op, watch) ? read_on(op) : true;
}

/* ---- write ----------------------------------------------------------------------------------------------------------- */

/* A pipe that is ready for writing takes at least PIPE_BUF bytes; so no flag that others would see needs to be set. */
static ssize_t write_some_to_pipe(int fd, const struct iovec *memory)
{
    short revents;
    int rc = is_ready(fd, POLLOUT, &revents);

    if (rc == 0) {
        rc = ci_fd_check_writes(fd);
        return rc < 0 ? rc : -EAGAIN;
    }
    return rc < 0 ? rc : ci_fd_write(fd, memory->iov_base, memory->iov_len < PIPE_BUF ? memory->iov_len : PIPE_BUF);
}

static ssize_t write_some_unaided(const struct ci_op *op, enum ci_fd_kind kind)
{
    struct iovec memory = first_rest(op);

    switch (kind) {
    case CI_FD_PIPE:
        return write_some_to_pipe(op->fd, &memory);
    case CI_FD_SOCKET:
        return ci_socket_send(op->fd, memory.iov_base, memory.iov_len, 0);
    case CI_FD_TERMINAL:
        return ci_fd_write_terminal(op->fd, memory.iov_base, memory.iov_len);
    case CI_FD_FILE:
    case CI_FD_OTHER:
        break;
    }
    return ci_fd_write_nonblocking(op->fd, memory.iov_base, memory.iov_len);
}

/* Writes what can be written. -EBUSY: nothing, for the file has no way to say when it can be. */
static ssize_t write_some(const struct ci_op *op, struct ci_watch *watch)
{
    struct iovec pieces[CI_VECTOR_PIECES];
    const struct iovec *data;
    struct ci_vector vector;
    enum ci_fd_kind kind;
    ssize_t written;

    if (is_socket(watch) || watch->kind == CI_WATCH_UNKNOWN) {
        written = transmit(op, 0);
        if (written != -ENOTSOCK) {
            return written;
        }
        (void)is_file(op, watch); /* for the next time */
    }
    ci_vector_of(op, &vector);
    int count = ci_vector_left(&vector, (size_t)op->result, pieces, &data);
    written = ci_fd_writev_now(op->fd, data, count, -1);
    if (written == -EAGAIN && is_file(op, watch)) {
        return -EBUSY;
    }
    if (written != -EOPNOTSUPP) {
        return written;
    }
    int rc = ci_fd_kind(op->fd, &kind);
    if (rc < 0) {
        return rc;
    }
    return kind == CI_FD_FILE ? -EBUSY : write_some_unaided(op, kind);
}

static bool attempt_write(struct ci_op *op, struct ci_watch *watch)
{
    for (;;) {
        ssize_t written = write_some(op, watch);
        if (written == -EAGAIN) {
            return not_now(watch, CI_READY_OUT);
        }
        if (written == -EBUSY) {
            return blocks(op);
        }
        if (written < 0) {
            return failed(op, written);
        }
        op->result += written;
        if (written == 0 || rest_size(op) == 0) {
            return true;
        }
    }
}

/* ---- accept, connect, poll ------------------------------------------------------------------------------------------- */

static bool attempt_accept(struct ci_op *op, struct ci_watch *watch)
{
    int rc = ci_socket_accept(op->fd, op->accept.address, op->accept.length, op->accept.flags);

    return rc == -EAGAIN ? not_now(watch, CI_READY_IN) : finished(op, rc);
}

/* How the connection that the kernel is making stands. */
static bool attempt_connected(struct ci_op *op, struct ci_watch *watch)
{
    short revents;
    int rc = is_ready(op->fd, POLLOUT, &revents);

    if (rc == 0) {
        return not_now(watch, CI_READY_OUT);
    }
    if (rc > 0) {
        rc = revents & POLLNVAL ? -EBADF : ci_socket_error(op->fd);
    }
    return finished(op, rc);
}

static bool attempt_connect(struct ci_op *op, struct ci_watch *watch)
{
    int rc;

    if (op->state & CI_ATTEMPT_CONNECTING) {
        return attempt_connected(op, watch);
    }
    op->state &= ~(uint32_t)CI_ATTEMPT_RETRY;
    rc = ci_socket_connect(op->fd, op->connect.address, op->connect.length);
    if (rc == -EINPROGRESS || rc == -EALREADY) {
        op->state |= CI_ATTEMPT_CONNECTING;
        return not_now(watch, CI_READY_OUT);
    }
    if (rc == -EAGAIN && op->connect.address->sa_family == AF_UNIX) {
        op->state |= CI_ATTEMPT_RETRY; /* the listener's queue is full; a blocking connect would wait for room in it */
        return false;
    }
    return finished(op, rc);
}

static bool attempt_poll(struct ci_op *op)
{
    short revents;
    int rc = is_ready(op->fd, op->poll.events, &revents);

    return rc == 0 ? false : finished(op, rc < 0 ? rc : revents);
}

/* ---- all ------------------------------------------------------------------------------------------------------------- */

bool ci_attempt_never_waits(const struct ci_op *op)
{
    switch (op->code) {
    case CI_OP_READ:
    case CI_OP_WRITE:
    case CI_OP_READV:
    case CI_OP_WRITEV:
        return rest_size(op) == 0;
    case CI_OP_RECV:
        return (op->buffer.flags & (MSG_DONTWAIT | MSG_OOB | MSG_ERRQUEUE)) != 0;
    case CI_OP_SEND:
        return (op->buffer.flags & MSG_DONTWAIT) != 0;
    case CI_OP_RECVMSG:
        return (op->message.flags & (MSG_DONTWAIT | MSG_OOB | MSG_ERRQUEUE)) != 0;
    case CI_OP_SENDMSG:
        return (op->message.flags & MSG_DONTWAIT) != 0;
    default:
        return false;
    }
}

bool ci_attempt(struct ci_op *op, struct ci_watch *watch)
{
    switch (op->code) {
    case CI_OP_POLL:
        return attempt_poll(op);
    case CI_OP_READ:
    case CI_OP_READV:
        return attempt_read(op, watch);
    case CI_OP_WRITE:
    case CI_OP_WRITEV:
        return attempt_write(op, watch);
    case CI_OP_RECV:
        return attempt_recv(op, watch, op->buffer.flags);
    case CI_OP_SEND:
        return attempt_send(op, watch, op->buffer.flags);
    case CI_OP_RECVMSG:
        return attempt_recv(op, watch, op->message.flags);
    case CI_OP_SENDMSG:
        return attempt_send(op, watch, op->message.flags);
    case CI_OP_ACCEPT:
        return attempt_accept(op, watch);
    case CI_OP_CONNECT:
        return attempt_connect(op, watch);
    default:
        return finished(op, -EINVAL);
    }
}

bool ci_attempt_call(struct ci_op *op)
{
    struct iovec pieces[CI_VECTOR_PIECES];
    const struct iovec *data;
    struct ci_vector vector;
    ssize_t moved;

    if (op->code != CI_OP_PREADV && op->code != CI_OP_PWRITEV) {
        return false;
    }
    ci_vector_of(op, &vector);
    do {
        int count = ci_vector_left(&vector, (size_t)op->result, pieces, &data);
        int64_t offset = vector.offset + op->result;
        moved = op->code == CI_OP_PREADV ? ci_fd_readv_now(op->fd, data, count, offset)
                                         : ci_fd_writev_now(op->fd, data, count, offset);
        if (moved == -EAGAIN || moved == -EOPNOTSUPP) {
            return false;
        }
        if (moved < 0) {
            return failed(op, moved);
        }
        op->result += moved;
    } while (moved > 0 && rest_size(op) > 0);
    return true;
}

bool ci_attempt_blocks(const struct ci_op *op)
{
    return op->code == CI_OP_READ || op->code == CI_OP_WRITE || op->code == CI_OP_READV || op->code == CI_OP_WRITEV;
}
