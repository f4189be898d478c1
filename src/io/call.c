/* What ends a call to the kernel, and what lets others run between calls: see call.h. */
#include "io/call.h"

#include <stdio.h>

void ci_io_completed(struct ci_op *op)
{
    struct ci_io_call *call = ci_container_of(op, struct ci_io_call, op);

    if (op->result == -ECANCELED) {
        ci_wait_cancelled(&call->wait);
    } else {
        ci_wait_finish(&call->wait);
    }
}

int ci_io_cancel(struct ci_wait *wait)
{
    struct ci_io_call *call = ci_container_of(wait, struct ci_io_call, wait);

    ci_io_cancel_op(wait->task->future.loop, &call->op);
    return 1;
}

void ci_io_describe(const struct ci_wait *wait, char *out, size_t size)
{
    if (wait->number < 0) {
        (void)snprintf(out, size, "waits for %s", wait->what);
    } else {
        (void)snprintf(out, size, "waits for %s on fd %ld", wait->what, wait->number);
    }
}

void ci_io_let_others_run(struct ci_task *task)
{
    struct coil_loop *loop = task->future.loop;

    loop->calls_left = CI_CALLS_AT_ONCE; /* with a seed, the whole batch counts as one step */
    loop->since_poll =
        CI_ENTRIES_PER_POLL; /* whoever waits for a descriptor is not to wait for 61 turns of this task */
    ci_task_make_ready(task);
    ci_task_suspend(task);
    if (task->flags & CI_TASK_MUST_CANCEL) {
        task->flags |= CI_TASK_CANCEL_DUE;
    }
}

bool ci_io_take_kept(struct ci_task *task)
{
    task->flags &= ~(uint32_t)CI_TASK_CANCEL_DUE;
    if (!(task->flags & CI_TASK_MUST_CANCEL)) {
        return false; /* it was delivered meanwhile, or taken back */
    }
    (void)ci_task_deliver(task);
    return true;
}
