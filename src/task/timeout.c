/*
 * Timeouts: a scope is a timer that cancels its own task, and a count by which it knows at its end whether that cancellation was its
 * own alone. wait_for is such a scope around an await. asyncio's timeouts.py, to the letter.
 */
#include <errno.h>
#include <math.h>

#include "loop/timer.h"
#include "task/task.h"

enum { UNUSED, ACTIVE, EXPIRING, EXPIRED, EXITED, REFUSED };

_Static_assert(sizeof(struct ci_timer) <= sizeof(((coil_timeout *)0)->timer_), "the timer must fit into coil_timeout");

static struct ci_timer *timer_of(coil_timeout *timeout)
{
    return (struct ci_timer *)(void *)timeout->timer_;
}

static void expire(coil_timeout *timeout, int error)
{
    timeout->state_ = EXPIRING;
    timeout->error_ = error;
    (void)ci_future_cancel(timeout->task_, NULL); /* the task is in the scope, so it is not done */
}

static void on_timer(void *arg)
{
    coil_timeout *timeout = ci_container_of(arg, coil_timeout, timer_);

    expire(timeout, -ETIMEDOUT);
}

static int set_timer(coil_timeout *timeout, int64_t when_ns)
{
    struct ci_timer *timer = timer_of(timeout);

    timeout->when_ = when_ns == CI_FOREVER ? INFINITY : ci_duration_seconds(when_ns);
    return when_ns <= ci_loop_now_ns(timer->loop) ? ci_timer_set_soon(timer) : ci_timer_set(timer, when_ns);
}

void coil_timeout_begin(coil_timeout *timeout, double seconds)
{
    struct ci_task *task = ci_task_running();

    *timeout = (coil_timeout){.state_ = REFUSED, .error_ = task == NULL ? -EPERM : -EINVAL, .when_ = INFINITY};
    if (task == NULL || isnan(seconds)) {
        return;
    }
    struct coil_loop *loop = task->future.loop;
    timeout->task_ = &task->future;
    timeout->cancelling_ = task->cancelling;
    timeout->state_ = ACTIVE;
    ci_timer_init(timer_of(timeout), loop, on_timer);
    int rc = set_timer(timeout, ci_deadline_ns(ci_loop_now_ns(loop), ci_duration_ns(seconds)));
    if (rc < 0) {
        expire(timeout, rc); /* without a limit it must not run: it ends as if the time were up */
    }
}

int coil_timeout_end(coil_timeout *timeout, int rc)
{
    if (timeout->state_ == REFUSED) {
        return timeout->error_;
    }
    if (timeout->state_ != ACTIVE && timeout->state_ != EXPIRING) {
        return -EINVAL;
    }
    ci_timer_stop(timer_of(timeout));
    if (timeout->state_ == ACTIVE) {
        timeout->state_ = EXITED;
        return rc;
    }
    timeout->state_ = EXPIRED;
    if (coil_uncancel(timeout->task_) <= timeout->cancelling_ && rc == -ECANCELED) {
        return timeout->error_;
    }
    return rc;
}

int coil_timeout_reschedule(coil_timeout *timeout, double when)
{
    if (timeout->state_ != ACTIVE || isnan(when)) {
        return -EINVAL;
    }
    ci_timer_stop(timer_of(timeout));
    int rc = set_timer(timeout, ci_duration_ns(when));
    if (rc < 0) {
        expire(timeout, rc);
    }
    return rc;
}

double coil_timeout_when(const coil_timeout *timeout)
{
    return timeout->when_;
}

bool coil_timeout_expired(const coil_timeout *timeout)
{
    return timeout->state_ == EXPIRING || timeout->state_ == EXPIRED;
}

/* ---- wait_for -------------------------------------------------------------------------------------------------------- */

static void release_waiter(void *arg)
{
    ci_wait_finish(arg);
}

/* Cancels future and awaits its end on a wait of its own, so that cancelling the caller does not cancel it again. */
static int cancel_and_wait(struct ci_task *task, struct coil_future *future)
{
    struct ci_callback callback;
    struct ci_wait wait;

    ci_wait_init(&wait, task, "the end of what wait_for has cancelled");
    ci_callback_init(&callback, release_waiter, &wait);
    int rc = ci_future_subscribe(future, &callback);
    if (rc < 0) {
        return rc;
    }
    (void)ci_future_cancel(future, NULL); /* it is pending */
    rc = ci_wait_suspend(&wait);
    ci_future_unsubscribe(future, &callback);
    return rc;
}

static int wait_for_nothing(struct ci_task *task, coil_future *future)
{
    if (ci_future_done(future)) {
        return coil_await(future);
    }
    if (future == &task->future) {
        return -EDEADLK;
    }
    future->references++;
    int rc = cancel_and_wait(task, future);
    if (rc == 0) {
        rc = coil_await(future);
        rc = rc == -ECANCELED ? -ETIMEDOUT : rc;
    }
    ci_future_unref(future);
    return rc;
}

int coil_wait_for(coil_future *future, double timeout)
{
    struct ci_task *task = ci_task_running();
    coil_timeout scope;

    if (future == NULL) {
        return ci_loop_missing();
    }
    if (task == NULL || isnan(timeout)) {
        return task == NULL ? -EPERM : -EINVAL;
    }
    if (future->loop != task->future.loop) {
        return -EINVAL;
    }
    if (timeout <= 0) {
        return wait_for_nothing(task, future);
    }
    coil_timeout_begin(&scope, timeout);
    return coil_timeout_end(&scope, coil_await(future));
}

int coil_wait_for_coroutine(coil_fn *fn, void *arg, double timeout)
{
    struct ci_task *task = ci_task_running();
    coil_timeout scope;

    if (task == NULL) {
        return -EPERM;
    }
    if (fn == NULL || isnan(timeout)) {
        return -EINVAL;
    }
    if (timeout <= 0) {
        coil_task *child = coil_create_task(fn, arg);
        int rc = coil_wait_for(child, timeout);
        coil_unref(child);
        return rc;
    }
    coil_timeout_begin(&scope, timeout);
    return coil_timeout_end(&scope, fn(arg));
}
