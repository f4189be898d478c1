/* Condition variables: waiting gives the lock up and takes it back, whatever happens in between. */
#include <errno.h>
#include <stdint.h>

#include <coil/sync.h>

#include "sync/describe.h"
#include "sync/waiters.h"
#include "task/task.h"

static coil_lock *lock_of(const coil_condition *condition)
{
    coil_condition *mine = (coil_condition *)(uintptr_t)condition;

    return mine->shared_ != NULL ? mine->shared_ : &mine->lock_;
}

void coil_condition_init(coil_condition *condition, coil_lock *lock)
{
    ci_sync_check_idle(condition, "coil_condition_init");
    *condition = (coil_condition){.shared_ = lock};
}

int coil_condition_acquire(coil_condition *condition)
{
    return coil_lock_acquire(lock_of(condition));
}

int coil_condition_release(coil_condition *condition)
{
    return coil_lock_release(lock_of(condition));
}

bool coil_condition_locked(const coil_condition *condition)
{
    return lock_of(condition)->locked_;
}

static void wake(coil_condition *condition, size_t n)
{
    struct ci_waiter *first;

    for (; n > 0 && (first = ci_waiters_first(condition->waiters_)) != NULL; n--) {
        ci_waiter_wake(first);
    }
}

/* Takes the lock again, ignoring cancellations until it has it; the last of them is what it returns. */
static int reacquire(coil_condition *condition)
{
    int cancelled = 0;
    int rc;

    while ((rc = coil_condition_acquire(condition)) == -ECANCELED) {
        cancelled = rc;
    }
    return rc < 0 ? rc : cancelled;
}

int coil_condition_wait(coil_condition *condition)
{
    struct ci_task *task = ci_task_running_here();
    struct ci_waiter waiter;

    if (task == NULL || !coil_condition_locked(condition)) {
        return -EPERM;
    }
    (void)coil_condition_release(condition); /* it is locked */
    ci_waiter_arrive_pending(&waiter, task, condition->waiters_, "a condition");
    waiter.wait.object = condition;
    int rc = ci_waiter_suspend(&waiter);
    int again = reacquire(condition);
    rc = again < 0 ? again : rc;
    if (rc < 0) {
        wake(condition, 1); /* this task may have been notified before it was cancelled: the notification goes on */
    }
    return rc;
}

int coil_condition_wait_for(coil_condition *condition, bool (*predicate)(void *arg), void *arg)
{
    while (!predicate(arg)) {
        int rc = coil_condition_wait(condition);
        if (rc < 0) {
            return rc;
        }
    }
    return 0;
}

int coil_condition_notify(coil_condition *condition, size_t n)
{
    if (!coil_condition_locked(condition)) {
        return -EPERM;
    }
    wake(condition, n);
    return 0;
}

int coil_condition_notify_all(coil_condition *condition)
{
    return coil_condition_notify(condition, SIZE_MAX);
}
