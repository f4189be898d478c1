/*
 * Timeouts: a scope is a timer that cancels its own task, and a count by which it knows at its end whether that cancellation was its
 * own alone. wait_for is such a scope around an await. asyncio's timeouts.py, to the letter. The caller's struct holds what only
 * the caller needs; what the timer needs is the record, which outlives a frame that was left early.
 */
#include <errno.h>
#include <math.h>

#include "loop/timer.h"
#include "sys/alloc.h"
#include "task/scope.h"
#include "task/task.h"

/* The caller's view: refused from the start, open, or ended one way or the other. */
enum { UNUSED, REFUSED, OPEN, EXPIRED, EXITED };

struct timeout {
    struct ci_scope scope;
    struct ci_timer timer;
    struct ci_task *task;
    int64_t when_ns;
    int cancelling; /* the task's count when the scope began */
    int expired;    /* 0, or the error that the expiry becomes */
};

/* The record of a scope that is open, or NULL: it may have been closed by the end of one around it. */
static struct timeout *open_record(const coil_timeout *timeout)
{
    struct timeout *record = timeout->scope_;

    return record == NULL || record->scope.serial != timeout->serial_ ? NULL : record;
}

static void record_free(struct timeout *record)
{
    ci_scope_free(ci_runtime_of(record->timer.loop), &record->scope);
}

static void expire(struct timeout *record, int error)
{
    record->expired = error;
    (void)ci_future_cancel(&record->task->future, NULL); /* the task is in the scope, so it is not done */
}

static void on_timer(void *arg)
{
    expire(ci_container_of(arg, struct timeout, timer), -ETIMEDOUT);
}

/* Without memory for its timer the scope ends as if the time were up: without its limit the code inside must not run on. */
static int set_timer(struct timeout *record, int64_t when_ns)
{
    bool due = when_ns <= ci_loop_now_ns(record->timer.loop);

    record->when_ns = when_ns;
    int rc = due ? ci_timer_set_soon(&record->timer) : ci_timer_set(&record->timer, when_ns);
    if (rc < 0) {
        expire(record, rc);
    }
    return rc;
}

/* A scope that was left: its timer stops, and a cancellation that it has requested is taken back. */
static void abandon(struct ci_scope *scope)
{
    struct timeout *record = ci_container_of(scope, struct timeout, scope);

    ci_timer_stop(&record->timer);
    if (record->expired != 0) {
        (void)coil_uncancel(&record->task->future);
    }
    record_free(record);
}

static void discard(struct ci_scope *scope)
{
    struct timeout *record = ci_container_of(scope, struct timeout, scope);

    ci_timer_stop(&record->timer);
    record_free(record);
}

static const struct ci_scope_class timeout_class = {.kind = CI_SCOPE_TIMEOUT,
                                                    .size = sizeof(struct timeout),
                                                    .end = "coil_timeout_end",
                                                    .abandon = abandon,
                                                    .discard = discard};

static void begin(coil_timeout *timeout, struct ci_task *task, double seconds)
{
    struct coil_loop *loop = task->future.loop;
    struct ci_scope *scope = ci_scope_new(ci_runtime_of(loop), &timeout_class);

    if (scope == NULL) {
        timeout->error_ = -ENOMEM;
        timeout->cancelling_ = task->cancelling;
        (void)ci_future_cancel(&task->future, NULL); /* as above */
        return;
    }
    struct timeout *record = ci_container_of(scope, struct timeout, scope);
    record->task = task;
    record->cancelling = task->cancelling;
    record->expired = 0;
    ci_timer_init(&record->timer, loop, on_timer);
    ci_scope_enter(task, scope);
    timeout->scope_ = record;
    timeout->serial_ = scope->serial;
    (void)set_timer(record, ci_deadline_ns(ci_loop_now_ns(loop), ci_duration_ns(seconds))); /* fails by expiring */
}

void coil_timeout_begin(coil_timeout *timeout, double seconds)
{
    struct ci_task *task = ci_task_running();

    if (timeout == NULL) {
        return;
    }
    *timeout = (coil_timeout){.state_ = REFUSED, .error_ = task == NULL ? -EPERM : -EINVAL, .when_ = INFINITY};
    if (task != NULL && !isnan(seconds)) {
        timeout->state_ = OPEN;
        timeout->error_ = 0;
        begin(timeout, task, seconds);
    }
}

static double seconds_of(int64_t when_ns)
{
    return when_ns == CI_FOREVER ? INFINITY : ci_duration_seconds(when_ns);
}

/* What the end makes of rc when the scope had expired with error. */
static int end_expired(coil_timeout *timeout, struct ci_task *task, int cancelling, int error, int rc)
{
    timeout->state_ = EXPIRED;
    return coil_uncancel(&task->future) <= cancelling && rc == -ECANCELED ? error : rc;
}

int coil_timeout_end(coil_timeout *timeout, int rc)
{
    struct ci_task *task = ci_task_running();

    if (timeout == NULL) {
        return -EINVAL;
    }
    if (timeout->state_ == REFUSED) {
        return timeout->error_;
    }
    if (timeout->state_ != OPEN || task == NULL) {
        return task == NULL ? -EPERM : -EINVAL;
    }
    if (timeout->scope_ == NULL) {
        return end_expired(timeout, task, timeout->cancelling_, timeout->error_, rc);
    }
    struct timeout *record = open_record(timeout);
    if (record == NULL || record->task != task) {
        return record == NULL ? -EINVAL : -EPERM;
    }
    ci_scope_leave(task, &record->scope);
    ci_timer_stop(&record->timer);
    timeout->when_ = seconds_of(record->when_ns);
    timeout->scope_ = NULL;
    int cancelling = record->cancelling;
    int expired = record->expired;
    record_free(record);
    if (expired != 0) {
        return end_expired(timeout, task, cancelling, expired, rc);
    }
    timeout->state_ = EXITED;
    return rc;
}

int coil_timeout_reschedule(coil_timeout *timeout, double when)
{
    struct timeout *record = timeout == NULL || timeout->state_ != OPEN ? NULL : open_record(timeout);

    if (record == NULL || record->expired != 0 || isnan(when)) {
        return -EINVAL;
    }
    int rc = ci_loop_check_thread(record->timer.loop, "coil_timeout_reschedule");
    if (rc < 0) {
        return rc;
    }
    ci_timer_stop(&record->timer);
    return set_timer(record, ci_duration_ns(when));
}

double coil_timeout_when(const coil_timeout *timeout)
{
    if (timeout == NULL) {
        return INFINITY;
    }
    const struct timeout *record = timeout->state_ == OPEN ? open_record(timeout) : NULL;
    return record == NULL ? timeout->when_ : seconds_of(record->when_ns);
}

bool coil_timeout_expired(const coil_timeout *timeout)
{
    if (timeout == NULL || timeout->state_ != OPEN) {
        return timeout != NULL && timeout->state_ == EXPIRED;
    }
    const struct timeout *record = open_record(timeout);
    return record == NULL ? timeout->scope_ == NULL : record->expired != 0;
}

/* ---- wait_for -------------------------------------------------------------------------------------------------------- */

struct last_wait {
    struct ci_wait wait;
    struct ci_callback callback;
    struct coil_future *future;
};

static void release_waiter(void *arg)
{
    ci_wait_finish(arg);
}

static void abandon_last_wait(struct ci_wait *wait)
{
    struct last_wait *last = ci_container_of(wait, struct last_wait, wait);

    ci_future_unsubscribe(last->future, &last->callback);
    ci_future_unref(last->future);
}

/* Cancels future and awaits its end on a wait of its own, so that cancelling the caller does not cancel it again. */
static int cancel_and_wait(struct ci_task *task, struct coil_future *future)
{
    struct last_wait last = {.future = future};

    ci_wait_init(&last.wait, task, "the end of what wait_for has cancelled");
    last.wait.abandon = abandon_last_wait;
    ci_callback_init(&last.callback, release_waiter, &last.wait);
    int rc = ci_future_subscribe(future, &last.callback);
    (void)ci_future_cancel(future, NULL); /* it is pending */
    if (rc < 0) {
        return rc;
    }
    rc = ci_wait_suspend(&last.wait);
    ci_future_unsubscribe(future, &last.callback);
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
