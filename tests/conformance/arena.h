/*
 * Memory that is given back all at once: what one program needs, from its text to its trace, goes when the
 * program has been run. So a coroutine that is abandoned in the middle leaks nothing of the interpreter's.
 * Running out ends the process.
 */
#ifndef CONFORMANCE_ARENA_H
#define CONFORMANCE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct arena_block;

struct arena {
    struct arena_block *blocks;
    char *next;
    char *end;
};

/* Returns size bytes of zeroes, aligned for anything; never NULL. */
void *arena_alloc(struct arena *arena, size_t size);

/* Gives everything back; the arena is as new. */
void arena_free(struct arena *arena);

/* A text that grows, in an arena. */
struct text {
    struct arena *arena;
    char *bytes; /* ends with a '\0' that is not counted; NULL while the text is empty */
    size_t length;
    size_t capacity;
};

/* Appends size bytes. */
void text_append(struct text *text, const char *bytes, size_t size);

/* Appends what printf would print. */
void text_put(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_vput(struct text *text, const char *format, va_list arguments) __attribute__((format(printf, 2, 0)));

/* The text as a string, "" when it is empty. */
const char *text_string(const struct text *text);

#endif
