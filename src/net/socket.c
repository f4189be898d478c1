/*
 * The class of plain streams: bytes go to the socket as they are. What the kernel takes at once never touches the poller or a
 * buffer of coil's; what it does not take is queued below the high-water mark; and what would not fit there is sent from the
 * caller's own memory, while the caller waits.
 */
#include <errno.h>

#include "io/call.h"
#include "net/stream.h"
#include "sys/sockets.h"

static ssize_t socket_read(coil_stream *stream, void *data, size_t size)
{
    struct ci_io_call call;

    call.op.code = CI_OP_RECV;
    call.op.fd = stream->fd;
    call.op.buffer.data = data;
    call.op.buffer.size = size;
    call.op.buffer.flags = 0;
    return (ssize_t)ci_io_run(&call, "recv");
}

static size_t room_below_mark(const coil_stream *stream)
{
    return stream->high_water > stream->output.size ? stream->high_water - stream->output.size : 0;
}

/* Without memory for the queue nothing is lost: the caller sends it while it waits. Sending may have failed since the caller was woken;
 * then nothing may follow what was dropped. */
static bool queue_if_it_fits(coil_stream *stream, const char *data, size_t size)
{
    return stream->write_error == 0 && size <= room_below_mark(stream) && ci_output_append(stream, data, size) == 0;
}

static ssize_t socket_write(coil_stream *stream, const void *data, size_t size)
{
    ssize_t sent = 0;

    if (stream->output.size == 0) {
        sent = ci_socket_send(stream->fd, data, size, 0);
        if (sent == (ssize_t)size) {
            return sent;
        }
        if (sent == -EAGAIN) {
            sent = 0;
        }
        if (sent < 0) {
            return sent;
        }
    }
    return queue_if_it_fits(stream, (const char *)data + sent, size - (size_t)sent) ? (ssize_t)size : sent;
}

/* ---- sending from the caller's memory -------------------------------------------------------------------------------- */

/* As ci_io_completed; but where bytes went before, a cancellation of this operation is to stay pending. */
static void completed_after_others(struct ci_op *op)
{
    ci_wait_finish(&ci_container_of(op, struct ci_io_call, op)->wait);
}

static ssize_t send_while_waiting(coil_stream *stream, const void *data, size_t size, size_t taken)
{
    struct ci_task *task = ci_task_running_here();
    struct ci_io_call call;

    call.op.code = CI_OP_SEND;
    call.op.fd = stream->fd;
    call.op.buffer.data = (void *)(uintptr_t)data; /* which a send does not write to */
    call.op.buffer.size = size;
    call.op.buffer.flags = 0;
    if (taken == 0) {
        return (ssize_t)ci_io_run(&call, "send");
    }
    call.op.complete = completed_after_others;
    call.op.wakes = task;
    int rc = ci_loop_submit(stream->loop, &call.op);
    if (rc != 0) {
        ci_io_did_not_wait(task);
        return rc < 0 ? rc : (ssize_t)call.op.result;
    }
    ci_wait_init(&call.wait, task, "send");
    call.wait.number = stream->fd;
    call.wait.keeps_result = true;
    call.wait.cancel = ci_io_cancel;
    call.wait.describe = ci_io_describe;
    (void)ci_wait_suspend(&call.wait); /* what came of it is in the result */
    return (ssize_t)call.op.result;
}

static ssize_t socket_write_rest(coil_stream *stream, const void *data, size_t size, size_t taken)
{
    int rc = 0;

    if (stream->output.size > 0) {
        rc = ci_output_wait(stream, stream->low_water, taken > 0);
        if (rc == 0 && queue_if_it_fits(stream, data, size)) {
            return (ssize_t)size;
        }
        rc = rc < 0 ? rc : ci_output_wait(stream, 0, taken > 0);
    }
    return rc < 0 ? rc : send_while_waiting(stream, data, size, taken);
}

static int socket_write_eof(coil_stream *stream)
{
    int rc = ci_socket_shutdown(stream->fd, SHUT_WR);

    return rc == -ENOTCONN ? -EPIPE : rc; /* the peer has reset it */
}

const struct ci_stream_class ci_stream_socket = {
    .name = "socket",
    .read = socket_read,
    .write = socket_write,
    .write_rest = socket_write_rest,
    .write_eof = socket_write_eof,
};
