/* Reads what conformance_run is given: whole files, and streams of lines and of counted bytes. */
#ifndef CONFORMANCE_INPUT_H
#define CONFORMANCE_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct arena;

/* Reads all that is left of a stream. */
char *read_all(struct arena *arena, FILE *stream, size_t *length);

/* Reads so many bytes; NULL if there are fewer. The result ends with a '\0' that is not counted. */
char *read_bytes(struct arena *arena, FILE *stream, size_t length);

#endif
