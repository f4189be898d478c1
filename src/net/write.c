/*
 * Writing: what the class takes at once, it takes; for the rest a task waits, in line with others that do, so that the bytes of one write
 * stay together.
 */
#include <errno.h>

#include "io/call.h"
#include "loop/loop.h"
#include "net/stream.h"
#include "task/task.h"

/* Why nothing can be written, or 0. */
static int check(const coil_stream *stream)
{
    if (stream == NULL) {
        return ci_loop_missing();
    }
    if (stream->closing || stream->eof_asked) {
        return -EPIPE;
    }
    return stream->write_error;
}

/* A write that fails ends the output, unless it says nothing about the connection. */
static ssize_t settle(coil_stream *stream, ssize_t count)
{
    if (count >= 0 || ci_stream_error_passes((int)count)) {
        return count;
    }
    if (ci_stream_closed(stream)) {
        return -EPIPE;
    }
    ci_output_fail(stream, (int)count);
    return count;
}

/* ---- waiting --------------------------------------------------------------------------------------------------------- */

/* Waits until the writes that came before have been taken. */
static int get_in_line(coil_stream *stream)
{
    stream->writers++;
    int rc = coil_lock_acquire(&stream->writing);
    if (rc < 0) {
        stream->writers--;
    }
    return rc;
}

static void leave_line(coil_stream *stream)
{
    (void)coil_lock_release(&stream->writing); /* it is held */
    stream->writers--;
}

/* taken is how much of the same write went before; then there is nobody else in line. */
static ssize_t write_waiting(coil_stream *stream, const char *data, size_t size, size_t taken)
{
    ssize_t count = get_in_line(stream);

    if (count < 0) {
        return count;
    }
    count = check(stream);
    if (count == 0) {
        count = settle(stream, stream->class->write_rest(stream, data, size, taken));
    }
    leave_line(stream);
    return count;
}

/* ---- writing --------------------------------------------------------------------------------------------------------- */

ssize_t coil_stream_write(coil_stream *stream, const void *data, size_t size)
{
    struct ci_task *task = ci_task_running_here();
    int rc = check(stream);
    ssize_t taken = 0;

    if (__builtin_expect(rc < 0 || data == NULL || size == 0, 0)) {
        return rc < 0 || size == 0 ? rc : -EINVAL;
    }
    if (task != NULL && ci_io_is_cancelled(task)) {
        return -ECANCELED;
    }
    if (__builtin_expect(stream->writers == 0, 1)) {
        taken = settle(stream, stream->class->write(stream, data, size));
        if (taken < 0 || taken == (ssize_t)size) {
            if (task != NULL) {
                ci_io_did_not_wait(task); /* who writes to a peer that is fast enough lets others run now and then */
            }
            return taken;
        }
    }
    if (task == NULL) {
        return taken > 0 ? taken : -EPERM;
    }
    ci_stream_enter(stream);
    ssize_t rest = write_waiting(stream, (const char *)data + taken, size - (size_t)taken, (size_t)taken);
    ci_stream_leave(stream);
    return rest < 0 && taken > 0 ? taken : taken + rest;
}

int coil_stream_drain(coil_stream *stream)
{
    if (stream == NULL) {
        return ci_loop_missing();
    }
    if (stream->write_error == 0 && stream->output.size <= stream->high_water) {
        return 0;
    }
    ci_stream_enter(stream);
    int rc = ci_output_wait(stream, stream->low_water, false);
    ci_stream_leave(stream);
    return rc;
}

int coil_stream_flush(coil_stream *stream)
{
    if (stream == NULL) {
        return ci_loop_missing();
    }
    ci_stream_enter(stream);
    int rc = ci_output_wait(stream, 0, false);
    ci_stream_leave(stream);
    return rc;
}

/* ---- the end of the output ------------------------------------------------------------------------------------------- */

int coil_stream_write_eof(coil_stream *stream)
{
    if (stream == NULL || stream->eof_asked) {
        return stream == NULL ? ci_loop_missing() : 0;
    }
    int rc = check(stream);
    if (rc < 0 || stream->class->write_eof == NULL) {
        return rc < 0 ? rc : -EOPNOTSUPP;
    }
    ci_stream_enter(stream);
    if (stream->writers > 0) {
        rc = get_in_line(stream);
        if (rc == 0) {
            leave_line(stream);
            rc = check(stream);
        }
    }
    if (rc == 0) {
        stream->eof_asked = true;
        rc = stream->output.size > 0 ? 0 : stream->class->write_eof(stream); /* else it follows what is left */
    }
    ci_stream_leave(stream);
    return rc;
}

/* ---- limits ---------------------------------------------------------------------------------------------------------- */

int coil_stream_set_write_limits(coil_stream *stream, size_t high, size_t low)
{
    if (stream == NULL || low > high) {
        return stream == NULL ? ci_loop_missing() : -EINVAL;
    }
    stream->high_water = high;
    stream->low_water = low;
    return 0;
}

size_t coil_stream_write_buffer_size(const coil_stream *stream)
{
    return stream == NULL ? 0 : stream->output.size;
}
