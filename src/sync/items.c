/* The items of a queue: a ring, a stack, or a binary heap in which equal items keep their order. See queue.h. */
#include <errno.h>
#include <string.h>

#include "sync/queue.h"
#include "sys/alloc.h"

enum { FIRST_SLOTS = 16, RESERVED_AT_BIRTH = 1024 };

static char *slot(const struct ci_items *items, size_t position)
{
    return items->slots + (position & (items->capacity - 1)) * items->slot_size;
}

static int grow(struct ci_items *items, size_t capacity)
{
    size_t bytes;

    if (__builtin_mul_overflow(capacity, items->slot_size, &bytes)) {
        return -ENOMEM;
    }
    char *slots = ci_alloc(bytes);
    if (slots == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < items->count; i++) {
        memcpy(slots + i * items->slot_size, slot(items, items->head + i), items->slot_size);
    }
    ci_free(items->slots);
    items->slots = slots;
    items->capacity = capacity;
    items->head = 0;
    return 0;
}

int ci_items_init(struct ci_items *items, const struct coil_queue_options *options)
{
    size_t capacity = FIRST_SLOTS;

    *items = (struct ci_items){.order = options->order, .compare = options->compare, .item_size = options->item_size};
    items->slot_size = options->item_size;
    if (options->order == COIL_PRIORITY) {
        items->slot_size += sizeof(uint64_t);
    }
    while (options->maxsize <= RESERVED_AT_BIRTH && capacity < options->maxsize) {
        capacity *= 2;
    }
    return grow(items, capacity);
}

void ci_items_destroy(struct ci_items *items)
{
    ci_free(items->slots);
}

int ci_items_reserve(struct ci_items *items)
{
    return items->count < items->capacity ? 0 : grow(items, items->capacity * 2);
}

/* ---- the heap -------------------------------------------------------------------------------------------------------- */

static uint64_t sequence_of(const struct ci_items *items, const char *item)
{
    uint64_t sequence;

    memcpy(&sequence, item + items->item_size, sizeof(sequence));
    return sequence;
}

static int before(const struct ci_items *items, const char *a, const char *b)
{
    int order = items->compare(a, b);

    return order < 0 || (order == 0 && sequence_of(items, a) < sequence_of(items, b));
}

static void swap(struct ci_items *items, size_t i, size_t j)
{
    char *a = slot(items, i);
    char *b = slot(items, j);

    for (size_t k = 0; k < items->slot_size; k++) {
        char byte = a[k];
        a[k] = b[k];
        b[k] = byte;
    }
}

static void rise(struct ci_items *items, size_t i)
{
    while (i > 0 && before(items, slot(items, i), slot(items, (i - 1) / 2))) {
        swap(items, i, (i - 1) / 2);
        i = (i - 1) / 2;
    }
}

static void sink(struct ci_items *items, size_t i)
{
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= items->count) {
            return;
        }
        if (child + 1 < items->count && before(items, slot(items, child + 1), slot(items, child))) {
            child++;
        }
        if (!before(items, slot(items, child), slot(items, i))) {
            return;
        }
        swap(items, i, child);
        i = child;
    }
}

/* ---- in and out ------------------------------------------------------------------------------------------------------ */

void ci_items_push(struct ci_items *items, const void *item)
{
    char *last = slot(items, items->head + items->count);

    memcpy(last, item, items->item_size);
    items->count++;
    if (items->order == COIL_PRIORITY) {
        memcpy(last + items->item_size, &items->sequence, sizeof(items->sequence));
        items->sequence++;
        rise(items, items->count - 1);
    }
}

static void copy_out(const struct ci_items *items, void *item, const char *from)
{
    if (item != NULL) {
        memcpy(item, from, items->item_size);
    }
}

void ci_items_pop(struct ci_items *items, void *item)
{
    switch (items->order) {
    case COIL_FIFO:
        copy_out(items, item, slot(items, items->head));
        items->head++;
        items->count--;
        break;
    case COIL_LIFO:
        items->count--;
        copy_out(items, item, slot(items, items->count));
        break;
    case COIL_PRIORITY:
        copy_out(items, item, slot(items, 0));
        items->count--;
        if (items->count > 0) {
            memcpy(slot(items, 0), slot(items, items->count), items->slot_size);
            sink(items, 0);
        }
        break;
    }
}
