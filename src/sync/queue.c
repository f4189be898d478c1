/*
 * Queues between tasks, after asyncio's queues.py: put and get wait in lines of their own, who is woken asks again (somebody may have
 * been quicker), and who is cancelled after having been woken wakes the next, so that no item and no room is lost. A queue lives as long
 * as somebody has a reference to it or waits in it.
 */
#include "sync/queue.h"

#include <errno.h>
#include <stdio.h>

#include "base/options.h"
#include "loop/loop.h"
#include "sync/event.h"
#include "sync/waiters.h"
#include "sys/alloc.h"
#include "task/task.h"

enum direction { IN, OUT };

struct coil_queue {
    struct ci_items items;
    size_t limit; /* maxsize, or more than there can ever be */
    size_t unfinished;
    void *lines[2][2]; /* who waits to put, and who to get */
    coil_event finished;
    unsigned references;
    bool shut_down;
};

/* ---- birth and end --------------------------------------------------------------------------------------------------- */

static bool make_sense(const struct coil_queue_options *options)
{
    return options->item_size > 0 && options->order <= COIL_PRIORITY &&
           (options->order != COIL_PRIORITY || options->compare != NULL);
}

coil_queue *coil_queue_new_with(const struct coil_queue_options *given)
{
    struct coil_queue_options copy;
    const struct coil_queue_options *options = ci_options(&copy, sizeof(copy), given);

    if (!make_sense(options)) {
        return ci_loop_creation_failed(-EINVAL);
    }
    coil_queue *queue = ci_alloc_zero(sizeof(*queue));
    if (queue == NULL) {
        return ci_loop_creation_failed(-ENOMEM);
    }
    int rc = ci_items_init(&queue->items, options);
    if (rc < 0) {
        ci_free(queue);
        return ci_loop_creation_failed(rc);
    }
    queue->limit = options->maxsize == 0 ? SIZE_MAX : options->maxsize;
    queue->references = 1;
    queue->finished.set_ = true;
    return queue;
}

coil_queue *coil_queue_ref(coil_queue *queue)
{
    if (queue != NULL) {
        queue->references++;
    }
    return queue;
}

void coil_queue_unref(coil_queue *queue)
{
    if (queue != NULL && --queue->references == 0) {
        ci_items_destroy(&queue->items);
        ci_free(queue);
    }
}

/* ---- waiting in line ------------------------------------------------------------------------------------------------- */

static inline bool is_full(const coil_queue *queue)
{
    return queue->items.count >= queue->limit;
}

static inline bool is_empty(const coil_queue *queue)
{
    return queue->items.count == 0;
}

static inline bool must_wait(const coil_queue *queue, enum direction direction)
{
    return direction == IN ? is_full(queue) : is_empty(queue);
}

static void describe_putter(const struct ci_wait *wait, char *out, size_t size)
{
    const coil_queue *queue = wait->object;

    (void)snprintf(out, size, "waits for room in a queue at %p, which has all of its %zu items", wait->object,
                   queue->limit);
}

static void describe_getter(const struct ci_wait *wait, char *out, size_t size)
{
    (void)snprintf(out, size, "waits for an item of a queue at %p", wait->object);
}

static void describe_joiner(const struct ci_wait *wait, char *out, size_t size)
{
    const coil_queue *queue = wait->object;

    (void)snprintf(out, size, "waits for the items of a queue at %p to be dealt with, of which %zu are not",
                   wait->object, queue->unfinished);
}

/* Whoever waits has a reference to the queue, which may live on and must not find the waiter in its line. */
static void abandon(struct ci_wait *wait)
{
    ci_list_remove(&ci_container_of(wait, struct ci_waiter, wait)->link);
    coil_queue_unref((coil_queue *)(uintptr_t)wait->object);
}

static const char *const words[] = {[IN] = "room in a queue", [OUT] = "an item of a queue"};

static void (*const descriptions[])(const struct ci_wait *wait, char *out,
                                    size_t size) = {[IN] = describe_putter, [OUT] = describe_getter};

/* Waits until the next one in this direction need not wait, or may be lucky. Who cannot make use of it wakes the next. */
static inline int wait_in_line(coil_queue *queue, struct ci_task *task, enum direction direction)
{
    const struct ci_waited what = {words[direction], queue, descriptions[direction], abandon};
    struct ci_waiter waiter;

    ci_waiter_arrive_pending(&waiter, task, queue->lines[direction], &what);
    int rc = ci_waiter_suspend(&waiter);
    if (__builtin_expect(rc < 0, 0) && waiter.wait.state == CI_WAIT_DONE && !must_wait(queue, direction)) {
        (void)ci_waiters_wake_first(queue->lines[direction]); /* if there is one */
    }
    return rc;
}

/* ---- in and out ------------------------------------------------------------------------------------------------------ */

/* Puts *item into a queue that has room. */
static inline int put_now(coil_queue *queue, const void *item)
{
    if (__builtin_expect(queue->shut_down, 0)) {
        return -ESHUTDOWN;
    }
    int rc = ci_items_reserve(&queue->items);
    if (__builtin_expect(rc < 0, 0)) {
        return rc;
    }
    ci_items_push(&queue->items, item);
    queue->unfinished++;
    queue->finished.set_ = false;
    (void)ci_waiters_wake_first(queue->lines[OUT]); /* if there is one */
    return 0;
}

/* Takes an item out of a queue that has some. */
static inline int get_now(coil_queue *queue, void *item)
{
    ci_items_pop(&queue->items, item);
    (void)ci_waiters_wake_first(queue->lines[IN]); /* if there is one */
    return 0;
}

/*
 * Puts *in, or gets *out where in is NULL, after waiting. Both directions wait in this one place, and it is the last thing that put and
 * get do, so that returns are predicted right where tasks of both kinds take turns: see task/suspend.h.
 */
static __attribute__((noinline)) int pass_later(coil_queue *queue, struct ci_task *task, const void *in, void *out)
{
    enum direction direction = in != NULL ? IN : OUT;
    int rc = 0;

    queue->references++;
    while (rc == 0 && must_wait(queue, direction)) {
        rc = queue->shut_down ? -ESHUTDOWN : wait_in_line(queue, task, direction);
    }
    if (rc == 0) {
        rc = direction == IN ? put_now(queue, in) : get_now(queue, out); /* a queue that was full has the memory */
    }
    coil_queue_unref(queue);
    return rc;
}

/* Why these cannot be used: one of them is NULL. */
static int misused(const coil_queue *queue, const void *item)
{
    if (queue == NULL) {
        return ci_loop_missing();
    }
    return item == NULL ? -EINVAL : -EPERM;
}

int coil_queue_put(coil_queue *queue, const void *item)
{
    struct ci_task *task = ci_task_running_here();

    if (__builtin_expect(queue == NULL || item == NULL || task == NULL, 0)) {
        return misused(queue, item);
    }
    return is_full(queue) ? pass_later(queue, task, item, NULL) : put_now(queue, item);
}

int coil_queue_put_nowait(coil_queue *queue, const void *item)
{
    if (__builtin_expect(queue == NULL || item == NULL, 0)) {
        return misused(queue, item);
    }
    if (is_full(queue)) {
        return queue->shut_down ? -ESHUTDOWN : -EAGAIN;
    }
    return put_now(queue, item);
}

int coil_queue_get(coil_queue *queue, void *item)
{
    struct ci_task *task = ci_task_running_here();

    if (__builtin_expect(queue == NULL || item == NULL || task == NULL, 0)) {
        return misused(queue, item);
    }
    return is_empty(queue) ? pass_later(queue, task, NULL, item) : get_now(queue, item);
}

int coil_queue_get_nowait(coil_queue *queue, void *item)
{
    if (__builtin_expect(queue == NULL || item == NULL, 0)) {
        return misused(queue, item);
    }
    if (is_empty(queue)) {
        return queue->shut_down ? -ESHUTDOWN : -EAGAIN;
    }
    return get_now(queue, item);
}

size_t coil_queue_size(const coil_queue *queue)
{
    return queue == NULL ? 0 : queue->items.count;
}

size_t coil_queue_maxsize(const coil_queue *queue)
{
    return queue == NULL || queue->limit == SIZE_MAX ? 0 : queue->limit;
}

bool coil_queue_empty(const coil_queue *queue)
{
    return queue == NULL || is_empty(queue);
}

bool coil_queue_full(const coil_queue *queue)
{
    return queue != NULL && is_full(queue);
}

/* ---- dealt with ------------------------------------------------------------------------------------------------------ */

int coil_queue_task_done(coil_queue *queue)
{
    if (queue == NULL || queue->unfinished == 0) {
        return queue == NULL ? ci_loop_missing() : -EINVAL;
    }
    if (--queue->unfinished == 0) {
        coil_event_set(&queue->finished);
    }
    return 0;
}

int coil_queue_join(coil_queue *queue)
{
    struct ci_task *task = ci_task_running_here();

    if (queue == NULL || task == NULL) {
        return queue == NULL ? ci_loop_missing() : -EPERM;
    }
    if (queue->unfinished == 0) {
        return 0;
    }
    const struct ci_waited what = {"a queue's items", queue, describe_joiner, abandon};
    queue->references++;
    int rc = ci_event_wait(&queue->finished, task, &what);
    coil_queue_unref(queue);
    return rc;
}

static void drop_items(coil_queue *queue)
{
    size_t dropped = queue->items.count;

    ci_items_clear(&queue->items);
    queue->unfinished -= dropped < queue->unfinished ? dropped : queue->unfinished;
    if (queue->unfinished == 0) {
        coil_event_set(&queue->finished);
    }
}

int coil_queue_shutdown(coil_queue *queue, bool immediate)
{
    if (queue == NULL) {
        return ci_loop_missing();
    }
    queue->shut_down = true;
    if (immediate) {
        drop_items(queue);
    }
    while (ci_waiters_wake_first(queue->lines[OUT])) {
        continue;
    }
    while (ci_waiters_wake_first(queue->lines[IN])) {
        continue;
    }
    return 0;
}
