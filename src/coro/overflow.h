/*
 * Stack overflow, caught: a fault in the guard page of a coroutine's stack is reported with that stack before
 * the process dies of it. The handler runs on an alternate signal stack. Every other fault reaches whoever
 * handled it before, or kills the process as it would have. Which task a stack belongs to is for the report
 * callback to know.
 */
#ifndef CI_CORO_OVERFLOW_H
#define CI_CORO_OVERFLOW_H

struct ci_stack;
struct ci_stack_pool;

/*
 * Called in the signal handler, on the alternate stack, of the thread whose coroutine overflowed. It may only
 * do what is async-signal-safe; it returns, and the process dies, unless a handler of the program's jumps out of
 * the fault. The stack itself, the part above the guard, can be read.
 */
typedef void ci_overflow_report_fn(const struct ci_stack *stack, const void *fault_address);

/*
 * Watches the calling thread: overflows of pool's stacks are reported through report. One call per loop and
 * thread, each undone by ci_overflow_uninstall on the same thread; a thread may watch several pools. The
 * first call of the process installs the handlers for SIGSEGV and SIGBUS, the first of a thread its alternate
 * stack, unless the program has given it a large enough one. Returns 0 or a negative errno, with nothing
 * changed.
 */
int ci_overflow_install(struct ci_stack_pool *pool, ci_overflow_report_fn *report);

/* Undoes the install of pool. The last one restores the program's handlers, unless somebody else replaced
 * ours since. */
void ci_overflow_uninstall(struct ci_stack_pool *pool);

#endif
