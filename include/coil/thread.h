/*
 * Threads: functions that block or compute run beside the loop, in threads of its default executor; plain threads
 * call into a loop. What is called from the loop's own thread and what from others is said by each function.
 */
#ifndef COIL_THREAD_H
#define COIL_THREAD_H

#include <coil/base.h>
#include <coil/loop.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- functions in threads -------------------------------------------------------------------------------------------- */

/*
 * Awaits fn(arg), which runs in a thread of the loop's default executor: for what blocks or computes for long. There
 * it is outside of any loop: what awaits gives -EPERM, coil_fail notes nothing, coil_local_get finds nothing;
 * coil_run and the functions whose names end in _threadsafe work. Returns what fn returns, a result >= 0 or a
 * negative errno. Functions begin in the order of the calls, as many at a time as the executor has threads; see
 * coil_loop_set_default_executor.
 * -ECANCELED if the task was cancelled: fn was not begun and will not be, or it has ended and its result is lost. One
 * that runs cannot be stopped from outside, and is waited for, since it may be using the caller's memory; asyncio
 * leaves it behind. So arg and what it points to may be the caller's own, and need to live no longer than this call.
 * -EPERM outside of a task, -EINVAL (no fn), -ESHUTDOWN after the executor was shut down, -ENOMEM; or why no thread
 * could be started (-EAGAIN), if there is none. asyncio: asyncio.to_thread, loop.run_in_executor(None, ...).
 */
#define coil_to_thread(fn, arg) \
    coil_to_thread_from((fn), (arg), #fn, &(const struct coil_site){__FILE__, __func__, __LINE__})

/* The same, where name is what reports call fn by; it must live as long as the call. NULL for name or site: none. */
COIL_API int coil_to_thread_from(coil_fn *fn, void *arg, const char *name, const struct coil_site *site);

/* What a loop's default executor is like. */
struct coil_executor_options {
    size_t size;        /* sizeof this struct: the macro fills it in */
    coil_loop *loop;    /* whose executor it is */
    size_t max_workers; /* threads at the same time; by default 4 more than there are processors, at most 32 */
    double idle_time; /* seconds until a thread without work ends; 10 by default, INFINITY: never, negative: at once */
    const char *thread_name_prefix; /* copied; "-0", "-1" and so on are added, and 15 characters used */
};

/*
 * Says what the default executor of a loop is like from the next coil_to_thread on; more threads than it may have now
 * end after what they are doing. Options: .max_workers .idle_time .thread_name_prefix. What is not given is the
 * default. Threads start when they are needed, and not before. From the loop's own thread. Returns 0, -EINVAL (NULL,
 * NaN), -EPERM (a closed loop), -ESHUTDOWN after the executor was shut down, -ENOMEM. asyncio:
 * loop.set_default_executor(ThreadPoolExecutor(...)).
 */
#define coil_loop_set_default_executor(...) \
    coil_loop_set_default_executor_with(    \
        &(struct coil_executor_options){.size = sizeof(struct coil_executor_options), .loop = __VA_ARGS__})
COIL_API int coil_loop_set_default_executor_with(const struct coil_executor_options *options);

/*
 * Awaits the end of all that the running loop's default executor has to do, at most timeout seconds (INFINITY: any
 * time; 0 or less: not at all), and ends its threads. From then on coil_to_thread returns -ESHUTDOWN. coil_run does
 * this at its end by itself. Returns 0; -ETIMEDOUT if the time ran out: then each function that still runs was
 * reported (COIL_REPORT_THREAD_RUNNING), and they run on; closing the loop waits for them. -ECANCELED, -EPERM outside
 * of a task, -EINVAL (NaN, a loop that is not the running one), -ENOMEM. asyncio: loop.shutdown_default_executor.
 */
COIL_API int coil_loop_shutdown_default_executor(coil_loop *loop, double timeout);

#ifdef __cplusplus
}
#endif

#endif
