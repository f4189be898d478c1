/* The event: a flag, and those who wait for it. */
#include <errno.h>

#include <coil/sync.h>

#include "sync/describe.h"
#include "sync/waiters.h"
#include "task/task.h"

void coil_event_init(coil_event *event)
{
    ci_sync_check_idle(event, "coil_event_init");
    *event = (coil_event)COIL_EVENT_INIT;
}

int coil_event_wait(coil_event *event)
{
    struct ci_task *task = ci_task_running_here();
    struct ci_waiter waiter;

    if (task == NULL) {
        return -EPERM;
    }
    if (event->set_) {
        return 0;
    }
    ci_waiter_arrive_pending(&waiter, task, event->waiters_, "an event");
    waiter.wait.object = event;
    return ci_waiter_suspend(&waiter);
}

void coil_event_set(coil_event *event)
{
    struct ci_waiter *first;

    if (event->set_) {
        return;
    }
    event->set_ = true;
    while ((first = ci_waiters_first(event->waiters_)) != NULL) {
        ci_waiter_wake(first);
    }
}

void coil_event_clear(coil_event *event)
{
    event->set_ = false;
}

bool coil_event_is_set(const coil_event *event)
{
    return event->set_;
}
