/*
 * The operations: a table for each kind of them. To add some, write their functions, put them into a table
 * of their own, and name that in operations.c. How they are called, and what of them comes into the trace,
 * is in execute.c.
 */
#ifndef CONFORMANCE_OPERATIONS_H
#define CONFORMANCE_OPERATIONS_H

#include <stddef.h>

struct machine;
struct statement;
struct text;

enum operation_kind {
    OPERATION_ACT,     /* does not suspend: callbacks and other threads can do it, too */
    OPERATION_AWAIT,   /* suspends; its first operand says whether errors leave the statement */
    OPERATION_BLOCK,   /* has statements inside, and logs what is to be logged itself */
    OPERATION_OUTSIDE, /* another thread does it itself, and nobody else; it logs what is to be logged itself */
    OPERATION_RAISE,
    OPERATION_RETURN,
};

/*
 * An operation of the first two kinds, or of another thread. Writes its outcome as the trace shows it, and returns something >=
 * 0; or returns a negative error, whose word is the outcome then. No outcome at all is shown as "nil".
 */
typedef int operation_fn(struct machine *machine, const struct statement *statement, struct text *outcome);

/* A block. Returns an error, or 0, or 1 when a `return` inside was reached, whose number is in *returned. */
typedef int block_fn(struct machine *machine, const struct statement *statement, int *returned);

struct operation {
    const char *name;
    /*
     * What stands behind the name, a letter for each operand: i integer, u integer >= 0, p whether errors
     * leave the statement, s a task's slot, r reference, f future, g gather, c coroutine, n number of a
     * callback, handle, timeout or group, m return_when, w word, a actions of a callback, b body, L lock,
     * E event, C condition, S semaphore, B barrier, Q queue, o the object of the kind that the word names.
     * After a '?' they may be missing, and the one after a '*' may come any number of times.
     */
    const char *operands;
    enum operation_kind kind;
    operation_fn *operate;
    block_fn *run_block;
};

/* The operation of this name, or NULL. */
const struct operation *operation_find(const char *name);

/* A table ends with an entry without a name. */
extern const struct operation act_operations[];    /* act_ops.c */
extern const struct operation call_operations[];   /* call_ops.c */
extern const struct operation await_operations[];  /* await_ops.c */
extern const struct operation block_operations[];  /* block_ops.c */
extern const struct operation sync_operations[];   /* sync_ops.c */
extern const struct operation queue_operations[];  /* queue_ops.c */
extern const struct operation thread_operations[]; /* thread_ops.c */

#endif
