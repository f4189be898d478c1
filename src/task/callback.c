/*
 * Done-callbacks of users: nodes that the library allocates. One that is scheduled keeps its future; one that is not goes with it.
 */
#include <errno.h>

#include "base/trace.h"
#include "sys/alloc.h"
#include "task/future.h"
#include "task/report.h"
#include "task/task.h"

struct done_callback {
    struct ci_callback node;
    coil_future *future;
    coil_done_callback *callback;
    void *userdata;
};

static void run_done_callback(void *arg)
{
    struct done_callback *done = arg;
    coil_future *future = done->future;
    coil_done_callback *callback = done->callback;
    void *userdata = done->userdata;

    if (__builtin_expect(future->loop->trace != NULL, 0)) {
        future->loop->trace->calling(future->loop->trace, (void (*)(void))callback, NULL);
    }
    ci_callback_runs(&done->node, future->loop);
    ci_free(done);
    callback(future, userdata);
    ci_future_unref(future); /* the node's */
}

int coil_add_done_callback(coil_future *future, coil_done_callback *callback, void *userdata)
{
    if (future == NULL || callback == NULL) {
        return future == NULL ? ci_loop_missing() : -EINVAL;
    }
    if (ci_runtime_of(future->loop)->closing || ci_loop_check_thread(future->loop, "coil_add_done_callback") < 0) {
        return -EPERM;
    }
    struct done_callback *done = ci_alloc(sizeof(*done));
    if (done == NULL) {
        return -ENOMEM;
    }
    *done = (struct done_callback){.future = future, .callback = callback, .userdata = userdata};
    ci_callback_init(&done->node, run_done_callback, done);
    done->node.keeps = true;
    int rc = ci_future_subscribe(future, &done->node);
    if (rc < 0) {
        ci_free(done);
    }
    return rc;
}

int coil_remove_done_callback(coil_future *future, coil_done_callback *callback, void *userdata)
{
    int removed = 0;

    if (future == NULL) {
        return 0;
    }
    int rc = ci_loop_check_thread(future->loop, "coil_remove_done_callback");
    if (rc < 0) {
        return rc;
    }
    for (struct ci_list *link = future->callbacks.next, *next; link != &future->callbacks; link = next) {
        struct ci_callback *node = ci_container_of(link, struct ci_callback, link);
        struct done_callback *done = node->arg;
        next = link->next;
        if (node->run == run_done_callback && done->callback == callback && done->userdata == userdata) {
            ci_future_unsubscribe(future, node);
            ci_free(done);
            removed++;
        }
    }
    return removed;
}

bool ci_done_callback_free(struct ci_callback *callback)
{
    if (callback->run != run_done_callback) {
        return false;
    }
    ci_free(callback->arg);
    return true;
}

void ci_done_callbacks_drop(struct coil_future *future)
{
    while (!ci_list_empty(&future->callbacks)) {
        struct ci_callback *node = ci_container_of(future->callbacks.next, struct ci_callback, link);
        ci_future_unsubscribe(future, node);
        (void)ci_done_callback_free(node); /* what is not a user's belongs to whoever let the future go */
    }
}
