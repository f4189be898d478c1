/*
 * The ready queue: a ring of 16-byte entries, "run this with that", in the order in which they came. Pushing cannot fail,
 * so that no wake-up is ever lost for want of memory: whoever may push later reserves its place beforehand, where failing
 * is still possible, and the ring always holds as many entries as places are reserved. An entry is named by its position, a
 * number that only counts up (and wraps), so that one that is no longer wanted can be blanked in O(1) wherever it is.
 */
#ifndef CI_LOOP_READY_H
#define CI_LOOP_READY_H

#include <stdbool.h>
#include <stdint.h>

typedef void ci_entry_fn(void *arg);

struct ci_entry {
    ci_entry_fn *run;
    void *arg;
};

struct ci_ready {
    struct ci_entry *ring;
    uint32_t mask;
    uint32_t head;
    uint32_t tail;
    uint32_t batch_end; /* this iteration runs up to here */
    uint32_t reserved;  /* entries that may be in the ring at the same time; at most mask + 1 */
};

/* What an entry that was blanked runs: nothing. */
void ci_ready_nothing(void *arg);

int ci_ready_init(struct ci_ready *queue);
void ci_ready_destroy(struct ci_ready *queue);

/* Makes the ring large enough for count entries. Returns 0 or -ENOMEM with nothing changed. */
int ci_ready_grow(struct ci_ready *queue, uint32_t count);

/* Reserves a place for one entry that will be in the ring at most once at a time. Returns 0 or -ENOMEM. */
static inline int ci_ready_reserve(struct ci_ready *queue)
{
    if (__builtin_expect(queue->reserved > queue->mask, 0)) {
        int rc = ci_ready_grow(queue, queue->reserved + 1);
        if (rc < 0) {
            return rc;
        }
    }
    queue->reserved++;
    return 0;
}

static inline void ci_ready_release(struct ci_ready *queue)
{
    queue->reserved--;
}

static inline bool ci_ready_empty(const struct ci_ready *queue)
{
    return queue->head == queue->tail;
}

/* Appends an entry and returns its position. */
static inline uint32_t ci_ready_push(struct ci_ready *queue, ci_entry_fn *run, void *arg)
{
    struct ci_entry *entry = &queue->ring[queue->tail & queue->mask];

    entry->run = run;
    entry->arg = arg;
    return queue->tail++;
}

/*
 * In a crowd so large that nothing is in any cache when its turn comes, the memory of an entry a few turns ahead is fetched
 * meanwhile: what its argument points to (a task, a timer), and what lies around that (the frames below).
 */
enum { CI_CROWD = 2000, CI_TURNS_AHEAD = 6, CI_FETCHED_BYTES = 320, CI_CACHE_LINE = 64 };

static inline void ci_ready_fetch_ahead(const struct ci_ready *queue)
{
    if (__builtin_expect(queue->batch_end - queue->head > CI_CROWD, 0)) {
        const char *middle = queue->ring[(queue->head + CI_TURNS_AHEAD) & queue->mask].arg;
        for (int offset = -CI_FETCHED_BYTES; offset <= CI_FETCHED_BYTES; offset += CI_CACHE_LINE) {
            __builtin_prefetch(middle + offset);
        }
    }
}

/* Blanks the entry at position, which must still be waiting. It keeps its turn, in which nothing happens. */
static inline void ci_ready_blank(struct ci_ready *queue, uint32_t position)
{
    queue->ring[position & queue->mask].run = ci_ready_nothing;
}

#endif
