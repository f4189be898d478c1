/* Statements: see execute.h. What is logged here, and when, is the oracle's machine.py. */
#include "execute.h"

#include <errno.h>

#include "machine.h"
#include "operations.h"

/* An operation that does not suspend: its errors are just logged. Only `raise` raises. */
static int act(struct machine *machine, const struct statement *statement)
{
    struct text outcome = {.arena = machine->arena};

    if (statement->operation->kind == OPERATION_RAISE) {
        machine_log(machine, "raise E%d", statement->numbers[0]);
        return machine_error(machine, "E%d", statement->numbers[0]);
    }
    int rc = statement->operation->operate(machine, statement, &outcome);
    if (rc < 0) {
        machine_put_error(machine, &outcome, rc, NULL);
    }
    machine_log(machine, "%s = %s", statement->title, outcome.length == 0 ? "nil" : text_string(&outcome));
    return 0;
}

/* An operation that suspends: cancellation always leaves it, errors do if its first operand says so. */
static int await(struct machine *machine, const struct statement *statement)
{
    struct text outcome = {.arena = machine->arena};
    int rc = statement->operation->operate(machine, statement, &outcome);

    if (machine->unwinding) {
        return -ECANCELED;
    }
    if (rc < 0) {
        machine_log(machine, "%s = %s", statement->title, machine_caught_word(machine, rc));
        return statement->numbers[0] || rc == -ECANCELED ? rc : 0;
    }
    machine_log(machine, "%s = %s", statement->title, outcome.length == 0 ? "nil" : text_string(&outcome));
    return 0;
}

static int execute(struct machine *machine, const struct statement *statement, int *returned)
{
    switch (statement->operation->kind) {
    case OPERATION_RETURN:
        machine_log(machine, "return %d", statement->numbers[0]);
        *returned = statement->numbers[0];
        return 1;
    case OPERATION_BLOCK:
        return statement->operation->run_block(machine, statement, returned);
    case OPERATION_AWAIT:
        return await(machine, statement);
    default:
        return act(machine, statement);
    }
}

int execute_block(struct machine *machine, const struct body *body, int *returned)
{
    for (size_t i = 0; i < body->count; i++) {
        int rc = machine->unwinding ? -ECANCELED : execute(machine, &body->statements[i], returned);
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

struct coroutine_call *coroutine_call(struct machine *machine, int number, int awaited_by)
{
    struct coroutine_call *call = arena_alloc(machine->arena, sizeof(*call));

    *call = (struct coroutine_call){.machine = machine, .number = number, .awaited_by = awaited_by};
    return call;
}

int execute_coroutine(void *arg)
{
    struct coroutine_call *call = arg;
    struct machine *machine = call->machine;
    int returned;

    machine_log(machine, "start C%d", call->number);
    guard_note_child(machine, call->awaited_by);
    int rc = execute_block(machine, machine->program->coroutines[call->number], &returned);
    if (rc < 0) {
        machine_log(machine, "end C%d = %s", call->number, machine_caught_word(machine, rc));
        return rc;
    }
    int result = rc == 1 ? returned : call->number;
    machine_log(machine, "end C%d = %d", call->number, result);
    return result;
}

struct actions *actions_of(struct machine *machine, const struct body *body)
{
    struct actions *actions = arena_alloc(machine->arena, sizeof(*actions));

    *actions = (struct actions){.machine = machine, .body = body};
    return actions;
}

void execute_actions(void *arg)
{
    struct actions *actions = arg;
    struct machine *machine = actions->machine;

    for (size_t i = 0; i < actions->body->count && !machine->unwinding; i++) {
        int rc = act(machine, &actions->body->statements[i]);
        if (rc < 0) {
            coil_loop_call_exception_handler(machine->loop, "a callback of the program failed", rc);
            return;
        }
    }
}
