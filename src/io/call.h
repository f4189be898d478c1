/*
 * The one way in which a coroutine asks the kernel for something: submit the operation, suspend until its completion, return
 * its result. Cancelling asks the poller to end the operation and goes on waiting for its completion, for only then does the
 * kernel have nothing to do with the caller's memory any more; if the operation had succeeded all the same, its result
 * is what the caller gets, and the cancellation waits for the next await. It is inline, since it is the path of every request.
 */
#ifndef CI_IO_CALL_H
#define CI_IO_CALL_H

#include <errno.h>
#include <stdint.h>

#include "base/list.h"
#include "loop/loop.h"
#include "poll/poll.h"
#include "task/suspend.h"

/* An operation in flight and the wait for it, in the frame of the coroutine. */
struct ci_io_call {
    struct ci_op op;
    struct ci_wait wait;
};

/* The completion of a call's operation. */
void ci_io_completed(struct ci_op *op);

/* A call's ci_wait.cancel and ci_wait.describe. */
int ci_io_cancel(struct ci_wait *wait);
void ci_io_describe(const struct ci_wait *wait, char *out, size_t size);

/* Asks the poller to end op. If that takes the kernel, the loop looks for the completion in its next iteration. */
static inline void ci_io_cancel_op(struct coil_loop *loop, struct ci_op *op)
{
    loop->poller->class->cancel(loop->poller, op);
    loop->since_poll = CI_ENTRIES_PER_POLL;
}

/*
 * Carries out call->op, whose code, fd and arguments are set, for the running task. what names it in reports. Returns its
 * result, or a negative errno: -ECANCELED only if nothing was done, -EPERM outside of a task.
 */
static inline int64_t ci_io_run(struct ci_io_call *call, const char *what)
{
    struct ci_task *task = ci_task_running_here();

    if (__builtin_expect(task == NULL, 0)) {
        return -EPERM;
    }
    call->op.complete = ci_io_completed;
    call->op.wakes = task;
    int rc = ci_loop_submit(task->future.loop, &call->op);
    if (rc != 0) {
        return rc < 0 ? rc : call->op.result;
    }
    ci_wait_init(&call->wait, task, what);
    call->wait.number = call->op.fd;
    call->wait.keeps_result = true;
    call->wait.cancel = ci_io_cancel;
    call->wait.describe = ci_io_describe;
    rc = ci_wait_suspend_here(&call->wait);
    return rc < 0 ? rc : call->op.result;
}

#endif
