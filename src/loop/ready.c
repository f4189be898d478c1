/* The ready queue's memory: see ready.h. */
#include "loop/ready.h"

#include <errno.h>
#include <stddef.h>

#include "sys/alloc.h"

enum { FIRST_ENTRIES = 64 };

void ci_ready_nothing(void *arg)
{
    (void)arg;
}

int ci_ready_init(struct ci_ready *queue)
{
    *queue = (struct ci_ready){0};
    queue->ring = ci_alloc(FIRST_ENTRIES * sizeof(*queue->ring));
    if (queue->ring == NULL) {
        return -ENOMEM;
    }
    queue->mask = FIRST_ENTRIES - 1;
    return 0;
}

void ci_ready_destroy(struct ci_ready *queue)
{
    ci_free(queue->ring);
    queue->ring = NULL;
}

int ci_ready_grow(struct ci_ready *queue, uint32_t count)
{
    uint64_t size = (uint64_t)queue->mask + 1;

    while (size < count) {
        size *= 2;
    }
    if (size > UINT32_MAX / 2) {
        return -ENOMEM;
    }
    struct ci_entry *ring = ci_alloc(size * sizeof(*ring));
    if (ring == NULL) {
        return -ENOMEM;
    }
    uint32_t mask = (uint32_t)(size - 1);
    for (uint32_t at = queue->head; at != queue->tail; at++) {
        ring[at & mask] = queue->ring[at & queue->mask];
    }
    ci_free(queue->ring);
    queue->ring = ring;
    queue->mask = mask;
    return 0;
}
