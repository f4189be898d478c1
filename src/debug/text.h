/*
 * A text that grows: what a report is put together in, so that it can leave in one write. It begins in a
 * buffer of the caller's and moves to the heap when that is full; when there is no memory it is cut off
 * where it is, for a report that is short is better than none. It knows nothing of reports.
 */
#ifndef CI_DEBUG_TEXT_H
#define CI_DEBUG_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct ci_text {
    char *data;
    size_t length;   /* the terminating zero not counted */
    size_t capacity; /* the terminating zero counted */
    bool on_heap;
    bool cut;
};

/* Begins an empty text in buffer, which outlives it. size is not 0. */
void ci_text_begin(struct ci_text *text, char *buffer, size_t size);

/* Appends as printf does. */
void ci_text_add(struct ci_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Frees what it has on the heap. */
void ci_text_end(struct ci_text *text);

#endif
