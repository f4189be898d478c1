/*
 * Tasks, futures, and all the ways of waiting for them. Everything here is used from the loop's own thread, but for
 * coil_cancel_threadsafe; from another thread, debug mode refuses with -EPERM what would change something (see
 * coil/loop.h).
 *
 * A function that is to wait for a future, complete it or look at its result, and is given NULL, behaves as for a
 * future that could not be made: it returns coil_creation_error(), or -EINVAL when there is none; so
 * coil_join(coil_create_task(...)) needs no check in between. A future of another loop than the running one is -EINVAL
 * wherever it is to be waited for.
 *
 * The functions behind the macros (their names end in _with or _from), which C++ and other languages call, take NULL
 * for an options struct or a site as "none", where a number of futures is not among the options. Of a struct that is
 * smaller than this header's (its size member says), the rest counts as zero.
 */
#ifndef COIL_TASK_H
#define COIL_TASK_H

#include <coil/base.h>
#include <coil/loop.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- running --------------------------------------------------------------------------------------------------------- */

/* What coil_run takes beside main: its argument, and how its loop is made. */
struct coil_run_options {
    size_t size;
    void *arg;
    bool debug; /* as in struct coil_loop_options, all of them */
    bool handle_sigint;
    enum coil_clock clock;
    enum coil_backend backend;
    uint64_t seed;
    size_t stack_size;
    double slow_callback_duration;
    size_t max_tasks;
    double
        shutdown_timeout; /* seconds after main's end before functions that still run in threads are reported; 10 by default */
};

/*
 * Runs main(arg) as a task in a fresh loop until it ends; then cancels every task that is left, waits for them, reports
 * those that fail, ends the threads of coil_to_thread, closes the loop and returns what main returned. A function that runs in a
 * thread is waited for, however long it takes; after .shutdown_timeout (INFINITY: never; negative: at once) it is reported, by
 * COIL_REPORT_THREAD_RUNNING. Options come as designated initialisers:
 *
 *     coil_run(main_, NULL, .debug = true)
 *
 * Returns main's result or error; -ECANCELED if main was cancelled; -EINTR if a SIGINT cancelled it or came too late
 * for that (.handle_sigint; a SIGINT that is ignored when coil_run begins stays ignored); -EPERM inside a running loop;
 * -EDEADLK when nothing can wake any task any more (each is reported, then cancelled); -EINVAL without main; what
 * coil_loop_new may fail with; -EBUSY for .handle_sigint while another coil_run of the process has it; the error of a
 * poller that broke; -ECHILD in a child process that main has forked and that comes back here. arg stays the caller's.
 * asyncio: asyncio.run.
 */
#define coil_run(main, ...) \
    coil_run_with((main), &(struct coil_run_options){.size = sizeof(struct coil_run_options), .arg = __VA_ARGS__})
COIL_API int coil_run_with(coil_fn *main, const struct coil_run_options *options);

/*
 * Runs the loop until future is done and returns its result or error. -EPERM inside a running loop and from a thread
 * that did not make this one, -EINVAL without a loop, for one that is closing and for a future of another loop, -ENOMEM,
 * -EINPROGRESS if the loop was stopped first, -EDEADLK as in coil_run (nothing is cancelled), -ECHILD as
 * coil_loop_run_forever, or the error of a poller that broke. The caller keeps its reference.
 * asyncio: loop.run_until_complete.
 */
COIL_API int coil_loop_run_until_complete(coil_loop *loop, coil_future *future);

/*
 * Makes a task in a loop that need not be running, the low level of coil_create_task: it runs once the loop does.
 * options may be NULL. Hands out one reference. NULL with coil_creation_error(), as coil_create_task; -EPERM for NULL
 * or a loop that is closing. asyncio: loop.create_task.
 */
struct coil_task_options;
COIL_API coil_task *coil_loop_create_task(coil_loop *loop, coil_fn *fn, const struct coil_task_options *options);

/*
 * Makes a future in a loop that need not be running. Hands out one reference. NULL with coil_creation_error(): -EPERM
 * for NULL or a loop that is closing, -ENOMEM. asyncio: loop.create_future.
 */
COIL_API coil_future *coil_loop_create_future(coil_loop *loop);

/* ---- tasks ----------------------------------------------------------------------------------------------------------- */

/* How a task is made. */
struct coil_task_options {
    size_t size;           /* sizeof this struct */
    void *arg;             /* what fn is called with */
    const char *name;      /* copied; "Task-N" by default, and where there is no memory for a long one */
    size_t stack_size;     /* bytes, rounded up to a power of two from 16 KiB to 1 GiB; the loop's by default */
    size_t arg_size;       /* not 0: so many bytes of *arg are copied, and fn is called with the copy; at most 2,048 */
    bool eager_start;      /* runs fn at once, until it first waits, instead of in the next iteration */
    struct coil_site site; /* filled in by the macros */
};

/*
 * Makes a task that runs fn(arg) from the loop's next iteration on, and returns at once. Hands out one reference; the
 * loop has its own until the task is done, so giving back the caller's does not stop it. arg must live until the task
 * is done, unless .arg_size has it copied. Options: .name .stack_size .arg_size .eager_start. NULL with
 * coil_creation_error(): -EPERM without a running loop, -EINVAL (no fn, .arg_size too large or without .arg,
 * .stack_size over 1 GiB), -EAGAIN (the loop's .max_tasks, among which main is), -ENOMEM (also when there are as many
 * stacks as vm.max_map_count allows).
 *
 * A task that is cancelled before its first step never runs. So what is handed to it to be released by it, such as a
 * descriptor to be closed, is released by nobody then: hand it over with .eager_start, with which fn has begun, and
 * holds it, when this returns. asyncio: asyncio.create_task.
 */
#define coil_create_task(fn, ...)                                                                     \
    coil_create_task_with((fn), &(struct coil_task_options){.size = sizeof(struct coil_task_options), \
                                                            .site = {__FILE__, __func__, __LINE__},   \
                                                            .arg = __VA_ARGS__})
COIL_API coil_task *coil_create_task_with(coil_fn *fn, const struct coil_task_options *options);

/* The task that runs now; NULL in a callback and outside of a loop. The reference is borrowed. asyncio: current_task. */
COIL_API coil_task *coil_current_task(void);

/*
 * Writes up to capacity of the running loop's tasks that are not done into out, oldest first, and returns how many there are
 * in all; 0 without a running loop. The references are borrowed: good until the caller next awaits. asyncio: all_tasks.
 */
COIL_API size_t coil_all_tasks(coil_task **out, size_t capacity);

/* How many cancellations were requested and not taken back; 0 for what is no task. asyncio: Task.cancelling. */
COIL_API int coil_cancelling(const coil_task *task);

/*
 * Takes one request back and returns how many are left; at 0, a cancellation that was not delivered yet no longer will
 * be. Who catches -ECANCELED and goes on calls it. 0 for NULL and for what is no task. asyncio: Task.uncancel.
 */
COIL_API int coil_uncancel(coil_task *task);

/* The task's name, good until it is set anew or the task's last reference goes; "" for what is no task. asyncio: get_name. */
COIL_API const char *coil_task_name(const coil_task *task);

/*
 * Gives the task a name, which is copied. Returns 0, -EINVAL (no name, no task), -ENOMEM; on an error the old one
 * stays. asyncio: Task.set_name.
 */
COIL_API int coil_task_set_name(coil_task *task, const char *name);

/* ---- futures --------------------------------------------------------------------------------------------------------- */

/* Makes a future of the running loop and hands out one reference. NULL with coil_creation_error(): -EPERM without a running
 * loop, -ENOMEM. asyncio: loop.create_future. */
#define coil_future_new() coil_future_new_from(&(const struct coil_site){__FILE__, __func__, __LINE__})
COIL_API coil_future *coil_future_new_from(const struct coil_site *site);

/*
 * Completes a future that one has made: its waiters wake in the next iteration (nobody does once its loop is closed).
 * result is >= 0. Returns 0; -EALREADY when it is done; -EINVAL for a negative result, or for a task, a gather or a
 * shield, which complete themselves. asyncio: Future.set_result.
 */
COIL_API int coil_future_set_result(coil_future *future, int result);

/* Completes it with the result 0 and a pointer, which coil_value gives and which stays the caller's. As set_result. */
COIL_API int coil_future_set_value(coil_future *future, void *value);

/*
 * Completes it with an error, a negative errno; waiters get it as their return value. One that nobody ever looks at is
 * reported when the last reference goes. As set_result. asyncio: Future.set_exception.
 */
COIL_API int coil_future_set_error(coil_future *future, int error);

/* Whether it has a result or an error or was cancelled. NULL is done: it never changes. asyncio: Future.done. */
COIL_API bool coil_done(const coil_future *future);

/* Whether it ended by cancellation. asyncio: Future.cancelled. */
COIL_API bool coil_cancelled(const coil_future *future);

/* What coil_await would return, without waiting: -EINPROGRESS while it is not done. An error counts as looked at.
 * asyncio: Future.result. */
COIL_API int coil_result(const coil_future *future);

/*
 * 0, or the negative errno that it ended with; -ECANCELED if cancelled, -EINPROGRESS if not done. Otherwise as
 * coil_result. asyncio: Future.exception.
 */
COIL_API int coil_error(const coil_future *future);

/*
 * A future's pointer (coil_future_set_value), NULL if it has none or there is no future; a shield's is that of what it
 * shields; a task's is its argument, the copy where it was copied.
 */
COIL_API void *coil_value(const coil_future *future);

/* The notes that came with the error (coil_fail), outermost first, joined by ": ", with the error's own words at the end;
 * just those words when there are no notes; "" without an error. Good until the next call for the same future. */
COIL_API const char *coil_error_message(const coil_future *future);

/* The reason given to coil_cancel_msg for the cancellation that ended future, or, for the running task, for the one delivered
 * to it last; NULL when there is none. Good as long as the future. asyncio: CancelledError.args. */
COIL_API const char *coil_cancel_message(const coil_future *future);

/* What runs when a future is done: see coil_add_done_callback. It must not await. */
typedef void coil_done_callback(coil_future *future, void *userdata);

/*
 * Has callback(future, userdata) called through the loop once future is done: in the iteration after its end, or in the
 * next one if it is done already. A call that is due keeps the future; one that is not goes with it, if it goes away
 * pending. Returns 0, -EINVAL without a callback, -EPERM once the future's loop is closed, -ENOMEM. asyncio:
 * Future.add_done_callback.
 */
COIL_API int coil_add_done_callback(coil_future *future, coil_done_callback *callback, void *userdata);

/*
 * Takes out every such callback with this function and userdata that is not scheduled yet, and returns how many those
 * were; 0 for NULL. asyncio: Future.remove_done_callback.
 */
COIL_API int coil_remove_done_callback(coil_future *future, coil_done_callback *callback, void *userdata);

/* Takes another reference and returns future. NULL is fine. */
COIL_API coil_future *coil_ref(coil_future *future);

/*
 * Gives a reference back. NULL is fine. At the last one a future goes away: a pending one with its callbacks, one with
 * an error that nobody has looked at with a report (COIL_REPORT_NEVER_RETRIEVED). A task that is not done has its
 * loop's.
 */
COIL_API void coil_unref(coil_future *future);

/*
 * Requests that future be cancelled. A future becomes cancelled at once; a task gets -ECANCELED from the await point
 * where it is or which it reaches next, and may refuse it; what a task waits for is cancelled with it, unless shielded.
 * A gather passes it on to its children. Returns 1 when requested; 0 when it is done already, for NULL, and for tasks
 * and gathers whose loop is closed, to which nothing can be delivered any more. asyncio: Future.cancel, Task.cancel.
 */
COIL_API int coil_cancel(coil_future *future);

/* As coil_cancel, with a reason, which is copied (and lost, not the request, if memory runs out). NULL is no reason. */
COIL_API int coil_cancel_msg(coil_future *future, const char *why);

/*
 * As coil_cancel, from any thread: the loop is told, and cancels it in its next iteration. The future must be there
 * until this returns, which somebody's reference sees to; from then on the loop itself keeps it for as long as it
 * needs. References are given back on the loop's thread: a thread that has one to give back has that done through
 * coil_call_soon_threadsafe. Returns 0 when the loop was told, -EINVAL for NULL, -EPERM once the future's loop is
 * closed, -ENOMEM. A loop that is closed before its next iteration drops it.
 */
COIL_API int coil_cancel_threadsafe(coil_future *future);

/* ---- waiting --------------------------------------------------------------------------------------------------------- */

/*
 * Awaits future. Returns its result or error; at once if it is done. -ECANCELED if the future or the calling task was
 * cancelled: to cancel a task that waits is to cancel what it waits for, for all who wait (see coil_shield). -EDEADLK
 * when future, directly or through awaits and gathers of others, waits for the caller. -EPERM outside of a task. The
 * caller keeps its reference. asyncio: await future.
 */
COIL_API int coil_await(coil_future *future);

/* Awaits future as coil_await does, and gives the caller's reference back, on errors too. */
COIL_API int coil_join(coil_future *future);

/* Awaits for so many seconds; 0 or less lets everything else that is ready run once. Returns 0, -ECANCELED, -EINVAL (NaN),
 * -EPERM outside of a task, -ENOMEM. asyncio: asyncio.sleep. */
COIL_API int coil_sleep(double seconds);

/*
 * Awaits future for at most timeout seconds; after that cancels it, awaits its end, and returns -ETIMEDOUT. If it then
 * ends with a result all the same, that result is returned. INFINITY is no limit; 0 or less cancels at once what is not
 * done. Otherwise as coil_await; -EINVAL for NaN, -ENOMEM when there is no memory for the timer or the wait (the future
 * is cancelled then, too). The caller keeps its reference. asyncio: asyncio.wait_for.
 */
COIL_API int coil_wait_for(coil_future *future, double timeout);

/*
 * Awaits a coroutine, fn(arg), for at most timeout seconds: it runs in the calling task, and the end of the time
 * cancels what it awaits; with 0 or less it gets a task of its own that is cancelled before it starts. Returns what fn
 * does, or -ETIMEDOUT; -EINVAL without fn or for NaN, -EPERM outside of a task, -ENOMEM, and for that task what
 * coil_create_task may fail with. asyncio: wait_for(coroutine(), timeout).
 */
COIL_API int coil_wait_for_coroutine(coil_fn *fn, void *arg, double timeout);

/*
 * A time limit for a stretch of code, in the caller's memory: all that is awaited between begin and end. The members are the
 * library's. Scopes nest, and end in the reverse order in which they began, in the same task. One that is left without its end (an
 * early return) goes on until an outer scope or the task ends, which closes it and reports COIL_REPORT_MISUSE.
 *
 *     coil_timeout t;
 *     coil_timeout_begin(&t, 1.5);
 *     int rc = talk();
 *     rc = coil_timeout_end(&t, rc);      // -ETIMEDOUT if the time ran out
 */
typedef struct coil_timeout {
    void *scope_;
    double when_;
    int cancelling_;
    int state_;
    int error_;
    unsigned serial_;
} coil_timeout;

/*
 * Begins one; INFINITY is no limit yet, 0 or less expires at the next await. It cannot fail: what is wrong (no task,
 * NaN, no memory) is said by coil_timeout_end, and by the next await if memory is short. NULL is ignored. asyncio:
 * timeout().
 */
COIL_API void coil_timeout_begin(coil_timeout *timeout, double seconds);

/*
 * Ends it. rc is what the code inside came to; returned as it is, but for an -ECANCELED that this timeout caused, which
 * becomes -ETIMEDOUT, or -ENOMEM if there was no memory for the timer, without which the code inside must not run on.
 * -EINVAL if begin was given NaN, if the scope was never begun, has ended, or was closed by the end of one around it;
 * -EPERM if begin was called outside of a task, and outside of the task that began it. Scopes begun inside it and left
 * open are closed (see above). asyncio: leaving the Timeout.
 */
COIL_API int coil_timeout_end(coil_timeout *timeout, int rc);

/*
 * Moves the deadline to when on coil_time's clock (INFINITY: none); also for another task, or from a callback. Returns
 * 0, -EINVAL if the scope is not active (ended, closed, expiring, never begun) or when is NaN, -ENOMEM, which also
 * makes it expire. asyncio: Timeout.reschedule.
 */
COIL_API int coil_timeout_reschedule(coil_timeout *timeout, double when);

/* The deadline on coil_time's clock; INFINITY if there is none, or no scope. asyncio: Timeout.when. */
COIL_API double coil_timeout_when(const coil_timeout *timeout);

/* Whether the time ran out, also after the end; false for NULL. asyncio: Timeout.expired. */
COIL_API bool coil_timeout_expired(const coil_timeout *timeout);

/*
 * Makes a future that ends as inner does, but whose cancellation leaves inner running. Hands out a reference, also
 * where inner is done and is itself what is returned. The caller keeps its reference to inner. NULL with
 * coil_creation_error(): -EPERM once the loop of a pending inner is closed, -ENOMEM, or what NULL for inner stands for.
 * asyncio: asyncio.shield.
 */
COIL_API coil_future *coil_shield(coil_future *inner);

/* How coil_gather gathers. */
struct coil_gather_options {
    size_t size;                 /* sizeof this struct */
    coil_future *const *futures; /* what is gathered */
    size_t n;                    /* how many those are */
    bool return_errors;          /* errors are left in the children; the gather itself then ends with 0 */
    struct coil_site site;       /* filled in by the macro */
};

/*
 * Makes a future that is done when all n of futures are, its result 0; or as soon as one of them fails, with that
 * error, while the others go on. To cancel it is to cancel them. It keeps references of its own to the children. Hands
 * out one reference. Options: .return_errors. The same future may be given twice. NULL with coil_creation_error():
 * -EPERM without a running loop, -EINVAL for a future of another loop, for NULL instead of futures where n is not 0,
 * and for n over 2,147,483,647, -ENOMEM, or what a NULL among futures stands for; nothing has happened to the futures
 * then. asyncio: asyncio.gather.
 */
#define coil_gather(...)                            \
    coil_gather_with(&(struct coil_gather_options){ \
        .size = sizeof(struct coil_gather_options), .site = {__FILE__, __func__, __LINE__}, .futures = __VA_ARGS__})
COIL_API coil_future *coil_gather_with(const struct coil_gather_options *options);

/* When coil_wait returns. */
enum coil_return_when {
    COIL_ALL_COMPLETED,   /* when all are done */
    COIL_FIRST_COMPLETED, /* when any is done */
    COIL_FIRST_EXCEPTION  /* when any has failed, not by cancellation; else when all are done */
};

/* How coil_wait waits. */
struct coil_wait_options {
    size_t size;                       /* sizeof this struct */
    coil_future *const *futures;       /* what is waited for */
    size_t n;                          /* how many those are */
    double timeout;                    /* seconds; 0 is none, a negative one is "at once" */
    enum coil_return_when return_when; /* all of them, by default */
};

/*
 * Awaits until all n of futures are done, or the first of them, or the first error, or until the timeout. Cancels
 * nothing. Returns how many are done (coil_done says which); a future given twice counts once. Options: .timeout
 * .return_when. -ECANCELED if the calling task was cancelled; -EINVAL if there are none or more than 2,147,483,647, for
 * a future of another loop, for NaN or an unknown .return_when; -EPERM outside of a task, -ENOMEM, or what a NULL among
 * futures stands for. The caller keeps its references. asyncio: asyncio.wait.
 */
#define coil_wait(...) \
    coil_wait_with(&(struct coil_wait_options){.size = sizeof(struct coil_wait_options), .futures = __VA_ARGS__})
COIL_API int coil_wait_with(const struct coil_wait_options *options);

/* How coil_as_completed iterates. */
struct coil_as_completed_options {
    size_t size;                 /* sizeof this struct */
    coil_future *const *futures; /* what is waited for */
    size_t n;                    /* how many those are */
    double timeout;              /* as in coil_wait, for the whole iteration */
};

/* The iterator of coil_as_completed, in the caller's memory. */
typedef struct coil_as_completed_iter {
    void *state_;
} coil_as_completed_iter;

/*
 * Begins to hand out n futures in the order in which they end. A future given twice comes once. Options: .timeout. The
 * iterator keeps references of its own to the futures until it is closed. Returns 0, -EINVAL (NULL, NaN, a future of
 * another loop, n over 2,147,483,647), -EPERM without a running loop, -ENOMEM, or what a NULL among futures stands for;
 * on an error there is nothing to close. asyncio: asyncio.as_completed.
 */
#define coil_as_completed(iter, ...)                                    \
    coil_as_completed_with((iter), &(struct coil_as_completed_options){ \
                                       .size = sizeof(struct coil_as_completed_options), .futures = __VA_ARGS__})
COIL_API int coil_as_completed_with(coil_as_completed_iter *iter, const struct coil_as_completed_options *options);

/*
 * Awaits the next one. Returns 1 with *ret a borrowed reference to a future that is done; 0 at the end, where the
 * iterator is closed; -ETIMEDOUT, once for each future that was not done in time; -ECANCELED, and the iteration can go
 * on; -EBUSY while another task waits here; -EPERM outside of a task; -EINVAL (NULL). A task that waits here gets 0
 * when another one takes the last, or closes the iterator. The reference is good until then. asyncio: the iterator's
 * __next__.
 */
COIL_API int coil_as_completed_next(coil_as_completed_iter *iter, coil_future **ret);

/*
 * Ends the iteration wherever it is; needed only when it is left before its end. Gives its references back. Closing
 * twice, or NULL, does no harm.
 */
COIL_API void coil_as_completed_close(coil_as_completed_iter *iter);

/*
 * A group of tasks that end together, in the caller's memory. The members are the library's. A group that is left without its end
 * is closed when an outer scope or its task ends: its tasks are cancelled, and COIL_REPORT_MISUSE is sent.
 *
 *     coil_group g;
 *     coil_group_begin(&g);
 *     coil_group_create_task(&g, fetch, "a");
 *     coil_group_create_task(&g, fetch, "b");
 *     rc = coil_group_end(&g, rc);        // both have ended; the first error cancelled the other
 */
enum { COIL_GROUP_ERRORS_INSIDE = 8 };
typedef struct coil_group {
    void *scope_;
    size_t errors_;
    int first_errors_[COIL_GROUP_ERRORS_INSIDE];
    int state_;
    unsigned serial_;
} coil_group;

/*
 * Begins a group in the running task. It cannot fail: what is wrong (no task, no memory) is said by
 * coil_group_create_task and coil_group_end. NULL is ignored. asyncio: async with TaskGroup().
 */
COIL_API void coil_group_begin(coil_group *group);

/*
 * Makes a task in the group, for which any task or callback may ask. The reference is the group's own: good until
 * coil_group_end returns, so the group keeps the task's memory until then; coil_group_spawn does not. Options as for
 * coil_create_task, also for what a task that never runs cannot release: the first error of a group cancels those that
 * have not begun. NULL with coil_creation_error(): -EINVAL for a group that was not begun, has ended, or was closed by
 * the end of a scope around it, -EPERM for one begun outside of a task, -ECANCELED for one that is being cancelled, and
 * what coil_create_task may fail with. asyncio: TaskGroup.create_task.
 */
#define coil_group_create_task(group, fn, ...)                                                        \
    coil_group_create_task_with((group), (fn),                                                        \
                                &(struct coil_task_options){.size = sizeof(struct coil_task_options), \
                                                            .site = {__FILE__, __func__, __LINE__},   \
                                                            .arg = __VA_ARGS__})
COIL_API coil_task *coil_group_create_task_with(coil_group *group, coil_fn *fn,
                                                const struct coil_task_options *options);

/*
 * As coil_group_create_task, without a handle, so that nothing of the task stays once it has ended: for a group that lives long and
 * starts many, such as a server's. Returns 0 or the negative errno that the other would leave with coil_creation_error().
 */
#define coil_group_spawn(group, fn, ...)                                                        \
    coil_group_spawn_with((group), (fn),                                                        \
                          &(struct coil_task_options){.size = sizeof(struct coil_task_options), \
                                                      .site = {__FILE__, __func__, __LINE__},   \
                                                      .arg = __VA_ARGS__})
COIL_API int coil_group_spawn_with(coil_group *group, coil_fn *fn, const struct coil_task_options *options);

/*
 * Awaits the end of every task of the group, however often the caller is cancelled meanwhile. rc is what the code
 * inside came to; an error other than -ECANCELED cancels the tasks and is the last of the group's errors. Returns the
 * first error of all, else -ECANCELED if the caller was cancelled from outside, else rc. -EPERM if begin was called
 * outside of a task, and outside of the task that began it; -EINVAL for a group that was not begun, has ended, or was
 * closed by the end of a scope around it; -ENOMEM for one that there was no memory to begin. asyncio: leaving the
 * TaskGroup; ExceptionGroup.
 */
COIL_API int coil_group_end(coil_group *group, int rc);

/* The group's i-th error in the order in which they came, after coil_group_end; 0 beyond the last. The first 8 are there as long as
 * the struct is, the others until the task ends its next group. asyncio: ExceptionGroup.exceptions. */
COIL_API int coil_group_error(const coil_group *group, size_t i);

#ifdef __cplusplus
}
#endif

#endif
