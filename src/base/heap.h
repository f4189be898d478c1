/*
 * The timers' heap: four children to a node, because an entry is 16 bytes and four of them are one cache line, so that
 * going down a level costs one miss instead of two. The deadline is kept beside the pointer; the thing itself is touched
 * only to break a tie and to note where its entry now is, which makes taking one out of the middle O(log n) as well.
 * Equal deadlines come out in the order in which they were put in. The heap does not allocate: its owner hands it an array.
 */
#ifndef CI_BASE_HEAP_H
#define CI_BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is embedded in a thing that the heap orders. */
struct ci_heap_node {
    uint64_t sequence;
    uint32_t index;
};

struct ci_heap_entry {
    int64_t key;
    struct ci_heap_node *node;
};

struct ci_heap {
    struct ci_heap_entry *entries;
    uint32_t count;
    uint32_t capacity;
    uint64_t sequence;
};

static inline bool ci_heap_full(const struct ci_heap *heap)
{
    return heap->count == heap->capacity;
}

/* Puts node in under key. The heap must not be full. */
void ci_heap_push(struct ci_heap *heap, int64_t key, struct ci_heap_node *node);

/* Takes node, which must be in the heap, out of it. */
void ci_heap_remove(struct ci_heap *heap, struct ci_heap_node *node);

/* Takes the entry with the smallest key out of the heap, which must not be empty, and returns its node. */
struct ci_heap_node *ci_heap_pop(struct ci_heap *heap);

#endif
