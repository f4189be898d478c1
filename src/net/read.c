/*
 * Reading. What a task asks for comes straight into its memory where it can; only a line, a separator or a small exact number
 * of bytes goes through the stream's input, which keeps what came after it. Whatever was received and not handed over,
 * because of a cancellation, a limit or an error, is there for the next read.
 */
#include <errno.h>
#include <string.h>

#include "loop/loop.h"
#include "net/stream.h"
#include "sys/alloc.h"
#include "task/task.h"

/* An input that is empty while a task waits is as large as this, or not there. */
enum { SMALL_INPUT = 2048 - 16, GROWTH = 4 };

/* ---- the input ------------------------------------------------------------------------------------------------------- */

static size_t held(const struct ci_input *input)
{
    return input->end - input->start;
}

static void drop(struct ci_input *input)
{
    ci_free(input->data);
    *input = (struct ci_input){0};
}

void ci_input_drop(coil_stream *stream)
{
    if (!stream->reading) {
        drop(&stream->input);
    }
}

/* Moves what is held into a new block. Returns 0, or -ENOMEM with nothing changed. */
static int resize(struct ci_input *input, size_t capacity)
{
    char *data = ci_alloc(capacity);
    size_t count = held(input);

    if (data == NULL) {
        return -ENOMEM;
    }
    if (count > 0) {
        memcpy(data, input->data + input->start, count);
    }
    ci_free(input->data);
    *input = (struct ci_input){.data = data, .end = count, .capacity = capacity};
    return 0;
}

/* Sees that total bytes have room, those that are held among them. Returns 0, or -ENOMEM with nothing changed. */
static int make_room(struct ci_input *input, size_t total)
{
    size_t count = held(input);

    if (count == 0 && input->capacity > SMALL_INPUT && total <= SMALL_INPUT) {
        drop(input); /* what is needed between two large messages is a small one */
    }
    if (total > input->capacity) {
        return resize(input, total < SMALL_INPUT ? SMALL_INPUT : total);
    }
    if (count == 0 || total > input->capacity - input->start || input->start >= input->capacity / 2) {
        if (count > 0) {
            memmove(input->data, input->data + input->start, count);
        }
        input->start = 0;
        input->end = count;
    }
    return 0;
}

/* Hands size bytes over, which are there. */
static void take(struct ci_input *input, void *data, size_t size)
{
    memcpy(data, input->data + input->start, size);
    input->start += size;
}

/* ---- receiving ------------------------------------------------------------------------------------------------------- */

/* Awaits data, into memory that stays. Returns how much; 0 at the end, and after the stream was closed here; or the error. */
static ssize_t receive(coil_stream *stream, void *data, size_t size)
{
    if (stream->ended || stream->read_error < 0) {
        return stream->read_error;
    }
    stream->reading = true;
    ssize_t count = stream->class->read(stream, data, size);
    stream->reading = false;
    if (count == 0) {
        stream->ended = true;
    } else if (count < 0 && ci_stream_closed(stream) && count != -ECANCELED) {
        count = 0;
    } else if (count < 0 && !ci_stream_error_passes((int)count)) {
        stream->read_error = (int)count;
    }
    return count;
}

/* As receive, behind what is held; total bytes are to have room. */
static ssize_t receive_more(coil_stream *stream, size_t total)
{
    struct ci_input *input = &stream->input;
    int rc = make_room(input, total);

    if (rc < 0) {
        return rc;
    }
    ssize_t count = receive(stream, input->data + input->end, input->capacity - input->end);
    if (count > 0) {
        input->end += (size_t)count;
    }
    return count;
}

/* Why the running task cannot read, or 0. */
static int check(const coil_stream *stream, const void *data)
{
    if (stream == NULL || data == NULL) {
        return stream == NULL ? ci_loop_missing() : -EINVAL;
    }
    if (ci_task_running_here() == NULL) {
        return -EPERM;
    }
    return stream->reading ? -EBUSY : 0;
}

/* ---- read, read_exactly ---------------------------------------------------------------------------------------------- */

ssize_t coil_stream_read(coil_stream *stream, void *data, size_t size)
{
    int rc = check(stream, data);

    if (__builtin_expect(rc < 0 || size == 0, 0)) {
        return rc;
    }
    size_t count = held(&stream->input);
    if (count > 0) {
        count = count < size ? count : size;
        take(&stream->input, data, count);
        return (ssize_t)count;
    }
    ci_stream_enter(stream);
    ssize_t received = receive(stream, data, size);
    ci_stream_leave(stream);
    return received;
}

/* The end has come too early: what is held is handed over. */
static int hand_over_the_rest(coil_stream *stream, void *data)
{
    stream->partial = held(&stream->input);
    if (stream->partial > 0) {
        take(&stream->input, data, stream->partial);
    }
    return -ENODATA;
}

/* Through the input, which may receive more than is asked for. */
static ssize_t read_small(coil_stream *stream, void *data, size_t size)
{
    while (held(&stream->input) < size) {
        ssize_t count = receive_more(stream, size);
        if (count <= 0) {
            return count < 0 ? count : hand_over_the_rest(stream, data);
        }
    }
    take(&stream->input, data, size);
    return (ssize_t)size;
}

/* Into the caller's memory. The input has room for all of it from the start, so that it can be put back if it comes to nothing. */
static ssize_t read_large(coil_stream *stream, char *data, size_t size)
{
    struct ci_input *input = &stream->input;
    int rc = make_room(input, size);
    size_t got = held(input);
    ssize_t count = 1;

    if (rc < 0) {
        return rc;
    }
    if (got > 0) {
        take(input, data, got);
    }
    while (got < size && count > 0) {
        count = receive(stream, data + got, size - got);
        got += count > 0 ? (size_t)count : 0;
    }
    if (count < 0) {
        memcpy(input->data, data, got);
        input->start = 0;
        input->end = got;
        return count;
    }
    drop(input);
    stream->partial = got;
    return count == 0 ? -ENODATA : (ssize_t)size;
}

ssize_t coil_stream_read_exactly(coil_stream *stream, void *data, size_t size)
{
    int rc = check(stream, data);

    if (rc < 0 || size == 0) {
        return rc;
    }
    ci_stream_enter(stream);
    bool small = size <= held(&stream->input) || size <= SMALL_INPUT;
    ssize_t count = small ? read_small(stream, data, size) : read_large(stream, data, size);
    ci_stream_leave(stream);
    return count;
}

/* ---- read_until, read_line ------------------------------------------------------------------------------------------- */

/* What is looked for, and how far one has got. */
struct search {
    const void *separator;
    size_t length;
    size_t limit;  /* of what comes before the separator */
    size_t size;   /* of the caller's memory */
    size_t offset; /* before which no separator begins */
};

/* Returns where the separator begins, or -1. */
static ssize_t find(const struct ci_input *input, struct search *search)
{
    size_t count = held(input);

    if (count - search->offset < search->length) {
        return -1;
    }
    const char *from = input->data + input->start;
    const char *found = memmem(from + search->offset, count - search->offset, search->separator, search->length);
    if (found != NULL) {
        return found - from;
    }
    search->offset = count + 1 - search->length;
    return -1;
}

static int overrun(coil_stream *stream, size_t consumed)
{
    stream->partial = consumed;
    return -EOVERFLOW;
}

/* It grows as long as nothing is found, up to what the limit allows. */
static size_t next_capacity(const struct ci_input *input, const struct search *search)
{
    size_t most = search->limit + search->length;
    size_t wanted = held(input) < input->capacity ? held(input) + 1 : GROWTH * input->capacity + 1;

    most = most < SMALL_INPUT ? SMALL_INPUT : most;
    return wanted < most ? wanted : most;
}

static ssize_t read_until(coil_stream *stream, void *data, struct search *search)
{
    struct ci_input *input = &stream->input;
    ssize_t found;

    while ((found = find(input, search)) < 0) {
        if (search->offset > search->limit || held(input) > search->size) {
            return overrun(stream, search->offset);
        }
        ssize_t count = receive_more(stream, next_capacity(input, search));
        if (count <= 0) {
            return count < 0 ? count : hand_over_the_rest(stream, data);
        }
    }
    size_t size = (size_t)found + search->length;
    if ((size_t)found > search->limit || size > search->size) {
        return overrun(stream, (size_t)found);
    }
    take(input, data, size);
    return (ssize_t)size;
}

ssize_t coil_stream_read_until(coil_stream *stream, const void *separator, size_t length, void *data, size_t size)
{
    int rc = check(stream, data);

    if (rc < 0) {
        return rc;
    }
    if (separator == NULL || length == 0) {
        return -EINVAL;
    }
    struct search search = {.separator = separator, .length = length, .limit = stream->limit, .size = size};
    ci_stream_enter(stream);
    ssize_t count = read_until(stream, data, &search);
    ci_stream_leave(stream);
    return count;
}

ssize_t coil_stream_read_line(coil_stream *stream, char *line, size_t size)
{
    int rc = check(stream, line);

    if (rc < 0 || size == 0) {
        return rc < 0 ? rc : -EINVAL;
    }
    struct search search = {.separator = "\n", .length = 1, .limit = stream->limit, .size = size - 1};
    ci_stream_enter(stream);
    ssize_t count = read_until(stream, line, &search);
    if (count == -ENODATA) {
        count = (ssize_t)stream->partial;
    }
    ci_stream_leave(stream);
    line[count > 0 ? count : 0] = '\0';
    return count;
}

/* ---- what can be asked ----------------------------------------------------------------------------------------------- */

size_t coil_stream_partial(const coil_stream *stream)
{
    return stream == NULL ? 0 : stream->partial;
}

bool coil_stream_at_eof(const coil_stream *stream)
{
    return stream == NULL || (stream->ended && held(&stream->input) == 0);
}
