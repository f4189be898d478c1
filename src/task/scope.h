/*
 * Scopes: the time limits and groups that a task has begun and not ended. In C nothing stops a function from returning early out
 * of one, so what a timer or a child points to never lies in the caller's frame: it is a record here, which the caller's
 * struct only refers to, and which the task still knows when the frame is gone. A scope that is left without its end is
 * reported and closed when an outer scope ends or the task does. Records are kept for use again until the loop closes, and numbered
 * anew each time, so that a caller's struct that refers to one that is gone can be told from one that does not.
 */
#ifndef CI_TASK_SCOPE_H
#define CI_TASK_SCOPE_H

#include <stddef.h>

#include "base/list.h"

struct ci_runtime;
struct ci_scope;
struct ci_task;

enum ci_scope_kind { CI_SCOPE_TIMEOUT, CI_SCOPE_GROUP, CI_SCOPE_KINDS };

struct ci_scope_class {
    enum ci_scope_kind kind;
    size_t size;                             /* of its records */
    const char *end;                         /* the function that should have ended it */
    void (*abandon)(struct ci_scope *scope); /* closes and frees a scope that was left */
    void (*discard)(struct ci_scope *scope); /* frees one whose task never goes on, because the loop closes */
};

struct ci_scope {
    struct ci_list link; /* in task->scopes, innermost last; out of it when a function of the class is called */
    const struct ci_scope_class *class;
    struct ci_scope *next_spare;
    unsigned serial; /* changes when the record is freed */
};

/* Makes a record of the given class, not cleared behind its scope, in which nothing but the serial counts. NULL without memory. */
struct ci_scope *ci_scope_new(struct ci_runtime *runtime, const struct ci_scope_class *klass);

/* Frees a record that is in no task's list. */
void ci_scope_free(struct ci_runtime *runtime, struct ci_scope *scope);

/* Frees the records that are kept for use again. */
void ci_scopes_free_spares(struct ci_runtime *runtime);

/* Puts a scope in as the task's innermost. */
void ci_scope_enter(struct ci_task *task, struct ci_scope *scope);

/* Takes scope out, which is about to end properly; those inside it that were left are reported and abandoned first. */
void ci_scope_leave(struct ci_task *task, struct ci_scope *scope);

/* The task ends: whatever it has left open is reported and abandoned. */
void ci_scopes_abandon(struct ci_task *task);

/* The loop closes under the task: its scopes are freed without a word. */
void ci_scopes_discard(struct ci_task *task);

#endif
