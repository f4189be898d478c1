/* What ends a call to the kernel: see call.h. */
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
    (void)snprintf(out, size, "waits for %s on fd %ld", wait->what, wait->number);
}
