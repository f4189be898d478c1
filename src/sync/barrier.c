/* Barriers, on a condition, as in asyncio: one fills, drains, and fills again; who comes while it drains waits outside. */
#include <errno.h>

#include <coil/sync.h>

enum { FILLING, DRAINING, RESETTING, BROKEN };

int coil_barrier_init(coil_barrier *barrier, size_t parties)
{
    if (parties < 1) {
        return -EINVAL;
    }
    coil_condition_init(&barrier->condition_, NULL);
    barrier->parties_ = parties;
    barrier->count_ = 0;
    barrier->state_ = FILLING;
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

static int wait_outside(coil_barrier *barrier)
{
    int rc = coil_condition_wait_for(&barrier->condition_, is_open, barrier);

    return rc == 0 && barrier->state_ == BROKEN ? -EPIPE : rc;
}

static int wait_inside(coil_barrier *barrier)
{
    int rc = coil_condition_wait_for(&barrier->condition_, has_filled, barrier);

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

int coil_barrier_wait(coil_barrier *barrier)
{
    int rc = coil_condition_acquire(&barrier->condition_);

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
    int rc = coil_condition_acquire(&barrier->condition_);

    if (rc < 0) {
        return rc;
    }
    barrier->state_ = barrier->count_ > 0 ? RESETTING : FILLING;
    wake_all(barrier);
    return coil_condition_release(&barrier->condition_);
}

int coil_barrier_abort(coil_barrier *barrier)
{
    int rc = coil_condition_acquire(&barrier->condition_);

    if (rc < 0) {
        return rc;
    }
    barrier->state_ = BROKEN;
    wake_all(barrier);
    return coil_condition_release(&barrier->condition_);
}

size_t coil_barrier_waiting(const coil_barrier *barrier)
{
    return barrier->state_ == FILLING ? barrier->count_ : 0;
}

bool coil_barrier_broken(const coil_barrier *barrier)
{
    return barrier->state_ == BROKEN;
}
