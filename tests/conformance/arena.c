/* Arenas and the texts in them: see arena.h. */
#include "arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 64 * 1024, ALIGNMENT = 16, FIRST_TEXT_BYTES = 64 };

struct arena_block {
    struct arena_block *older;
    char bytes[];
};

static void *allocate_or_die(size_t size)
{
    void *memory = calloc(1, size);

    if (memory == NULL) {
        (void)fputs("conformance_run: out of memory\n", stderr);
        exit(EXIT_FAILURE);
    }
    return memory;
}

static void add_block(struct arena *arena, size_t size)
{
    size_t bytes = size + ALIGNMENT > BLOCK_BYTES ? size + ALIGNMENT : BLOCK_BYTES;
    struct arena_block *block = allocate_or_die(sizeof(*block) + bytes);

    block->older = arena->blocks;
    arena->blocks = block;
    arena->next = block->bytes;
    arena->end = block->bytes + bytes;
}

static size_t misalignment(const char *address)
{
    return (size_t)((ALIGNMENT - (uintptr_t)address % ALIGNMENT) % ALIGNMENT);
}

void *arena_alloc(struct arena *arena, size_t size)
{
    if (arena->next == NULL || size + misalignment(arena->next) > (size_t)(arena->end - arena->next)) {
        add_block(arena, size);
    }
    char *memory = arena->next + misalignment(arena->next);
    arena->next = memory + size;
    return memory;
}

void arena_free(struct arena *arena)
{
    struct arena_block *older;

    for (struct arena_block *block = arena->blocks; block != NULL; block = older) {
        older = block->older;
        free(block);
    }
    *arena = (struct arena){0};
}

/* ---- texts ------------------------------------------------------------------------------------------------------- */

static void reserve(struct text *text, size_t more)
{
    size_t capacity = text->capacity == 0 ? FIRST_TEXT_BYTES : text->capacity;

    while (capacity < text->length + more + 1) {
        capacity *= 2;
    }
    if (capacity == text->capacity) {
        return;
    }
    char *bytes = arena_alloc(text->arena, capacity);
    if (text->length > 0) {
        memcpy(bytes, text->bytes, text->length);
    }
    text->bytes = bytes;
    text->capacity = capacity;
}

void text_append(struct text *text, const char *bytes, size_t size)
{
    reserve(text, size);
    memcpy(text->bytes + text->length, bytes, size);
    text->length += size;
    text->bytes[text->length] = '\0';
}

void text_vput(struct text *text, const char *format, va_list arguments)
{
    va_list again;

    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (length < 0) {
        return;
    }
    reserve(text, (size_t)length);
    (void)vsnprintf(text->bytes + text->length, (size_t)length + 1, format, arguments); /* measured above */
    text->length += (size_t)length;
}

void text_put(struct text *text, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    text_vput(text, format, arguments);
    va_end(arguments);
}

const char *text_string(const struct text *text)
{
    return text->bytes == NULL ? "" : text->bytes;
}
