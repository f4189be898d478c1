/* Streams: birth, closing, the end, and what can be asked of one. See stream.h. */
#include "net/stream.h"

#include <errno.h>
#include <string.h>

#include "loop/loop.h"
#include "net/part.h"
#include "sys/alloc.h"
#include "sys/fd.h"
#include "sys/sockets.h"
#include "task/task.h"

/* ---- birth and end --------------------------------------------------------------------------------------------------- */

coil_stream *ci_stream_new(struct ci_net *net, int fd, size_t limit)
{
    coil_stream *stream = ci_alloc_zero(sizeof *stream);

    if (stream == NULL) {
        return NULL;
    }
    stream->class = &ci_stream_socket;
    stream->loop = net->part.loop;
    stream->fd = fd;
    stream->references = 1;
    stream->limit = limit == 0 ? CI_STREAM_LIMIT : limit;
    stream->high_water = CI_STREAM_HIGH_WATER;
    stream->low_water = CI_STREAM_LOW_WATER;
    ci_list_init(&stream->output.waiters);
    ci_list_append(&net->streams, &stream->link);
    return stream;
}

void ci_stream_give_back(coil_stream *stream)
{
    ci_list_remove(&stream->link);
    ci_free(stream);
}

void ci_stream_set_peer(coil_stream *stream, const struct sockaddr *address, socklen_t length)
{
    if (length > sizeof(sa_family_t) && length <= sizeof stream->peer) {
        memcpy(&stream->peer, address, length);
        stream->peer_length = (uint8_t)length;
    }
}

void ci_stream_free_if_unused(coil_stream *stream)
{
    if (stream->references > 0 || stream->busy > 0 || !ci_stream_closed(stream)) {
        return;
    }
    if (stream->class->release != NULL) {
        stream->class->release(stream);
    }
    ci_output_drop(stream);
    ci_free(stream->input.data);
    ci_free(stream);
}

/* The descriptor goes at once; whoever waits in the stream finds that out when it runs. */
int ci_stream_shut(coil_stream *stream)
{
    struct ci_poller *poller;
    int fd = stream->fd;

    if (fd < 0) {
        return 0;
    }
    stream->fd = -1;
    stream->closing = true;
    stream->ended = true;
    ci_list_remove(&stream->link);
    poller = stream->loop->poller;
    poller->class->evict(poller, fd);
    int rc = ci_fd_close(fd);
    ci_output_fail(stream, -EPIPE);
    ci_input_drop(stream);
    return rc;
}

static void report_not_closed(coil_stream *stream, const char *message)
{
    struct coil_report report = {.kind = COIL_REPORT_NOT_CLOSED, .message = message};

    if (!stream->closing) {
        stream->closing = true;
        ci_loop_report(stream->loop, &report);
    }
}

void ci_stream_loop_closes(coil_stream *stream)
{
    report_not_closed(stream, "the loop ends, and a stream was not closed");
    (void)ci_stream_shut(stream); /* there is nobody to be told */
    stream->busy = 0;
    ci_stream_free_if_unused(stream);
}

coil_stream *coil_stream_ref(coil_stream *stream)
{
    if (stream != NULL) {
        stream->references++;
    }
    return stream;
}

void coil_stream_unref(coil_stream *stream)
{
    if (stream == NULL || --stream->references > 0) {
        return;
    }
    if (!ci_stream_closed(stream)) {
        ci_stream_enter(stream);
        report_not_closed(stream, "the last reference to a stream was given back before it was closed");
        (void)ci_stream_shut(stream); /* there is nobody to be told */
        stream->busy--;
    }
    ci_stream_free_if_unused(stream);
}

/* ---- closing --------------------------------------------------------------------------------------------------------- */

/* Sends what is left, and says goodbye where the class does. */
static int finish(coil_stream *stream)
{
    int rc = ci_output_wait(stream, 0, false);

    if (rc == 0 && stream->class->shut_down != NULL && !ci_stream_closed(stream)) {
        rc = stream->class->shut_down(stream);
    }
    return rc;
}

int coil_stream_close(coil_stream *stream)
{
    if (stream == NULL) {
        return ci_loop_missing();
    }
    if (ci_stream_closed(stream)) {
        return 0;
    }
    ci_stream_enter(stream);
    stream->closing = true;
    int rc = finish(stream);
    int closed = ci_stream_shut(stream);
    ci_stream_leave(stream);
    return rc < 0 ? rc : closed;
}

void coil_stream_abort(coil_stream *stream)
{
    if (stream != NULL) {
        ci_stream_enter(stream);
        (void)ci_stream_shut(stream); /* what was lost by it was to be lost */
        ci_stream_leave(stream);
    }
}

bool coil_stream_is_closing(const coil_stream *stream)
{
    return stream == NULL || stream->closing;
}

/* ---- what can be asked ----------------------------------------------------------------------------------------------- */

/* Copies as much of an address as there is room for, as getpeername(2) does. */
static int give(const void *from, socklen_t size, void *value, socklen_t *length)
{
    memcpy(value, from, size < *length ? size : *length);
    *length = size;
    return 0;
}

static int give_peer(const coil_stream *stream, void *value, socklen_t *length)
{
    if (stream->peer_length > 0) {
        return give(&stream->peer, stream->peer_length, value, length);
    }
    return ci_stream_closed(stream) ? -EBADF : ci_socket_peer(stream->fd, value, length);
}

int coil_stream_get_extra_info(const coil_stream *stream, enum coil_extra_info what, void *value, socklen_t *length)
{
    if (stream == NULL || value == NULL || length == NULL) {
        return stream == NULL ? ci_loop_missing() : -EINVAL;
    }
    switch (what) {
    case COIL_INFO_PEERNAME:
        return give_peer(stream, value, length);
    case COIL_INFO_SOCKNAME:
        return ci_stream_closed(stream) ? -EBADF : ci_socket_name(stream->fd, value, length);
    case COIL_INFO_SOCKET:
        return ci_stream_closed(stream) ? -EBADF : give(&stream->fd, sizeof stream->fd, value, length);
    default:
        return -EINVAL;
    }
}
