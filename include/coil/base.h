/*
 * What every part of coil's API rests on: the coroutine's type, error names, notes on errors, the allocator.
 *
 * Errors are negative errno values everywhere. Durations are seconds in a double: INFINITY waits for ever, zero or less
 * means "at once", and NaN is -EINVAL. "Awaits" in a comment means that the calling coroutine may pause there, that other
 * code runs meanwhile, and that cancellation can arrive as -ECANCELED. A function that does not say so never pauses.
 */
#ifndef COIL_BASE_H
#define COIL_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <coil/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of this header. */
#define COIL_VERSION_MAJOR 0
#define COIL_VERSION_MINOR 1
#define COIL_VERSION_PATCH 0

/* An event loop. asyncio: AbstractEventLoop. */
typedef struct coil_loop coil_loop;

/* A value that will arrive. asyncio: Future. */
typedef struct coil_future coil_future;

/* A future whose value a coroutine computes: every coil_task is a coil_future. asyncio: Task. */
typedef struct coil_future coil_task;

/*
 * A coroutine: any function of this type. It returns a result >= 0, or a negative errno. To call it is to await it in the
 * calling task; to give it to coil_create_task is to run it at the same time.
 */
typedef int coil_fn(void *arg);

/* Where in the program something was made: filled in by the macros of this API. The strings are literals. */
struct coil_site {
    const char *file;     /* __FILE__ */
    const char *function; /* __func__ */
    int line;             /* __LINE__ */
};

/*
 * Names the error rc in words. They are the C library's ("Operation canceled"), but for the errors that mean something of
 * coil's own: -ETIMEDOUT is "Timed out", not "Connection timed out", and so with EALREADY, EINPROGRESS, EDEADLK, ESHUTDOWN
 * and EINTR. rc is a negative errno; a positive one is taken for its negative, and 0 is "Success". Returns a string that is
 * never NULL and belongs to the library; a number that is no errno gives "Unknown error". Never fails. POSIX: strerror_l.
 */
COIL_API const char *coil_strerror(int rc);

/*
 * Names the error rc by its symbol ("ECANCELED"), or "0", or "EUNKNOWN" for a number that is no errno. Otherwise as
 * coil_strerror. GNU: strerrorname_np.
 */
COIL_API const char *coil_errname(int rc);

/*
 * Notes a message and the call site for the error that the running coroutine is about to return, and returns error:
 *
 *     return coil_fail(rc, "fetching %s", url);
 *
 * Notes chain: one made on the way out of an await that failed stands before those that came with the failure. They
 * travel with the error to whoever awaits the task, and are shown by coil_error_message and by every report. The text
 * is copied. There may be 64 in a chain, so that what fails again and again fills no memory: beyond, a new one takes
 * the place of the last. Outside of a task, or when memory runs out, only the number travels. error is a negative
 * errno; another number is returned as it is and nothing is noted. asyncio: raise ... from ...; BaseException.add_note.
 */
#define coil_fail(error, ...) \
    coil_fail_from((error), &(const struct coil_site){__FILE__, __func__, __LINE__}, __VA_ARGS__)
COIL_API int coil_fail_from(int error, const struct coil_site *site, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * Replaces the allocator for everything that the library allocates from then on (stacks are mapped, not allocated).
 * Call it before anything else of coil. The functions behave as malloc, realloc and free do and may be called from
 * several threads. Returns 0, or -EINVAL when one of them is NULL and nothing is replaced.
 */
COIL_API int coil_set_allocator(void *(*malloc_fn)(size_t), void *(*realloc_fn)(void *, size_t),
                                void (*free_fn)(void *));

#ifdef __cplusplus
}
#endif

#endif
