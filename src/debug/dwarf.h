/*
 * libdw, as symbols.c uses it: opened at run time, so that the library does not depend on it; a program
 * without it has shorter names in its reports. Not for several threads at the same time.
 */
#ifndef CI_DEBUG_DWARF_H
#define CI_DEBUG_DWARF_H

#include <stddef.h>

struct ci_dwarf;
struct ci_frame;

/* Makes itself acquainted with the running program. NULL where libdw is not to be had. */
struct ci_dwarf *ci_dwarf_open(void);

/*
 * Fills frames for the call that returns to address, innermost inlined function first; 0 if it knows
 * nothing of it.
 */
size_t ci_dwarf_find(struct ci_dwarf *dwarf, const void *address, struct ci_frame *frames, size_t capacity);

void ci_dwarf_close(struct ci_dwarf *dwarf);

#endif
