/*
 * as_completed: the futures in the order in which they end. Each brings its node to a queue when it is done; whoever asks for the
 * next takes the first node, or waits for one. All of that is one block, which the iterator in the caller's memory points to.
 */
#include <errno.h>
#include <math.h>

#include "base/options.h"
#include "loop/timer.h"
#include "sys/alloc.h"
#include "task/task.h"

struct iteration;

struct item {
    struct ci_callback callback;
    struct ci_list queued;
    struct coil_future *future;
    struct iteration *iteration;
    bool todo; /* neither done nor timed out */
};

struct iteration {
    struct ci_chain chain;
    struct coil_loop *loop;
    struct ci_timer timer;
    struct ci_wait *waiter;
    struct ci_list queue;
    size_t todo;
    size_t late; /* timed out and not told yet */
    size_t left; /* to hand out */
    bool closed; /* while a task waited here, which frees it when it runs */
    size_t n;
    struct item items[];
};

static void wake(struct iteration *iteration)
{
    if (iteration->waiter != NULL) {
        ci_wait_finish(iteration->waiter);
    }
}

static void on_completion(void *arg)
{
    struct item *item = arg;
    struct iteration *iteration = item->iteration;

    ci_callback_runs(&item->callback, iteration->loop);
    item->todo = false;
    iteration->todo--;
    ci_list_append(&iteration->queue, &item->queued);
    wake(iteration);
    if (iteration->todo == 0) {
        ci_timer_stop(&iteration->timer);
    }
}

static void time_is_up(void *arg)
{
    struct iteration *iteration = ci_container_of(arg, struct iteration, timer);

    for (size_t i = 0; i < iteration->n; i++) {
        struct item *item = &iteration->items[i];
        if (item->todo) {
            ci_future_unsubscribe(item->future, &item->callback);
            item->todo = false;
        }
    }
    iteration->late = iteration->todo;
    iteration->todo = 0;
    wake(iteration);
}

/* Takes the callbacks back. */
static void let_go(struct iteration *iteration)
{
    ci_timer_stop(&iteration->timer);
    for (size_t i = 0; i < iteration->n; i++) {
        ci_future_unsubscribe(iteration->items[i].future, &iteration->items[i].callback);
    }
    ci_list_remove(&iteration->chain.link);
}

static void iteration_free(struct iteration *iteration)
{
    let_go(iteration);
    for (size_t i = 0; i < iteration->n; i++) {
        ci_future_unref(iteration->items[i].future);
    }
    ci_free(iteration);
}

/* The loop closes under an iteration that was not closed: its callbacks go, its memory stays with the iterator. */
static void drop(struct ci_chain *chain)
{
    let_go(ci_container_of(chain, struct iteration, chain));
}

static int hang_on(struct iteration *iteration, coil_future *const *futures, size_t n)
{
    uint64_t epoch = ++ci_runtime_of(iteration->loop)->walk_epoch;

    for (size_t i = 0; i < n; i++) {
        if (futures[i]->walk_epoch == epoch) {
            continue;
        }
        futures[i]->walk_epoch = epoch;
        struct item *item = &iteration->items[iteration->n++];
        *item = (struct item){.future = futures[i], .iteration = iteration, .todo = true};
        item->future->references++;
        ci_list_init(&item->queued);
        ci_callback_init(&item->callback, on_completion, item);
        int rc = ci_future_subscribe(futures[i], &item->callback);
        if (rc < 0) {
            return rc;
        }
    }
    iteration->todo = iteration->n;
    iteration->left = iteration->n;
    return 0;
}

static int set_timer(struct iteration *iteration, double timeout)
{
    if (timeout == 0 || iteration->n == 0) {
        return 0;
    }
    return ci_timer_set(&iteration->timer, ci_deadline_ns(ci_loop_now_ns(iteration->loop), ci_duration_ns(timeout)));
}

static int check(const struct coil_loop *loop, const coil_as_completed_iter *iter,
                 const struct coil_as_completed_options *options)
{
    coil_future *const *futures = options->futures;

    if (iter == NULL || (futures == NULL && options->n > 0) || options->n > INT32_MAX || isnan(options->timeout)) {
        return -EINVAL;
    }
    for (size_t i = 0; loop != NULL && i < options->n; i++) {
        if (futures[i] == NULL || futures[i]->loop != loop) {
            return futures[i] == NULL ? ci_loop_missing() : -EINVAL;
        }
    }
    return loop == NULL ? -EPERM : 0;
}

int coil_as_completed_with(coil_as_completed_iter *iter, const struct coil_as_completed_options *options)
{
    struct coil_loop *loop = ci_loop_running;
    struct coil_as_completed_options copy;

    if (options == NULL) {
        return -EINVAL;
    }
    options = ci_options(&copy, sizeof(copy), options);
    int rc = check(loop, iter, options);
    if (rc < 0) {
        return rc;
    }
    struct iteration *iteration = ci_alloc_zero(sizeof(*iteration) + options->n * sizeof(struct item));
    if (iteration == NULL) {
        return -ENOMEM;
    }
    iteration->loop = loop;
    iteration->chain.drop = drop;
    ci_list_append(&ci_runtime_of(loop)->chains, &iteration->chain.link);
    ci_list_init(&iteration->queue);
    ci_timer_init(&iteration->timer, loop, time_is_up);
    rc = hang_on(iteration, options->futures, options->n);
    if (rc == 0) {
        rc = set_timer(iteration, options->timeout);
    }
    if (rc < 0) {
        iteration_free(iteration);
        return rc;
    }
    iter->state_ = iteration;
    return 0;
}

struct next_wait {
    struct ci_wait wait;
    struct iteration *iteration;
};

/* Nobody waits here any more. Returns whether the iteration was closed meanwhile, and is gone now. */
static bool leave(struct iteration *iteration)
{
    bool closed = iteration->closed;

    iteration->waiter = NULL;
    if (closed) {
        iteration_free(iteration);
    }
    return closed;
}

static void abandon(struct ci_wait *wait)
{
    (void)leave(
        ci_container_of(wait, struct next_wait, wait)->iteration); /* the frame that would ask is gone as well */
}

/* Returns 0 when it is time to look again, 1 when the iteration was closed, or an errno. */
static int wait_for_item(struct ci_task *task, struct iteration *iteration)
{
    struct next_wait next = {.iteration = iteration};

    if (iteration->waiter != NULL) {
        return -EBUSY;
    }
    ci_wait_init(&next.wait, task, "the next future of coil_as_completed");
    next.wait.abandon = abandon;
    iteration->waiter = &next.wait;
    int rc = ci_wait_suspend(&next.wait);
    bool closed = leave(iteration);
    return rc < 0 ? rc : closed;
}

int coil_as_completed_next(coil_as_completed_iter *iter, coil_future **ret)
{
    struct ci_task *task = ci_task_running();

    if (task == NULL) {
        return -EPERM;
    }
    if (iter == NULL || ret == NULL) {
        return -EINVAL;
    }
    struct iteration *iteration = iter->state_;
    while (iteration != NULL && iteration->left > 0 && ci_list_empty(&iteration->queue) && iteration->late == 0) {
        int rc = wait_for_item(task, iteration);
        if (rc != 0) {
            return rc < 0 ? rc : 0;
        }
    }
    if (iteration == NULL || iteration->left == 0) {
        coil_as_completed_close(iter);
        return 0;
    }
    iteration->left--;
    if (ci_list_empty(&iteration->queue)) {
        iteration->late--;
        return -ETIMEDOUT;
    }
    *ret = ci_container_of(ci_list_pop(&iteration->queue), struct item, queued)->future;
    return 1;
}

void coil_as_completed_close(coil_as_completed_iter *iter)
{
    struct iteration *iteration = iter == NULL ? NULL : iter->state_;

    if (iteration == NULL) {
        return;
    }
    iter->state_ = NULL;
    if (iteration->waiter == NULL) {
        iteration_free(iteration);
        return;
    }
    let_go(iteration);
    iteration->closed = true;
    ci_wait_finish(iteration->waiter);
}
