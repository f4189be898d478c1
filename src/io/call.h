/*
 * The one way in which a coroutine asks the kernel for something: submit the operation, suspend until its completion, return
 * its result. Cancelling asks the poller to end the operation and goes on waiting for its completion, for only then does the
 * kernel have nothing to do with the caller's memory any more; if the operation had succeeded all the same, its result
 * is what the caller gets, and the cancellation waits for the next await. It is inline, since it is the path of every request.
 *
 * A call that the poller finishes at once does not suspend, so a task whose descriptor is always ready would never let anybody
 * else run. Therefore a step has a budget of such calls, and the call that uses it up goes through the ready queue once before it
 * returns. It does so after its work and not before, for meanwhile somebody may close the descriptor, and its number may come to
 * stand for another file. Its result is returned in any case; a cancellation that is pending then is returned by the task's
 * next call, which does nothing else. Which step it is that a call belongs to is told by how far the ready queue has got, so
 * that switching tasks, which is much hotter, knows nothing of this.
 */
#ifndef CI_IO_CALL_H
#define CI_IO_CALL_H

#include <errno.h>
#include <stdbool.h>
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

/*
 * How many calls of one step may be finished at once. 128 small ones take about 50 microseconds, as long as a busy server's
 * iteration, and 128 of 64 KiB each about a millisecond; and letting others run, which is one more look at the poller,
 * costs less than one call, so it adds less than a hundredth.
 */
enum { CI_CALLS_AT_ONCE = 128 };

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

/* The step has used its budget up: lets everything else that is ready run. A cancellation is kept for the next call. */
void ci_io_let_others_run(struct ci_task *task);

/* Takes a cancellation that was kept for this call. Returns whether there is one: then the call returns -ECANCELED. */
bool ci_io_take_kept(struct ci_task *task);

/* Whether a call that begins is to return -ECANCELED and to do nothing. */
static inline bool ci_io_is_cancelled(struct ci_task *task)
{
    return __builtin_expect(task->flags & CI_TASK_CANCEL_DUE, 0) && ci_io_take_kept(task);
}

/* A call has ended, well or badly, without waiting. Returns when the task may go on. */
static inline void ci_io_did_not_wait(struct ci_task *task)
{
    struct coil_loop *loop = task->future.loop;

    if (loop->calls_turn != loop->ready.head) {
        loop->calls_turn = loop->ready.head;
        loop->calls_left = CI_CALLS_AT_ONCE;
    }
    if (__builtin_expect(--loop->calls_left == 0, 0)) {
        ci_io_let_others_run(task);
    }
}

/* Carries out an operation that blocks, and that the poller does not carry out. Returns as ci_io_run. */
int64_t ci_io_block(struct ci_io_call *call, struct ci_task *task, const char *what);

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
    if (ci_io_is_cancelled(task)) {
        return -ECANCELED;
    }
    call->op.complete = ci_io_completed;
    call->op.wakes = task;
    int rc = ci_loop_submit(task->future.loop, &call->op);
    if (__builtin_expect(rc == CI_BLOCKS, 0)) {
        return ci_io_block(call, task, what);
    }
    if (rc != 0) {
        ci_io_did_not_wait(task);
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
