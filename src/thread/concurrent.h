/* What other files of this room need of concurrent futures. */
#ifndef CI_THREAD_CONCURRENT_H
#define CI_THREAD_CONCURRENT_H

#include <stdint.h>

#include <coil/thread.h>

/*
 * Waits for the coroutine until when_ns; after that has it cancelled, or not begun, and waits for its end all the
 * same, so that what it came to is certain. Returns that, or -ETIMEDOUT where it ended as cancelled because of this;
 * -ECANCELED if the loop closed.
 */
int ci_concurrent_finish(coil_concurrent_future *future, int64_t when_ns);

#endif
