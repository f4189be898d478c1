/* The lock: fair, without barging, and free in the gap between a release and the step of the one it has woken. asyncio's locks.py. */
#include <errno.h>
#include <stdio.h>

#include <coil/sync.h>

#include "sync/describe.h"
#include "sync/waiters.h"
#include "task/task.h"

void coil_lock_init(coil_lock *lock)
{
    if (lock != NULL) {
        ci_sync_check_idle(lock, sizeof(*lock), "coil_lock_init");
        *lock = (coil_lock)COIL_LOCK_INIT;
    }
}

/* Only the first in line is looked at: one that was cancelled wakes the next itself when it runs. */
static inline void wake_first(coil_lock *lock)
{
    struct ci_waiter *first = ci_waiters_first(lock->waiters_);

    if (first != NULL && first->wait.state == CI_WAIT_PENDING) {
        ci_waiter_wake(first);
    }
}

static inline void take(coil_lock *lock, const struct ci_task *task)
{
    lock->locked_ = true;
    lock->owner_ = task->id;
}

static void describe(const struct ci_wait *wait, char *out, size_t size)
{
    const coil_lock *lock = wait->object;
    int length = snprintf(out, size, "waits for a lock at %p", wait->object);

    if (length > 0 && (size_t)length < size) {
        ci_sync_describe_holder(wait, lock->locked_ ? lock->owner_ : 0, out + length, size - (size_t)length);
    }
}

static int wait_in_line(coil_lock *lock, struct ci_task *task)
{
    struct ci_waiter waiter;

    ci_waiter_arrive(&waiter, task, lock->waiters_, &(const struct ci_waited){"a lock", lock, describe, NULL});
    ci_waiter_count(&waiter, &lock->live_);
    int rc = ci_waiter_suspend(&waiter);
    if (rc == 0) {
        take(lock, task);
    } else if (!lock->locked_) {
        wake_first(lock);
    }
    return rc;
}

int coil_lock_acquire(coil_lock *lock)
{
    struct ci_task *task = ci_task_running_here();

    if (__builtin_expect(lock == NULL || task == NULL, 0)) {
        return lock == NULL ? -EINVAL : -EPERM;
    }
    if (lock->locked_ || lock->live_ > 0) {
        return wait_in_line(lock, task);
    }
    take(lock, task);
    return 0;
}

int coil_lock_release(coil_lock *lock)
{
    if (__builtin_expect(lock == NULL || !lock->locked_, 0)) {
        return lock == NULL ? -EINVAL : -EPERM;
    }
    lock->locked_ = false;
    wake_first(lock);
    return 0;
}

bool coil_lock_locked(const coil_lock *lock)
{
    return lock != NULL && lock->locked_;
}
