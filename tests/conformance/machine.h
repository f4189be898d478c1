/*
 * One run of one program: the loop it runs on, what its operations work on, and the trace. The machine
 * answers for what is common to all operations: the numbers of tasks, references, the words of outcomes,
 * log lines. It does not run statements (execute.h) or whole programs (run.h).
 */
#ifndef CONFORMANCE_MACHINE_H
#define CONFORMANCE_MACHINE_H

#include <stdbool.h>
#include <stddef.h>

#include <coil/task.h>
#include <coil/thread.h>

#include "arena.h"
#include "guard.h"
#include "poller.h"
#include "program.h"

enum {
    TASK_LIMIT = 60, /* operations that would make more tasks do nothing but say so */
    ITERATION_LIMIT = 3000,
    CLEANUP_ITERATIONS = 500, /* beyond the limit, for a program that ran into it */
    SLOW_CALLBACK = 5,        /* in debug mode, in units of the clock */
    ERRORS = 4096,            /* different words of errors in one program */
    FIRST_ERROR = 10000,      /* an error with a word of the program's is a negative number from here on */
};

struct machine;
struct ci_note;
struct held;
struct objects;

/* What a done-callback gets: there is one of each number, so that it can be added twice, and removed. */
struct numbered_callback {
    struct machine *machine;
    int number;
    bool made;
};

struct machine {
    struct arena *arena;
    const struct program *program;
    bool with_iterations;
    struct text trace;
    bool ended;     /* the trace is complete: what is logged from now on is no part of it */
    bool unwinding; /* coroutines shall end: nothing is executed any more */

    coil_loop *loop;
    struct virtual_poller poller;
    struct held *held;

    coil_future *slots[TASK_SLOTS];
    coil_future *futures[FUTURES];
    coil_future *gathers[GATHERS];
    struct numbered_callback callbacks[NUMBERS];
    coil_handle *handles[NUMBERS];
    coil_timeout *timeouts[NUMBERS];
    coil_group *groups[NUMBERS];
    coil_concurrent_future *thread_futures[NUMBERS];
    struct objects *objects; /* locks, queues and the like: objects.h */

    coil_task *tasks[TASKS_MAX]; /* by number */
    int task_count;
    uint64_t last_task; /* the id of the youngest task that has a number */
    struct guard guard;

    const char *errors[ERRORS]; /* the word of the error -(FIRST_ERROR + i) */
    int error_count;
};

/* ---- the trace --------------------------------------------------------------------------------------------------- */

/* Adds a line: iteration, clock, the task that runs, and what printf would print. */
void machine_log(struct machine *machine, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same, saying that somebody else than the running task does it. */
void machine_log_as(struct machine *machine, const char *who, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- tasks and references ---------------------------------------------------------------------------------------- */

/*
 * The number of a task. It is given when the task is made; as eager tasks run before that call returns,
 * when it is first asked for. The machine keeps a reference.
 */
int machine_number(struct machine *machine, coil_task *task);

/* Gives numbers to the tasks that the library has made by itself, for coroutines of another thread. */
void machine_number_new(struct machine *machine);

/* The number of a task that has one, else -1. */
int machine_known_number(const struct machine *machine, const coil_future *future);

/* The number of the running task; -1 in a callback. */
int machine_current_number(const struct machine *machine);

/* What a reference stands for; borrowed; NULL where nothing has been put yet. */
coil_future *machine_resolve(const struct machine *machine, int reference);

/* Whether so many more tasks would be too many. */
bool machine_tasks_full(const struct machine *machine, size_t more);

/*
 * Has release(thing) called once the program is over, newest first: what coil hands out lives as long as
 * asyncio's objects would.
 */
void machine_hold(struct machine *machine, void (*release)(void *thing), void *thing);

/* Holds the caller's reference to future, and returns future. */
coil_future *machine_hold_future(struct machine *machine, coil_future *future);

void machine_release_held(struct machine *machine);

/* ---- words of outcomes ------------------------------------------------------------------------------------------- */

/* "pending", "cancelled", "done" */
const char *future_state(const coil_future *future);

/* The error that has this word: the same number for the same word. */
int machine_error(struct machine *machine, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Writes an error's word; note is what came with a cancellation, or NULL. */
void machine_put_error(struct machine *machine, struct text *out, int error, const struct ci_note *note);

/* Writes the word of an error that the running task has just got from an await. */
void machine_put_caught(struct machine *machine, struct text *out, int error);

/* The same as a string, for log lines. */
const char *machine_caught_word(struct machine *machine, int error);

/* Writes the result of a future that has one: a number, or a gather's list. It does not count as looked at. */
void machine_put_result(struct machine *machine, struct text *out, const coil_future *future);

#endif
