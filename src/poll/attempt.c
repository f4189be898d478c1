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

static char *rest(const struct ci_op *op)
{
    return (char *)op->buffer.data + op->result;
}

static size_t rest_size(const struct ci_op *op)
{
    return op->buffer.size - (size_t)op->result;
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
static bool wants_all(const struct ci_op *op)
{
    return op->code == CI_OP_RECV && (op->buffer.flags & (MSG_WAITALL | MSG_PEEK)) == MSG_WAITALL &&
           !ci_attempt_never_waits(op) && is_stream(op->fd);
}

static bool attempt_recv(struct ci_op *op, struct ci_watch *watch, int flags)
{
    for (;;) {
        size_t wanted = rest_size(op);
        ssize_t got = ci_socket_recv(op->fd, rest(op), wanted, flags);
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
        if (got == 0 || (size_t)got >= wanted || !(flags & MSG_WAITALL) || !wants_all(op)) {
            return true;
        }
    }
}

static bool attempt_send(struct ci_op *op, struct ci_watch *watch, int flags)
{
    for (;;) {
        ssize_t sent = ci_socket_send(op->fd, rest(op), rest_size(op), flags);
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

/* As many reads as it takes: a file ends where a read gives nothing. */
static bool read_file(struct ci_op *op)
{
    while (rest_size(op) > 0) {
        ssize_t got = ci_fd_read(op->fd, rest(op), rest_size(op));
        if (got < 0) {
            return failed(op, got);
        }
        if (got == 0) {
            break;
        }
        op->result += got;
    }
    return true;
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
    short revents;
    ssize_t got = is_ready(op->fd, POLLIN, &revents);

    if (got == 0) {
        got = ci_fd_check_reads(op->fd); /* what is not open for reading is never ready for it */
        return got == 0 ? not_now(watch, CI_READY_IN) : finished(op, got);
    }
    if (got > 0) {
        got = ci_fd_read(op->fd, rest(op), rest_size(op));
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
        return read_file(op);
    }
    return kind == CI_FD_SOCKET ? attempt_recv(op, watch, 0) : read_when_ready(op, watch);
}

/* A read that does not block stops short in a file where the rest is not in memory; elsewhere short is all there is. */
static bool read_short(struct ci_op *op, struct ci_watch *watch)
{
    enum ci_fd_kind kind;

    if (watch->kind == CI_WATCH_UNKNOWN && ci_fd_kind(op->fd, &kind) == 0) {
        if (kind == CI_FD_FILE) {
            return read_file(op);
        }
        if (kind == CI_FD_PIPE) {
            watch->kind = CI_WATCH_PIPE;
        } else if (kind != CI_FD_SOCKET) {
            watch->kind = CI_WATCH_OTHER;
        }
    }
    return true;
}

static bool attempt_read(struct ci_op *op, struct ci_watch *watch)
{
    size_t wanted = op->buffer.size;
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
    got = ci_fd_read_now(op->fd, op->buffer.data, wanted);
    if (got == -EOPNOTSUPP) {
        return wanted == 0 ? finished(op, 0) : read_unaided(op, watch);
    }
    if (got == -EAGAIN) {
        return not_now(watch, CI_READY_IN);
    }
    op->result = got;
    if (got <= 0) {
        return true;
    }
    note_read(watch, (size_t)got, wanted);
    return (size_t)got == wanted ? true : read_short(op, watch);
}

/* ---- write ----------------------------------------------------------------------------------------------------------- */

static bool write_file(struct ci_op *op)
{
    do {
        ssize_t written = ci_fd_write(op->fd, rest(op), rest_size(op));
        if (written < 0) {
            return failed(op, written);
        }
        if (written == 0) {
            break;
        }
        op->result += written;
    } while (rest_size(op) > 0);
    return true;
}

/* A pipe that is ready for writing takes at least PIPE_BUF bytes; so no flag that others would see needs to be set. */
static ssize_t write_some_to_pipe(const struct ci_op *op)
{
    short revents;
    int rc = is_ready(op->fd, POLLOUT, &revents);

    if (rc == 0) {
        rc = ci_fd_check_writes(op->fd);
        return rc < 0 ? rc : -EAGAIN;
    }
    return rc < 0 ? rc : ci_fd_write(op->fd, rest(op), rest_size(op) < PIPE_BUF ? rest_size(op) : PIPE_BUF);
}

static ssize_t write_some_unaided(const struct ci_op *op, enum ci_fd_kind kind)
{
    switch (kind) {
    case CI_FD_PIPE:
        return write_some_to_pipe(op);
    case CI_FD_SOCKET:
        return ci_socket_send(op->fd, rest(op), rest_size(op), 0);
    case CI_FD_TERMINAL:
        return ci_fd_write_terminal(op->fd, rest(op), rest_size(op));
    case CI_FD_FILE:
    case CI_FD_OTHER:
        break;
    }
    return ci_fd_write_nonblocking(op->fd, rest(op), rest_size(op));
}

/* Writes what can be written; the whole of it to a file. */
static ssize_t write_some(const struct ci_op *op, struct ci_watch *watch)
{
    enum ci_fd_kind kind;
    ssize_t written;

    if (is_socket(watch) || watch->kind == CI_WATCH_UNKNOWN) {
        written = ci_socket_send(op->fd, rest(op), rest_size(op), 0);
        if (written != -ENOTSOCK) {
            return written;
        }
        watch->kind = CI_WATCH_OTHER;
    }
    written = ci_fd_write_now(op->fd, rest(op), rest_size(op));
    if (written != -EOPNOTSUPP) {
        return written;
    }
    int rc = ci_fd_kind(op->fd, &kind);
    if (rc < 0) {
        return rc;
    }
    return kind == CI_FD_FILE ? ci_fd_write(op->fd, rest(op), rest_size(op)) : write_some_unaided(op, kind);
}

static bool attempt_write(struct ci_op *op, struct ci_watch *watch)
{
    for (;;) {
        ssize_t written = write_some(op, watch);
        if (written == -EAGAIN) {
            return not_now(watch, CI_READY_OUT);
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
        return op->buffer.size == 0;
    case CI_OP_RECV:
        return (op->buffer.flags & (MSG_DONTWAIT | MSG_OOB | MSG_ERRQUEUE)) != 0;
    case CI_OP_SEND:
        return (op->buffer.flags & MSG_DONTWAIT) != 0;
    case CI_OP_POLL:
    case CI_OP_ACCEPT:
    case CI_OP_CONNECT:
        break;
    }
    return false;
}

bool ci_attempt(struct ci_op *op, struct ci_watch *watch)
{
    switch (op->code) {
    case CI_OP_POLL:
        return attempt_poll(op);
    case CI_OP_READ:
        return attempt_read(op, watch);
    case CI_OP_WRITE:
        return attempt_write(op, watch);
    case CI_OP_RECV:
        return attempt_recv(op, watch, op->buffer.flags);
    case CI_OP_SEND:
        return attempt_send(op, watch, op->buffer.flags);
    case CI_OP_ACCEPT:
        return attempt_accept(op, watch);
    case CI_OP_CONNECT:
        return attempt_connect(op, watch);
    }
    return finished(op, -EINVAL);
}

void ci_attempt_blocking(struct ci_op *op)
{
    if (op->code == CI_OP_READ) {
        (void)read_file(op);
    } else if (op->code == CI_OP_WRITE) {
        (void)write_file(op);
    } else {
        (void)finished(op, -ENOTSOCK); /* a poll makes no call; all others are for sockets */
    }
}
