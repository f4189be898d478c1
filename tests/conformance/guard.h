/*
 * The guard against cycles: the oracle's record of which task waits for which, by which an operation that
 * would close a circle says "cycle" instead, because CPython's cancel() would recurse through it without
 * end. It is part of the language: it must say so exactly where the oracle says so, and coil's own
 * detection of cycles (-EDEADLK) must never get a chance.
 */
#ifndef CONFORMANCE_GUARD_H
#define CONFORMANCE_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <coil/task.h>

#include "program.h"

struct machine;

enum { TASKS_MAX = 256 };

/* A set of tasks, by their numbers. */
struct task_set {
    uint64_t words[TASKS_MAX / 64];
};

struct guard {
    struct task_set waits_for[TASKS_MAX];    /* what each task waits for */
    struct task_set gather_members[GATHERS]; /* the tasks that cancelling each gather cancels */
};

/* Notes that the gather in a slot is of these futures. The slot still holds what it held before. */
void guard_note_gather(struct machine *machine, int slot, coil_future *const *futures, size_t count);

/* Whether the running task would wait for itself, were it to wait for these. */
bool guard_would_cycle(const struct machine *machine, coil_future *const *futures, size_t count);

/* The running task begins to wait for these. Returns what it waited for before, for guard_leave. */
struct task_set guard_enter(struct machine *machine, coil_future *const *futures, size_t count);

void guard_leave(struct machine *machine, const struct task_set *before);

/* The running task is one that `task` waits for unasked. */
void guard_note_child(struct machine *machine, int task);

#endif
