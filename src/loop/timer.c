/* Timers on the four-way heap: see timer.h. The loop's attention flag says whether any is set. */
#include "loop/timer.h"

#include <errno.h>

#include "loop/loop.h"
#include "sys/alloc.h"

enum { FIRST_TIMERS = 32 };

static int reserve_heap(struct ci_heap *heap)
{
    if (!ci_heap_full(heap)) {
        return 0;
    }
    if (heap->capacity > UINT32_MAX / 2) {
        return -ENOMEM;
    }
    uint32_t capacity = heap->capacity == 0 ? FIRST_TIMERS : heap->capacity * 2;
    struct ci_heap_entry *entries = ci_realloc(heap->entries, capacity * sizeof(*entries));
    if (entries == NULL) {
        return -ENOMEM;
    }
    heap->entries = entries;
    struct ci_heap_node **nodes = ci_realloc(heap->nodes, capacity * sizeof(*nodes));
    if (nodes == NULL) {
        return -ENOMEM;
    }
    heap->nodes = nodes;
    uint32_t *positions = ci_realloc(heap->positions, capacity * sizeof(*positions));
    if (positions == NULL) {
        return -ENOMEM;
    }
    heap->positions = positions;
    heap->capacity = capacity;
    return 0;
}

int ci_timer_set(struct ci_timer *timer, int64_t when_ns)
{
    struct coil_loop *loop = timer->loop;

    timer->when_ns = when_ns;
    if (when_ns == CI_FOREVER) {
        return 0;
    }
    int rc = reserve_heap(&loop->timers);
    if (rc < 0) {
        return rc;
    }
    rc = ci_ready_reserve(&loop->ready);
    if (rc < 0) {
        return rc;
    }
    ci_heap_push(&loop->timers, when_ns, &timer->node);
    timer->state = CI_TIMER_IN_HEAP;
    loop->attention |= CI_LOOK_TIMERS;
    return 0;
}

/* The timer's entry in the ready queue has run, or never will: the timer is idle. */
static void settle(struct ci_timer *timer)
{
    if (timer->state == CI_TIMER_IN_HEAP) {
        ci_heap_forget(&timer->loop->timers, &timer->node);
    }
    timer->state = CI_TIMER_IDLE;
    ci_ready_release(&timer->loop->ready);
}

/* The timer's entry in the ready queue. The timer may be gone once its function has run. */
static void run_timer(void *arg)
{
    struct ci_timer *timer = arg;

    settle(timer);
    timer->run(timer);
}

int ci_timer_set_soon(struct ci_timer *timer)
{
    int rc = ci_ready_reserve(&timer->loop->ready);

    if (rc == 0) {
        timer->state = CI_TIMER_READY;
        timer->position = ci_ready_push(&timer->loop->ready, run_timer, timer);
    }
    return rc;
}

/* Whether the timer is in the heap. Else it is in the ready queue, at *position. */
static bool in_heap(const struct ci_timer *timer, uint32_t *position)
{
    if (timer->state == CI_TIMER_IN_HEAP) {
        return !ci_heap_popped(&timer->loop->timers, &timer->node, position);
    }
    *position = timer->position;
    return false;
}

void ci_timer_stop(struct ci_timer *timer)
{
    struct coil_loop *loop = timer->loop;
    uint32_t position;

    if (timer->state == CI_TIMER_IDLE) {
        return;
    }
    if (!in_heap(timer, &position)) {
        ci_ready_blank(&loop->ready, position);
        settle(timer);
        return;
    }
    ci_heap_remove(&loop->timers, &timer->node);
    timer->state = CI_TIMER_IDLE;
    ci_ready_release(&loop->ready);
}

/* Touches none of the timers, which lie each in a page of its own: it is the heap that notes where they have gone. */
void ci_timer_collect(struct coil_loop *loop, int64_t now_ns)
{
    struct ci_heap *heap = &loop->timers;

    while (heap->count > 0 && heap->entries[0].key <= now_ns) {
        struct ci_heap_node *node = ci_heap_pop(heap, loop->ready.tail);
        (void)ci_ready_push(&loop->ready, run_timer, ci_container_of(node, struct ci_timer, node));
    }
}

void ci_timers_destroy(struct coil_loop *loop)
{
    ci_free(loop->timers.entries);
    ci_free(loop->timers.nodes);
    ci_free(loop->timers.positions);
}
