/*
 * Debug mode of one loop: what its trace points keep. One of these is made when debug mode is switched on
 * and goes when the loop closes. Everything in it is the loop's thread's, but where it says otherwise.
 */
#ifndef CI_DEBUG_DEBUG_H
#define CI_DEBUG_DEBUG_H

#include <stdbool.h>
#include <stdint.h>

#include <coil/loop.h>

#include "base/trace.h"
#include "debug/census.h"
#include "debug/probe.h"
#include "debug/watchdog.h"

enum { CI_DEBUG_NAME_BYTES = 64, CI_DEBUG_LINE_BYTES = 256 };

/* A callback of the program's, as far as is known. */
struct ci_debug_callback {
    void (*function)(void); /* NULL: none of the program's */
    struct coil_site site;
};

/* What the probe's handler copies for the watchdog, in the loop's thread. */
struct ci_debug_answer {
    uint64_t entry;             /* the question: which entry it is about */
    struct coil_future *future; /* its address, for the census; NULL in a callback */
    char name[CI_DEBUG_NAME_BYTES];
    struct coil_site site;
    struct ci_debug_callback callback;
};

struct ci_debug {
    struct ci_trace trace; /* first */
    struct coil_loop *loop;
    struct ci_census census;
    struct ci_probe probe;
    struct ci_watchdog watchdog;
    bool watched; /* the watchdog runs */
    bool told_backend;

    /* The entry under way. */
    struct coil_future *task; /* whose step it is, referenced; NULL in a callback */
    struct ci_debug_callback callback;
    int64_t began_ns; /* on the loop's clock */
    int64_t own_ns;   /* spent for debug mode itself since */

    struct ci_debug_answer answer; /* the watchdog's thread's, between the probe's questions and answers */

    /* The deepest stack so far. */
    size_t stack_used;
    size_t stack_size;
    char stack_name[CI_DEBUG_NAME_BYTES];
    struct coil_site stack_site;
};

/* The debug mode of the loop that runs in this thread, or NULL. */
struct ci_debug *ci_debug_running(void);

/*
 * Between these two, the thread works for debug mode itself: that is not the program's slowness. They do
 * nothing outside of an entry of the running loop.
 */
struct ci_debug_pause {
    struct ci_debug *debug;
    int64_t from_ns;
    int64_t started_ns;
};
struct ci_debug_pause ci_debug_pause(void);
void ci_debug_resume(const struct ci_debug_pause *pause);

/* Completes a report about a future with the backtrace of its creation. From any thread. */
void ci_debug_add_origin(struct ci_debug *debug, struct coil_report *report, const struct coil_future *future);

/* Writes what runs into out: "the task 'NAME'", "a callback, FUNCTION". task_name is NULL in a callback. */
void ci_debug_describe(char *out, size_t size, const char *task_name, const struct ci_debug_callback *callback);

/* ---- blocked.c: the watchdog's reports --------------------------------------------------------------------------------- */

/* For the watchdog of a struct ci_debug. */
extern const struct ci_watchdog_calls ci_debug_watchdog_calls;

/* In the probe's handler: copies what the report needs. */
bool ci_debug_answer(void *debug);

/* ---- stacks.c, leaks.c: what is said at the end ------------------------------------------------------------------------ */

/* Looks how much stack a task has used. */
void ci_debug_measure_stack(struct ci_debug *debug, struct coil_future *task);

/* Reports the task that used the most. */
void ci_debug_report_stack(struct ci_debug *debug);

/* A task goes away without having ended: what it holds will never be given back, and is not reported. */
void ci_debug_excuse_held(struct ci_debug *debug, struct coil_future *task);

/* Reports the futures that are still there. */
void ci_debug_report_unreleased(struct ci_debug *debug);

#endif
