/* The two plainest waits, for a future and for time: coil_await and coil_sleep, and coil_fail, which speaks about them. */
#include <errno.h>
#include <math.h>

#include "loop/timer.h"
#include "task/suspend.h"

/* Whether to wait for future would be to wait for oneself. Only who is waited for, and what waits itself, can close a circle. */
static bool closes_circle(struct ci_task *task, struct coil_future *future)
{
    if (future == &task->future) {
        return true;
    }
    bool waits = ci_future_is_task(future) ? ci_task_of(future)->wait != NULL : future->class->children != NULL;
    return __builtin_expect(waits, 0) && !ci_list_empty(&task->future.callbacks) &&
           ci_future_waits_for(future, &task->future);
}

/* What awaiting a future that is done comes to. */
static int collect(struct ci_task *task, struct coil_future *future)
{
    int rc = ci_future_retrieve(future);

    if (__builtin_expect(rc < 0, 0)) {
        ci_task_arrived_with(task, ci_future_take_note(future));
    }
    return rc;
}

/* A frame that never goes on gives back its reference; its node stays, as does the memory it is in. */
static void abandon(struct ci_wait *wait)
{
    ci_future_unref(wait->future);
}

static inline int wait_for_future(struct ci_task *task, struct coil_future *future)
{
    struct ci_callback callback;
    struct ci_wait wait;

    if (closes_circle(task, future)) {
        return -EDEADLK;
    }
    ci_wait_init(&wait, task, "future");
    wait.future = future;
    wait.abandon = abandon;
    ci_callback_init(&callback, ci_task_resume, task);
    ci_list_append(&future->callbacks, &callback.link);
    callback.state = CI_CALLBACK_LISTED;
    future->references++;
    int rc = ci_wait_suspend_here(&wait);
    int result = ci_future_retrieve(future); /* asyncio looks at it in any case */
    if (rc == 0) {
        rc = result < 0 ? collect(task, future) : result;
    }
    ci_future_unref(future);
    return rc;
}

static inline int await_future(coil_future *future)
{
    struct ci_task *task = ci_task_running_here();

    if (__builtin_expect(future == NULL || task == NULL, 0)) {
        return future == NULL ? ci_loop_missing() : -EPERM;
    }
    if (__builtin_expect(future->loop != task->future.loop, 0)) {
        return -EINVAL;
    }
    return ci_future_done(future) ? collect(task, future) : wait_for_future(task, future);
}

int coil_await(coil_future *future)
{
    return await_future(future);
}

int coil_join(coil_future *future)
{
    int rc = await_future(future);

    coil_unref(future);
    return rc;
}

/* ---- time ------------------------------------------------------------------------------------------------------------ */

struct nap {
    struct ci_wait wait;
    struct ci_timer timer;
};

/* ci_wait_finish, without a look at the task: of many that wake at once each would be a miss in the cache. */
static void nap_is_over(void *arg)
{
    struct nap *nap = ci_container_of(arg, struct nap, timer);

    if (nap->wait.state == CI_WAIT_PENDING) {
        nap->wait.state = CI_WAIT_DONE;
        (void)ci_ready_push(&nap->timer.loop->ready, ci_task_resume, nap->wait.task);
    }
}

static inline int yield(struct ci_task *task)
{
    ci_task_make_ready(task);
    ci_task_suspend(task);
    return __builtin_expect(task->flags & CI_TASK_MUST_CANCEL, 0) ? ci_task_deliver(task) : 0;
}

static int nap(struct ci_task *task, double seconds)
{
    struct coil_loop *loop = task->future.loop;
    struct nap nap;

    ci_wait_init(&nap.wait, task, "sleep");
    ci_timer_init(&nap.timer, loop, nap_is_over);
    int rc = ci_timer_set(&nap.timer, ci_deadline_ns(ci_loop_now_ns(loop), ci_duration_ns(seconds)));
    if (rc < 0) {
        return rc;
    }
    rc = ci_wait_suspend(&nap.wait);
    ci_timer_stop(&nap.timer);
    return rc;
}

int coil_sleep(double seconds)
{
    struct ci_task *task = ci_task_running_here();

    if (task == NULL) {
        return -EPERM;
    }
    if (isnan(seconds)) {
        return -EINVAL;
    }
    return seconds <= 0 ? yield(task) : nap(task, seconds);
}

/* ---- words ----------------------------------------------------------------------------------------------------------- */

int coil_fail_from(int error, const struct coil_site *site, const char *format, ...)
{
    struct ci_task *task = ci_task_running_here();
    va_list arguments;

    if (task == NULL || error >= 0) {
        return error;
    }
    struct ci_note *inner = task->last_note;
    task->last_note = NULL;
    if (inner != NULL && inner->error != error) {
        ci_note_unref(inner); /* it was said of another failure, which is not what is being returned */
        inner = NULL;
    }
    va_start(arguments, format);
    task->last_note = ci_note_new(error, inner, site, format, arguments);
    va_end(arguments);
    return error;
}
