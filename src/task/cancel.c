/*
 * Cancellation: one path for every wait, and one walk for everything that a request passes through. A request to a task goes on to
 * what the task waits for, a request to a gather to each of its children; asyncio recurses, this walks with the way back noted in
 * the futures themselves, so that no depth overflows a stack and a cycle is met as a mark instead of without end.
 */
#include <errno.h>
#include <stddef.h>

#include "loop/loop.h"
#include "loop/remote.h"
#include "sys/alloc.h"
#include "task/suspend.h"
#include "task/task.h"

/* ---- waits ----------------------------------------------------------------------------------------------------------- */

static void wait_end(struct ci_wait *wait, enum ci_wait_state state)
{
    if (wait->state == CI_WAIT_PENDING) {
        wait->state = state;
        ci_task_make_ready(wait->task);
    }
}

void ci_wait_finish(struct ci_wait *wait)
{
    wait_end(wait, CI_WAIT_DONE);
}

void ci_wait_cancelled(struct ci_wait *wait)
{
    wait_end(wait, CI_WAIT_CANCELLED);
}

/* Asks a wait that is not for a future. Returns whether it took the request. */
static int wait_cancel(struct ci_wait *wait, struct ci_note *note)
{
    if (wait->state != CI_WAIT_PENDING) {
        return 0;
    }
    if (wait->asked) {
        return 1; /* an operation of the kernel that is ending already */
    }
    wait->asked = true;
    ci_note_store(&wait->note, ci_note_ref(note));
    if (wait->cancel != NULL) {
        return wait->cancel(wait);
    }
    ci_wait_cancelled(wait);
    return 1;
}

/* A request that came before the wait began is put to the wait at once. */
void ci_wait_takes_request(struct ci_task *task, struct ci_wait *wait)
{
    int taken =
        wait->future != NULL ? ci_future_cancel(wait->future, task->cancel_note) : wait_cancel(wait, task->cancel_note);

    if (taken) {
        task->flags &= ~(uint32_t)CI_TASK_MUST_CANCEL;
    }
}

/* The kernel had done the work when it was asked to stop: the result goes to the caller, the request to the next await. */
void ci_wait_postpones(struct ci_task *task, struct ci_wait *wait)
{
    if (wait->asked) {
        task->flags |= CI_TASK_MUST_CANCEL;
        ci_note_store(&task->cancel_note, wait->note);
        wait->note = NULL;
    }
}

int ci_wait_suspend(struct ci_wait *wait)
{
    return ci_wait_suspend_here(wait);
}

/* ---- the walk -------------------------------------------------------------------------------------------------------- */

struct walk {
    struct coil_future *root;
    struct ci_note *note;
    int taken; /* what the step just made came to */
};

/* The next child of a gather for the walk to enter, or NULL when it has been to all. */
static struct coil_future *next_child(struct coil_future *gather)
{
    if (gather->walk_child >= gather->class->children(gather)) {
        return NULL;
    }
    return gather->class->child(gather, gather->walk_child++);
}

static void task_keeps_request(struct ci_task *task, struct ci_note *note)
{
    task->flags |= CI_TASK_MUST_CANCEL;
    ci_note_store(&task->cancel_note, ci_note_ref(note));
}

static struct coil_future *enter_task(struct walk *walk, struct ci_task *task)
{
    task->future.flags &= (uint8_t)~CI_FUTURE_UNRETRIEVED;
    walk->taken = 0;
    if (ci_future_done(&task->future)) {
        return NULL;
    }
    task->cancelling += task->cancelling < INT32_MAX;
    struct ci_wait *wait = task->wait;
    if (wait != NULL && wait->future != NULL) {
        return wait->future;
    }
    if (wait == NULL || !wait_cancel(wait, walk->note)) {
        task_keeps_request(task, walk->note);
    }
    walk->taken = 1;
    return NULL;
}

static void enter_plain(struct walk *walk, struct coil_future *future)
{
    future->flags &= (uint8_t)~CI_FUTURE_UNRETRIEVED;
    walk->taken = !ci_future_done(future);
    if (walk->taken) {
        ci_future_set_cancelled(future, ci_note_ref(walk->note));
    }
}

/* Puts the request to future. Returns what it goes on to first, or NULL when it stops here with walk->taken set. */
static struct coil_future *enter(struct walk *walk, struct coil_future *future)
{
    if (ci_future_is_task(future)) {
        return enter_task(walk, ci_task_of(future));
    }
    if (future->class->children == NULL) {
        enter_plain(walk, future);
        return NULL;
    }
    walk->taken = 0;
    if (ci_future_done(future)) {
        return NULL;
    }
    future->walk_child = 0;
    future->flags &= (uint8_t)~CI_FUTURE_ANY_CHILD;
    return next_child(future);
}

/* Something that the request went on to from future has answered. Returns what it goes on to next, or NULL. */
static struct coil_future *come_back(struct walk *walk, struct coil_future *future)
{
    if (ci_future_is_task(future)) {
        if (!walk->taken) {
            task_keeps_request(ci_task_of(future), walk->note);
        }
        walk->taken = 1;
        return NULL;
    }
    if (walk->taken) {
        future->flags |= CI_FUTURE_ANY_CHILD;
    }
    struct coil_future *child = next_child(future);
    if (child == NULL) {
        walk->taken = (future->flags & CI_FUTURE_ANY_CHILD) != 0;
        if (walk->taken) {
            future->flags |= CI_FUTURE_CANCEL_REQUESTED;
        }
    }
    return child;
}

int ci_future_cancel(struct coil_future *root, struct ci_note *note)
{
    struct walk walk = {.root = root, .note = note};
    struct coil_future *at = root;
    struct coil_future *next = enter(&walk, at);

    at->flags |= CI_FUTURE_ON_PATH;
    for (;;) {
        while (next != NULL && next->flags & CI_FUTURE_ON_PATH) {
            walk.taken = 1; /* a cycle: it is being cancelled already */
            next = come_back(&walk, at);
        }
        if (next != NULL) {
            next->walk_from = at;
            next->flags |= CI_FUTURE_ON_PATH;
            at = next;
            next = enter(&walk, at);
            continue;
        }
        at->flags &= (uint8_t)~CI_FUTURE_ON_PATH;
        if (at == root) {
            return walk.taken;
        }
        at = at->walk_from;
        next = come_back(&walk, at);
    }
}

/* ---- requests -------------------------------------------------------------------------------------------------------- */

/* Without a loop nothing can be delivered: only what ends by the request itself takes one. */
static int cancel_after_close(struct coil_future *future, struct ci_note *note)
{
    struct walk walk = {.root = future, .note = note};

    if (ci_future_is_task(future) || future->class->children != NULL) {
        return 0;
    }
    ci_done_callbacks_drop(future);
    enter_plain(&walk, future);
    return walk.taken;
}

static int request(struct coil_future *future, struct ci_note *note)
{
    if (__builtin_expect(ci_runtime_of(future->loop)->closing, 0)) {
        return cancel_after_close(future, note);
    }
    return ci_future_cancel(future, note);
}

int coil_cancel(coil_future *future)
{
    if (future == NULL) {
        return 0;
    }
    int rc = ci_loop_check_thread(future->loop, "coil_cancel");
    return rc < 0 ? rc : request(future, NULL);
}

int coil_cancel_msg(coil_future *future, const char *why)
{
    if (future == NULL) {
        return 0;
    }
    int rc = ci_loop_check_thread(future->loop, "coil_cancel_msg");
    if (rc < 0) {
        return rc;
    }
    struct ci_note *note = why == NULL ? NULL : ci_note_from_text(-ECANCELED, why);
    int taken = request(future, note);
    ci_note_unref(note);
    return taken;
}

/*
 * A request from another thread. References are counted without atomic operations, for the loop's thread alone, so the thread that asks
 * cannot take one for it. It counts the request in the future instead (remote), atomically, and while that is not zero the
 * loop's thread lets nothing go away, as if it were references: a last reference given back meanwhile leaves the future with none,
 * until the request arrives and turns itself into one. What the caller must see to is that the future is there until the
 * count has gone up, that is, during the call: an end of the last reference that comes after the call, in the order that the
 * program itself keeps between its threads, sees the count.
 */
struct remote_cancel {
    struct ci_remote_call call;
    struct ci_chain chain; /* while it waits in the ready queue */
    struct coil_future *future;
};

static void take_over(struct coil_future *future)
{
    future->references++;
    (void)atomic_fetch_sub_explicit(&future->remote, 1, memory_order_relaxed);
}

static void remote_cancel_ends(struct remote_cancel *remote)
{
    struct coil_future *future = remote->future;

    ci_free(remote);
    ci_future_unref(future);
}

static void run_remote_cancel(void *arg)
{
    struct remote_cancel *remote = arg;

    ci_list_remove(&remote->chain.link);
    ci_ready_release(&remote->future->loop->ready);
    (void)ci_future_cancel(remote->future, NULL); /* one that is done by now is what the caller wanted */
    remote_cancel_ends(remote);
}

/* The loop closes between the request's arrival and its turn. */
static void drop_arrived(struct ci_chain *chain)
{
    remote_cancel_ends(ci_container_of(chain, struct remote_cancel, chain));
}

static void remote_cancel_arrives(struct coil_loop *loop, struct ci_remote_call *call)
{
    struct remote_cancel *remote = ci_container_of(call, struct remote_cancel, call);

    take_over(remote->future);
    remote->chain.drop = drop_arrived;
    ci_list_append(&ci_runtime_of(loop)->chains, &remote->chain.link);
    (void)ci_ready_push(&loop->ready, run_remote_cancel, remote);
}

static void remote_cancel_drops(struct ci_remote_call *call)
{
    struct remote_cancel *remote = ci_container_of(call, struct remote_cancel, call);

    take_over(remote->future);
    remote_cancel_ends(remote);
}

int coil_cancel_threadsafe(coil_future *future)
{
    if (future == NULL) {
        return -EINVAL;
    }
    if (ci_runtime_of(future->loop)->closing) {
        return -EPERM;
    }
    struct remote_cancel *remote = ci_alloc(sizeof(*remote));
    if (remote == NULL) {
        return -ENOMEM;
    }
    *remote = (struct remote_cancel){.future = future};
    remote->call.arrive = remote_cancel_arrives;
    remote->call.drop = remote_cancel_drops;
    (void)atomic_fetch_add_explicit(&future->remote, 1, memory_order_relaxed);
    ci_remote_push(future->loop, &remote->call);
    return 0;
}
