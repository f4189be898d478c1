/*
 * Queues between tasks, after asyncio's queues.py: put and get wait in lines of their own, who is woken asks again (somebody may have
 * been quicker), and who is cancelled after having been woken wakes the next, so that no item and no room is lost.
 */
#include <errno.h>

#include <coil/sync.h>

#include "loop/loop.h"
#include "sync/queue.h"
#include "sync/waiters.h"
#include "sys/alloc.h"
#include "task/task.h"

struct coil_queue {
    struct ci_items items;
    size_t maxsize;
    void *getters[2];
    void *putters[2];
    size_t unfinished;
    coil_event finished;
    unsigned references;
    bool shut_down;
};

coil_queue *coil_queue_new_with(const struct coil_queue_options *options)
{
    if (options->item_size == 0 || options->order > COIL_PRIORITY ||
        (options->order == COIL_PRIORITY && options->compare == NULL)) {
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
    queue->maxsize = options->maxsize;
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

static bool is_full(const coil_queue *queue)
{
    return queue->maxsize != 0 && queue->items.count >= queue->maxsize;
}

static bool is_empty(const coil_queue *queue)
{
    return queue->items.count == 0;
}

static void wake_next(void *const line[2])
{
    struct ci_waiter *first = ci_waiters_first(line);

    if (first != NULL) {
        ci_waiter_wake(first);
    }
}

static void wake_all(void *const line[2])
{
    while (ci_waiters_first(line) != NULL) {
        wake_next(line);
    }
}

/* Waits in line for the queue to be no longer such. */
static int wait_in_line(coil_queue *queue, void *const line[2], bool (*such)(const coil_queue *), const char *what)
{
    struct ci_task *task = ci_task_running_here();
    struct ci_waiter waiter;

    if (task == NULL) {
        return -EPERM;
    }
    ci_waiter_arrive_pending(&waiter, task, line, what);
    waiter.wait.object = queue;
    queue->references++;
    int rc = ci_waiter_suspend(&waiter);
    if (rc < 0 && waiter.wait.state == CI_WAIT_DONE && !such(queue)) {
        wake_next(line);
    }
    coil_queue_unref(queue);
    return rc;
}

int coil_queue_put_nowait(coil_queue *queue, const void *item)
{
    if (queue == NULL || item == NULL) {
        return queue == NULL ? ci_loop_missing() : -EINVAL;
    }
    if (queue->shut_down) {
        return -ESHUTDOWN;
    }
    if (is_full(queue)) {
        return -EAGAIN;
    }
    int rc = ci_items_reserve(&queue->items);
    if (rc < 0) {
        return rc;
    }
    ci_items_push(&queue->items, item);
    queue->unfinished++;
    coil_event_clear(&queue->finished);
    wake_next(queue->getters);
    return 0;
}

int coil_queue_put(coil_queue *queue, const void *item)
{
    if (queue == NULL || item == NULL) {
        return queue == NULL ? ci_loop_missing() : -EINVAL;
    }
    if (ci_task_running_here() == NULL) {
        return -EPERM;
    }
    while (is_full(queue) && !queue->shut_down) {
        int rc = wait_in_line(queue, queue->putters, is_full, "room in a queue");
        if (rc < 0) {
            return rc;
        }
    }
    return coil_queue_put_nowait(queue, item);
}

int coil_queue_get_nowait(coil_queue *queue, void *item)
{
    if (queue == NULL || item == NULL) {
        return queue == NULL ? ci_loop_missing() : -EINVAL;
    }
    if (is_empty(queue)) {
        return queue->shut_down ? -ESHUTDOWN : -EAGAIN;
    }
    ci_items_pop(&queue->items, item);
    wake_next(queue->putters);
    return 0;
}

int coil_queue_get(coil_queue *queue, void *item)
{
    if (queue == NULL || item == NULL) {
        return queue == NULL ? ci_loop_missing() : -EINVAL;
    }
    if (ci_task_running_here() == NULL) {
        return -EPERM;
    }
    while (is_empty(queue) && !queue->shut_down) {
        int rc = wait_in_line(queue, queue->getters, is_empty, "an item of a queue");
        if (rc < 0) {
            return rc;
        }
    }
    return coil_queue_get_nowait(queue, item);
}

int coil_queue_task_done(coil_queue *queue)
{
    if (queue == NULL || queue->unfinished == 0) {
        return -EINVAL;
    }
    if (--queue->unfinished == 0) {
        coil_event_set(&queue->finished);
    }
    return 0;
}

int coil_queue_join(coil_queue *queue)
{
    if (queue == NULL) {
        return ci_loop_missing();
    }
    if (ci_task_running_here() == NULL) {
        return -EPERM;
    }
    if (queue->unfinished == 0) {
        return 0;
    }
    queue->references++;
    int rc = coil_event_wait(&queue->finished);
    coil_queue_unref(queue);
    return rc;
}

size_t coil_queue_size(const coil_queue *queue)
{
    return queue == NULL ? 0 : queue->items.count;
}

static void drain(coil_queue *queue)
{
    while (!is_empty(queue)) {
        ci_items_pop(&queue->items, NULL);
        if (queue->unfinished > 0) {
            queue->unfinished--;
        }
    }
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
        drain(queue);
    }
    wake_all(queue->getters);
    wake_all(queue->putters);
    return 0;
}
