/*
 * Trace points: the one way in which a lower room tells a higher one that something happened, without knowing it. A loop in
 * debug mode carries a struct ci_trace that the debug room filled in; a loop that is not carries NULL and pays one branch, off
 * the hot path. The functions declared at the end are implemented in the debug room.
 */
#ifndef CI_BASE_TRACE_H
#define CI_BASE_TRACE_H

#include <stdint.h>

struct ci_entry;
struct coil_future;
struct coil_loop;
struct coil_report;
struct coil_site;

struct ci_trace {
    /* An entry of the ready queue is about to run; it ran. The same entry is given to both. */
    void (*entry_begin)(struct ci_trace *trace, struct coil_loop *loop, const struct ci_entry *entry);
    void (*entry_end)(struct ci_trace *trace, struct coil_loop *loop, const struct ci_entry *entry);
    /* The entry under way is about to call function, a callback of the program's; site is where it was asked for, or NULL. */
    void (*calling)(struct ci_trace *trace, void (*function)(void), const struct coil_site *site);
    /* A future or task was made: the place to take its backtrace. It is about to be destroyed. */
    void (*future_created)(struct ci_trace *trace, struct coil_future *future);
    void (*future_destroyed)(struct ci_trace *trace, struct coil_future *future);
    /* A task has ended; its stack is still as it left it. */
    void (*task_ended)(struct ci_trace *trace, struct coil_future *task);
    /* A function of the loop was called from a thread that is not its own. */
    void (*wrong_thread)(struct ci_trace *trace, struct coil_loop *loop, const char *function);
    /* Only a thread that is not coil's own could still wake anything. */
    void (*deadlock_suspected)(struct ci_trace *trace, struct coil_loop *loop);
    /* Adds the debug room's knowledge (the creation's backtrace) to a report about its future. */
    void (*fill_report)(struct ci_trace *trace, struct coil_report *report);
    /* The loop closes: the last reports, then the trace frees itself. */
    void (*closing)(struct ci_trace *trace, struct coil_loop *loop);
};

/* Switches debug mode on for loop: sets its trace. Returns 0 or -ENOMEM, or the error of a thread that could not start. */
int ci_debug_attach(struct coil_loop *loop);

/* What a report does when the program has set no handler: prints it to stderr. */
void ci_debug_print_report(const struct coil_report *report);

#endif
