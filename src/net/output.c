/*
 * What was written and the kernel has not taken yet: chunks in a row, the first of which an operation of the stream's own sends. A
 * chunk never moves, so more can be added behind what is being sent. The operation's result is dealt with in an entry of the ready
 * queue, as asyncio does with what its selector says; the place for it is taken when sending begins, where failing is possible.
 * With nothing left there is no chunk and no operation: an output that keeps up costs nothing.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "loop/loop.h"
#include "net/stream.h"
#include "sys/alloc.h"
#include "task/suspend.h"

struct ci_chunk {
    struct ci_chunk *next;
    size_t start;
    size_t end;
    size_t capacity;
    char data[];
};

enum { LEAST_CHUNK = 4096 - sizeof(struct ci_chunk) };

struct output_wait {
    struct ci_wait wait;
    struct ci_list link;
    size_t at_most;
    int outcome; /* 0, or why it will not shrink so far */
    const coil_stream *stream;
};

/* ---- waiting --------------------------------------------------------------------------------------------------------- */

static void wake(coil_stream *stream)
{
    struct ci_list *list = &stream->output.waiters;

    for (struct ci_list *link = list->next; link != list; link = link->next) {
        struct output_wait *waiter = ci_container_of(link, struct output_wait, link);
        bool over = stream->output.size <= waiter->at_most || stream->write_error < 0;
        if (over && waiter->wait.state == CI_WAIT_PENDING) {
            waiter->outcome = stream->write_error;
            ci_wait_finish(&waiter->wait);
        }
    }
}

static void describe(const struct ci_wait *wait, char *out, size_t size)
{
    const struct output_wait *waiter = ci_container_of(wait, struct output_wait, wait);

    (void)snprintf(out, size, "waits for the peer on fd %d to take %zu bytes", waiter->stream->fd,
                   waiter->stream->output.size - waiter->at_most);
}

static int end_and_keep(struct ci_wait *wait)
{
    ci_wait_finish(wait);
    return 1;
}

static int wait_in_line(coil_stream *stream, struct ci_task *task, size_t at_most, bool keeps)
{
    struct output_wait waiter = {.at_most = at_most, .stream = stream};

    ci_wait_init(&waiter.wait, task, "a stream to be written");
    waiter.wait.describe = describe;
    waiter.wait.keeps_result = keeps;
    waiter.wait.cancel = keeps ? end_and_keep : NULL;
    ci_list_append(&stream->output.waiters, &waiter.link);
    int rc = ci_wait_suspend(&waiter.wait);
    ci_list_remove(&waiter.link);
    if (rc < 0 || waiter.outcome < 0) {
        return rc < 0 ? rc : waiter.outcome;
    }
    return waiter.wait.asked && stream->output.size > at_most ? -ECANCELED : 0;
}

int ci_output_wait(coil_stream *stream, size_t at_most, bool keeps)
{
    struct ci_task *task = ci_task_running_here();

    if (stream->write_error < 0) {
        return stream->write_error;
    }
    if (stream->output.size <= at_most) {
        return 0;
    }
    return task == NULL ? -EPERM : wait_in_line(stream, task, at_most, keeps);
}

/* ---- the end --------------------------------------------------------------------------------------------------------- */

void ci_output_drop(coil_stream *stream)
{
    struct ci_output *output = &stream->output;

    while (output->first != NULL) {
        struct ci_chunk *chunk = output->first;
        output->first = chunk->next;
        ci_free(chunk);
    }
    output->last = NULL;
    output->size = 0;
}

void ci_output_fail(coil_stream *stream, int error)
{
    if (stream->write_error == 0) {
        stream->write_error = error;
    }
    ci_output_drop(stream);
    wake(stream);
}

/* Nothing is in flight any more. The stream may be gone when this returns. */
static void stop_sending(coil_stream *stream)
{
    stream->output.sending = false;
    ci_ready_release(&stream->loop->ready);
    ci_stream_leave(stream);
}

static void all_sent(coil_stream *stream)
{
    if (stream->eof_asked && stream->class->write_eof != NULL) {
        int rc = stream->class->write_eof(stream);
        if (rc < 0) {
            ci_output_fail(stream, rc);
        }
    }
    stop_sending(stream);
}

/* ---- sending --------------------------------------------------------------------------------------------------------- */

/* Takes note of the operation's result. Returns whether there is more to send; if not, the stream may be gone. */
static bool advance(coil_stream *stream, int64_t result)
{
    struct ci_output *output = &stream->output;
    struct ci_chunk *chunk = output->first;

    if (result <= 0) {
        ci_output_fail(stream, result == 0 ? -EIO : (int)result);
        stop_sending(stream);
        return false;
    }
    chunk->start += (size_t)result;
    output->size -= (size_t)result;
    if (chunk->start == chunk->end) {
        output->first = chunk->next;
        output->last = output->first == NULL ? NULL : output->last;
        ci_free(chunk);
    }
    wake(stream);
    if (output->size > 0) {
        return true;
    }
    all_sent(stream);
    return false;
}

static void send_on(coil_stream *stream)
{
    struct ci_op *op = &stream->output.op;
    int64_t result;

    do {
        struct ci_chunk *chunk = stream->output.first;
        op->fd = stream->fd;
        op->buffer.data = chunk->data + chunk->start;
        op->buffer.size = chunk->end - chunk->start;
        int rc = ci_loop_submit(stream->loop, op);
        if (rc == 0) {
            return;
        }
        result = rc < 0 ? rc : op->result;
    } while (advance(stream, result));
}

static void on_sent(void *arg)
{
    coil_stream *stream = arg;

    if (ci_stream_closed(stream)) {
        stop_sending(stream);
    } else if (advance(stream, stream->output.op.result)) {
        send_on(stream);
    }
}

static void completed(struct ci_op *op)
{
    coil_stream *stream = ci_container_of(op, coil_stream, output.op);

    (void)ci_ready_push(&stream->loop->ready, on_sent, stream);
}

static int start_sending(coil_stream *stream)
{
    int rc = ci_ready_reserve(&stream->loop->ready);

    if (rc < 0) {
        return rc;
    }
    stream->output.op.code = CI_OP_SEND;
    stream->output.op.buffer.flags = 0;
    stream->output.op.complete = completed;
    stream->output.op.wakes = stream;
    stream->output.sending = true;
    ci_stream_enter(stream);
    return 0;
}

/* ---- queueing -------------------------------------------------------------------------------------------------------- */

static struct ci_chunk *chunk_new(size_t size)
{
    size_t capacity = size < LEAST_CHUNK ? LEAST_CHUNK : size;
    struct ci_chunk *chunk = ci_alloc(sizeof *chunk + capacity);

    if (chunk != NULL) {
        *chunk = (struct ci_chunk){.capacity = capacity};
    }
    return chunk;
}

static void fill(struct ci_chunk *chunk, const char *data, size_t size)
{
    memcpy(chunk->data + chunk->end, data, size);
    chunk->end += size;
}

static int append(struct ci_output *output, const char *data, size_t size)
{
    size_t room = output->last == NULL ? 0 : output->last->capacity - output->last->end;

    if (size > room) {
        struct ci_chunk *chunk = chunk_new(size - room);
        if (chunk == NULL) {
            return -ENOMEM;
        }
        fill(chunk, data + room, size - room);
        if (output->last == NULL) {
            output->first = chunk;
        } else {
            fill(output->last, data, room);
            output->last->next = chunk;
        }
        output->last = chunk;
    } else {
        fill(output->last, data, size);
    }
    output->size += size;
    return 0;
}

int ci_output_append(coil_stream *stream, const void *data, size_t size)
{
    bool idle = !stream->output.sending;
    int rc = idle ? start_sending(stream) : 0;

    if (rc < 0) {
        return rc;
    }
    rc = append(&stream->output, data, size);
    if (rc < 0 && idle) {
        stop_sending(stream);
    } else if (idle) {
        send_on(stream);
    }
    return rc;
}
