/* System calls that fail on command, through sys/fault.h: the n-th of all of them, or every one of a name. */
#ifndef TESTS_CORO_FAULTS_H
#define TESTS_CORO_FAULTS_H

#include <stdbool.h>
#include <string.h>

#include "sys/fault.h"

static struct {
    const char *name; /* NULL: any */
    int nth;          /* 0: each */
    int error;
    int calls;
    bool hit;
} faults;

static inline int fail_on_command(const char *call)
{
    if (faults.name != NULL && strcmp(call, faults.name) != 0) {
        return 0;
    }
    faults.calls++;
    if (faults.nth != 0 && faults.calls != faults.nth) {
        return 0;
    }
    faults.hit = true;
    return faults.error;
}

static inline void fail_calls(const char *name, int nth, int error)
{
    faults.name = name;
    faults.nth = nth;
    faults.error = error;
    faults.calls = 0;
    faults.hit = false;
    ci_fault_hook = fail_on_command;
}

static inline void fail_no_calls(void)
{
    ci_fault_hook = NULL;
}

#endif
