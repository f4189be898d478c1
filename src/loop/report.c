/*
 * Reports on their way to the program: to the handler that it has set, else to stderr by way of the debug room. Most come in the
 * loop's own thread, the only one that sets the handler, so they need no lock, and a handler that blocks cannot keep the watchdog from
 * saying so. Those of other threads take one, and setting a handler takes it too: the handler before is then not running there.
 */
#include <errno.h>

#include "base/trace.h"
#include "loop/loop.h"

/* A handler that sets another one, which in another thread than the loop's is wrong, is not to wait for itself. */
void ci_loop_reports_init(struct coil_loop *loop)
{
    pthread_mutexattr_t attributes;

    (void)pthread_mutexattr_init(&attributes); /* none of these can fail for these arguments */
    (void)pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
    (void)pthread_mutex_init(&loop->handler_lock, &attributes);
    (void)pthread_mutexattr_destroy(&attributes);
}

void ci_loop_reports_destroy(struct coil_loop *loop)
{
    (void)pthread_mutex_destroy(&loop->handler_lock); /* nobody holds it any more */
}

void coil_loop_set_exception_handler(coil_loop *loop, coil_exception_handler *handler, void *userdata)
{
    if (loop != NULL) {
        (void)pthread_mutex_lock(&loop->handler_lock);
        loop->exception_handler = handler;
        loop->exception_userdata = userdata;
        (void)pthread_mutex_unlock(&loop->handler_lock);
    }
}

static bool is_own_thread(const struct coil_loop *loop)
{
    return pthread_equal(pthread_self(), loop->thread);
}

static void deliver(struct coil_loop *loop, const struct coil_report *report)
{
    if (loop->exception_handler != NULL) {
        loop->exception_handler(loop, report, loop->exception_userdata);
    } else {
        ci_debug_print_report(report);
    }
}

void ci_loop_report(struct coil_loop *loop, struct coil_report *report)
{
    report->size = sizeof(*report);
    if (loop->trace != NULL) {
        loop->trace->fill_report(loop->trace, report);
    }
    if (is_own_thread(loop)) {
        deliver(loop, report);
        return;
    }
    (void)pthread_mutex_lock(&loop->handler_lock);
    deliver(loop, report);
    (void)pthread_mutex_unlock(&loop->handler_lock);
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

int ci_loop_refuse_other_threads(struct coil_loop *loop, const char *function)
{
    if (is_own_thread(loop)) {
        return 0;
    }
    if (loop->trace != NULL) {
        loop->trace->wrong_thread(loop->trace, loop, function);
    }
    return -EPERM;
}
