/* coil_wait: until all of many, the first of them, the first error, or a timeout. It cancels nothing. asyncio's _wait. */
#include <errno.h>
#include <math.h>

#include "base/options.h"
#include "loop/timer.h"
#include "sys/alloc.h"
#include "task/task.h"

enum { NODES_INSIDE = 16 };

struct wait_many;

struct wait_node {
    struct ci_callback callback;
    struct coil_future *future;
    struct wait_many *many;
};

struct wait_many {
    struct ci_wait wait;
    struct ci_timer timer;
    size_t different;
    size_t left;
    enum coil_return_when return_when;
    struct wait_node *nodes;
    struct wait_node inside[NODES_INSIDE];
};

static void time_is_up(void *arg)
{
    ci_wait_finish(&ci_container_of(arg, struct wait_many, timer)->wait);
}

static bool is_enough(struct wait_many *many, struct coil_future *future)
{
    many->left--;
    if (many->left == 0 || many->return_when == COIL_FIRST_COMPLETED) {
        return true;
    }
    return many->return_when == COIL_FIRST_EXCEPTION && future->state == CI_DONE && ci_future_retrieve(future) < 0;
}

static void on_completion(void *arg)
{
    struct wait_node *node = arg;
    struct wait_many *many = node->many;

    ci_callback_runs(&node->callback, node->future->loop);
    if (is_enough(many, node->future)) {
        ci_timer_stop(&many->timer);
        ci_wait_finish(&many->wait);
    }
}

static int hang_on(struct wait_many *many, coil_future *const *futures, size_t n)
{
    uint64_t epoch = ++ci_runtime_of(many->wait.task->future.loop)->walk_epoch;

    for (size_t i = 0; i < n; i++) {
        if (futures[i]->walk_epoch == epoch) {
            continue;
        }
        futures[i]->walk_epoch = epoch;
        struct wait_node *node = &many->nodes[many->different];
        node->future = futures[i];
        node->many = many;
        ci_callback_init(&node->callback, on_completion, node);
        int rc = ci_future_subscribe(futures[i], &node->callback);
        if (rc < 0) {
            return rc;
        }
        futures[i]->references++;
        many->different++;
    }
    many->left = many->different;
    return 0;
}

/*
 * Completions that come when the wait is decided already: asyncio's callbacks for those still run, and one that looks for the first
 * exception looks at the error, unless it is the last of all.
 */
static void look_at_late_ones(struct wait_many *many)
{
    const struct wait_node *last = NULL;
    size_t late = 0;

    for (size_t i = 0; i < many->different; i++) {
        const struct wait_node *node = &many->nodes[i];
        if (node->callback.state == CI_CALLBACK_READY) {
            late++;
            if (last == NULL || (int32_t)(node->callback.position - last->callback.position) > 0) {
                last = node;
            }
        }
    }
    for (size_t i = 0; late > 0 && i < many->different; i++) {
        const struct wait_node *node = &many->nodes[i];
        if (node->callback.state == CI_CALLBACK_READY && (node != last || late < many->left)) {
            (void)ci_future_retrieve(node->future);
        }
    }
}

/* Takes the callbacks back and counts those that are done. */
static int let_go(struct wait_many *many)
{
    int done = 0;

    for (size_t i = 0; i < many->different; i++) {
        struct coil_future *future = many->nodes[i].future;
        ci_future_unsubscribe(future, &many->nodes[i].callback);
        done += ci_future_done(future);
        ci_future_unref(future);
    }
    if (many->nodes != many->inside) {
        ci_free(many->nodes);
    }
    return done;
}

static void abandon(struct ci_wait *wait)
{
    (void)let_go(ci_container_of(wait, struct wait_many, wait)); /* nobody asks how many are done */
}

static int set_timer(struct wait_many *many, double timeout)
{
    struct coil_loop *loop = many->wait.task->future.loop;

    ci_timer_init(&many->timer, loop, time_is_up);
    if (timeout == 0) {
        return 0;
    }
    return ci_timer_set(&many->timer, ci_deadline_ns(ci_loop_now_ns(loop), ci_duration_ns(timeout)));
}

static int check(struct ci_task *task, const struct coil_wait_options *options)
{
    coil_future *const *futures = options->futures;

    if (task == NULL) {
        return -EPERM;
    }
    if (futures == NULL || options->n == 0 || options->n > INT32_MAX || isnan(options->timeout) ||
        options->return_when > COIL_FIRST_EXCEPTION) {
        return -EINVAL;
    }
    for (size_t i = 0; i < options->n; i++) {
        if (futures[i] == NULL || futures[i]->loop != task->future.loop) {
            return futures[i] == NULL ? ci_loop_missing() : -EINVAL;
        }
    }
    return 0;
}

int coil_wait_with(const struct coil_wait_options *options)
{
    struct ci_task *task = ci_task_running();
    struct coil_wait_options copy;
    struct wait_many many;

    if (options == NULL) {
        return -EINVAL;
    }
    options = ci_options(&copy, sizeof(copy), options);
    int rc = check(task, options);
    if (rc < 0) {
        return rc;
    }
    ci_wait_init(&many.wait, task, "futures in coil_wait");
    many.wait.number = (long)options->n;
    many.wait.abandon = abandon;
    many.different = 0;
    many.return_when = options->return_when;
    many.nodes = options->n <= NODES_INSIDE ? many.inside : ci_alloc(options->n * sizeof(*many.nodes));
    if (many.nodes == NULL) {
        return -ENOMEM;
    }
    rc = set_timer(&many, options->timeout);
    if (rc == 0) {
        rc = hang_on(&many, options->futures, options->n);
    }
    if (rc == 0) {
        rc = ci_wait_suspend(&many.wait);
    }
    ci_timer_stop(&many.timer);
    if (many.return_when == COIL_FIRST_EXCEPTION) {
        look_at_late_ones(&many);
    }
    int done = let_go(&many);
    return rc < 0 ? rc : done;
}
