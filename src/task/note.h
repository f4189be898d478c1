/*
 * Notes: the words that travel with an error or a cancellation, from where coil_fail or coil_cancel_msg said them to whoever looks at
 * the future. A note is immutable and counted, because several futures may carry it; it points to the note that was there
 * before it. Where there is no memory for a note it is simply missing. A chain has an end: nothing tells the failure of something
 * that is tried again and again from a failure on its way out, so beyond CI_NOTES_MAX a new note takes the place of the last.
 */
#ifndef CI_TASK_NOTE_H
#define CI_TASK_NOTE_H

#include <stdarg.h>
#include <stddef.h>

#include <coil/base.h>

enum { CI_NOTES_MAX = 64 };

struct ci_note {
    unsigned references;
    unsigned depth;        /* how many there are with those inside */
    int error;             /* what it was said of */
    struct ci_note *inner; /* said before, further in */
    struct coil_site site;
    char text[];
};

/* Makes a note with one reference, taking over the caller's reference to inner, on failure too. NULL without memory. */
struct ci_note *ci_note_new(int error, struct ci_note *inner, const struct coil_site *site, const char *format,
                            va_list arguments);

/* The same from a plain text. */
struct ci_note *ci_note_from_text(int error, const char *text);

struct ci_note *ci_note_ref(struct ci_note *note);
void ci_note_unref(struct ci_note *note);

/* Writes the texts, outermost first, joined by ": ", into out as snprintf does. Returns the length of the whole. */
size_t ci_note_format(const struct ci_note *note, char *out, size_t size);

/* Replaces *slot by note, whose reference it takes over. */
static inline void ci_note_store(struct ci_note **slot, struct ci_note *note)
{
    struct ci_note *old = *slot;

    *slot = note;
    if (old != NULL) {
        ci_note_unref(old);
    }
}

#endif
