/*
 * Watching descriptors with callbacks, for code that is no coroutine. A task waits with coil_poll instead (coil/io.h).
 */
#ifndef COIL_WATCH_H
#define COIL_WATCH_H

#include <coil/base.h>
#include <coil/loop.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Has callback(userdata) called in each iteration in which fd can be read without blocking, or is at its end or broken, until it
 * is taken out. One that was set for the same descriptor before is replaced. Take it out before the descriptor is closed; coil_close
 * does so by itself. A regular file can always be read. Returns 0; -EINVAL (no callback, a negative fd), -EPERM without a
 * running loop, -EBADF, -ENOMEM, -ENOSPC. asyncio: loop.add_reader.
 */
COIL_API int coil_add_reader(int fd, coil_callback *callback, void *userdata);

/* Takes it out: it is not called any more. Returns 1, or 0 if there is none. asyncio: loop.remove_reader. */
COIL_API int coil_remove_reader(int fd);

/* As coil_add_reader, for writing. asyncio: loop.add_writer. */
COIL_API int coil_add_writer(int fd, coil_callback *callback, void *userdata);

/* As coil_remove_reader, for writing. asyncio: loop.remove_writer. */
COIL_API int coil_remove_writer(int fd);

#ifdef __cplusplus
}
#endif

#endif
