/*
 * What the tests of locks and their like share: the tasks' harness, and clients, tasks that do one thing with an object and say how
 * it went. A client says its name when it is through, or its name and "!" when it was cancelled.
 */
#ifndef TESTS_SYNC_CLIENTS_H
#define TESTS_SYNC_CLIENTS_H

#include "tests/task/harness.h"

#include <coil/sync.h>

struct client {
    void *object;
    const char *name;
    int rc;      /* of what it did; 1 before that */
    int hops;    /* from the trigger to there */
    int holds;   /* iterations until it gives back what it took; negative: never */
    int item;    /* what it puts, or got */
    bool cancel; /* it cancels itself before it does anything */
    coil_task *task;
};

static inline void client_is_through(struct client *client, int rc)
{
    client->rc = rc;
    client->hops = hops();
    if (client->name != NULL) {
        say((char *)(uintptr_t)client->name);
        if (rc == -ECANCELED) {
            say("!");
        }
    }
}

/* Starts clients[0] to clients[n - 1], in this order, named A, B, C and so on, and lets them come to their waits. */
static inline void start_clients(struct client *clients, int n, coil_fn *fn, void *object)
{
    static const char *const names[] = {"A", "B", "C", "D", "E", "F", "G", "H"};

    for (int i = 0; i < n; i++) {
        clients[i].object = object;
        clients[i].rc = 1;
        clients[i].name = i < 8 ? names[i] : NULL;
        clients[i].task = spawn(fn, &clients[i]);
    }
    let_pass(2);
}

static inline void join_clients(struct client *clients, int n)
{
    for (int i = 0; i < n; i++) {
        (void)coil_join(clients[i].task);
    }
}

/* Cancels a client, which waits or has just been woken. */
static inline void cancel_client(struct client *client)
{
    ck_assert_int_eq(coil_cancel(client->task), 1);
}

/* Two that many tests of queues start. */
static inline int getter(void *arg)
{
    struct client *client = arg;
    int rc = coil_queue_get(client->object, &client->item);

    client_is_through(client, rc);
    return rc;
}

static inline int putter(void *arg)
{
    struct client *client = arg;
    int rc = coil_queue_put(client->object, &client->item);

    client_is_through(client, rc);
    return rc;
}

static inline void setup_clients(void)
{
    forget_log();
    setup();
}

#endif
