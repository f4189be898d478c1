/*
 * Suspending, inline. A processor predicts returns from the calls that it saw last; after a switch to a task that waits elsewhere in
 * the code, every return on the way out of the wait is predicted wrongly. So the fewer calls lie between a coroutine and the
 * switch, the cheaper it is to wake: the hot waits (a yield, an await) take all of this into their own body.
 */
#ifndef CI_TASK_SUSPEND_H
#define CI_TASK_SUSPEND_H

#include "task/task.h"

/* Whether the next batch may begin without the loop: nothing there to look at but the ready queue. */
static inline bool ci_loop_next_batch(struct coil_loop *loop)
{
    struct ci_ready *ready = &loop->ready;

    if (loop->attention != 0 || ready->head == ready->tail ||
        atomic_load_explicit(&loop->remote, memory_order_relaxed) != NULL) {
        return false;
    }
    loop->iteration++;
    ready->batch_end = ready->tail;
    return true;
}

/* Where to go from a task that suspends or ends: back to who started it eagerly, to the next task, or to the loop. */
static inline struct ci_context *ci_task_next_context(struct ci_runtime *runtime, struct ci_task *task)
{
    struct coil_loop *loop = &runtime->loop;
    struct ci_ready *ready = &loop->ready;

    if (__builtin_expect(task->flags & CI_TASK_EAGER, 0)) {
        task->flags &= ~(uint32_t)CI_TASK_EAGER;
        loop->current = task->eager_creator;
        return task->eager_return;
    }
    if (loop->attention & CI_LOOK_ALWAYS || (ready->head == ready->batch_end && !ci_loop_next_batch(loop))) {
        return &runtime->context;
    }
    struct ci_entry *entry = &ready->ring[ready->head & ready->mask];
    if (entry->run != ci_task_resume) {
        return &runtime->context;
    }
    ready->head++;
    ci_ready_fetch_ahead(ready);
    struct ci_task *next = entry->arg;
    loop->current = &next->future;
    return &next->context;
}

/* Leaves the running task, which somebody has made or will make ready, and returns at its next step. */
static inline void ci_task_suspend(struct ci_task *task)
{
    struct ci_context *to = ci_task_next_context(ci_runtime_of(task->future.loop), task);

    if (to != &task->context) {
        ci_context_switch(&task->context, to);
    }
}

/* A request that came before the wait began is put to the wait at once. */
void ci_wait_takes_request(struct ci_task *task, struct ci_wait *wait);

/* The kernel had done the work when it was asked to stop: the result goes to the caller, the request to the next await. */
void ci_wait_postpones(struct ci_task *task, struct ci_wait *wait);

/* ci_wait_finish, likewise. */
static inline void ci_wait_finish_here(struct ci_wait *wait)
{
    if (wait->state == CI_WAIT_PENDING) {
        wait->state = CI_WAIT_DONE;
        ci_task_make_ready(wait->task);
    }
}

/* ci_wait_suspend, for those to whom it must be cheap. */
static inline int ci_wait_suspend_here(struct ci_wait *wait)
{
    struct ci_task *task = wait->task;

    task->wait = wait;
    if (__builtin_expect(task->flags & CI_TASK_MUST_CANCEL, 0)) {
        ci_wait_takes_request(task, wait);
    }
    ci_task_suspend(task);
    task->wait = NULL;
    if (__builtin_expect(wait->keeps_result, 0) && wait->state == CI_WAIT_DONE) {
        ci_wait_postpones(task, wait);
        return 0;
    }
    if (wait->state == CI_WAIT_CANCELLED || (wait->future != NULL && wait->future->result == -ECANCELED)) {
        task->flags &= ~(uint32_t)CI_TASK_MUST_CANCEL;
        task->flags |= task->cancelling > 0 ? CI_TASK_CANCEL_SEEN : 0;
        if (wait->future != NULL) {
            return 0; /* the caller takes the error, and what came with it, from the future */
        }
        ci_task_arrived_with(task, wait->note);
        return -ECANCELED;
    }
    if (__builtin_expect(task->flags & CI_TASK_MUST_CANCEL, 0)) {
        return ci_task_deliver(task);
    }
    return 0;
}

#endif
