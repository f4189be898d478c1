/*
 * Signals, heard by a loop as anything else: as a callback, or by a task that waits. The handler that the kernel calls does nothing but
 * tell the loop, so what runs in answer may do whatever coroutines and callbacks do.
 *
 * A signal belongs to the process. Several loops, each in its thread, may ask for the same one; each is told. What was in force before
 * the first of them asked (the default action, the program's own handler) is in force again when the last one has given it back, at
 * the latest when its loop is closed. System calls go on after a signal (SA_RESTART). A signal that every thread of the process blocks
 * does not arrive; SIGCHLD is left alone unless a program asks for it.
 */
#ifndef COIL_SIGNAL_H
#define COIL_SIGNAL_H

#include <signal.h>

#include <coil/base.h>
#include <coil/loop.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Has callback(userdata) called by the running loop whenever the signal signo comes, one iteration after the loop has seen it; as
 * many times as the kernel has delivered it (which makes one of several standard signals that come at once). It replaces the loop's
 * earlier callback for the signal. userdata stays the caller's. With a handler in place, a loop in which nothing else can happen
 * is not dead: it waits. A callback for SIGINT takes the place of .handle_sigint, until it is removed. Returns 0; -EPERM without a
 * running loop; -EINVAL without a callback, for what is no signal, and for those that cannot be caught (SIGKILL, SIGSTOP) or mean that
 * the running code is at fault (SIGSEGV, SIGBUS, SIGFPE, SIGILL); -ENOMEM. Does not await. asyncio: loop.add_signal_handler.
 */
#define coil_add_signal_handler(signo, callback, ...)              \
    coil_add_signal_handler_from((signo), (callback), __VA_ARGS__, \
                                 &(const struct coil_site){__FILE__, __func__, __LINE__})
COIL_API int coil_add_signal_handler_from(int signo, coil_callback *callback, void *userdata,
                                          const struct coil_site *site);

/*
 * Gives the signal back: the running loop's callback for it is not called any more, and what was in force before is again, unless
 * another loop has the signal or a task still waits for it. Also ends what coil_signal_wait has begun. Returns 1, or 0 if the loop did
 * not have the signal; -EPERM without a running loop. asyncio: loop.remove_signal_handler.
 */
COIL_API int coil_remove_signal_handler(int signo);

/*
 * Awaits the signal signo. With the first call the signal is the loop's, until coil_remove_signal_handler or the loop's end: one that
 * comes while no task waits (and there is no callback for it) is kept, and the next call returns at once; so none is missed between two
 * calls, however many came count as one. All tasks that wait for a signal are woken by it. Returns signo; -ECANCELED; -EPERM outside
 * of a task; -EINVAL and -ENOMEM as coil_add_signal_handler. POSIX: sigwaitinfo.
 */
COIL_API int coil_signal_wait(int signo);

#ifdef __cplusplus
}
#endif

#endif
