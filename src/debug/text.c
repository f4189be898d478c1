/* The growing text: see text.h. */
#include "debug/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sys/alloc.h"

void ci_text_begin(struct ci_text *text, char *buffer, size_t size)
{
    *text = (struct ci_text){.data = buffer, .capacity = size};
    buffer[0] = '\0';
}

/* Makes room for so many more bytes and the zero. Without memory, what is there stays. */
static bool reserve(struct ci_text *text, size_t more)
{
    size_t capacity = text->capacity;

    while (capacity - text->length <= more) {
        capacity *= 2;
    }
    if (capacity == text->capacity) {
        return true;
    }
    char *data = ci_realloc(text->on_heap ? text->data : NULL, capacity);
    if (data == NULL) {
        return false;
    }
    if (!text->on_heap) {
        memcpy(data, text->data, text->length + 1);
    }
    text->data = data;
    text->capacity = capacity;
    text->on_heap = true;
    return true;
}

void ci_text_add(struct ci_text *text, const char *format, ...)
{
    va_list arguments;
    va_list again;

    if (text->cut) {
        return;
    }
    va_start(arguments, format);
    va_copy(again, arguments);
    size_t left = text->capacity - text->length;
    int length = vsnprintf(text->data + text->length, left, format, arguments);
    va_end(arguments);
    if (length > 0 && (size_t)length >= left && reserve(text, (size_t)length)) {
        left = text->capacity - text->length;
        length = vsnprintf(text->data + text->length, left, format, again);
    }
    va_end(again);
    if (length > 0) {
        text->cut = (size_t)length >= left;
        text->length += text->cut ? left - 1 : (size_t)length;
    }
}

void ci_text_end(struct ci_text *text)
{
    if (text->on_heap) {
        ci_free(text->data);
    }
}
