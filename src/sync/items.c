/*
 * The items of a queue: a ring, a stack, or a binary heap in which equal items keep their order. The heap has a number beside each item,
 * which counts the puts, and one slot more than it needs, in which an item waits while others make way for it. See queue.h.
 */
#include <errno.h>

#include "sync/queue.h"
#include "sys/alloc.h"

enum { FIRST_SLOTS = 16, RESERVED_AT_BIRTH = 1024, LARGEST_ALIGNMENT = 16 };

/* ---- memory ---------------------------------------------------------------------------------------------------------- */

static int resize(struct ci_items *items, size_t capacity)
{
    size_t bytes;

    if (__builtin_mul_overflow(capacity + 1, items->slot_size, &bytes)) {
        return -ENOMEM;
    }
    char *slots = ci_alloc(bytes);
    if (slots == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < items->count; i++) {
        memcpy(slots + i * items->slot_size, ci_items_slot(items, items->head + i), items->slot_size);
    }
    ci_free(items->slots);
    items->slots = slots;
    items->capacity = capacity;
    items->head = 0;
    return 0;
}

/* The slots of a heap are as aligned as an item of this size can ask for. */
static size_t slot_size(const struct coil_queue_options *options)
{
    size_t alignment = options->item_size & -options->item_size;
    size_t size = options->item_size;

    if (options->order != COIL_PRIORITY) {
        return size;
    }
    if (alignment > LARGEST_ALIGNMENT) {
        alignment = LARGEST_ALIGNMENT;
    }
    size += sizeof(uint64_t);
    return (size + alignment - 1) & -alignment;
}

int ci_items_init(struct ci_items *items, const struct coil_queue_options *options)
{
    size_t maxsize = options->maxsize;
    size_t wanted = maxsize == 0 || maxsize > RESERVED_AT_BIRTH ? FIRST_SLOTS : maxsize;
    size_t capacity = 1;

    if (options->item_size > SIZE_MAX / 4) {
        return -ENOMEM;
    }
    *items = (struct ci_items){.order = options->order, .compare = options->compare, .item_size = options->item_size};
    items->slot_size = slot_size(options);
    while (capacity < wanted) {
        capacity *= 2;
    }
    return resize(items, capacity);
}

void ci_items_destroy(struct ci_items *items)
{
    ci_free(items->slots);
}

int ci_items_grow(struct ci_items *items)
{
    return resize(items, items->capacity * 2);
}

/* ---- the heap -------------------------------------------------------------------------------------------------------- */

/* A heap's head is always 0. */
static char *node(const struct ci_items *items, size_t i)
{
    return items->slots + i * items->slot_size;
}

static char *spare(const struct ci_items *items)
{
    return node(items, items->capacity);
}

static uint64_t sequence_of(const struct ci_items *items, const char *item)
{
    uint64_t sequence;

    memcpy(&sequence, item + items->item_size, sizeof(sequence));
    return sequence;
}

static bool before(const struct ci_items *items, const char *a, const char *b)
{
    int order = items->compare(a, b);

    return order < 0 || (order == 0 && sequence_of(items, a) < sequence_of(items, b));
}

static void move(const struct ci_items *items, char *to, const char *from)
{
    memcpy(to, from, items->slot_size);
}

void ci_items_rise(struct ci_items *items)
{
    size_t i = items->count - 1;
    char *item = spare(items);

    memcpy(node(items, i) + items->item_size, &items->sequence, sizeof(items->sequence));
    items->sequence++;
    move(items, item, node(items, i));
    while (i > 0 && before(items, item, node(items, (i - 1) / 2))) {
        move(items, node(items, i), node(items, (i - 1) / 2));
        i = (i - 1) / 2;
    }
    move(items, node(items, i), item);
}

/* Fills the root, which was taken out, with the item in the spare slot or with what is before it. */
static void sink(struct ci_items *items)
{
    const char *item = spare(items);
    size_t i = 0;

    for (;;) {
        size_t child = 2 * i + 1;
        if (child + 1 < items->count && before(items, node(items, child + 1), node(items, child))) {
            child++;
        }
        if (child >= items->count || !before(items, node(items, child), item)) {
            break;
        }
        move(items, node(items, i), node(items, child));
        i = child;
    }
    move(items, node(items, i), item);
}

void ci_items_pop_ordered(struct ci_items *items, void *item)
{
    items->count--;
    if (items->order == COIL_LIFO) {
        ci_item_copy(item, ci_items_slot(items, items->count), items->item_size);
        return;
    }
    ci_item_copy(item, node(items, 0), items->item_size);
    if (items->count > 0) {
        move(items, spare(items), node(items, items->count));
        sink(items);
    }
}
