/* Waiting for a job: see call.h. */
#include "thread/call.h"

#include <stdio.h>

#include "task/task.h"

static void on_done(struct ci_job *job)
{
    struct ci_thread_call *call = ci_container_of(job, struct ci_thread_call, job);

    if (call->wait.asked && !call->wait.keeps_result) {
        ci_wait_cancelled(&call->wait);
    } else {
        ci_wait_finish(&call->wait);
    }
}

/* What has not been begun, or whose result nobody has been given, can be had back at once. */
static int on_cancel(struct ci_wait *wait)
{
    struct ci_thread_call *call = ci_container_of(wait, struct ci_thread_call, wait);
    struct ci_job *job = &call->job;

    if (job->pool == NULL || ci_job_drop(job) || (!wait->keeps_result && ci_job_forget(job))) {
        ci_wait_cancelled(wait);
    }
    return 1;
}

static void describe(const struct ci_wait *wait, char *out, size_t size)
{
    (void)snprintf(out, size, "waits for %s in a thread", wait->what);
}

int ci_thread_call(struct ci_pool *pool, struct ci_task *task, struct ci_thread_call *call, bool keeps_result)
{
    call->job.done = on_done;
    call->job.pool = NULL;
    /* A request that the task has not been told of ends the wait at once: then there is no sense in beginning. */
    int rc = task->flags & CI_TASK_MUST_CANCEL ? 0 : ci_pool_submit(pool, &call->job);
    if (rc < 0) {
        return rc;
    }
    ci_wait_init(&call->wait, task, call->job.what);
    call->wait.keeps_result = keeps_result;
    call->wait.cancel = on_cancel;
    call->wait.describe = describe;
    return ci_wait_suspend(&call->wait);
}
