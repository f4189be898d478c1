/*
 * A loop that is blocked now: what the watchdog says of it. The thread that reports is not the loop's, so
 * it looks at nothing that the loop's thread may change: names and places are copied by the loop's own
 * thread, in the probe's signal handler.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/duration.h"
#include "debug/debug.h"
#include "debug/symbols.h"
#include "loop/loop.h"
#include "sys/clock.h"
#include "task/task.h"

/*
 * What ci_task_name would make of a task that nobody has named, without printf, which this may have
 * interrupted.
 */
static const char *make_name(char *out, size_t size, uint64_t id)
{
    char *digit = out + size - 1;

    *digit = '\0';
    do {
        *--digit = (char)('0' + id % 10);
        id /= 10;
    } while (id > 0);
    return memcpy(digit - 5, "Task-", 5);
}

static void copy_name(char *out, size_t size, const struct ci_task *task)
{
    const char *name = task->long_name != NULL ? task->long_name : task->name;
    char made[CI_NAME_INSIDE + 4];

    if (name[0] == '\0' && task->long_name == NULL) {
        name = make_name(made, sizeof(made), task->id);
    }
    size_t length = strnlen(name, size - 1);
    memcpy(out, name, length);
    out[length] = '\0';
}

bool ci_debug_answer(void *arg)
{
    struct ci_debug *debug = arg;
    struct ci_debug_answer *answer = &debug->answer;
    struct coil_future *current = debug->loop->current; /* the innermost, where one was started eagerly */

    if (atomic_load(&debug->watchdog.entry) != answer->entry || atomic_load(&debug->watchdog.started_ns) == 0) {
        return false;
    }
    answer->future = current;
    answer->callback = debug->callback;
    answer->name[0] = '\0';
    answer->site = (struct coil_site){.file = NULL};
    if (current != NULL) {
        copy_name(answer->name, sizeof(answer->name), ci_task_of(current));
        answer->site = (struct coil_site){current->file, current->function, current->line};
    }
    return true;
}

/* From the thread's answer. */
static void fill_in(struct ci_debug *debug, struct coil_report *report)
{
    const struct ci_debug_answer *answer = &debug->answer;

    report->backtrace = debug->probe.addresses;
    report->depth = debug->probe.depth;
    if (answer->future == NULL) {
        report->created = answer->callback.function == NULL ? answer->site : answer->callback.site;
        return;
    }
    report->task_name = answer->name;
    report->created = answer->site;
    if (atomic_load(&debug->watchdog.entry) == answer->entry) { /* else the address may be another's by now */
        ci_debug_add_origin(debug, report, answer->future);
    }
}

/* It does not answer. If it sleeps in the kernel, that is known at least. */
static bool fill_in_unheard(struct ci_debug *debug, struct coil_report *report, void **address)
{
    const struct ci_probe *probe = &debug->probe;

    if (atomic_load(&debug->watchdog.entry) != debug->answer.entry || atomic_load(&debug->watchdog.started_ns) == 0) {
        return false;
    }
    report->detail = "its thread does not answer the signal SIGURG, which the program uses or blocks";
    if (probe->sleeps && probe->call.program_counter != 0) {
        *address = (void *)probe->call.program_counter; /* behind the system call, as a return address is */
        report->backtrace = address;
        report->depth = 1;
    }
    return true;
}

static void report_blocked(void *arg, uint64_t entry, int64_t since_ns)
{
    struct ci_debug *debug = arg;
    struct coil_report report = {.kind = COIL_REPORT_BLOCKED};
    char message[CI_DEBUG_LINE_BYTES];
    char what[CI_DEBUG_LINE_BYTES / 2] = "something";
    void *address;

    debug->answer.entry = entry;
    enum ci_probe_answer said = ci_probe_ask(&debug->probe);
    report.seconds = ci_duration_seconds(ci_clock_ns() - since_ns);
    if (said == CI_PROBE_ANSWERED) {
        fill_in(debug, &report);
        ci_debug_describe(what, sizeof(what), report.task_name, &debug->answer.callback);
    } else if (said == CI_PROBE_OVER || !fill_in_unheard(debug, &report, &address)) {
        return;
    }
    (void)snprintf(message, sizeof(message), "%s has been blocking the loop for %.3f seconds", what, report.seconds);
    report.message = message;
    ci_loop_report(debug->loop, &report);
}

/*
 * Reading debug information takes long the first time; begun now, it lets the report come while the loop is
 * still blocked.
 */
static void prepare(void *arg)
{
    (void)arg;
    ci_symbols_prepare();
}

const struct ci_watchdog_calls ci_debug_watchdog_calls = {.prepare = prepare, .blocked = report_blocked};
