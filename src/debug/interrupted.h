/*
 * What a signal has interrupted, and how to make the interruption unnoticed. SA_RESTART restarts many
 * system calls by itself, but not those that wait for time or events: sleep(3), poll(2) and their like
 * would end early, and looking at a blocked thread would change what it does. So the handler takes such a
 * thread back to just before its system call, as the kernel does for the others. A relative timeout begins
 * anew, so the wait is longer by what had passed of it, except where the kernel keeps the remaining time in
 * the caller's own variable (sleep(3), select(2), ppoll(2)).
 *
 * Emulators (valgrind, qemu-user) have registers of their own, which are not those that the kernel tells
 * of: there, and on processors that are not known here, such a call does end early.
 *
 * This file knows processors and system calls, and nothing of loops.
 */
#ifndef CI_DEBUG_INTERRUPTED_H
#define CI_DEBUG_INTERRUPTED_H

#include <stdint.h>
#include <ucontext.h>

struct ci_system_call;

/* Where the interrupted code will go on; 0 where this processor is not known. Safe in a handler. */
uintptr_t ci_interrupted_pc(const ucontext_t *interrupted);

/*
 * call is what the thread was seen to be sleeping in before the signal was sent. If the signal has cut just
 * that short, makes the thread do it again once the handler returns. Safe in a handler.
 */
void ci_interrupted_restart(ucontext_t *interrupted, const struct ci_system_call *call);

#endif
