/* See describe.h. Both look at tasks in general: one in reports, the other in debug mode only. */
#include "sync/describe.h"

#include <errno.h>
#include <stdio.h>

#include "task/task.h"

static struct ci_task *task_at(struct ci_list *link)
{
    return ci_container_of(link, struct ci_task, all);
}

/* The tasks are listed in the order of their numbers, so who holds what many wait for, and came before them, is found soon. */
static struct ci_task *find(const struct ci_runtime *runtime, uint64_t id)
{
    struct ci_list *link = runtime->tasks.next;

    while (link != &runtime->tasks && task_at(link)->id < id) {
        link = link->next;
    }
    return link != &runtime->tasks && task_at(link)->id == id ? task_at(link) : NULL;
}

void ci_sync_describe_holder(const struct ci_wait *wait, uint64_t owner, char *out, size_t size)
{
    if (owner == 0) {
        (void)snprintf(out, size, ", which nobody holds");
        return;
    }
    struct ci_task *holder = find(ci_runtime_of(wait->task->future.loop), owner);
    if (holder != NULL) {
        (void)snprintf(out, size, ", which the task %s holds", ci_task_name(holder));
    } else {
        (void)snprintf(out, size, ", which a task that has ended did not release");
    }
}

static void report_waiter(struct ci_task *task, const char *function)
{
    struct coil_report report = {.kind = COIL_REPORT_MISUSE, .error = -EBUSY, .detail = function};

    report.message = "a task still waits on what is being made anew";
    ci_report_about(&report, &task->future);
    ci_loop_report(task->future.loop, &report);
}

void ci_sync_check_idle(const void *object, size_t size, const char *function)
{
    struct coil_loop *loop = ci_loop_running;

    if (loop == NULL || loop->trace == NULL) {
        return;
    }
    struct ci_runtime *runtime = ci_runtime_of(loop);
    for (struct ci_list *link = runtime->tasks.next; link != &runtime->tasks; link = link->next) {
        const struct ci_wait *wait = task_at(link)->wait;
        if (wait != NULL && wait->object != NULL && (uintptr_t)wait->object - (uintptr_t)object < size) {
            report_waiter(task_at(link), function);
        }
    }
}
