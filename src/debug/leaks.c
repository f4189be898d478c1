/*
 * References that were not given back, as far as can be told when the loop closes: every future that is
 * then still there is reported. Tasks that were destroyed while pending have had their report, and what
 * such a task was waiting for is held by it and not by anybody who could do something about it.
 */
#include <stdio.h>

#include "debug/debug.h"
#include "loop/loop.h"
#include "sys/alloc.h"
#include "task/report.h"
#include "task/task.h"

enum { REPORTS_MAX = 100 };

void ci_debug_excuse_held(struct ci_debug *debug, struct coil_future *task)
{
    const struct ci_wait *wait = ci_task_of(task)->wait;

    if (wait != NULL && wait->future != NULL) {
        ci_census_excuse(&debug->census, wait->future);
    }
}

static bool is_abandoned(const struct coil_future *future)
{
    return ci_future_is_task(future) && ci_task_of(future)->flags & CI_TASK_ABANDONED;
}

static void excuse_all(struct ci_debug *debug, const struct ci_census_entry *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (is_abandoned(list[i].future)) {
            ci_debug_measure_stack(debug, list[i].future);
            ci_debug_excuse_held(debug, list[i].future);
        }
    }
}

static bool is_leaked(struct ci_debug *debug, struct coil_future *future)
{
    return ci_census_has(&debug->census, future) && !is_abandoned(future);
}

static void report_one(struct ci_debug *debug, struct coil_future *future)
{
    struct coil_report report = {.kind = COIL_REPORT_NOT_RELEASED};

    report.message = ci_future_is_task(future) ? "a reference to a task was still held when its loop was closed"
                                               : "a reference to a future was still held when its loop was closed";
    ci_report_about(&report, future);
    future->references++; /* the handler may give the one that was forgotten back */
    ci_loop_report(debug->loop, &report);
    ci_future_unref(future);
}

static void report_rest(struct ci_debug *debug, size_t count)
{
    struct coil_report report = {.kind = COIL_REPORT_NOT_RELEASED};
    char message[CI_DEBUG_LINE_BYTES];

    (void)snprintf(message, sizeof(message), "references to %zu more tasks and futures were still held", count);
    report.message = message;
    ci_loop_report(debug->loop, &report);
}

void ci_debug_report_unreleased(struct ci_debug *debug)
{
    size_t count;
    size_t told = 0;
    struct ci_census_entry *first_list = ci_census_list(&debug->census, &count);

    excuse_all(debug, first_list, count);
    ci_free(first_list);
    struct ci_census_entry *list = ci_census_list(&debug->census, &count); /* with the excuses */
    for (size_t i = 0; i < count; i++) {
        if (!list[i].excused && is_leaked(debug, list[i].future) && told++ < REPORTS_MAX) {
            report_one(debug, list[i].future);
        }
    }
    if (told > REPORTS_MAX) {
        report_rest(debug, told - REPORTS_MAX);
    }
    ci_free(list);
}
