/* Where a queue keeps its items: copies, in one growing block. Three ways to order them, one interface. */
#ifndef CI_SYNC_QUEUE_H
#define CI_SYNC_QUEUE_H

#include <stddef.h>
#include <stdint.h>

#include <coil/sync.h>

struct ci_items {
    enum coil_queue_order order;
    int (*compare)(const void *a, const void *b);
    size_t item_size;
    size_t slot_size; /* an item, and its sequence number where items are compared */
    size_t capacity;  /* slots; a power of two */
    size_t head;      /* FIFO: the position of the first, which only counts up */
    size_t count;
    uint64_t sequence;
    char *slots;
};

/* Prepares for at most maxsize items (0: any number). Reserves memory for a small maxsize, so that putting cannot fail. */
int ci_items_init(struct ci_items *items, const struct coil_queue_options *options);
void ci_items_destroy(struct ci_items *items);

/* Makes room for one more. 0 or -ENOMEM with nothing changed. */
int ci_items_reserve(struct ci_items *items);

/* Copies *item in; there must be room. */
void ci_items_push(struct ci_items *items, const void *item);

/* Moves the next to *item (NULL: nowhere); there must be one. */
void ci_items_pop(struct ci_items *items, void *item);

#endif
