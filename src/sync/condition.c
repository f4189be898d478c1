/* Condition variables: waiting gives the lock up and takes it back, whatever happens in between. */
#include "sync/condition.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>

#include "sync/describe.h"
#include "task/task.h"

static coil_lock *lock_of(const coil_condition *condition)
{
    coil_condition *mine = (coil_condition *)(uintptr_t)condition;

    return mine->shared_ != NULL ? mine->shared_ : &mine->lock_;
}

void coil_condition_init(coil_condition *condition, coil_lock *lock)
{
    if (condition != NULL) {
        ci_sync_check_idle(condition, sizeof(*condition), "coil_condition_init");
        *condition = (coil_condition){.shared_ = lock};
    }
}

int coil_condition_acquire(coil_condition *condition)
{
    return condition == NULL ? -EINVAL : coil_lock_acquire(lock_of(condition));
}

int coil_condition_release(coil_condition *condition)
{
    return condition == NULL ? -EINVAL : coil_lock_release(lock_of(condition));
}

bool coil_condition_locked(const coil_condition *condition)
{
    return condition != NULL && lock_of(condition)->locked_;
}

static void wake(coil_condition *condition, size_t n)
{
    while (n > 0 && ci_waiters_wake_first(condition->waiters_)) {
        n--;
    }
}

/* Takes the lock again, ignoring cancellations until it has it; the last of them is what it returns. */
static int reacquire(coil_condition *condition)
{
    int cancelled = 0;
    int rc;

    while ((rc = coil_lock_acquire(lock_of(condition))) == -ECANCELED) {
        cancelled = rc;
    }
    return rc < 0 ? rc : cancelled;
}

static int wait_once(coil_condition *condition, struct ci_task *task, const struct ci_waited *what)
{
    struct ci_waiter waiter;

    (void)coil_lock_release(lock_of(condition)); /* it is locked */
    ci_waiter_arrive_pending(&waiter, task, condition->waiters_, what);
    int rc = ci_waiter_suspend(&waiter);
    int again = reacquire(condition);
    rc = again < 0 ? again : rc;
    if (rc < 0) {
        wake(condition, 1); /* this task may have been notified before it was cancelled: the notification goes on */
    }
    return rc;
}

static void describe(const struct ci_wait *wait, char *out, size_t size)
{
    (void)snprintf(out, size, "waits for a condition at %p", wait->object);
}

int coil_condition_wait(coil_condition *condition)
{
    struct ci_task *task = ci_task_running_here();

    if (__builtin_expect(condition == NULL || task == NULL || !lock_of(condition)->locked_, 0)) {
        return condition == NULL ? -EINVAL : -EPERM;
    }
    return wait_once(condition, task, &(const struct ci_waited){"a condition", condition, describe, NULL});
}

int ci_condition_wait_for(coil_condition *condition, bool (*predicate)(void *arg), void *arg,
                          const struct ci_waited *what)
{
    while (!predicate(arg)) {
        struct ci_task *task = ci_task_running_here();
        if (task == NULL || !lock_of(condition)->locked_) {
            return -EPERM;
        }
        int rc = wait_once(condition, task, what);
        if (rc < 0) {
            return rc;
        }
    }
    return 0;
}

int coil_condition_wait_for(coil_condition *condition, bool (*predicate)(void *arg), void *arg)
{
    if (condition == NULL || predicate == NULL) {
        return -EINVAL;
    }
    return ci_condition_wait_for(condition, predicate, arg,
                                 &(const struct ci_waited){"a condition", condition, describe, NULL});
}

int coil_condition_notify(coil_condition *condition, size_t n)
{
    if (__builtin_expect(condition == NULL || !lock_of(condition)->locked_, 0)) {
        return condition == NULL ? -EINVAL : -EPERM;
    }
    wake(condition, n);
    return 0;
}

int coil_condition_notify_all(coil_condition *condition)
{
    return coil_condition_notify(condition, SIZE_MAX);
}
