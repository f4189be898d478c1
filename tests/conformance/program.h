/*
 * A program, read and checked: every operation is known, has the operands it wants, and none is out of
 * range, so that nothing of that has to be asked again while it runs. What operations there are is in
 * operations.h; README.md describes the language.
 */
#ifndef CONFORMANCE_PROGRAM_H
#define CONFORMANCE_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct operation;
struct statement;

enum {
    TASK_SLOTS = 8,
    FUTURES = 3,
    GATHERS = 2,
    FIRST_FUTURE = 100, /* references: 0 and up are slots of tasks, these are futures, */
    FIRST_GATHER = 200, /* and these are gathers */
    NUMBERS = 16,       /* of callbacks, handles, timeouts, groups */
    COROUTINES = 64,
    BODIES = 3, /* that a statement can have */
    NO_TIMEOUT = 99,
    OBJECTS = 16, /* of one kind */
};

/* What a program declares, each kind in the order of the text. */
enum object_kind {
    LOCK,
    EVENT,
    CONDITION,
    SEMAPHORE,
    BOUNDED_SEMAPHORE,
    BARRIER,
    QUEUE,
    PRIORITY_QUEUE,
    LIFO_QUEUE,
    OBJECT_KINDS,
};

struct objects_declared {
    int count;
    int values[OBJECTS]; /* what stands behind the kind: a value, a number of parties, a size */
};

/* Statements, one after the other. */
struct body {
    size_t count;
    const struct statement *statements;
};

struct statement {
    const struct operation *operation;
    const char *title;  /* the statement as the trace shows it: "cancel 3 1" */
    const char *word;   /* the operand that is a word, or NULL */
    const int *numbers; /* those that are integers */
    size_t count;
    struct body bodies[BODIES];
};

/* What "another thread" does at a time. */
struct external {
    int when;
    struct body actions;
    const struct external *next;
};

struct program {
    bool debug;
    bool eager;
    const struct body *coroutines[COROUTINES]; /* by number; NULL where there is none */
    const struct external *externals;
    struct objects_declared objects[OBJECT_KINDS];
};

enum reading { READ, UNREADABLE, UNSUPPORTED };

/* Reads a program. *message says what is wrong with it: the operation that is not supported, or in words. */
enum reading program_read(struct program *program, struct arena *arena, const char *text, size_t length,
                          const char **message);

#endif
