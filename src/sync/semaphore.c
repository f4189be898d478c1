/*
 * Semaphores. The value goes down when a waiter is woken, not when it runs; one that is cancelled in between gives the unit back and
 * wakes the next, so no unit is ever lost.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include <coil/sync.h>

#include "sync/describe.h"
#include "sync/waiters.h"
#include "task/task.h"

int coil_semaphore_init(coil_semaphore *semaphore, long value)
{
    if (semaphore == NULL || value < 0) {
        return -EINVAL;
    }
    ci_sync_check_idle(semaphore, sizeof(*semaphore), "coil_semaphore_init");
    *semaphore = (coil_semaphore)COIL_SEMAPHORE_INIT(value);
    return 0;
}

int coil_bounded_semaphore_init(coil_semaphore *semaphore, long value)
{
    if (semaphore == NULL || value < 0) {
        return -EINVAL;
    }
    ci_sync_check_idle(semaphore, sizeof(*semaphore), "coil_bounded_semaphore_init");
    *semaphore = (coil_semaphore)COIL_BOUNDED_SEMAPHORE_INIT(value);
    return 0;
}

/* Somebody who waits counts until he runs: nobody may take a unit before him although he was woken for one. */
static inline bool is_locked(const coil_semaphore *semaphore)
{
    return semaphore->value_ == 0 || semaphore->live_ > 0;
}

bool coil_semaphore_locked(const coil_semaphore *semaphore)
{
    return semaphore != NULL && is_locked(semaphore);
}

static inline bool wake_next(coil_semaphore *semaphore)
{
    bool woken = ci_waiters_wake_first(semaphore->waiters_);

    semaphore->value_ -= woken;
    return woken;
}

static void describe(const struct ci_wait *wait, char *out, size_t size)
{
    const coil_semaphore *semaphore = wait->object;

    (void)snprintf(out, size, "waits for a semaphore at %p, whose value is %ld", wait->object, semaphore->value_);
}

static int wait_in_line(coil_semaphore *semaphore, struct ci_task *task)
{
    struct ci_waiter waiter;

    ci_waiter_arrive_pending(&waiter, task, semaphore->waiters_,
                             &(const struct ci_waited){"a semaphore", semaphore, describe, NULL});
    ci_waiter_count(&waiter, &semaphore->live_);
    int rc = ci_waiter_suspend(&waiter);
    if (rc < 0 && waiter.wait.state == CI_WAIT_DONE) {
        semaphore->value_++;
    }
    while (semaphore->value_ > 0 && wake_next(semaphore)) {
        continue;
    }
    return rc;
}

int coil_semaphore_acquire(coil_semaphore *semaphore)
{
    struct ci_task *task = ci_task_running_here();

    if (__builtin_expect(semaphore == NULL || task == NULL, 0)) {
        return semaphore == NULL ? -EINVAL : -EPERM;
    }
    if (is_locked(semaphore)) {
        return wait_in_line(semaphore, task);
    }
    semaphore->value_--;
    return 0;
}

int coil_semaphore_release(coil_semaphore *semaphore)
{
    if (__builtin_expect(semaphore == NULL || (semaphore->bounded_ && semaphore->value_ >= semaphore->bound_), 0)) {
        return -EINVAL;
    }
    if (__builtin_expect(semaphore->value_ == LONG_MAX, 0)) {
        return -EOVERFLOW;
    }
    semaphore->value_++;
    (void)wake_next(semaphore); /* if nobody waits the unit stays */
    return 0;
}
