/*
 * What the demo writes, and how: titles, timed lines, a progress line. Colours and rewriting are for
 * terminals alone.
 */
#ifndef DEMO_TERMINAL_H
#define DEMO_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

enum { COUNT_BYTES = 32 };

/* Finds out what standard output is. Call it first. */
void terminal_begin(void);

bool terminal_is_interactive(void);

/*
 * Prints a heading, with what it is about in the lines below it, and sets the clock of terminal_say to zero.
 */
void terminal_title(const char *title, const char *about);

/* Prints a line behind the time since the last title. */
void terminal_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Prints a plain line. */
void terminal_print(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Prints a line that the next one replaces, where it can be replaced; elsewhere it is a line like others. */
void terminal_progress(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Makes what terminal_progress printed last stay. */
void terminal_keep_progress(void);

/* Writes "1,234,567" into text, which has COUNT_BYTES, and returns it. */
const char *format_count(char *text, unsigned long long count);

#endif
