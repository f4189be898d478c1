/*
 * The timers' heap: four children to a node, because an entry is 16 bytes and four of them are one cache line, so that going
 * down a level costs one miss instead of two. An entry holds all that is compared, and where each thing's entry is stands in a
 * dense array of its own: moving entries about touches none of the things, which lie each in a page of its own, and a thing in
 * the middle is taken out in O(log n). Equal keys come out in the order in which they were put in. The heap does not allocate:
 * its owner provides the three arrays, and may move them as realloc does.
 */
#ifndef CI_BASE_HEAP_H
#define CI_BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is embedded in a thing that the heap orders. */
struct ci_heap_node {
    uint32_t slot;
};

struct ci_heap_entry {
    int64_t key;
    uint32_t sequence;
    uint32_t slot; /* of the thing: stays the same as long as it is in the heap */
};

struct ci_heap {
    struct ci_heap_entry *entries;
    struct ci_heap_node **nodes; /* by slot */
    uint32_t *positions; /* by slot: of its entry, or a note; where the slot is free, the next free one and 1, or 0 */
    uint32_t count;
    uint32_t capacity;   /* of each of the three */
    uint32_t slots_out;  /* of things in the heap, and of those that were popped and not forgotten */
    uint32_t used_slots; /* slots that were ever in use */
    uint32_t free_slot;  /* the first free one of those and 1, or 0 */
    uint32_t sequence;   /* of the next push; it may wrap, as long as equal keys lie within half its range */
};

static inline bool ci_heap_full(const struct ci_heap *heap)
{
    return heap->slots_out == heap->capacity;
}

/* Puts node in under key. The heap must not be full. */
void ci_heap_push(struct ci_heap *heap, int64_t key, struct ci_heap_node *node);

/* Takes node, which must be in the heap, out of it. */
void ci_heap_remove(struct ci_heap *heap, struct ci_heap_node *node);

/*
 * Takes the entry with the smallest key out of the heap, which must not be empty, and returns its node without a look at it. The
 * heap keeps note for the node until ci_heap_forget.
 */
struct ci_heap_node *ci_heap_pop(struct ci_heap *heap, uint32_t note);

/* Whether a node that was pushed has been popped since; then *note is what was noted. */
bool ci_heap_popped(const struct ci_heap *heap, const struct ci_heap_node *node, uint32_t *note);

/* Ends what ci_heap_pop began. Until then node counts against the capacity. */
void ci_heap_forget(struct ci_heap *heap, struct ci_heap_node *node);

#endif
