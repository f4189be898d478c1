/*
 * Backtraces: the return addresses of the functions that have been called and have not returned. Every
 * address in one is a return address, that of an interrupted function made to look like one, so that one
 * rule finds the call before it.
 */
#ifndef CI_DEBUG_BACKTRACE_H
#define CI_DEBUG_BACKTRACE_H

#include <stddef.h>
#include <ucontext.h>

enum { CI_BACKTRACE_MAX = 32 };

/* Loads what walking a stack needs, which must not happen in a signal handler. */
void ci_backtrace_prepare(void);

/*
 * Stores up to capacity return addresses, the caller's own first after skip of them were left out, and
 * returns how many.
 */
size_t ci_backtrace_capture(void **addresses, size_t capacity, size_t skip);

/*
 * The same for the code that a signal has interrupted, in the handler: from the place of the interruption
 * outwards. Safe there once prepared, since glibc 2.35 finds unwind tables without a lock; before, with one
 * that the interrupted thread can only hold itself, and that is recursive.
 */
size_t ci_backtrace_capture_interrupted(void **addresses, size_t capacity, const ucontext_t *interrupted);

#endif
