/* Operations that block, where the poller does not carry them out: here and now, in the way of everybody else. */
#include "io/call.h"

int64_t ci_io_block(struct ci_io_call *call, struct ci_task *task, const char *what)
{
    (void)what;
    call->op.result = ci_call_make(&call->op);
    ci_io_did_not_wait(task);
    return call->op.result;
}
