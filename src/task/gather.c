/*
 * gather: a future over many. It hangs a callback on each different child and keeps itself alive until all of them have come, even
 * when it is done and nobody else wants it, because the errors of those that come later count as retrieved. The class says
 * how a cancellation goes on to the children.
 */
#include "task/gather.h"

#include <errno.h>

#include "base/options.h"
#include "sys/alloc.h"
#include "task/task.h"

struct gather;

struct gather_child {
    struct ci_callback callback;
    struct gather *gather;
    struct coil_future *future;
};

struct gather {
    struct coil_future outer;
    struct ci_chain chain;
    size_t n; /* children as they were given */
    size_t different;
    size_t finished; /* of those */
    bool return_errors;
    struct coil_future **children;
    struct gather_child nodes[];
};

static struct gather *gather_of(const struct coil_future *outer)
{
    return ci_container_of(outer, struct gather, outer);
}

static size_t count_children(const struct coil_future *outer)
{
    return gather_of(outer)->n;
}

static struct coil_future *child_at(const struct coil_future *outer, size_t i)
{
    return gather_of(outer)->children[i];
}

static void gather_destroy(struct coil_future *outer)
{
    struct gather *gather = gather_of(outer);

    ci_list_remove(&gather->chain.link);
    for (size_t i = 0; i < gather->n; i++) {
        ci_future_unref_later(gather->children[i]);
    }
    ci_free(gather);
}

const struct ci_future_class ci_gather_class = {
    .name = "gather",
    .internal_result = true,
    .destroy = gather_destroy,
    .children = count_children,
    .child = child_at,
};

size_t ci_gather_size(const struct coil_future *outer)
{
    return gather_of(outer)->n;
}

struct coil_future *ci_gather_child(const struct coil_future *outer, size_t i)
{
    return gather_of(outer)->children[i];
}

/* All children are done: their errors, returned or not, count as retrieved. Of a cancelled gather the last child says why. */
static void complete(struct gather *gather)
{
    for (size_t i = 0; i < gather->n; i++) {
        if (gather->children[i]->state == CI_DONE) {
            (void)ci_future_retrieve(gather->children[i]);
        }
    }
    if (gather->outer.flags & CI_FUTURE_CANCEL_REQUESTED) {
        struct coil_future *last = gather->children[gather->n - 1];
        ci_future_complete(&gather->outer, -ECANCELED, ci_future_take_cancel_note(last));
    } else {
        ci_future_complete(&gather->outer, 0, NULL);
    }
}

static void child_is_done(struct gather *gather, struct coil_future *child)
{
    gather->finished++;
    if (ci_future_done(&gather->outer)) {
        if (child->state == CI_DONE) {
            (void)ci_future_retrieve(child);
        }
        return;
    }
    if (!gather->return_errors && child->result < 0) {
        (void)ci_future_retrieve(child);
        ci_future_complete(&gather->outer, child->result, ci_future_take_note(child));
        return;
    }
    if (gather->finished == gather->different) {
        complete(gather);
    }
}

static void on_child(void *arg)
{
    struct gather_child *node = arg;
    struct gather *gather = node->gather;

    ci_callback_runs(&node->callback, gather->outer.loop);
    child_is_done(gather, node->future);
    ci_future_unref(&gather->outer); /* the node's */
}

struct coil_future *ci_gather_of(const struct ci_callback *callback)
{
    return callback->run == on_child ? &((struct gather_child *)callback->arg)->gather->outer : NULL;
}

/* Takes the callbacks back from all children. The reference that each has to the gather goes with it. */
static void let_go(struct gather *gather)
{
    gather->outer.references++;
    for (size_t i = 0; i < gather->different; i++) {
        struct gather_child *node = &gather->nodes[i];
        if (node->callback.state != CI_CALLBACK_IDLE) {
            ci_future_unsubscribe(node->future, &node->callback);
            ci_future_unref(&gather->outer);
        }
    }
    ci_future_unref(&gather->outer);
}

static void drop(struct ci_chain *chain)
{
    let_go(ci_container_of(chain, struct gather, chain));
}

/* Hangs a callback on every different child that is pending. Returns 0 or -ENOMEM. */
static int hang_on(struct gather *gather)
{
    uint64_t epoch = ++ci_runtime_of(gather->outer.loop)->walk_epoch;

    for (size_t i = 0; i < gather->n; i++) {
        struct coil_future *child = gather->children[i];
        if (child->walk_epoch == epoch) {
            continue;
        }
        child->walk_epoch = epoch;
        struct gather_child *node = &gather->nodes[gather->different++];
        node->gather = gather;
        node->future = child;
        ci_callback_init(&node->callback, on_child, node);
        if (ci_future_done(child)) {
            continue;
        }
        int rc = ci_future_subscribe(child, &node->callback);
        if (rc < 0) {
            return rc;
        }
        gather->outer.references++;
    }
    return 0;
}

/* Children that were done beforehand are processed at once, so that a gather of such is done at birth. */
static void process_done(struct gather *gather)
{
    for (size_t i = 0; i < gather->different; i++) {
        struct gather_child *node = &gather->nodes[i];
        if (node->callback.state == CI_CALLBACK_IDLE) {
            child_is_done(gather, node->future);
        }
    }
}

static int check_children(const struct coil_loop *loop, coil_future *const *futures, size_t n)
{
    if (loop == NULL) {
        return -EPERM;
    }
    if (n > 0 && futures == NULL) {
        return -EINVAL;
    }
    for (size_t i = 0; i < n; i++) {
        if (futures[i] == NULL || futures[i]->loop != loop) {
            return futures[i] == NULL ? ci_loop_missing() : -EINVAL;
        }
    }
    return n > UINT32_MAX / 2 ? -EINVAL : 0;
}

/* The futures need not belong to a running loop: a loop that closes gathers what is left in it. */
struct coil_future *ci_gather(struct coil_loop *loop, coil_future *const *futures, size_t n, bool return_errors,
                              const struct coil_site *site)
{
    int rc = check_children(loop, futures, n);
    if (rc < 0) {
        return ci_loop_creation_failed(rc);
    }
    size_t size = sizeof(struct gather) + n * (sizeof(struct gather_child) + sizeof(struct coil_future *));
    struct coil_future *outer = ci_future_new(loop, &ci_gather_class, size, site);
    if (outer == NULL) {
        return NULL;
    }
    struct gather *gather = gather_of(outer);
    gather->return_errors = return_errors;
    gather->children = (struct coil_future **)(void *)&gather->nodes[n];
    for (; gather->n < n; gather->n++) {
        gather->children[gather->n] = futures[gather->n];
        futures[gather->n]->references++;
    }
    gather->chain.drop = drop;
    ci_list_append(&ci_runtime_of(loop)->chains, &gather->chain.link);
    rc = hang_on(gather);
    if (rc < 0) {
        let_go(gather);
        ci_future_unref(outer);
        return ci_loop_creation_failed(rc);
    }
    if (n == 0) {
        ci_future_complete(outer, 0, NULL);
    }
    process_done(gather);
    return outer;
}

coil_future *coil_gather_with(const struct coil_gather_options *options)
{
    struct coil_gather_options copy;

    if (options == NULL) {
        return ci_loop_creation_failed(-EINVAL); /* of what? */
    }
    options = ci_options(&copy, sizeof(copy), options);
    return ci_gather(ci_loop_running, options->futures, options->n, options->return_errors, &options->site);
}
