/*
 * fork(2): a child process has copies of the loops' memory, but shares with its parent what the loops wait on in the kernel. A loop that
 * went on in the child would take away its parent's events. So every loop is its own process's; in a child it does not run, and a
 * coroutine that calls fork finds itself outside of any loop there, free to exec, to exit, or to run a loop of its own.
 */
#ifndef CI_LOOP_FORK_H
#define CI_LOOP_FORK_H

#include <stdbool.h>

struct coil_loop;

/* Has fork told to this room, from now on and for good. Returns 0 or -ENOMEM. */
int ci_fork_prepare(void);

/* Whether the loop was made by a process of which this is a child. */
bool ci_fork_has_parted(const struct coil_loop *loop);

#endif
