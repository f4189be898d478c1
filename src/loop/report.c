/* Reports on their way to the program: to the handler that it has set, else to stderr by way of the debug room. */
#include <string.h>

#include "base/trace.h"
#include "loop/loop.h"

void coil_loop_set_exception_handler(coil_loop *loop, coil_exception_handler *handler, void *userdata)
{
    if (loop != NULL) {
        loop->exception_handler = handler;
        loop->exception_userdata = userdata;
    }
}

void ci_loop_report(struct coil_loop *loop, struct coil_report *report)
{
    report->size = sizeof(*report);
    if (loop->trace != NULL) {
        loop->trace->fill_report(loop->trace, report);
    }
    if (loop->exception_handler != NULL) {
        loop->exception_handler(loop, report, loop->exception_userdata);
    } else {
        ci_debug_print_report(report);
    }
}

void coil_loop_call_exception_handler(coil_loop *loop, const char *message, int error)
{
    if (loop == NULL) {
        return;
    }
    struct coil_report report = {.kind = COIL_REPORT_CALLBACK_ERROR, .message = message, .error = error};
    ci_loop_report(loop, &report);
}

void coil_report_print(const struct coil_report *report)
{
    if (report != NULL) {
        ci_debug_print_report(report);
    }
}

void ci_loop_report_thread(struct coil_loop *loop, const char *function)
{
    if (!pthread_equal(pthread_self(), loop->thread)) {
        loop->trace->wrong_thread(loop->trace, loop, function);
    }
}
