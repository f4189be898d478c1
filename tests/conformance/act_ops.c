/*
 * Operations that do not suspend, on tasks, futures, gathers, timeouts and groups. What each does is said
 * by the oracle's operations.py.
 */
#include <errno.h>
#include <math.h>

#include "execute.h"
#include "machine.h"
#include "operations.h"
#include "task/gather.h"
#include "task/note.h"
#include "task/task.h"

/* ---- tasks ------------------------------------------------------------------------------------------------------- */

static int spawn(struct machine *machine, const struct statement *statement, struct text *outcome)
{
    int slot = statement->numbers[0];

    if (machine_tasks_full(machine, 1)) {
        text_put(outcome, "limit");
        return 0;
    }
    struct coroutine_call *call = coroutine_call(machine, statement->numbers[1], -1);
    coil_task *task = coil_create_task(execute_coroutine, call, .eager_start = machine->program->eager);
    if (task == NULL) {
        return coil_creation_error();
    }
    text_put(outcome, "T%d", machine_number(machine, task));
    machine->slots[slot] = task;
    coil_unref(task); /* the machine has one of its own */
    return 0;
}

static int group_spawn(struct machine *machine, const struct statement *statement, struct text *outcome)
{
    coil_group *group = machine->groups[statement->numbers[0]];
    int slot = statement->numbers[1];

    if (group == NULL) {
        return 0;
    }
    if (machine_tasks_full(machine, 1)) {
        text_put(outcome, "limit");
        return 0;
    }
    struct coroutine_call *call = coroutine_call(machine, statement->numbers[2], -1);
    coil_task *task = coil_group_create_task(group, execute_coroutine, call, .eager_start = machine->program->eager);
    if (task == NULL) {
        int rc = coil_creation_error();
        return rc == -EINVAL || rc == -ECANCELED ? machine_error(machine, "Runtime") : rc;
    }
    text_put(outcome, "T%d", machine_number(machine, task));
    machine->slots[slot] = task;
    return 0;
}

static int cancel(struct machine *machine, const struct statement *statement, struct text *outcome)
{
    coil_future *future = machine_resolve(machine, statement->numbers[0]);

    if (future == NULL) {
        return 0;
    }
    if (statement->count == 1) {
        text_put(outcome, "%d", coil_cancel(future));
        return 0;
    }
    struct text why = {.arena = machine->arena};
    text_put(&why, "m%d", statement->numbers[1]);
    text_put(outcome, "%d", coil_cancel_msg(future, text_string(&why)));
    return 0;
}

static int uncancel(struct machine *machine, const struct statement *statement, struct text *outcome)
{
    (void)machine;
    (void)statement;
    if (coil_current_task() != NULL) {
        text_put(outcome, "%d", coil_uncancel(coil_current_task()));
    }
    return 0;
}

static int cancelling(struct machine *machine, const struct statement *statement, struct text *outcome)
{
    const coil_future *task = machine_resolve(machine, statement->numbers[0]);

    if (task == NULL) {
        return 0;
    }
    if (!ci_future_is_task(task)) {
        return machine_error(machine, "AttributeError"); /* Python's, of a future */
    }
    text_put(outcome, "%d", coil_cancelling(task));
    return 0;
}

/* ---- futures ----------------------------------------------------------------------------------------------------- */

static int set_result(struct machine *machine, const struct statement *statement, struct text *outcome)
{
    (void)outcome;
    return coil_future_set_result(machine->futures[statement->numbers[0]], statement->numbers[1]);
}

static int set_exception(struct machine *machine, const struct statement *statement, struct text *outcome)
{
    (void)outcome;
    return coil_future_set_error(machine->futures[statement->numbers[0]],
                                 machine_error(machine, "E%d", statement->numbers[1]));
}

static int new_future(struct machine *machine, const struct statement *statement, struct text *outcome)
{
    (void)outcome;
    machine->futures[statement->numbers[0]] = machine_hold_future(machine, coil_future_new());
    return 0;
}

static int state(struct machine *machine, const struct statement *statement, struct text *outcome)
{
    const coil_future *future = machine_resolve(machine, statement->numbers[0]);

    if (future != NULL) {
        text_put(outcome, "%s", future_state(future));
    }
    return 0;
}

/* Looks at the error of a future that ended with one, as result() and exception() do. */
static void put_error_of(struct machine *machine, struct text *outcome, coil_future *future)
{
    struct ci_note *note = ci_future_take_note(future);

    machine_put_error(machine, outcome, coil_error(future), note);
    ci_note_unref(note);
}

static int result(struct machine *machine, const struct statement *statement, struct text *outcome)
{
    coil_future *future = machine_resolve(machine, statement->numbers[0]);

    if (future == NULL) {
        return 0;
    }
    if (!coil_done(future)) {
        return coil_result(future);
    }
    if (future->result < 0) {
        put_error_of(machine, outcome, future);
    } else {
        machine_put_result(machine, outcome, future);
    }
    return 0;
}

static int exception(struct machine *machine, const struct statement *statement, struct text *outcome)
{
    coil_future *future = machine_resolve(machine, statement->numbers[0]);

    if (future == NULL) {
        return 0;
    }
    if (!coil_done(future)) {
        return coil_error(future);
    }
    if (future->result < 0) {
        text_put(outcome, "%s", coil_cancelled(future) ? "raised " : "");
        put_error_of(machine, outcome, future);
    }
    return 0;
}

static void done_callback(coil_future *future, void *userdata)
{
    const struct numbered_callback *callback = userdata;

    machine_log(callback->machine, "cb %d %s", callback->number, future_state(future));
}

static int add_done_callback(struct machine *machine, const struct statement *statement, struct text *outcome)
{
    coil_future *future = machine_resolve(machine, statement->numbers[0]);
    struct numbered_callback *callback = &machine->callbacks[statement->numbers[1]];

    (void)outcome;
    if (future == NULL) {
        return 0;
    }
    *callback = (struct numbered_callback){.machine = machine, .number = statement->numbers[1], .made = true};
    return coil_add_done_callback(future, done_callback, callback);
}

static int remove_done_callback(struct machine *machine, const struct statement *statement, struct text *outcome)
{
    coil_future *future = machine_resolve(machine, statement->numbers[0]);
    struct numbered_callback *callback = &machine->callbacks[statement->numbers[1]];

    if (future != NULL && callback->made) {
        text_put(outcome, "%d", coil_remove_done_callback(future, done_callback, callback));
    }
    return 0;
}

static int gather(struct machine *machine, const struct statement *statement, struct text *outcome)
{
    int slot = statement->numbers[0];
    size_t count = statement->count - 2;
    coil_future **futures = arena_alloc(machine->arena, count * sizeof(*futures));

    (void)outcome;
    for (size_t i = 0; i < count; i++) {
        futures[i] = machine_resolve(machine, statement->numbers[2 + i]);
        if (futures[i] == NULL) {
            return 0;
        }
    }
    coil_future *outer = coil_gather(futures, count, .return_errors = statement->numbers[1] != 0);
    guard_note_gather(machine, slot, futures, count);
    machine->gathers[slot] = machine_hold_future(machine, outer);
    return 0;
}

/* ---- timeouts and the clock -------------------------------------------------------------------------------------- */

static int reschedule(struct machine *machine, const struct statement *statement, struct text *outcome)
{
    coil_timeout *timeout = machine->timeouts[statement->numbers[0]];
    int delay = statement->numbers[1];

    (void)outcome;
    if (timeout == NULL) {
        return 0;
    }
    int rc = coil_timeout_reschedule(timeout, delay < 0 ? (double)INFINITY : coil_time() + delay);
    return rc == -EINVAL ? machine_error(machine, "Runtime") : rc;
}

static int expired(struct machine *machine, const struct statement *statement, struct text *outcome)
{
    const coil_timeout *timeout = machine->timeouts[statement->numbers[0]];

    if (timeout != NULL) {
        text_put(outcome, "%d", coil_timeout_expired(timeout));
    }
    return 0;
}

static int busy(struct machine *machine, const struct statement *statement, struct text *outcome)
{
    (void)machine;
    (void)outcome;
    return coil_clock_advance(statement->numbers[0]);
}

const struct operation act_operations[] = {
    {.name = "spawn", .operands = "sc", .operate = spawn},
    {.name = "tgspawn", .operands = "nsc", .operate = group_spawn},
    {.name = "cancel", .operands = "r?i", .operate = cancel},
    {.name = "uncancel", .operands = "", .operate = uncancel},
    {.name = "cancelling", .operands = "r", .operate = cancelling},
    {.name = "setres", .operands = "fu", .operate = set_result},
    {.name = "setexc", .operands = "fi", .operate = set_exception},
    {.name = "newfut", .operands = "f", .operate = new_future},
    {.name = "state", .operands = "r", .operate = state},
    {.name = "result", .operands = "r", .operate = result},
    {.name = "exception", .operands = "r", .operate = exception},
    {.name = "adddone", .operands = "rn", .operate = add_done_callback},
    {.name = "rmdone", .operands = "rn", .operate = remove_done_callback},
    {.name = "gather", .operands = "gu*r", .operate = gather},
    {.name = "resched", .operands = "ni", .operate = reschedule},
    {.name = "expired", .operands = "n", .operate = expired},
    {.name = "busy", .operands = "u", .operate = busy},
    {0},
};
