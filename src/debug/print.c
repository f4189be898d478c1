/*
 * A report in words, on stderr: what happened to what, the error, where the thing was made, the backtraces,
 * and what to do about it. A report leaves in one write, so that those of several threads do not mix. This
 * is what a program sees that has set no handler of its own; it may run on any coroutine's stack, and in
 * any thread.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/trace.h"
#include "debug/debug.h"
#include "debug/symbols.h"
#include "debug/text.h"
#include "sys/fd.h"
#include "task/task.h"

enum { BUFFER_BYTES = 1024, FRAMES_MAX = 64 };

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
    case COIL_REPORT_MISUSE:
        return "end every coil_timeout and coil_group on each way out of the function that began it";
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
    case COIL_REPORT_THREAD_RUNNING:
        return "nothing can end a thread from outside: have the function look now and then whether it is still wanted";
    case COIL_REPORT_NOT_CLOSED:
        return "close what was opened on each way out: coil_stream_close, coil_server_close";
    default:
        return NULL;
    }
}

static bool is_deadlock(const struct coil_report *report)
{
    return report->kind == COIL_REPORT_DEADLOCK || report->kind == COIL_REPORT_DEADLOCK_SUSPECTED;
}

static void add_about(struct ci_text *text, const struct coil_report *report)
{
    if (report->task_name != NULL) {
        if (report->message == NULL || strstr(report->message, report->task_name) == NULL) {
            ci_text_add(text, "  task:        %s\n", report->task_name);
        }
    } else if (report->future != NULL) {
        ci_text_add(text, "  future:      a %s\n", report->future->class->name);
    }
    if (report->detail != NULL && is_deadlock(report)) {
        ci_text_add(text, "  state:       it %s\n", report->detail);
    } else if (report->detail != NULL && report->error == 0) {
        ci_text_add(text, "  detail:      %s\n", report->detail);
    }
}

/* The words that came with it, outermost first, then its own, as coil_error_message has them. */
static void add_error(struct ci_text *text, const struct coil_report *report)
{
    if (report->error == 0 || is_deadlock(report)) {
        return;
    }
    ci_text_add(text, "  error:       ");
    if (report->detail != NULL) {
        ci_text_add(text, "%s: ", report->detail);
    }
    ci_text_add(text, "%s (%s)\n", coil_strerror(report->error), coil_errname(report->error));
}

static void add_site(struct ci_text *text, const struct coil_site *site)
{
    if (site->file != NULL) {
        ci_text_add(text, "  created in:  %s (%s:%d)\n", site->function == NULL ? "?" : site->function, site->file,
                    site->line);
    }
}

/* ---- backtraces ------------------------------------------------------------------------------------------------------ */

static void add_frame(struct ci_text *text, const struct ci_frame *frame)
{
    ci_text_add(text, "    ");
    if (frame->file != NULL) {
        ci_text_add(text, "%s (%s:%d)", frame->function == NULL ? "?" : frame->function, frame->file, frame->line);
    } else if (frame->module != NULL && frame->function != NULL) {
        ci_text_add(text, "%s (%s+0x%zx)", frame->function, frame->module, (size_t)frame->offset);
    } else if (frame->module != NULL) {
        ci_text_add(text, "%s+0x%zx", frame->module, (size_t)frame->offset);
    } else {
        ci_text_add(text, "%p", frame->address);
    }
    ci_text_add(text, frame->inlined ? ", inlined\n" : "\n");
}

/* least: with fewer functions than that it says nothing new. */
static void add_backtrace(struct ci_text *text, const char *title, void *const *addresses, size_t depth, size_t least)
{
    struct ci_frame frames[FRAMES_MAX];

    if (addresses == NULL || depth == 0) {
        return;
    }
    size_t count = ci_symbols_find(addresses, depth, frames, FRAMES_MAX);
    size_t shown = ci_symbols_count_shown(frames, count);
    if (shown < least) {
        return;
    }
    ci_text_add(text, "  %s\n", title);
    for (size_t i = 0; i < shown; i++) {
        add_frame(text, &frames[i]);
    }
}

static void add_backtraces(struct ci_text *text, const struct coil_report *report)
{
    const char *where = report->kind == COIL_REPORT_BLOCKED ? "where it is:" : "where that was:";
    size_t least = report->created.file == NULL ? 1 : 2; /* the first one is said to have created it */

    add_backtrace(text, where, report->backtrace, report->depth, 1);
    add_backtrace(text, "where it was created:", report->created_backtrace, report->created_depth, least);
}

/* ---- the whole ------------------------------------------------------------------------------------------------------- */

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

/* What is no complaint is printed on request: COIL_DEBUG=2. */
static bool is_wanted(const struct coil_report *report)
{
    const char *level = getenv("COIL_DEBUG");
    bool is_information = report->kind == COIL_REPORT_BACKEND || report->kind == COIL_REPORT_STACK_HIGH_WATER;

    return !is_information || (level != NULL && strtol(level, NULL, 10) >= 2);
}

static void print_report(const struct coil_report *report)
{
    char buffer[BUFFER_BYTES];
    struct ci_text text;
    const char *what_to_do = advice(report->kind);

    ci_text_begin(&text, buffer, sizeof(buffer));
    ci_text_add(&text, "coil: %s\n", report->message == NULL ? "something went wrong" : report->message);
    add_about(&text, report);
    add_error(&text, report);
    add_site(&text, &report->created);
    add_backtraces(&text, report);
    if (what_to_do != NULL) {
        ci_text_add(&text, "  what to do:  %s\n", what_to_do);
    }
    write_all(text.data, text.length);
    ci_text_end(&text);
}

void ci_debug_print_report(const struct coil_report *report)
{
    if (is_wanted(report)) {
        struct ci_debug_pause pause = ci_debug_pause();
        print_report(report);
        ci_debug_resume(&pause);
    }
}
