/*
 * communicate: three tasks in a group, one that writes and two that read, so that no full pipe on either side stops the child. What is read
 * stays with the process until all of it is there, so whatever ends a call early loses nothing.
 */
#include <errno.h>
#include <stdint.h>
#include <unistd.h>

#include <coil/io.h>
#include <coil/task.h>

#include "process/process.h"
#include "sys/alloc.h"
#include "task/task.h"

enum { FIRST_BYTES = 4096, LEAST_ROOM = 2048 };

struct talk {
    coil_process *process;
    const char *input;
    size_t size;
    int number;   /* of the pipe to be read */
    bool dropped; /* nobody wants what is read */
};

void coil_buffer_free(coil_buffer *buffer)
{
    if (buffer != NULL) {
        ci_free(buffer->data);
        *buffer = (coil_buffer){.data = NULL};
    }
}

/* ---- writing --------------------------------------------------------------------------------------------------------- */

/* That the child does not want all of it is no error. */
static int feed(void *arg)
{
    const struct talk *talk = arg;
    coil_process *process = talk->process;
    ssize_t rc = 0;

    while (rc >= 0 && process->written < talk->size) {
        rc = coil_write(process->fds[STDIN_FILENO], talk->input + process->written, talk->size - process->written);
        process->written += rc > 0 ? (size_t)rc : 0;
    }
    if (rc < 0 && rc != -EPIPE && rc != -ECONNRESET) {
        return (int)rc;
    }
    process->fed = true;
    (void)ci_process_close_fd(process, STDIN_FILENO); /* what was written is in the pipe */
    return 0;
}

/* ---- reading --------------------------------------------------------------------------------------------------------- */

static int resize(struct ci_collected *collected, size_t capacity)
{
    char *data = ci_realloc(collected->data, capacity);

    if (data == NULL) {
        return -ENOMEM;
    }
    collected->data = data;
    collected->capacity = capacity;
    return 0;
}

/* Room for some more bytes and the zero behind them. */
static int make_room(struct ci_collected *collected)
{
    if (collected->capacity - collected->size >= LEAST_ROOM) {
        return 0;
    }
    return resize(collected, collected->capacity == 0 ? FIRST_BYTES : 2 * collected->capacity);
}

static int collect(void *arg)
{
    const struct talk *talk = arg;
    coil_process *process = talk->process;
    struct ci_collected *collected = &process->collected[talk->number];
    ssize_t rc;

    do {
        rc = make_room(collected);
        if (rc == 0) {
            rc = coil_read(process->fds[talk->number], collected->data + collected->size,
                           collected->capacity - collected->size - 1);
            collected->size += rc > 0 && !talk->dropped ? (size_t)rc : 0;
        }
    } while (rc > 0);
    if (rc == 0) {
        (void)ci_process_close_fd(process, talk->number); /* it was read to its end */
    }
    return (int)rc;
}

/* What was collected becomes the caller's. */
static void hand_over(struct ci_collected *collected, coil_buffer *buffer)
{
    if (buffer != NULL && collected->data != NULL) {
        collected->data[collected->size] = '\0';
        (void)resize(collected, collected->size + 1); /* smaller, or as it was */
        *buffer = (coil_buffer){.data = collected->data, .size = collected->size};
        collected->data = NULL;
    }
    ci_free(collected->data);
    *collected = (struct ci_collected){.data = NULL};
}

/* ---- both ------------------------------------------------------------------------------------------------------------ */

/* Until the pipes are at their ends. */
static int talk_to(coil_process *process, const struct talk talks[CI_STDIO_FDS])
{
    coil_fn *const fns[] = {feed, collect, collect};
    coil_group group;
    int rc = 0;

    coil_group_begin(&group);
    for (int i = 0; i < CI_STDIO_FDS && rc == 0; i++) {
        if (process->fds[i] >= 0) {
            rc = coil_group_spawn(&group, fns[i], (void *)(uintptr_t)&talks[i]);
        }
    }
    return coil_group_end(&group, rc);
}

static int check(const coil_process *process, const struct ci_task *task, const void *input, size_t size)
{
    if (process == NULL || (input == NULL && size > 0)) {
        return -EINVAL;
    }
    if (task == NULL || process->loop != task->future.loop) {
        return -EPERM;
    }
    if (process->communicating) {
        return -EBUSY;
    }
    return size > 0 && process->fds[STDIN_FILENO] < 0 && !process->fed ? -EINVAL : 0;
}

int coil_process_communicate(coil_process *process, const void *input, size_t size, coil_buffer *output,
                             coil_buffer *errors)
{
    coil_buffer *buffers[] = {NULL, output, errors};
    struct talk talks[CI_STDIO_FDS];
    int rc = check(process, ci_task_running(), input, size);

    for (int i = 0; i < CI_STDIO_FDS; i++) {
        talks[i] =
            (struct talk){.process = process, .input = input, .size = size, .number = i, .dropped = buffers[i] == NULL};
        if (buffers[i] != NULL) {
            *buffers[i] = (coil_buffer){.data = NULL};
        }
    }
    if (rc < 0) {
        return rc;
    }
    process->references++;
    process->communicating = true;
    rc = talk_to(process, talks);
    if (rc == 0) {
        rc = coil_process_wait(process);
    }
    for (int i = 0; i < CI_STDIO_FDS && rc >= 0; i++) {
        hand_over(&process->collected[i], buffers[i]);
    }
    process->communicating = false;
    coil_process_unref(process);
    return rc;
}
