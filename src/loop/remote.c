/*
 * Calls from other threads. A call is a handle on a lock-free stack that any thread pushes to and that the loop takes
 * whole and turns round, so that each thread's calls run in the order in which they were made. The thread that finds the stack empty
 * wakes the poller; whoever comes after it finds it non-empty and need not, so many calls cost one wake-up.
 */
#include "loop/remote.h"

#include "loop/loop.h"

void ci_remote_push(struct coil_loop *loop, struct ci_remote_call *call)
{
    struct ci_remote_call *first = atomic_load_explicit(&loop->remote, memory_order_relaxed);

    do {
        call->next = first;
    } while (!atomic_compare_exchange_weak_explicit(&loop->remote, &first, call, memory_order_release,
                                                    memory_order_relaxed));
    if (first == NULL) {
        loop->poller->class->wake(loop->poller);
    }
}

static struct ci_remote_call *reversed(struct ci_remote_call *call)
{
    struct ci_remote_call *result = NULL;

    while (call != NULL) {
        struct ci_remote_call *next = call->next;
        call->next = result;
        result = call;
        call = next;
    }
    return result;
}

bool ci_remote_collect(struct coil_loop *loop)
{
    if (atomic_load_explicit(&loop->remote, memory_order_relaxed) == NULL && loop->remote_waiting == NULL) {
        return false;
    }
    struct ci_remote_call *call = loop->remote_waiting;
    struct ci_remote_call **end = &call;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = reversed(atomic_exchange_explicit(&loop->remote, NULL, memory_order_acquire));

    /* Without memory for its entry a call stays here and is tried again in the next iteration: late, but not lost. */
    while (call != NULL && ci_ready_reserve(&loop->ready) == 0) {
        struct ci_remote_call *next = call->next;
        call->arrive(loop, call);
        call = next;
    }
    loop->remote_waiting = call;
    if (call != NULL) {
        loop->attention |= CI_LOOK_REMOTE;
    } else {
        loop->attention &= ~(uint32_t)CI_LOOK_REMOTE;
    }
    return true;
}

void ci_remote_drop(struct coil_loop *loop)
{
    struct ci_remote_call *lists[] = {loop->remote_waiting, atomic_exchange(&loop->remote, NULL)};

    loop->remote_waiting = NULL;
    for (int i = 0; i < 2; i++) {
        while (lists[i] != NULL) {
            struct ci_remote_call *next = lists[i]->next;
            lists[i]->drop(lists[i]);
            lists[i] = next;
        }
    }
}
