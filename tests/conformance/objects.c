/* Locks, queues and the like: see objects.h. */
#include "objects.h"

#include <stdio.h>
#include <stdlib.h>

#include "machine.h"

static void check(int rc)
{
    if (rc < 0) {
        (void)fprintf(stderr, "conformance_run: an object could not be made: %s\n", coil_strerror(rc));
        exit(EXIT_FAILURE);
    }
}

static void make_semaphores(struct objects *objects, const struct objects_declared *declared)
{
    coil_semaphore *next = objects->semaphores;

    for (int i = 0; i < declared[SEMAPHORE].count; i++) {
        check(coil_semaphore_init(next++, declared[SEMAPHORE].values[i]));
    }
    for (int i = 0; i < declared[BOUNDED_SEMAPHORE].count; i++) {
        check(coil_bounded_semaphore_init(next++, declared[BOUNDED_SEMAPHORE].values[i]));
    }
}

static int compare_ints(const void *a, const void *b)
{
    int x = *(const int *)a;
    int y = *(const int *)b;

    return (x > y) - (x < y);
}

static void release_queue(void *queue)
{
    coil_queue_unref(queue);
}

static void make_queues(struct machine *machine, const struct objects_declared *declared)
{
    static const struct {
        enum object_kind kind;
        enum coil_queue_order order;
    } kinds[] = {{QUEUE, COIL_FIFO}, {PRIORITY_QUEUE, COIL_PRIORITY}, {LIFO_QUEUE, COIL_LIFO}};
    coil_queue **next = machine->objects->queues;

    for (size_t kind = 0; kind < sizeof(kinds) / sizeof(kinds[0]); kind++) {
        const struct objects_declared *of_kind = &declared[kinds[kind].kind];
        for (int i = 0; i < of_kind->count; i++) {
            *next = coil_queue_new(sizeof(int), (size_t)of_kind->values[i], .order = kinds[kind].order,
                                   .compare = compare_ints);
            check(*next == NULL ? coil_creation_error() : 0);
            machine_hold(machine, release_queue, *next++);
        }
    }
}

void objects_make(struct machine *machine)
{
    const struct objects_declared *declared = machine->program->objects;
    struct objects *objects = arena_alloc(machine->arena, sizeof(*objects));

    machine->objects = objects;
    for (int i = 0; i < OBJECTS; i++) {
        coil_lock_init(&objects->locks[i]);
        coil_event_init(&objects->events[i]);
        coil_condition_init(&objects->conditions[i], NULL);
    }
    make_semaphores(objects, declared);
    for (int i = 0; i < declared[BARRIER].count; i++) {
        check(coil_barrier_init(&objects->barriers[i], (size_t)declared[BARRIER].values[i]));
    }
    make_queues(machine, declared);
}

void objects_unlock(struct machine *machine)
{
    for (int i = 0; i < OBJECTS; i++) {
        (void)coil_lock_release(&machine->objects->locks[i]); /* those that nobody holds refuse, and that is well */
        (void)coil_condition_release(&machine->objects->conditions[i]);
    }
}
