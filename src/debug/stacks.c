/*
 * How much stack tasks use: looked at when each ends, said at the end of the loop. It is what .stack_size
 * wants to be chosen by.
 */
#include <stdio.h>

#include "coro/stack.h"
#include "debug/debug.h"
#include "loop/loop.h"
#include "task/task.h"

void ci_debug_measure_stack(struct ci_debug *debug, struct coil_future *future)
{
    struct ci_task *task = ci_task_of(future);
    size_t used = ci_stack_high_water(task->stack);

    if (used > debug->stack_used) {
        debug->stack_used = used;
        debug->stack_size = ci_stack_usable_bytes(task->stack);
        debug->stack_site = (struct coil_site){future->file, future->function, future->line};
        (void)snprintf(debug->stack_name, sizeof(debug->stack_name), "%s", ci_task_name(task)); /* a long one is cut */
    }
}

void ci_debug_report_stack(struct ci_debug *debug)
{
    struct coil_report report = {.kind = COIL_REPORT_STACK_HIGH_WATER,
                                 .task_name = debug->stack_name,
                                 .stack_used = debug->stack_used,
                                 .stack_size = debug->stack_size,
                                 .created = debug->stack_site};
    char message[CI_DEBUG_LINE_BYTES];

    if (debug->stack_used == 0) {
        return; /* there was no task */
    }
    (void)snprintf(message, sizeof(message), "the task '%s' used the most stack: %zu of %zu bytes", debug->stack_name,
                   debug->stack_used, debug->stack_size);
    report.message = message;
    ci_loop_report(debug->loop, &report);
}
