/*
 * Those who wait for a lock and its like, in the order in which they came. Each waiter is in its coroutine's frame;
 * it is on the list from its arrival until it runs again, or, on a list of the pending only, until it is woken or
 * cancelled. The list's head is the two pointers in the public struct; zero bytes are an empty list, so that a static
 * initialiser is enough. All of it is inline but for the cancellation, for the reason that task/suspend.h gives.
 */
#ifndef CI_SYNC_WAITERS_H
#define CI_SYNC_WAITERS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/list.h"
#include "task/suspend.h"
#include "task/wait.h"

struct ci_waiter {
    struct ci_wait wait;
    struct ci_list link;
    size_t *live; /* how many have arrived, are not cancelled and have not run again; NULL where nobody asks */
    bool leaves;  /* the list holds the pending only: it goes off it when it is woken or cancelled */
};

/*
 * What is waited for, for reports: in a word, the object, and how to describe a wait for it; and what the waiter's
 * frame gives back when the loop closes under it (struct ci_wait's abandon), or NULL.
 */
struct ci_waited {
    const char *what;
    const void *object;
    void (*describe)(const struct ci_wait *wait, char *out, size_t size);
    void (*abandon)(struct ci_wait *wait);
};

/* Takes a waiter's request to end: struct ci_wait's cancel. */
int ci_waiter_cancel(struct ci_wait *wait);

/* The head of a list that is not empty, or that has been used. */
static inline struct ci_list *ci_waiters(void *const pair[2])
{
    return (struct ci_list *)(uintptr_t)pair;
}

/* The first waiter of a list, or NULL. */
static inline struct ci_waiter *ci_waiters_first(void *const pair[2])
{
    const struct ci_list *list = ci_waiters(pair);

    return list->next == NULL || list->next == list ? NULL : ci_container_of(list->next, struct ci_waiter, link);
}

/* Appends a waiter for the running task. */
static inline void ci_waiter_arrive(struct ci_waiter *waiter, struct ci_task *task, void *const pair[2],
                                    const struct ci_waited *what)
{
    struct ci_list *list = ci_waiters(pair);

    if (list->next == NULL) {
        ci_list_init(list);
    }
    ci_wait_init(&waiter->wait, task, what->what);
    waiter->wait.object = what->object;
    waiter->wait.describe = what->describe;
    waiter->wait.abandon = what->abandon;
    waiter->wait.cancel = ci_waiter_cancel;
    waiter->live = NULL;
    waiter->leaves = false;
    ci_list_append(list, &waiter->link);
}

/* As ci_waiter_arrive, for a list of the pending only. */
static inline void ci_waiter_arrive_pending(struct ci_waiter *waiter, struct ci_task *task, void *const pair[2],
                                            const struct ci_waited *what)
{
    ci_waiter_arrive(waiter, task, pair, what);
    waiter->leaves = true;
}

/* Counts the waiter, which has arrived, as live. */
static inline void ci_waiter_count(struct ci_waiter *waiter, size_t *live)
{
    waiter->live = live;
    ++*live;
}

/*
 * Waits until woken, or cancelled (-ECANCELED; wait.state tells whether it had been woken before), and leaves the
 * list.
 */
static inline int ci_waiter_suspend(struct ci_waiter *waiter)
{
    int rc = ci_wait_suspend_here(&waiter->wait);

    ci_list_remove(&waiter->link);
    if (waiter->live != NULL && waiter->wait.state != CI_WAIT_CANCELLED) {
        --*waiter->live;
    }
    return rc;
}

/* Wakes a pending waiter. */
static inline void ci_waiter_wake(struct ci_waiter *waiter)
{
    if (waiter->leaves) {
        ci_list_remove(&waiter->link);
    }
    ci_loop_check_thread(waiter->wait.task->future.loop, "waking a task that waits for a lock or the like");
    ci_wait_finish_here(&waiter->wait);
}

/* Wakes the first of a list of the pending. Returns whether there is one. */
static inline bool ci_waiters_wake_first(void *const pair[2])
{
    struct ci_waiter *first = ci_waiters_first(pair);

    if (first == NULL) {
        return false;
    }
    ci_waiter_wake(first);
    return true;
}

#endif
