/*
 * Where tests make a system call or an allocation fail. Every wrapper in this room asks ci_fault() with its own
 * name before it does anything; a test installs a hook that counts the calls and fails the n-th. Without a hook this
 * is one load and one branch that is never taken. Nothing outside this room and the tests includes it.
 */
#ifndef CI_SYS_FAULT_H
#define CI_SYS_FAULT_H

#include <stddef.h>

/* Returns 0 to let the call happen, or the negative errno that it shall report instead. Set before threads start. */
typedef int ci_fault_fn(const char *call);

extern ci_fault_fn *ci_fault_hook;

static inline int ci_fault(const char *call)
{
    return __builtin_expect(ci_fault_hook != NULL, 0) ? ci_fault_hook(call) : 0;
}

#endif
