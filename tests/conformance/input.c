/* Reading: see input.h. */
#include "input.h"

#include "arena.h"

char *read_all(struct arena *arena, FILE *stream, size_t *length)
{
    struct text text = {.arena = arena};
    char buffer[4096];
    size_t n;

    while ((n = fread(buffer, 1, sizeof(buffer), stream)) > 0) {
        text_append(&text, buffer, n);
    }
    text_append(&text, "", 0);
    *length = text.length;
    return text.bytes;
}

char *read_bytes(struct arena *arena, FILE *stream, size_t length)
{
    char *bytes = arena_alloc(arena, length + 1);

    return fread(bytes, 1, length, stream) == length ? bytes : NULL;
}
