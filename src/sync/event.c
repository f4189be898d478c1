/* The event: a flag, and those who wait for it. */
#include "sync/event.h"

#include <errno.h>
#include <stdio.h>

#include "sync/describe.h"
#include "task/task.h"

void coil_event_init(coil_event *event)
{
    if (event != NULL) {
        ci_sync_check_idle(event, sizeof(*event), "coil_event_init");
        *event = (coil_event)COIL_EVENT_INIT;
    }
}

static void describe(const struct ci_wait *wait, char *out, size_t size)
{
    (void)snprintf(out, size, "waits for an event at %p", wait->object);
}

int ci_event_wait(coil_event *event, struct ci_task *task, const struct ci_waited *what)
{
    struct ci_waiter waiter;

    ci_waiter_arrive_pending(&waiter, task, event->waiters_, what);
    return ci_waiter_suspend(&waiter);
}

int coil_event_wait(coil_event *event)
{
    struct ci_task *task = ci_task_running_here();

    if (__builtin_expect(event == NULL || task == NULL, 0)) {
        return event == NULL ? -EINVAL : -EPERM;
    }
    if (event->set_) {
        return 0;
    }
    return ci_event_wait(event, task, &(const struct ci_waited){"an event", event, describe, NULL});
}

void coil_event_set(coil_event *event)
{
    if (event == NULL || event->set_) {
        return;
    }
    event->set_ = true;
    while (ci_waiters_wake_first(event->waiters_)) {
        continue;
    }
}

void coil_event_clear(coil_event *event)
{
    if (event != NULL) {
        event->set_ = false;
    }
}

bool coil_event_is_set(const coil_event *event)
{
    return event != NULL && event->set_;
}
