/*
 * Options structs of the public API: the first member is the size that the struct had when the caller was compiled. A smaller one than
 * this library's comes from an older header, and what it lacks counts as zero, which always means the default. So does all of it when
 * the caller gives NULL.
 */
#ifndef CI_BASE_OPTIONS_H
#define CI_BASE_OPTIONS_H

#include <string.h>

/* Returns given if it has all that is known, else copy, of known bytes, filled in from what given has. */
static inline const void *ci_options(void *copy, size_t known, const void *given)
{
    size_t size = given == NULL ? 0 : *(const size_t *)given;

    if (__builtin_expect(size >= known, 1)) {
        return given;
    }
    memset(copy, 0, known);
    if (size > 0) {
        memcpy(copy, given, size);
    }
    return copy;
}

#endif
