/*
 * A report in words, on stderr: what happened to what, the error, where the thing was made, the backtraces, and what to do
 * about it. A report leaves in one write, so that those of several threads do not mix. This is what a program sees that has
 * set no handler of its own; it may run on any coroutine's stack, and in any thread.
 */
#include <stdio.h>
#include <unistd.h>

#include "base/trace.h"
#include "debug/text.h"
#include "sys/fd.h"
#include "task/task.h"

enum { BUFFER_BYTES = 1024 };

/* What one can do about it; NULL where the message says it already. */
static const char *advice(enum coil_report_kind kind)
{
    switch (kind) {
    case COIL_REPORT_NEVER_RETRIEVED:
        return "await or join it, or ask for its error with coil_error, before its last reference is given back";
    case COIL_REPORT_DESTROYED_PENDING:
        return "cancel the task and await its end before the loop is closed, as coil_run does";
    case COIL_REPORT_SHUTDOWN_ERROR:
        return "a task that is cancelled gives its resources back and returns -ECANCELED";
    case COIL_REPORT_SHIELDED_ERROR:
        return "keep a reference to what is shielded, and await it after the shield was cancelled";
    case COIL_REPORT_GROUP_PARENT_DONE:
        return "let coil_group_end return before the task that began the group ends";
    case COIL_REPORT_DEADLOCK:
    case COIL_REPORT_DEADLOCK_SUSPECTED:
        return "look for what should have woken it: a future nobody completes, a lock nobody releases, tasks in a circle";
    case COIL_REPORT_SLOW_CALLBACK:
    case COIL_REPORT_BLOCKED:
        return "nothing else runs meanwhile: await instead of blocking, or give long work coil_sleep(0) now and then";
    case COIL_REPORT_WRONG_THREAD:
        return "from other threads, use the functions whose names end in _threadsafe";
    case COIL_REPORT_CANCEL_SWALLOWED:
        return "return -ECANCELED when an await does, or call coil_uncancel where the cancellation ends";
    case COIL_REPORT_NOT_RELEASED:
        return "give every reference back with coil_unref or coil_join";
    default:
        return NULL;
    }
}

static void add_about(struct ci_text *text, const struct coil_report *report)
{
    if (report->task_name != NULL) {
        ci_text_add(text, "  task:     %s\n", report->task_name);
    } else if (report->future != NULL) {
        ci_text_add(text, "  future:   a %s\n", report->future->class->name);
    }
}

static void add_error(struct ci_text *text, const struct coil_report *report)
{
    bool deadlock = report->kind == COIL_REPORT_DEADLOCK || report->kind == COIL_REPORT_DEADLOCK_SUSPECTED;

    if (report->error != 0 && !deadlock) {
        ci_text_add(text, "  error:    %s, %s\n", coil_errname(report->error), coil_strerror(report->error));
    }
    if (report->detail != NULL) {
        ci_text_add(text, "  %s %s\n", deadlock ? "it        " : "because:  ", report->detail);
    }
}

static void add_site(struct ci_text *text, const struct coil_site *site)
{
    if (site->file != NULL) {
        ci_text_add(text, "  made by:  %s (%s:%d)\n", site->function == NULL ? "?" : site->function, site->file, site->line);
    }
}

static void write_all(const char *data, size_t size)
{
    while (size > 0) {
        ssize_t written = ci_fd_write(STDERR_FILENO, data, size);
        if (written <= 0) {
            return; /* there is nobody to tell it to */
        }
        data += written;
        size -= (size_t)written;
    }
}

void ci_debug_print_report(const struct coil_report *report)
{
    char buffer[BUFFER_BYTES];
    struct ci_text text;
    const char *what_to_do = advice(report->kind);

    ci_text_begin(&text, buffer, sizeof(buffer));
    ci_text_add(&text, "coil: %s\n", report->message == NULL ? "something went wrong" : report->message);
    add_about(&text, report);
    add_error(&text, report);
    add_site(&text, &report->created);
    if (what_to_do != NULL) {
        ci_text_add(&text, "  advice:   %s\n", what_to_do);
    }
    write_all(text.data, text.length);
    ci_text_end(&text);
}
