/*
 * Semaphores. The value goes down when a waiter is woken, not when it runs; one that is cancelled in between gives the unit back and
 * wakes the next, so no unit is ever lost.
 */
#include <errno.h>

#include <coil/sync.h>

#include "sync/describe.h"
#include "sync/waiters.h"
#include "task/task.h"

static int init(coil_semaphore *semaphore, long value, long bound)
{
    if (value < 0) {
        return -EINVAL;
    }
    ci_sync_check_idle(semaphore, "initialising a semaphore");
    *semaphore = (coil_semaphore){.value_ = value, .bound_ = bound};
    return 0;
}

int coil_semaphore_init(coil_semaphore *semaphore, long value)
{
    return init(semaphore, value, -1);
}

int coil_bounded_semaphore_init(coil_semaphore *semaphore, long value)
{
    return init(semaphore, value, value);
}

bool coil_semaphore_locked(const coil_semaphore *semaphore)
{
    return semaphore->value_ == 0 || semaphore->live_ > 0;
}

static bool wake_next(coil_semaphore *semaphore)
{
    struct ci_waiter *first = ci_waiters_first(semaphore->waiters_);

    if (first == NULL) {
        return false;
    }
    semaphore->value_--;
    ci_waiter_wake(first);
    return true;
}

int coil_semaphore_acquire(coil_semaphore *semaphore)
{
    struct ci_task *task = ci_task_running_here();
    struct ci_waiter waiter;

    if (task == NULL) {
        return -EPERM;
    }
    if (!coil_semaphore_locked(semaphore)) {
        semaphore->value_--;
        return 0;
    }
    ci_waiter_arrive_pending(&waiter, task, semaphore->waiters_, "a semaphore");
    waiter.wait.object = semaphore;
    waiter.live = &semaphore->live_;
    semaphore->live_++;
    int rc = ci_waiter_suspend(&waiter);
    if (rc < 0 && waiter.wait.state == CI_WAIT_DONE) {
        semaphore->value_++;
    }
    while (semaphore->value_ > 0 && wake_next(semaphore)) {
    }
    return rc;
}

int coil_semaphore_release(coil_semaphore *semaphore)
{
    if (semaphore->bound_ >= 0 && semaphore->value_ >= semaphore->bound_) {
        return -EINVAL;
    }
    semaphore->value_++;
    (void)wake_next(semaphore); /* if nobody waits the unit stays */
    return 0;
}
