/* Operations on locks, events, conditions, semaphores and barriers. What each does is said by the oracle's operations.py. */
#include <errno.h>
#include <string.h>

#include "execute.h"
#include "machine.h"
#include "objects.h"
#include "operations.h"

/* asyncio's acquire, wait and the like return true. */
static int truth(struct text *outcome, int rc)
{
    if (rc == 0) {
        text_put(outcome, "1");
    }
    return rc;
}

/* What asyncio raises, by its word in the trace, where coil has an error of another name. */
static int called(struct machine *machine, int rc, const char *word)
{
    return rc == -EPERM || rc == -EINVAL ? machine_error(machine, "%s", word) : rc;
}

/* ---- locks ------------------------------------------------------------------------------------------------------- */

static coil_lock *lock_of(const struct machine *machine, int number)
{
    return &machine->objects->locks[number];
}

static int lock_acquire(struct machine *machine, const struct statement *statement, struct text *outcome)
{
    coil_lock *lock = lock_of(machine, statement->numbers[1]);
    int rc = coil_lock_acquire(lock);

    if (rc == 0 && machine->unwinding) {
        (void)coil_lock_release(lock); /* it is held */
    }
    return truth(outcome, rc);
}

static int lock_release(struct machine *machine, const struct statement *statement, struct text *outcome)
{
    (void)outcome;
    return called(machine, coil_lock_release(lock_of(machine, statement->numbers[0])), "Runtime");
}

static int lock_locked(struct machine *machine, const struct statement *statement, struct text *outcome)
{
    text_put(outcome, "%d", coil_lock_locked(lock_of(machine, statement->numbers[0])));
    return 0;
}

/* ---- events ------------------------------------------------------------------------------------------------------ */

static int event_wait(struct machine *machine, const struct statement *statement, struct text *outcome)
{
    return truth(outcome, coil_event_wait(&machine->objects->events[statement->numbers[1]]));
}

static int event_set(struct machine *machine, const struct statement *statement, struct text *outcome)
{
    (void)outcome;
    coil_event_set(&machine->objects->events[statement->numbers[0]]);
    return 0;
}

static int event_clear(struct machine *machine, const struct statement *statement, struct text *outcome)
{
    (void)outcome;
    coil_event_clear(&machine->objects->events[statement->numbers[0]]);
    return 0;
}

/* ---- conditions -------------------------------------------------------------------------------------------------- */

static coil_condition *condition_of(const struct machine *machine, int number)
{
    return &machine->objects->conditions[number];
}

/* A wait ends with the lock held, and who shall just end gives it to the next who waits for it on his way out. */
static int end_wait(struct machine *machine, coil_condition *condition, struct text *outcome, int rc)
{
    if (machine->unwinding) {
        (void)coil_condition_release(condition); /* unless somebody has done so already */
    }
    return truth(outcome, called(machine, rc, "Runtime"));
}

static int condition_wait(struct machine *machine, const struct statement *statement, struct text *outcome)
{
    coil_condition *condition = condition_of(machine, statement->numbers[1]);

    return end_wait(machine, condition, outcome, coil_condition_wait(condition));
}

struct at_least {
    const struct machine *machine;
    int least;
};

static bool is_reached(void *arg)
{
    const struct at_least *wanted = arg;

    return wanted->machine->objects->variable >= wanted->least;
}

static int condition_wait_for(struct machine *machine, const struct statement *statement, struct text *outcome)
{
    coil_condition *condition = condition_of(machine, statement->numbers[1]);
    struct at_least wanted = {.machine = machine, .least = statement->numbers[2]};

    return end_wait(machine, condition, outcome, coil_condition_wait_for(condition, is_reached, &wanted));
}

static int set_variable(struct machine *machine, const struct statement *statement, struct text *outcome)
{
    (void)outcome;
    machine->objects->variable = statement->numbers[0];
    return 0;
}

static int condition_notify(struct machine *machine, const struct statement *statement, struct text *outcome)
{
    coil_condition *condition = condition_of(machine, statement->numbers[0]);

    (void)outcome;
    return called(machine, coil_condition_notify(condition, (size_t)statement->numbers[1]), "Runtime");
}

static int condition_notify_all(struct machine *machine, const struct statement *statement, struct text *outcome)
{
    (void)outcome;
    return called(machine, coil_condition_notify_all(condition_of(machine, statement->numbers[0])), "Runtime");
}

static int condition_release(struct machine *machine, const struct statement *statement, struct text *outcome)
{
    (void)outcome;
    return called(machine, coil_condition_release(condition_of(machine, statement->numbers[0])), "Runtime");
}

/* ---- semaphores -------------------------------------------------------------------------------------------------- */

static coil_semaphore *semaphore_of(const struct machine *machine, int number)
{
    return &machine->objects->semaphores[number];
}

static int semaphore_acquire(struct machine *machine, const struct statement *statement, struct text *outcome)
{
    return truth(outcome, coil_semaphore_acquire(semaphore_of(machine, statement->numbers[1])));
}

static int semaphore_release(struct machine *machine, const struct statement *statement, struct text *outcome)
{
    (void)outcome;
    return called(machine, coil_semaphore_release(semaphore_of(machine, statement->numbers[0])), "Value");
}

static int semaphore_locked(struct machine *machine, const struct statement *statement, struct text *outcome)
{
    text_put(outcome, "%d", coil_semaphore_locked(semaphore_of(machine, statement->numbers[0])));
    return 0;
}

/* ---- barriers ---------------------------------------------------------------------------------------------------- */

static coil_barrier *barrier_of(const struct machine *machine, const struct statement *statement)
{
    return &machine->objects->barriers[statement->numbers[1]];
}

static int barrier_wait(struct machine *machine, const struct statement *statement, struct text *outcome)
{
    int rc = coil_barrier_wait(barrier_of(machine, statement));

    if (rc >= 0) {
        text_put(outcome, "%d", rc);
    }
    return rc;
}

static int barrier_reset(struct machine *machine, const struct statement *statement, struct text *outcome)
{
    (void)outcome;
    return coil_barrier_reset(barrier_of(machine, statement));
}

static int barrier_abort(struct machine *machine, const struct statement *statement, struct text *outcome)
{
    (void)outcome;
    return coil_barrier_abort(barrier_of(machine, statement));
}

/* ---- with -------------------------------------------------------------------------------------------------------- */

static int acquire(struct machine *machine, const char *kind, int number)
{
    if (strcmp(kind, "lock") == 0) {
        return coil_lock_acquire(lock_of(machine, number));
    }
    if (strcmp(kind, "sem") == 0) {
        return coil_semaphore_acquire(semaphore_of(machine, number));
    }
    return coil_condition_acquire(condition_of(machine, number));
}

static int release(struct machine *machine, const char *kind, int number)
{
    if (strcmp(kind, "lock") == 0) {
        return called(machine, coil_lock_release(lock_of(machine, number)), "Runtime");
    }
    if (strcmp(kind, "sem") == 0) {
        return called(machine, coil_semaphore_release(semaphore_of(machine, number)), "Value");
    }
    return called(machine, coil_condition_release(condition_of(machine, number)), "Runtime");
}

/* An error of the release stands in place of what the body came to. */
static int with_block(struct machine *machine, const struct statement *statement, int *returned)
{
    const char *kind = statement->word;
    int number = statement->numbers[0];
    int rc = acquire(machine, kind, number);

    if (rc < 0) {
        return rc;
    }
    machine_log(machine, "with-in %s %d", kind, number);
    rc = execute_block(machine, &statement->bodies[0], returned);
    int released = release(machine, kind, number);
    if (machine->unwinding || (released >= 0 && rc < 0)) {
        return rc;
    }
    if (released < 0) {
        return released;
    }
    machine_log(machine, "with-out %s %d", kind, number);
    return rc;
}

const struct operation sync_operations[] = {
    {.name = "acq", .operands = "pL", .kind = OPERATION_AWAIT, .operate = lock_acquire},
    {.name = "rel", .operands = "L", .operate = lock_release},
    {.name = "locked", .operands = "L", .operate = lock_locked},
    {.name = "ewait", .operands = "pE", .kind = OPERATION_AWAIT, .operate = event_wait},
    {.name = "eset", .operands = "E", .operate = event_set},
    {.name = "eclr", .operands = "E", .operate = event_clear},
    {.name = "cwait", .operands = "pC", .kind = OPERATION_AWAIT, .operate = condition_wait},
    {.name = "cwaitp", .operands = "pCi", .kind = OPERATION_AWAIT, .operate = condition_wait_for},
    {.name = "setvar", .operands = "i", .operate = set_variable},
    {.name = "cnotify", .operands = "Cu", .operate = condition_notify},
    {.name = "cnall", .operands = "C", .operate = condition_notify_all},
    {.name = "crel", .operands = "C", .operate = condition_release},
    {.name = "sacq", .operands = "pS", .kind = OPERATION_AWAIT, .operate = semaphore_acquire},
    {.name = "srel", .operands = "S", .operate = semaphore_release},
    {.name = "slocked", .operands = "S", .operate = semaphore_locked},
    {.name = "bwait", .operands = "pB", .kind = OPERATION_AWAIT, .operate = barrier_wait},
    {.name = "breset", .operands = "pB", .kind = OPERATION_AWAIT, .operate = barrier_reset},
    {.name = "babort", .operands = "pB", .kind = OPERATION_AWAIT, .operate = barrier_abort},
    {.name = "with", .operands = "wob", .kind = OPERATION_BLOCK, .run_block = with_block},
    {0},
};
