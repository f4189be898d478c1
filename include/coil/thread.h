/*
 * Threads: functions that block or compute run beside the loop, in threads of its default executor; plain threads
 * call into a loop. What is called from the loop's own thread and what from others is said by each function.
 */
#ifndef COIL_THREAD_H
#define COIL_THREAD_H

#include <coil/base.h>
#include <coil/loop.h>
#include <coil/sync.h>
#include <coil/task.h>

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

/* ---- coroutines for plain threads ------------------------------------------------------------------------------------ */

/*
 * What a thread has of a coroutine that it has asked a loop to run. Everything that is done with it may be done from
 * any thread and at any time, also when the loop is closed. asyncio: concurrent.futures.Future.
 */
typedef struct coil_concurrent_future coil_concurrent_future;

/*
 * Has the loop run fn(arg) in a new task, from another thread than the loop's. Options as for coil_create_task: .name
 * .stack_size .arg_size .eager_start; what is copied is copied now. arg must live until the coroutine has ended,
 * which coil_concurrent_future_cancel does not wait for. Hands out one reference, which coil_concurrent_future_unref
 * gives back; that does not stop the coroutine. The loop must not be closed before this returns; closed after it, the
 * future ends as cancelled. NULL with coil_creation_error(): -EINVAL (no loop, no fn, .arg_size too large or without
 * .arg), -ENOMEM. That no task could be made is the future's result. asyncio: asyncio.run_coroutine_threadsafe.
 */
#define coil_run_coroutine_threadsafe(loop, fn, ...)                                                         \
    coil_run_coroutine_threadsafe_with((loop), (fn),                                                         \
                                       &(struct coil_task_options){.size = sizeof(struct coil_task_options), \
                                                                   .site = {__FILE__, __func__, __LINE__},   \
                                                                   .arg = __VA_ARGS__})
COIL_API coil_concurrent_future *coil_run_coroutine_threadsafe_with(coil_loop *loop, coil_fn *fn,
                                                                    const struct coil_task_options *options);

/*
 * Blocks the calling thread until the coroutine has ended, at most timeout seconds (INFINITY: any time; 0 or less:
 * not at all). Returns the coroutine's result or error; -ECANCELED if it was cancelled, the future was, or the loop
 * closed first; -ETIMEDOUT if the time ran out, and the coroutine goes on; -EDEADLK on the loop's own thread, which
 * must not wait for itself; -EINVAL (NaN), and for NULL why the future could not be made. asyncio:
 * Future.result(timeout).
 */
COIL_API int coil_concurrent_future_result(coil_concurrent_future *future, double timeout);

/*
 * Makes a future that is not done cancelled, at once, and requests that its task be cancelled, as coil_cancel does.
 * Returns 1 if it is cancelled now, 0 if it was done, or for NULL. asyncio: Future.cancel.
 */
COIL_API int coil_concurrent_future_cancel(coil_concurrent_future *future);

/* Whether it has a result or an error or was cancelled. NULL is done. asyncio: Future.done. */
COIL_API bool coil_concurrent_future_done(coil_concurrent_future *future);

/* Whether it ended by cancellation. asyncio: Future.cancelled. */
COIL_API bool coil_concurrent_future_cancelled(coil_concurrent_future *future);

/* What runs when a concurrent future is done: see coil_concurrent_future_add_done_callback. It must not block. */
typedef void coil_concurrent_callback(coil_concurrent_future *future, void *userdata);

/*
 * Has callback(future, userdata) called once future is done, in the thread in which that happens: the loop's, mostly,
 * or that which cancels it; at once if it is done already. Callbacks are called in the order in which they were
 * added. Returns 0, -EINVAL, -ENOMEM, and for NULL why the future could not be made. asyncio:
 * Future.add_done_callback.
 */
COIL_API int coil_concurrent_future_add_done_callback(coil_concurrent_future *future,
                                                      coil_concurrent_callback *callback, void *userdata);

/* Takes another reference and returns future. NULL is fine. */
COIL_API coil_concurrent_future *coil_concurrent_future_ref(coil_concurrent_future *future);

/* Gives a reference back. NULL is fine. */
COIL_API void coil_concurrent_future_unref(coil_concurrent_future *future);

/* ---- queues between threads and a loop ------------------------------------------------------------------------------- */

/*
 * Puts a copy of *item into a queue of loop's, from another thread, and blocks it as long as the queue is full, at
 * most timeout seconds (INFINITY: any time; 0 or less: not at all). The thread stands in line among the tasks that
 * wait to put. Returns 0 when the item is in the queue; -ETIMEDOUT: it is not and will not be, which the loop has
 * confirmed, so a loop that is busy is waited for beyond the timeout; -ESHUTDOWN for a queue that was shut down;
 * -ECANCELED when coil_run ends or the loop is closed; -EDEADLK on the loop's own thread; -EINVAL (NULL, NaN),
 * -ENOMEM. The caller holds a reference to the queue, and the loop must not be closed before the call has begun.
 * asyncio: run_coroutine_threadsafe(queue.put(item), loop).result(timeout).
 */
COIL_API int coil_queue_put_threadsafe(coil_loop *loop, coil_queue *queue, const void *item, double timeout);

/*
 * Gets the next item of a queue of loop's into *item, from another thread, which is blocked as long as the queue is
 * empty. As coil_queue_put_threadsafe; after an error nothing was taken out. asyncio:
 * run_coroutine_threadsafe(queue.get(), loop).result(timeout).
 */
COIL_API int coil_queue_get_threadsafe(coil_loop *loop, coil_queue *queue, void *item, double timeout);

/* ---- a loop on each of several threads ------------------------------------------------------------------------------- */

/*
 * Runs n loops on n threads, of which the calling one is the first; 0 for n is as many as there are processors. Each
 * is a coil_run of main(arg) with these options; only the first handles SIGINT. What a loop has is its own: the mains
 * share arg alone, and coil_shard_index tells them apart, so that each of several servers can listen on the same
 * address (SO_REUSEPORT). When a main ends with an error, or a SIGINT cancels the first, the others are cancelled.
 * Waits for all. Returns 0 if all ended well, else the first error, those of mains that were cancelled for that
 * reason not counted; -EPERM inside a running loop, -ENOMEM, -EAGAIN if a thread could not be started. With several
 * loops no deadlock is certain, since each could be woken by another. Options: those of coil_run.
 */
#define coil_run_sharded(n, main, ...) \
    coil_run_sharded_with((n), (main), \
                          &(struct coil_run_options){.size = sizeof(struct coil_run_options), .arg = __VA_ARGS__})
COIL_API int coil_run_sharded_with(size_t n, coil_fn *main, const struct coil_run_options *options);

/* Which of the loops of coil_run_sharded the calling thread runs, from 0 on; -1 in any other thread. */
COIL_API int coil_shard_index(void);

/* How many loops that coil_run_sharded has; 0 in any other thread. */
COIL_API int coil_shard_count(void);

#ifdef __cplusplus
}
#endif

#endif
