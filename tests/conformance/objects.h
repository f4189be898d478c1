/* What a program declares, made before it starts: locks, queues and the like, each kind numbered from 0. */
#ifndef CONFORMANCE_OBJECTS_H
#define CONFORMANCE_OBJECTS_H

#include <coil/sync.h>

#include "program.h"

struct machine;

struct objects {
    coil_lock locks[OBJECTS];
    coil_event events[OBJECTS];
    coil_condition conditions[OBJECTS];
    coil_semaphore semaphores[2 * OBJECTS]; /* the bounded ones behind the others */
    coil_barrier barriers[OBJECTS];
    coil_queue *queues[3 * OBJECTS]; /* in order of arrival, then by priority, then last in first out */
    int variable;                    /* what the predicates of conditions look at */
};

/* Makes machine->objects. Queues are held until the program is over. */
void objects_make(struct machine *machine);

/*
 * Frees every lock, so that nobody who waits in a condition, and whom no cancellation ends while the lock is taken, is stuck
 * there for good: for coroutines that shall end.
 */
void objects_unlock(struct machine *machine);

#endif
