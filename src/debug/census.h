/*
 * The census: which futures live, and the backtrace of each one's creation. A table beside the futures, so
 * that they carry nothing for debug mode; equal backtraces are kept once, since programs make futures in
 * few places. Where memory runs out a future is simply not in it. It knows a future as an address alone.
 *
 * It belongs to the loop's thread, but for ci_census_origin, by which the watchdog looks things up.
 */
#ifndef CI_DEBUG_CENSUS_H
#define CI_DEBUG_CENSUS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct coil_future;

/* Where futures were made: good until the census ends. */
struct ci_origin {
    struct ci_origin *next;
    uint64_t hash;
    _Atomic int own_frames; /* how many of the first addresses are the library's own; -1 until somebody has asked */
    size_t depth;
    void *addresses[];
};

struct ci_census_entry {
    struct coil_future *future; /* NULL: the place is free */
    struct ci_origin *origin;
    uint64_t serial; /* counts births, so that reports come in their order */
    bool excused;    /* see ci_census_excuse */
};

enum { CI_CENSUS_BUCKETS = 512 };

struct ci_census {
    pthread_mutex_t lock;
    struct ci_census_entry *entries;
    size_t capacity; /* a power of two, or 0 */
    size_t count;
    uint64_t serial;
    struct ci_origin *origins[CI_CENSUS_BUCKETS];
};

void ci_census_begin(struct ci_census *census);

/* Adds a future with the backtrace of its creation. */
void ci_census_add(struct ci_census *census, struct coil_future *future, void *const *addresses, size_t depth);

/* Takes it out; nothing happens if it is not there. */
void ci_census_remove(struct ci_census *census, struct coil_future *future);

/* Where future was made, or NULL when that is not known. From any thread. */
struct ci_origin *ci_census_origin(struct ci_census *census, const struct coil_future *future);

/* Marks future as one whose references may stay: it is a task without an end that holds them. */
void ci_census_excuse(struct ci_census *census, const struct coil_future *future);

/* Whether future is in it. */
bool ci_census_has(struct ci_census *census, const struct coil_future *future);

/*
 * A copy of the entries, oldest first, with their number in *count; to be given back with ci_free. NULL
 * without memory, or when there are none.
 */
struct ci_census_entry *ci_census_list(struct ci_census *census, size_t *count);

void ci_census_end(struct ci_census *census);

#endif
