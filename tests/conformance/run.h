/* Runs a program from its text to its trace. */
#ifndef CONFORMANCE_RUN_H
#define CONFORMANCE_RUN_H

#include <stdbool.h>
#include <stddef.h>

struct text;

/* How traces are written. */
struct trace_options {
    bool no_iterations; /* --noiter */
    bool rank;          /* --rank: iterations that left no line do not count */
};

/* The exit statuses of one program: what the process exits with that is given it alone. */
enum { EXIT_OK = 0, EXIT_UNREADABLE = 2, EXIT_UNSUPPORTED = 3 };

/*
 * Runs a program. Writes its trace, or, where the status is not EXIT_OK, a message with a newline. Returns
 * the status.
 */
int run_program(const char *program, size_t length, const struct trace_options *options, struct text *out);

#endif
