/*
 * The demo's load: thousands of clients that talk to an echo server in the same process, over real sockets.
 */
#ifndef DEMO_LOAD_H
#define DEMO_LOAD_H

#include <coil.h>

#include <netinet/in.h>

#include "latency.h"

struct load {
    /* What to do. */
    struct sockaddr_in address;
    size_t clients;
    double seconds;

    /* What came of it. */
    size_t connected;
    size_t failed; /* ended by an error or a timeout */
    int first_error;
    uint64_t requests;
    double measured_seconds;
    struct latency latency;

    /* While it runs. */
    size_t started;
    size_t lined_up;
    coil_future *batch_lined_up;
    coil_future *start;
    double began;
    double end;
};

/*
 * A coroutine: connects all clients, has them send requests for so many seconds, and returns when all have
 * ended.
 */
int load_run(void *load);

#endif
