/* coil_to_thread: a function in a thread of the default executor, and the coroutine that waits for it. */
#include <errno.h>

#include <coil/thread.h>

#include "task/task.h"
#include "thread/call.h"
#include "thread/executor.h"

struct function {
    struct ci_thread_call call;
    coil_fn *fn;
    void *arg;
    int result;
};

static void call_function(struct ci_job *job)
{
    struct function *function = ci_container_of(job, struct function, call.job);

    function->result = function->fn(function->arg);
}

int coil_to_thread_from(coil_fn *fn, void *arg, const char *name, const struct coil_site *site)
{
    struct ci_task *task = ci_task_running();

    if (task == NULL || fn == NULL) {
        return fn == NULL ? -EINVAL : -EPERM;
    }
    struct ci_pool *pool = ci_executor_pool(task->future.loop);
    if (pool == NULL) {
        return -ENOMEM;
    }
    struct function function;
    function.fn = fn;
    function.arg = arg;
    function.call.job.run = call_function;
    function.call.job.what = name == NULL ? "a function" : name;
    function.call.job.site = site == NULL ? (struct coil_site){0} : *site;
    int rc = ci_thread_call(pool, task, &function.call, false);
    if (rc < 0) {
        return rc;
    }
    if (function.result < 0) {
        ci_task_arrived_with(task, NULL); /* what was noted of an earlier error has nothing to do with this one */
    }
    return function.result;
}
