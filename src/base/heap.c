/* The four-way heap: see heap.h. */
#include "base/heap.h"

enum { WAYS = 4 };

static bool before(const struct ci_heap_entry *a, const struct ci_heap_entry *b)
{
    return a->key < b->key || (a->key == b->key && (int32_t)(a->sequence - b->sequence) < 0);
}

static void place(struct ci_heap *heap, uint32_t index, struct ci_heap_entry entry)
{
    heap->entries[index] = entry;
    heap->positions[entry.slot] = index;
}

/* Moves the hole at index towards the root until entry fits into it. */
static void rise(struct ci_heap *heap, uint32_t index, struct ci_heap_entry entry)
{
    while (index > 0) {
        uint32_t parent = (index - 1) / WAYS;
        if (!before(&entry, &heap->entries[parent])) {
            break;
        }
        place(heap, index, heap->entries[parent]);
        index = parent;
    }
    place(heap, index, entry);
}

static inline uint32_t smallest_of(const struct ci_heap *heap, uint32_t first, uint32_t count)
{
    uint32_t best = first;

    for (uint32_t i = 1; i < count; i++) {
        if (before(&heap->entries[first + i], &heap->entries[best])) {
            best = first + i;
        }
    }
    return best;
}

/* Nearly every node has all its children: for those the loop is unrolled. */
static inline uint32_t smallest_child(const struct ci_heap *heap, uint32_t first)
{
    uint32_t count = heap->count - first;

    return __builtin_expect(count >= WAYS, 1) ? smallest_of(heap, first, WAYS) : smallest_of(heap, first, count);
}

/* Moves the hole at index towards the leaves until entry fits into it. */
static void sink(struct ci_heap *heap, uint32_t index, struct ci_heap_entry entry)
{
    for (;;) {
        uint64_t first = (uint64_t)index * WAYS + 1;
        if (first >= heap->count) {
            break;
        }
        uint32_t child = smallest_child(heap, (uint32_t)first);
        if (!before(&heap->entries[child], &entry)) {
            break;
        }
        place(heap, index, heap->entries[child]);
        index = child;
    }
    place(heap, index, entry);
}

static uint32_t take_slot(struct ci_heap *heap)
{
    heap->slots_out++;
    if (heap->free_slot == 0) {
        return heap->used_slots++;
    }
    uint32_t slot = heap->free_slot - 1;
    heap->free_slot = heap->positions[slot];
    return slot;
}

/* When the last one is back, slots are handed out in order again: the order in which they came back is that of the keys, and
 * would make every push from now on a miss in the cache. */
static void give_slot_back(struct ci_heap *heap, uint32_t slot)
{
    if (--heap->slots_out == 0) {
        heap->used_slots = heap->free_slot = 0;
        return;
    }
    heap->positions[slot] = heap->free_slot;
    heap->free_slot = slot + 1;
}

/* Takes the entry at index out. Its slot is left as it is. */
static void take_out(struct ci_heap *heap, uint32_t index)
{
    struct ci_heap_entry last = heap->entries[--heap->count];

    if (index == heap->count) {
        return;
    }
    if (index > 0 && before(&last, &heap->entries[(index - 1) / WAYS])) {
        rise(heap, index, last);
    } else {
        sink(heap, index, last);
    }
}

void ci_heap_push(struct ci_heap *heap, int64_t key, struct ci_heap_node *node)
{
    node->slot = take_slot(heap);
    heap->nodes[node->slot] = node;
    rise(heap, heap->count++, (struct ci_heap_entry){.key = key, .sequence = heap->sequence++, .slot = node->slot});
}

void ci_heap_remove(struct ci_heap *heap, struct ci_heap_node *node)
{
    take_out(heap, heap->positions[node->slot]);
    give_slot_back(heap, node->slot);
}

struct ci_heap_node *ci_heap_pop(struct ci_heap *heap, uint32_t note)
{
    uint32_t slot = heap->entries[0].slot;

    take_out(heap, 0);
    heap->positions[slot] = note;
    return heap->nodes[slot];
}

bool ci_heap_popped(const struct ci_heap *heap, const struct ci_heap_node *node, uint32_t *note)
{
    *note = heap->positions[node->slot];
    return *note >= heap->count || heap->entries[*note].slot != node->slot;
}

void ci_heap_forget(struct ci_heap *heap, struct ci_heap_node *node)
{
    give_slot_back(heap, node->slot);
}
