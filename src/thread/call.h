/*
 * How a coroutine has something done in a thread: give the job to a pool, suspend until it has been carried out. A
 * cancellation takes a job back that no thread has begun; one that runs is waited for, because it works with the
 * memory of whoever waits.
 */
#ifndef CI_THREAD_CALL_H
#define CI_THREAD_CALL_H

#include "task/wait.h"
#include "thread/pool.h"

/* A job and the wait for it, in the frame of the coroutine. */
struct ci_thread_call {
    struct ci_job job;
    struct ci_wait wait;
};

/*
 * Has call->job, whose run and what are set, carried out for the running task. Returns 0 when it has been; -ECANCELED
 * if the task was cancelled: then it either was not begun at all, or has ended, what it did being lost; or why pool
 * could not take it. With keeps_result, the end of a job that was begun is returned as 0, and a cancellation waits
 * for the next await, as with an operation of the kernel.
 */
int ci_thread_call(struct ci_pool *pool, struct ci_task *task, struct ci_thread_call *call, bool keeps_result);

#endif
