/*
 * Circles: whether to await a future would be to wait for oneself. Who waits for what is a graph without circles, because every
 * await asks here before it adds its edge, and a gather's edges are there before anybody can wait for it. There are two ways to
 * look: down from the future to all that it waits for, and up from the task to all that wait for it. Either may be huge (a gather
 * of a hundred thousand, a task for which as many wait) while the other is a step or two, so both are gone at once, a step here
 * and a step there, until one of them has seen everything or they meet. No future is entered twice, whichever way.
 */
#include "task/gather.h"
#include "task/task.h"

/* One of the two ways. What it has found and not looked beyond yet is a list through walk_from. */
struct way {
    uint64_t epoch; /* marks what was found on it */
    struct coil_future *found;
    struct coil_future *at;
    size_t child;         /* down: which of the gather's children is next */
    struct ci_list *link; /* up: which of the callbacks is next */
};

/* Notes that future lies on this way. Returns whether it lies on the other one as well, which is a circle. */
static bool find(struct way *way, uint64_t other_epoch, struct coil_future *future)
{
    if (future->walk_epoch == other_epoch) {
        return true;
    }
    if (future->walk_epoch != way->epoch) {
        future->walk_epoch = way->epoch;
        future->walk_from = way->found;
        way->found = future;
    }
    return false;
}

/* Goes on to the next future that was found. Returns whether there is one. */
static bool advance(struct way *way)
{
    way->at = way->found;
    if (way->at == NULL) {
        return false;
    }
    way->found = way->at->walk_from;
    way->child = 0;
    way->link = way->at->callbacks.next;
    return true;
}

/* The next one that way->at waits for, or NULL. */
static struct coil_future *next_below(struct way *way)
{
    struct coil_future *at = way->at;

    if (ci_future_is_task(at)) {
        const struct ci_wait *wait = ci_task_of(at)->wait;
        return wait == NULL || way->child++ > 0 ? NULL : wait->future;
    }
    if (at->class->children == NULL || ci_future_done(at) || way->child == at->class->children(at)) {
        return NULL;
    }
    return at->class->child(at, way->child++);
}

/* Who waits by way of callback: a task that awaits, or a gather that is not done. NULL: nobody who counts. */
static struct coil_future *waiter(const struct ci_callback *callback)
{
    if (callback->run == ci_task_resume) {
        return &((struct ci_task *)callback->arg)->future;
    }
    struct coil_future *gather = ci_gather_of(callback);
    return gather == NULL || ci_future_done(gather) ? NULL : gather;
}

/* The next callback of way->at, or NULL after the last. */
static const struct ci_callback *next_callback(struct way *way)
{
    struct ci_list *link = way->link;

    if (link == &way->at->callbacks) {
        return NULL;
    }
    way->link = link->next;
    return ci_container_of(link, struct ci_callback, link);
}

bool ci_future_waits_for(struct coil_future *future, struct coil_future *task)
{
    struct ci_runtime *runtime = ci_runtime_of(future->loop);
    struct way down = {.epoch = ++runtime->walk_epoch};
    struct way up = {.epoch = ++runtime->walk_epoch};
    bool circle = find(&down, up.epoch, future) || find(&up, down.epoch, task);

    for (bool more = advance(&down) && advance(&up); more && !circle;) {
        struct coil_future *below = next_below(&down);
        const struct ci_callback *callback = next_callback(&up);
        if (below != NULL) {
            circle = find(&down, up.epoch, below);
        }
        struct coil_future *above = callback == NULL ? NULL : waiter(callback);
        if (above != NULL && !circle) {
            circle = find(&up, down.epoch, above);
        }
        more = (below != NULL || advance(&down)) && (callback != NULL || advance(&up));
    }
    return circle;
}
