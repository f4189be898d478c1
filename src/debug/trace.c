/*
 * Debug mode: what its trace points do. Slow callbacks are measured here, on the loop's clock, so that with
 * the virtual one they are exact; futures are registered with where they were made; what was noticed is
 * reported through the loop's handler. The loop's thread pays two looks at the clock for each entry, and a
 * walk over the stack for each future.
 */
#include "base/trace.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/duration.h"
#include "coro/stack.h"
#include "debug/backtrace.h"
#include "debug/debug.h"
#include "debug/symbols.h"
#include "loop/loop.h"
#include "sys/alloc.h"
#include "task/report.h"
#include "task/task.h"

/* The library's own innermost frames are taken for every future and left out of reports. */
enum { ORIGIN_DEPTH = 24 };

/* A block that is shorter than this is the machine's doing more often than the program's. */
#define WATCHDOG_LEAST_NS (CI_SECOND_NS / 20)

static struct ci_debug *debug_of(struct ci_trace *trace)
{
    return (struct ci_debug *)trace;
}

/* ---- entries --------------------------------------------------------------------------------------------------------- */

static void entry_begin(struct ci_trace *trace, struct coil_loop *loop, const struct ci_entry *entry)
{
    struct ci_debug *debug = debug_of(trace);

    debug->task = NULL;
    debug->callback.function = NULL;
    debug->own_ns = 0;
    if (entry->run == ci_task_resume) {
        debug->task = &((struct ci_task *)entry->arg)->future;
        debug->task->references++; /* it may end in this step, and is wanted when the step is over */
    }
    int64_t now_ns = ci_clock_ns();
    debug->began_ns = loop->virtual_clock ? loop->virtual_ns : now_ns;
    ci_probe_enter(&debug->probe);
    ci_watchdog_entry_begins(&debug->watchdog, now_ns);
}

static void calling(struct ci_trace *trace, void (*function)(void), const struct coil_site *site)
{
    struct ci_debug *debug = debug_of(trace);

    debug->callback.site = site == NULL ? (struct coil_site){.file = NULL} : *site;
    atomic_signal_fence(memory_order_release); /* the probe's handler looks at function first */
    debug->callback.function = function;
}

void ci_debug_describe(char *out, size_t size, const char *task_name, const struct ci_debug_callback *callback)
{
    struct ci_frame frame = {.function = NULL};

    if (task_name != NULL) {
        (void)snprintf(out, size, "the task '%s'", task_name);
        return;
    }
    if (callback->function != NULL) {
        void *address = (char *)(uintptr_t)callback->function + 1; /* as a return address: the byte before it counts */
        (void)ci_symbols_find(&address, 1, &frame, 1);
    }
    (void)snprintf(out, size, frame.function == NULL ? "a callback" : "a callback, %s,", frame.function);
}

static void report_slow(struct ci_debug *debug, int64_t ns)
{
    struct coil_report report = {.kind = COIL_REPORT_SLOW_CALLBACK, .seconds = ci_duration_seconds(ns)};
    char message[CI_DEBUG_LINE_BYTES];
    char what[CI_DEBUG_LINE_BYTES / 2];

    if (debug->task != NULL) {
        ci_report_about(&report, debug->task);
    } else if (debug->callback.function != NULL) {
        report.created = debug->callback.site;
    }
    ci_debug_describe(what, sizeof(what), report.task_name, &debug->callback);
    (void)snprintf(message, sizeof(message), "executing %s took %.3f seconds", what, report.seconds);
    report.message = message;
    ci_loop_report(debug->loop, &report);
}

/* Said after the loop's first step, in which a program sets its handler. */
static void report_backend(struct ci_debug *debug)
{
    struct coil_report report = {.kind = COIL_REPORT_BACKEND};
    char message[CI_DEBUG_LINE_BYTES];

    debug->told_backend = true;
    (void)snprintf(message, sizeof(message), "the loop waits with %s: %s", debug->loop->poller->class->name,
                   debug->loop->poller_reason);
    report.message = message;
    ci_loop_report(debug->loop, &report);
}

static void entry_end(struct ci_trace *trace, struct coil_loop *loop, const struct ci_entry *entry)
{
    struct ci_debug *debug = debug_of(trace);
    struct coil_future *task = debug->task;
    int64_t took_ns = ci_loop_now_ns(loop) - debug->began_ns - (loop->virtual_clock ? 0 : debug->own_ns);

    (void)entry;
    ci_watchdog_entry_ends(&debug->watchdog);
    if (took_ns >= loop->slow_callback_ns) {
        report_slow(debug, took_ns);
    }
    if (!debug->told_backend) {
        report_backend(debug);
    }
    debug->task = NULL;
    if (task != NULL) {
        ci_future_unref(task); /* the last one, perhaps: then its error, if nobody looked at it, is reported here */
    }
}

/* ---- debug mode's own time ------------------------------------------------------------------------------------------- */

struct ci_debug *ci_debug_running(void)
{
    struct coil_loop *loop = ci_loop_running;
    bool ours = loop != NULL && loop->trace != NULL && loop->trace->entry_begin == entry_begin;

    return ours ? debug_of(loop->trace) : NULL;
}

struct ci_debug_pause ci_debug_pause(void)
{
    struct ci_debug *debug = ci_debug_running();
    struct ci_debug_pause pause = {.debug = NULL};

    if (debug != NULL) {
        pause.started_ns = atomic_load_explicit(&debug->watchdog.started_ns, memory_order_relaxed);
        if (pause.started_ns != 0) {
            pause.debug = debug;
            pause.from_ns = ci_clock_ns();
            ci_watchdog_entry_ends(&debug->watchdog);
        }
    }
    return pause;
}

void ci_debug_resume(const struct ci_debug_pause *pause)
{
    if (pause->debug != NULL) {
        int64_t spent_ns = ci_clock_ns() - pause->from_ns;
        pause->debug->own_ns += spent_ns;
        ci_watchdog_entry_resumes(&pause->debug->watchdog, pause->started_ns + spent_ns);
    }
}

/* ---- futures --------------------------------------------------------------------------------------------------------- */

static void future_created(struct ci_trace *trace, struct coil_future *future)
{
    void *addresses[ORIGIN_DEPTH];
    size_t depth = ci_backtrace_capture(addresses, ORIGIN_DEPTH, 1);

    ci_census_add(&debug_of(trace)->census, future, addresses, depth);
}

static void future_destroyed(struct ci_trace *trace, struct coil_future *future)
{
    struct ci_debug *debug = debug_of(trace);

    if (ci_future_is_task(future) && !ci_future_done(future)) {
        ci_debug_measure_stack(debug, future);
        ci_debug_excuse_held(debug, future);
    }
    ci_census_remove(&debug->census, future);
}

/*
 * A cancellation is swallowed when a task was handed one, went on, and ended with a result, while its count
 * of requests says that nobody took the request back. Timeouts and groups take back their own. An error is
 * no swallowing: that is how a group says that a task of it failed while it was being cancelled, and
 * whoever awaits the task sees it.
 */
static bool swallowed_cancellation(const struct ci_task *task)
{
    return task->flags & CI_TASK_CANCEL_SEEN && task->cancelling > 0 && task->future.state == CI_DONE &&
           task->future.result >= 0;
}

static void task_ended(struct ci_trace *trace, struct coil_future *future)
{
    struct ci_debug *debug = debug_of(trace);

    ci_debug_measure_stack(debug, future);
    if (swallowed_cancellation(ci_task_of(future))) {
        struct coil_report report = {.kind = COIL_REPORT_CANCEL_SWALLOWED};
        report.message = "a task was cancelled and ended with a result as if it had not been";
        ci_report_about(&report, future);
        ci_loop_report(debug->loop, &report);
    }
}

/* ---- reports --------------------------------------------------------------------------------------------------------- */

void ci_debug_add_origin(struct ci_debug *debug, struct coil_report *report, const struct coil_future *future)
{
    struct ci_origin *origin = ci_census_origin(&debug->census, future);

    if (origin == NULL) {
        return;
    }
    if (atomic_load(&origin->own_frames) < 0) {
        struct ci_debug_pause pause = ci_debug_pause();
        atomic_store(&origin->own_frames, (int)ci_symbols_count_own(origin->addresses, origin->depth));
        ci_debug_resume(&pause);
    }
    size_t own = (size_t)atomic_load(&origin->own_frames);
    report->created_backtrace = origin->addresses + own;
    report->created_depth = origin->depth - own;
}

static void fill_report(struct ci_trace *trace, struct coil_report *report)
{
    if (report->future != NULL) {
        ci_debug_add_origin(debug_of(trace), report, report->future);
    }
}

/*
 * In the thread at fault, at once; the call itself is refused by whoever has found it. Its backtrace is what is wanted of the
 * thread; the loop's own data is left alone.
 */
static void wrong_thread(struct ci_trace *trace, struct coil_loop *loop, const char *function)
{
    struct coil_report report = {.kind = COIL_REPORT_WRONG_THREAD};
    char message[CI_DEBUG_LINE_BYTES];
    void *addresses[CI_BACKTRACE_MAX];

    (void)trace;
    (void)snprintf(message, sizeof(message), "wrong thread: %s from a thread that is not the loop's own", function);
    report.message = message;
    size_t depth = ci_backtrace_capture(addresses, CI_BACKTRACE_MAX, 1);
    size_t own = ci_symbols_count_own(addresses, depth);
    report.backtrace = addresses + own;
    report.depth = depth - own;
    ci_loop_report(loop, &report);
}

static void deadlock_suspected(struct ci_trace *trace, struct coil_loop *loop)
{
    (void)trace;
    ci_report_deadlock(ci_runtime_of(loop), COIL_REPORT_DEADLOCK_SUSPECTED);
}

/* ---- birth and death ------------------------------------------------------------------------------------------------- */

static void closing(struct ci_trace *trace, struct coil_loop *loop)
{
    struct ci_debug *debug = debug_of(trace);

    (void)loop;
    if (debug->watched) {
        ci_watchdog_stop(&debug->watchdog);
    }
    ci_debug_report_unreleased(debug);
    ci_debug_report_stack(debug);
    ci_probe_close(&debug->probe);
    ci_symbols_close();
    ci_census_end(&debug->census);
    ci_free(debug);
}

static const struct ci_trace trace_points = {.entry_begin = entry_begin,
                                             .entry_end = entry_end,
                                             .calling = calling,
                                             .future_created = future_created,
                                             .future_destroyed = future_destroyed,
                                             .task_ended = task_ended,
                                             .wrong_thread = wrong_thread,
                                             .deadlock_suspected = deadlock_suspected,
                                             .fill_report = fill_report,
                                             .closing = closing};

static int start_watching(struct ci_debug *debug)
{
    int64_t slow_ns = debug->loop->slow_callback_ns;
    int rc = ci_probe_open(&debug->probe, ci_debug_answer, debug);

    if (rc < 0 || slow_ns == CI_FOREVER) {
        return rc;
    }
    rc = ci_watchdog_start(&debug->watchdog, slow_ns > WATCHDOG_LEAST_NS ? slow_ns : WATCHDOG_LEAST_NS,
                           &ci_debug_watchdog_calls, debug);
    debug->watched = rc == 0;
    if (rc < 0) {
        ci_probe_close(&debug->probe);
    }
    return rc;
}

int ci_debug_attach(struct coil_loop *loop)
{
    struct ci_debug *debug = ci_alloc_zero(sizeof(*debug));

    if (debug == NULL) {
        return -ENOMEM;
    }
    debug->trace = trace_points;
    debug->loop = loop;
    int rc = ci_symbols_open();
    if (rc < 0) {
        goto free;
    }
    rc = start_watching(debug);
    if (rc < 0) {
        ci_symbols_close();
        goto free;
    }
    ci_census_begin(&debug->census);
    ci_stack_pool_measure(&ci_runtime_of(loop)->stacks);
    loop->trace = &debug->trace;
    loop->attention |= CI_LOOK_ALWAYS; /* tasks do not switch to each other: every entry is seen */
    return 0;
free:
    ci_free(debug);
    return rc;
}
