/*
 * Where a queue keeps its items: copies, in one growing block. Three ways to order them, one interface. What happens at every message of
 * a plain queue is inline; the rest is in items.c.
 */
#ifndef CI_SYNC_QUEUE_H
#define CI_SYNC_QUEUE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <coil/sync.h>

struct ci_items {
    char *slots;
    size_t item_size;
    size_t slot_size; /* an item, and its sequence number where items are compared */
    size_t capacity;  /* slots; a power of two */
    size_t head;      /* FIFO: the position of the first, which only counts up */
    size_t count;
    enum coil_queue_order order;
    int (*compare)(const void *a, const void *b);
    uint64_t sequence;
};

/* Prepares for at most maxsize items (0: any number). Reserves memory for a small maxsize, so that putting cannot fail. */
int ci_items_init(struct ci_items *items, const struct coil_queue_options *options);
void ci_items_destroy(struct ci_items *items);

/* Doubles the room. 0 or -ENOMEM with nothing changed. */
int ci_items_grow(struct ci_items *items);

/* Lets an item that was put behind the others rise to its place. */
void ci_items_rise(struct ci_items *items);

/* Moves the next item out where that is not simply the oldest. */
void ci_items_pop_ordered(struct ci_items *items, void *item);

/* Drops all items. */
static inline void ci_items_clear(struct ci_items *items)
{
    items->count = 0;
}

static inline char *ci_items_slot(const struct ci_items *items, size_t position)
{
    return items->slots + (position & (items->capacity - 1)) * items->slot_size;
}

/* Most items are numbers or pointers, and a call of memcpy costs more than moving one. */
static inline void ci_item_copy(void *to, const void *from, size_t size)
{
    if (size == sizeof(uint64_t)) {
        memcpy(to, from, sizeof(uint64_t));
    } else if (size == sizeof(uint32_t)) {
        memcpy(to, from, sizeof(uint32_t));
    } else {
        memcpy(to, from, size);
    }
}

/* Makes room for one more. 0 or -ENOMEM with nothing changed. */
static inline int ci_items_reserve(struct ci_items *items)
{
    return __builtin_expect(items->count < items->capacity, 1) ? 0 : ci_items_grow(items);
}

/* Copies *item in; there must be room. */
static inline void ci_items_push(struct ci_items *items, const void *item)
{
    ci_item_copy(ci_items_slot(items, items->head + items->count), item, items->item_size);
    items->count++;
    if (__builtin_expect(items->order == COIL_PRIORITY, 0)) {
        ci_items_rise(items);
    }
}

/* Moves the next to *item; there must be one. */
static inline void ci_items_pop(struct ci_items *items, void *item)
{
    if (__builtin_expect(items->order != COIL_FIFO, 0)) {
        ci_items_pop_ordered(items, item);
        return;
    }
    ci_item_copy(item, ci_items_slot(items, items->head), items->item_size);
    items->head++;
    items->count--;
}

#endif
