/* Notes on errors: see note.h. */
#include "task/note.h"

#include <stdio.h>
#include <string.h>

#include "sys/alloc.h"

struct ci_note *ci_note_new(int error, struct ci_note *inner, const struct coil_site *site, const char *format,
                            va_list arguments)
{
    if (format == NULL) {
        return inner;
    }
    if (inner != NULL && inner->depth == CI_NOTES_MAX) {
        struct ci_note *last = inner;
        inner = ci_note_ref(last->inner);
        ci_note_unref(last);
    }
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    struct ci_note *note = length < 0 ? NULL : ci_alloc(sizeof(*note) + (size_t)length + 1);
    if (note == NULL) {
        return inner;
    }
    *note = (struct ci_note){
        .references = 1, .depth = inner == NULL ? 1 : inner->depth + 1, .error = error, .inner = inner};
    if (site != NULL) {
        note->site = *site;
    }
    (void)vsnprintf(note->text, (size_t)length + 1, format, arguments); /* measured above */
    return note;
}

struct ci_note *ci_note_from_text(int error, const char *text)
{
    size_t size = strlen(text) + 1;
    struct ci_note *note = ci_alloc(sizeof(*note) + size);

    if (note != NULL) {
        *note = (struct ci_note){.references = 1, .depth = 1, .error = error};
        memcpy(note->text, text, size);
    }
    return note;
}

struct ci_note *ci_note_ref(struct ci_note *note)
{
    if (note != NULL) {
        note->references++;
    }
    return note;
}

void ci_note_unref(struct ci_note *note)
{
    while (note != NULL && --note->references == 0) {
        struct ci_note *inner = note->inner;
        ci_free(note);
        note = inner;
    }
}

size_t ci_note_format(const struct ci_note *note, char *out, size_t size)
{
    size_t length = 0;

    for (; note != NULL; note = note->inner) {
        size_t used = length < size ? length : size;
        int n = snprintf(size == 0 ? NULL : out + used, size - used, "%s%s", length == 0 ? "" : ": ", note->text);
        length += n < 0 ? 0 : (size_t)n;
    }
    return length;
}
