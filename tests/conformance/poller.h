/*
 * The clock of a program, in the place where a real loop asks the kernel: time is whole units (one second
 * each of the loop's virtual clock) and moves only when the loop would sleep. Also counts the iterations,
 * and is what "another thread" acts through. It knows the loop and nothing of the program.
 */
#ifndef CONFORMANCE_POLLER_H
#define CONFORMANCE_POLLER_H

#include "poll/poll.h"

struct arena;
struct coil_loop;
struct outside_call;

/* Why a loop with this poller stopped, as the error that running it returns. */
enum { STOPPED_BY_DEADLOCK = -30001, STOPPED_BY_LIMIT = -30002 };

struct virtual_poller {
    struct ci_poller poller;
    struct coil_loop *loop;
    struct outside_call *calls; /* to come, in the order of their times */
    int iteration;
    int iteration_limit;
    void (*before_wait)(void *arg); /* called at each iteration, or NULL */
    void *arg;
};

/* Fills in a poller for loop and gives it to the loop. */
void virtual_poller_install(struct virtual_poller *poller, struct coil_loop *loop, int iteration_limit);

/* The clock in units. */
int virtual_poller_now(const struct virtual_poller *poller);

/* Has function(arg) called at a time, as if by another thread; at the same time, in the order of these calls. */
void virtual_poller_call_at(struct virtual_poller *poller, struct arena *arena, int when, void (*function)(void *arg),
                            void *arg);

#endif
