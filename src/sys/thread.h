/*
 * Threads, as the kernel counts them. Whether a loop can still be woken by anybody depends on whether the process has
 * threads that are not the library's own; this file knows both numbers and nothing of loops.
 */
#ifndef CI_SYS_THREAD_H
#define CI_SYS_THREAD_H

#include <stdatomic.h>

/* How many threads the library itself has started that still run. Whoever starts or ends one counts it here. */
extern atomic_int ci_sys_own_threads;

/*
 * How many threads the process has, the calling one and the library's own included; a thread that is being joined may still
 * be counted. Returns at least 1, or a negative errno where /proc is not to be had: then nobody knows ("thread_count").
 */
int ci_sys_thread_count(void);

#endif
