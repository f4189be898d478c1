/* Barriers, on a condition, as in asyncio: one fills, drains, and fills again; who comes while it drains waits outside. */
#include <coil/sync.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include "sync/condition.h"
#include "sync/describe.h"

enum { FILLING, DRAINING, RESETTING, BROKEN };

int coil_barrier_init(coil_barrier *barrier, size_t parties)
{
    if (barrier == NULL || parties < 1 || parties > INT_MAX) {
        return -EINVAL;
    }
    ci_sync_check_idle(barrier, sizeof(*barrier), "coil_barrier_init");
    *barrier = (coil_barrier)COIL_BARRIER_INIT(parties);
    return 0;
}

static bool is_open(void *arg)
{
    const coil_barrier *barrier = arg;

    return barrier->state_ != DRAINING && barrier->state_ != RESETTING;
}

static bool has_filled(void *arg)
{
    return ((const coil_barrier *)arg)->state_ != FILLING;
}

/* The condition's lock is held wherever this is called. */
static void wake_all(coil_barrier *barrier)
{
    (void)coil_condition_notify_all(&barrier->condition_);
}

static void describe(const struct ci_wait *wait, char *out, size_t size)
{
    const coil_barrier *barrier = wait->object;

    (void)snprintf(out, size, "waits at a barrier at %p, where %zu of %zu are", wait->object, barrier->count_,
                   barrier->parties_);
}

static int wait_until(coil_barrier *barrier, bool (*predicate)(void *barrier))
{
    return ci_condition_wait_for(&barrier->condition_, predicate, barrier,
                                 &(const struct ci_waited){"a barrier", barrier, describe, NULL});
}

static int wait_outside(coil_barrier *barrier)
{
    int rc = wait_until(barrier, is_open);

    return rc == 0 && barrier->state_ == BROKEN ? -EPIPE : rc;
}

static int wait_inside(coil_barrier *barrier)
{
    int rc = wait_until(barrier, has_filled);

    return rc == 0 && (barrier->state_ == BROKEN || barrier->state_ == RESETTING) ? -EPIPE : rc;
}

static int enter(coil_barrier *barrier)
{
    size_t index = barrier->count_++;
    int rc = 0;

    if (index + 1 == barrier->parties_) {
        barrier->state_ = DRAINING;
        wake_all(barrier);
    } else {
        rc = wait_inside(barrier);
    }
    if (--barrier->count_ == 0) {
        if (barrier->state_ == RESETTING || barrier->state_ == DRAINING) {
            barrier->state_ = FILLING;
        }
        wake_all(barrier);
    }
    return rc < 0 ? rc : (int)index;
}

/* A barrier of zero bytes is for nobody. */
static int acquire(coil_barrier *barrier)
{
    return barrier == NULL || barrier->parties_ == 0 ? -EINVAL : coil_condition_acquire(&barrier->condition_);
}

int coil_barrier_wait(coil_barrier *barrier)
{
    int rc = acquire(barrier);

    if (rc < 0) {
        return rc;
    }
    rc = wait_outside(barrier);
    if (rc == 0) {
        rc = enter(barrier);
    }
    (void)coil_condition_release(&barrier->condition_); /* it is held, also after a cancelled wait */
    return rc;
}

int coil_barrier_reset(coil_barrier *barrier)
{
    int rc = acquire(barrier);

    if (rc < 0) {
        return rc;
    }
    barrier->state_ = barrier->count_ > 0 ? RESETTING : FILLING;
    wake_all(barrier);
    return coil_condition_release(&barrier->condition_);
}

int coil_barrier_abort(coil_barrier *barrier)
{
    int rc = acquire(barrier);

    if (rc < 0) {
        return rc;
    }
    barrier->state_ = BROKEN;
    wake_all(barrier);
    return coil_condition_release(&barrier->condition_);
}

size_t coil_barrier_waiting(const coil_barrier *barrier)
{
    return barrier != NULL && barrier->state_ == FILLING ? barrier->count_ : 0;
}

bool coil_barrier_broken(const coil_barrier *barrier)
{
    return barrier != NULL && barrier->state_ == BROKEN;
}

size_t coil_barrier_parties(const coil_barrier *barrier)
{
    return barrier == NULL ? 0 : barrier->parties_;
}
