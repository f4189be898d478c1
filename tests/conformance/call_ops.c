/* Operations that have the loop call something back. */
#include "execute.h"
#include "machine.h"
#include "operations.h"

static void release_handle(void *handle)
{
    coil_handle_unref(handle);
}

/* Keeps the handle, as the loop's own reference ends when the callback has run. */
static int keep_handle(struct machine *machine, int number, coil_handle *handle)
{
    if (handle == NULL) {
        return coil_creation_error();
    }
    machine->handles[number] = coil_handle_ref(handle);
    machine_hold(machine, release_handle, handle);
    return 0;
}

static int soon(struct machine *machine, const struct statement *statement, struct text *outcome)
{
    struct actions *actions = actions_of(machine, &statement->bodies[0]);

    (void)outcome;
    return keep_handle(machine, statement->numbers[0], coil_call_soon(execute_actions, actions));
}

static int soon_threadsafe(struct machine *machine, const struct statement *statement, struct text *outcome)
{
    struct actions *actions = actions_of(machine, &statement->bodies[0]);

    (void)outcome;
    return keep_handle(machine, statement->numbers[0],
                       coil_call_soon_threadsafe(machine->loop, execute_actions, actions));
}

static int later(struct machine *machine, const struct statement *statement, struct text *outcome)
{
    struct actions *actions = actions_of(machine, &statement->bodies[0]);

    (void)outcome;
    return keep_handle(machine, statement->numbers[0],
                       coil_call_later(statement->numbers[1], execute_actions, actions));
}

static int at(struct machine *machine, const struct statement *statement, struct text *outcome)
{
    struct actions *actions = actions_of(machine, &statement->bodies[0]);

    (void)outcome;
    return keep_handle(machine, statement->numbers[0], coil_call_at(statement->numbers[1], execute_actions, actions));
}

static int cancel_handle(struct machine *machine, const struct statement *statement, struct text *outcome)
{
    coil_handle *handle = machine->handles[statement->numbers[0]];

    if (handle != NULL) {
        coil_handle_cancel(handle);
        text_put(outcome, "%d", coil_handle_cancelled(handle));
    }
    return 0;
}

const struct operation call_operations[] = {
    {.name = "soon", .operands = "na", .operate = soon},
    {.name = "soonts", .operands = "na", .operate = soon_threadsafe},
    {.name = "later", .operands = "nia", .operate = later},
    {.name = "at", .operands = "nia", .operate = at},
    {.name = "hcancel", .operands = "n", .operate = cancel_handle},
    {0},
};
