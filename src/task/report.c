/* Reports about futures and tasks: what is known of them, put into words. */
#include "task/report.h"

#include <errno.h>
#include <stdio.h>

#include "base/trace.h"
#include "task/task.h"

enum { LINE_BYTES = 256 };

void ci_report_about(struct coil_report *report, struct coil_future *future)
{
    report->future = future;
    report->created = (struct coil_site){future->file, future->function, future->line};
    if (ci_future_is_task(future)) {
        report->task_name = ci_task_name(ci_task_of(future));
    }
}

void ci_report_error(struct coil_future *future, enum coil_report_kind kind, const char *message)
{
    struct coil_report report = {.kind = kind, .message = message, .error = ci_future_retrieve(future)};
    char notes[LINE_BYTES];

    ci_report_about(&report, future);
    if (future->note != NULL) {
        (void)ci_note_format(future->note, notes, sizeof(notes)); /* a longer text is cut */
        report.detail = notes;
    }
    ci_loop_report(future->loop, &report);
}

void ci_report_never_retrieved(struct coil_future *future)
{
    bool is_task = ci_future_is_task(future);

    future->references++; /* the handler may take references, and keep them */
    ci_report_error(future, COIL_REPORT_NEVER_RETRIEVED,
                    is_task ? "a task failed and nobody looked at its error"
                            : "a future failed and nobody looked at its error");
    future->references--;
}

void ci_report_destroyed(struct coil_future *task)
{
    struct coil_report report = {.kind = COIL_REPORT_DESTROYED_PENDING,
                                 .message = "a task was destroyed while it was still waiting"};

    ci_report_about(&report, task);
    ci_loop_report(task->loop, &report);
}

/* What a task waits for, in words, into out. */
static void describe_wait(const struct ci_task *task, char *out, size_t size)
{
    const struct ci_wait *wait = task->wait;

    if (wait == NULL) {
        (void)snprintf(out, size, "is ready to run");
    } else if (wait->describe != NULL) {
        wait->describe(wait, out, size);
    } else if (wait->future != NULL && ci_future_is_task(wait->future)) {
        (void)snprintf(out, size, "waits for the task %s", ci_task_name(ci_task_of(wait->future)));
    } else if (wait->future != NULL) {
        const struct coil_future *future = wait->future;
        (void)snprintf(out, size, "waits for a %s made by %s at %s:%d", future->class->name,
                       future->function == NULL ? "?" : future->function, future->file == NULL ? "?" : future->file,
                       (int)future->line);
    } else if (wait->number >= 0) {
        (void)snprintf(out, size, "waits for %s (%ld)", wait->what, wait->number);
    } else {
        (void)snprintf(out, size, "waits for %s", wait->what);
    }
}

void ci_report_deadlock(struct ci_runtime *runtime, enum coil_report_kind kind)
{
    bool certain = kind == COIL_REPORT_DEADLOCK;

    for (struct ci_list *link = runtime->tasks.next; link != &runtime->tasks; link = link->next) {
        struct ci_task *task = ci_container_of(link, struct ci_task, all);
        struct coil_report report = {.kind = kind, .error = -EDEADLK};
        char what[LINE_BYTES];
        report.message = certain ? "deadlock: nothing can ever wake this task"
                                 : "possible deadlock: only another thread could still wake this task";
        describe_wait(task, what, sizeof(what));
        report.detail = what;
        ci_report_about(&report, &task->future);
        ci_loop_report(&runtime->loop, &report);
    }
}
