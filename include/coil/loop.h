/*
 * The event loop: its clock, callbacks, and the reports of what went wrong. Most programs need of all this only coil_run
 * (coil/task.h). Everything here is used from the loop's own thread, but for coil_call_soon_threadsafe. Debug mode reports calls
 * from another thread (COIL_REPORT_WRONG_THREAD) and refuses those that would change a future, a task or a loop: they return
 * -EPERM, or NULL with that for coil_creation_error(), or do nothing where they return nothing.
 */
#ifndef COIL_LOOP_H
#define COIL_LOOP_H

#include <coil/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A callback that has been asked for. asyncio: Handle, TimerHandle. */
typedef struct coil_handle coil_handle;

/* What a handle calls, on the loop's thread. It must not await: it is no coroutine. */
typedef void coil_callback(void *userdata);

/* ---- what went wrong ------------------------------------------------------------------------------------------------- */

/* What a report is about. Those marked debug are sent in debug mode only. */
enum coil_report_kind {
    COIL_REPORT_CALLBACK_ERROR = 1, /* a callback said so with coil_loop_call_exception_handler */
    COIL_REPORT_NEVER_RETRIEVED,    /* a future ended with an error that nobody looked at */
    COIL_REPORT_DESTROYED_PENDING,  /* the loop was closed while this task was still waiting */
    COIL_REPORT_SHUTDOWN_ERROR,     /* a task failed while coil_run cancelled what was left */
    COIL_REPORT_SHIELDED_ERROR,     /* a shielded future failed after its waiter had left */
    COIL_REPORT_GROUP_PARENT_DONE,  /* a group's child failed after the group had been left without its end */
    COIL_REPORT_MISUSE,             /* a scope (timeout, group) was left without its end, and is closed now */
    COIL_REPORT_DEADLOCK,           /* one for each task that waits: nothing can ever wake them */
    COIL_REPORT_DEADLOCK_SUSPECTED, /* debug: the same, but another thread could still wake them */
    COIL_REPORT_SLOW_CALLBACK,      /* debug: a task or callback ran for slow_callback_duration or longer */
    COIL_REPORT_BLOCKED,            /* debug: the loop is being blocked now; sent by the watchdog's thread */
    COIL_REPORT_WRONG_THREAD,       /* debug: a function of this loop was called from another thread */
    COIL_REPORT_CANCEL_SWALLOWED, /* debug: a task was cancelled, went on, and ended with a result, without coil_uncancel */
    COIL_REPORT_NOT_RELEASED,     /* debug: a reference to this future was never given back */
    COIL_REPORT_STACK_HIGH_WATER, /* debug: at the end, the most stack that any task used */
    COIL_REPORT_BACKEND,          /* debug: which backend was chosen, and why */
    COIL_REPORT_THREAD_RUNNING,   /* a function still runs in a thread of an executor that is to end */
    COIL_REPORT_SERVER_ERROR,     /* a connection's handler failed, or a server cannot accept connections for a while */
    COIL_REPORT_NOT_CLOSED /* the last reference to a stream, or the loop of one or of a server, went before it was closed */
};

/*
 * One report. Pointers are good during the call to the handler only, but for what future refers to, which can be referenced.
 * size is the size of this struct in the library that made it: members may be added at its end.
 */
struct coil_report {
    size_t size;
    enum coil_report_kind kind;
    const char *message;            /* one line of English that says what happened to what */
    int error;                      /* the negative errno that it is about, or 0 */
    const char *detail;             /* the notes that the error carries (coil_fail), or what is waited for, or NULL */
    coil_future *future;            /* the future or task that it is about, or NULL */
    const char *task_name;          /* the task's name, or NULL */
    double seconds;                 /* SLOW_CALLBACK, BLOCKED, THREAD_RUNNING: how long */
    size_t stack_used;              /* STACK_HIGH_WATER: bytes */
    size_t stack_size;              /* STACK_HIGH_WATER: bytes */
    struct coil_site created;       /* where the future, task or handle was made; file is NULL when unknown */
    void *const *created_backtrace; /* debug: the return addresses at its creation, or NULL */
    size_t created_depth;           /* how many those are */
    void *const *backtrace;         /* BLOCKED, WRONG_THREAD: the return addresses of the code at fault, or NULL */
    size_t depth;                   /* how many those are */
};

/* What receives the reports of a loop: see coil_loop_set_exception_handler. */
typedef void coil_exception_handler(coil_loop *loop, const struct coil_report *report, void *userdata);

/*
 * Makes handler receive every report of this loop, with userdata; NULL brings back the default, which prints them to
 * stderr. Ignored when loop is NULL. The handler must not await. Two kinds come from another thread than the loop's:
 * COIL_REPORT_BLOCKED from the watchdog's, while the loop's own is busy, and COIL_REPORT_WRONG_THREAD from the thread
 * at fault; at most one such thread calls the handler at a time. When this returns, no thread is in the handler that was
 * set before, and none will call it any more (the caller's own is, if that handler calls this); so its userdata may go.
 * asyncio: loop.set_exception_handler.
 */
COIL_API void coil_loop_set_exception_handler(coil_loop *loop, coil_exception_handler *handler, void *userdata);

/*
 * Hands a report to the loop's handler: how a callback, which has nobody to return an error to, tells of one. message is one
 * line, error a negative errno or 0. Ignored when loop is NULL. asyncio: loop.call_exception_handler.
 */
COIL_API void coil_loop_call_exception_handler(coil_loop *loop, const char *message, int error);

/*
 * Prints report to stderr as the default handler does, so that a handler can add to it instead of replacing it. Ignores
 * NULL.
 */
COIL_API void coil_report_print(const struct coil_report *report);

/* ---- the loop -------------------------------------------------------------------------------------------------------- */

/* What a loop goes by. */
enum coil_clock {
    COIL_CLOCK_DEFAULT, /* the real one */
    COIL_CLOCK_REAL,    /* CLOCK_MONOTONIC */
    COIL_CLOCK_VIRTUAL  /* stands still while anything can run, then jumps to the next timer: for tests */
};
/* How a loop asks the kernel. */
enum coil_backend {
    COIL_BACKEND_AUTO,    /* COIL_BACKEND in the environment, else the best that there is */
    COIL_BACKEND_EPOLL,   /* epoll */
    COIL_BACKEND_IO_URING /* io_uring, or -ENOTSUP where it is not to be had */
};

/* How a loop is made. Zero always means the default. */
struct coil_loop_options {
    size_t size;                   /* sizeof this struct: the macros fill it in */
    bool debug;                    /* debug mode; also by COIL_DEBUG=1 in the environment */
    enum coil_clock clock;         /* VIRTUAL: time stands still while anything can run, then jumps to the next timer */
    enum coil_backend backend;     /* also by COIL_BACKEND=epoll|io_uring */
    uint64_t seed;                 /* not 0: ready tasks run in a random order with this seed; also by COIL_SEED=N */
    size_t stack_size;             /* bytes, for tasks that do not say: 64 KiB by default */
    double slow_callback_duration; /* seconds, debug mode: 0.1 by default */
    size_t max_tasks; /* tasks at the same time, main among them; more get -EAGAIN. 0: as many as memory holds */
};

/*
 * Makes a loop for the calling thread, which is the only one that may use it. Options come as designated initialisers:
 * coil_loop_new(.debug = true); NULL for the struct means none. Returns the loop, to be given to coil_loop_close, or
 * NULL, and coil_creation_error() then says why: -ENOMEM, -EMFILE, -ENFILE, -EINVAL for an option or a COIL_BACKEND
 * that makes no sense (a .stack_size over 1 GiB too), -ENOTSUP for a backend that is not there, -EAGAIN when debug
 * mode's thread cannot be started. asyncio: new_event_loop.
 */
#define coil_loop_new(...) \
    coil_loop_new_with(&(struct coil_loop_options){.size = sizeof(struct coil_loop_options), __VA_ARGS__})
COIL_API coil_loop *coil_loop_new_with(const struct coil_loop_options *options);

/*
 * Why the last creation in this thread that returned NULL did so: a negative errno, 0 if none has. Awaits, joins and the
 * like that are given NULL for a future return it, so that most programs need not ask.
 */
COIL_API int coil_creation_error(void);

/*
 * Runs the loop until coil_loop_stop, on the stack of the caller. Returns 0 once it was stopped, -EINVAL for NULL or a
 * loop that is closing, -EPERM inside a running loop (this one or another) and from a thread that did not make it,
 * -EDEADLK when it is certain that nothing can ever happen any more (what waits is reported), or the error of a poller
 * that broke; after any of these it can be run again. -ECHILD in a child process that was forked since the loop was
 * made: loops stay the parent's. asyncio: loop.run_forever.
 */
COIL_API int coil_loop_run_forever(coil_loop *loop);

/*
 * Ends coil_loop_run_forever after the iteration that is under way or, if the loop does not run, the first one of its
 * next run. Ignored when loop is NULL. asyncio: loop.stop.
 */
COIL_API void coil_loop_stop(coil_loop *loop);

/*
 * Closes the loop. Callbacks that have not run are dropped; a task that is still waiting is reported
 * (COIL_REPORT_DESTROYED_PENDING) and its stack is let go as it is: cancel and await such tasks first, as coil_run
 * does. References to futures and tasks of the loop stay good for everything but waiting, and are given back as ever;
 * the loop itself, and timeouts and groups that were left open in it, must not be used any more. Reports that are sent
 * on the way can start nothing in the loop. Returns 0, -EINVAL for NULL or, from such a report, a loop that is closing,
 * -EPERM while the loop runs and from a thread that did not make it, -ECHILD in a child process as
 * coil_loop_run_forever. On an error the loop is as it was. asyncio: loop.close.
 */
COIL_API int coil_loop_close(coil_loop *loop);

/* The loop that runs in this thread now, or NULL. asyncio: get_running_loop. */
COIL_API coil_loop *coil_get_running_loop(void);

/* The running loop's clock in seconds, which only its differences give a meaning; 0 without a loop. asyncio: loop.time. */
COIL_API double coil_time(void);

/*
 * Moves the running loop's virtual clock on by seconds, as if code had worked that long: how a test lets a timeout pass that
 * competes with running code. Returns 0, -EPERM without a running loop or with a real clock, -EINVAL for a negative number,
 * INFINITY or NaN.
 */
COIL_API int coil_clock_advance(double seconds);

/* ---- callbacks ------------------------------------------------------------------------------------------------------- */

/*
 * Has callback(userdata) called in the loop's next iteration, after what was asked for before. Returns the handle, which
 * belongs to the loop and is good until the callback has run or was cancelled (keep it longer with coil_handle_ref), or NULL
 * with coil_creation_error(): -EPERM without a running loop, -EINVAL without a callback, -ENOMEM. asyncio: loop.call_soon.
 */
#define coil_call_soon(callback, ...) \
    coil_call_soon_from((callback), __VA_ARGS__, &(const struct coil_site){__FILE__, __func__, __LINE__})
COIL_API coil_handle *coil_call_soon_from(coil_callback *callback, void *userdata, const struct coil_site *site);

/*
 * Has callback(userdata) called delay seconds from now, through the timers also when delay is zero or less; callbacks with
 * the same deadline run in the order in which they were asked for. INFINITY never comes. Otherwise as coil_call_soon; NaN is
 * -EINVAL. asyncio: loop.call_later.
 */
#define coil_call_later(delay, callback, ...) \
    coil_call_later_from((delay), (callback), __VA_ARGS__, &(const struct coil_site){__FILE__, __func__, __LINE__})
COIL_API coil_handle *coil_call_later_from(double delay, coil_callback *callback, void *userdata,
                                           const struct coil_site *site);

/* As coil_call_later, with a point of time on coil_time's clock instead of a delay. asyncio: loop.call_at. */
#define coil_call_at(when, callback, ...) \
    coil_call_at_from((when), (callback), __VA_ARGS__, &(const struct coil_site){__FILE__, __func__, __LINE__})
COIL_API coil_handle *coil_call_at_from(double when, coil_callback *callback, void *userdata,
                                        const struct coil_site *site);

/*
 * As coil_call_soon, from any thread, and wakes the loop. Calls from one thread run in the order in which they were
 * made. From another thread than the loop's, the handle only says that the call was taken, and must not be touched. The
 * loop must be there until this returns; if it is closed before the callback had its turn, it is dropped. NULL with
 * coil_creation_error(): -EINVAL without a loop or a callback, -ENOMEM. asyncio: loop.call_soon_threadsafe.
 */
#define coil_call_soon_threadsafe(loop, callback, ...)              \
    coil_call_soon_threadsafe_from((loop), (callback), __VA_ARGS__, \
                                   &(const struct coil_site){__FILE__, __func__, __LINE__})
COIL_API coil_handle *coil_call_soon_threadsafe_from(coil_loop *loop, coil_callback *callback, void *userdata,
                                                     const struct coil_site *site);

/* Makes the callback not run. Nothing happens for one that has run already, or for NULL. asyncio: Handle.cancel. */
COIL_API void coil_handle_cancel(coil_handle *handle);

/* Whether coil_handle_cancel was called on it; false for NULL. asyncio: Handle.cancelled. */
COIL_API bool coil_handle_cancelled(const coil_handle *handle);

/* Takes a reference of one's own, so that the handle may be kept after its callback has run. Returns handle. NULL is fine. */
COIL_API coil_handle *coil_handle_ref(coil_handle *handle);

/* Gives such a reference back. The callback still runs. NULL is fine. */
COIL_API void coil_handle_unref(coil_handle *handle);

#ifdef __cplusplus
}
#endif

#endif
