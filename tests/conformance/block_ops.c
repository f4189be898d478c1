/*
 * Statements with statements inside. An error that passes through one may be a cancellation, whose reason
 * lies with the task and not in the number: whatever awaits on the way out must put it back.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "execute.h"
#include "machine.h"
#include "operations.h"
#include "task/note.h"
#include "task/task.h"

/* ---- try --------------------------------------------------------------------------------------------------------- */

static bool catches(const char *kind, int error)
{
    if (strcmp(kind, "all") == 0) {
        return true;
    }
    if (error == -ECANCELED) {
        return strcmp(kind, "cancel") == 0;
    }
    return strcmp(kind, "err") == 0 || (strcmp(kind, "timeout") == 0 && error == -ETIMEDOUT);
}

static void release_note(void *note)
{
    ci_note_unref(note);
}

/* Runs the last part of a `try` that has come to rc, and returns what it comes to with that. */
static int finally(struct machine *machine, const struct body *body, int rc)
{
    struct ci_task *task = ci_task_of(coil_current_task());
    struct ci_note *note = ci_note_ref(task->last_note);
    int ignored;

    machine_hold(machine, release_note, note);
    machine_log(machine, "finally");
    int error = execute_block(machine, body, &ignored);
    if (error < 0) {
        return error;
    }
    ci_task_arrived_with(task, ci_note_ref(note));
    return rc;
}

static int try_block(struct machine *machine, const struct statement *statement, int *returned)
{
    int rc = execute_block(machine, &statement->bodies[0], returned);

    if (rc < 0 && catches(statement->word, rc) && !machine->unwinding) {
        machine_log(machine, "caught %s", machine_caught_word(machine, rc));
        rc = execute_block(machine, &statement->bodies[1], returned);
    }
    if (statement->bodies[2].count > 0 && !machine->unwinding) {
        rc = finally(machine, &statement->bodies[2], rc);
    }
    return rc;
}

/* ---- the others -------------------------------------------------------------------------------------------------- */

static int timeout_block(struct machine *machine, const struct statement *statement, int *returned)
{
    int number = statement->numbers[0];
    int units = statement->numbers[1];
    coil_timeout *timeout = arena_alloc(machine->arena, sizeof(*timeout));

    coil_timeout_begin(timeout, units == NO_TIMEOUT ? (double)INFINITY : units);
    machine->timeouts[number] = timeout;
    int rc = execute_block(machine, &statement->bodies[0], returned);
    rc = coil_timeout_end(timeout, rc);
    machine_log(machine, "timeout-exit %d expired=%d", number, coil_timeout_expired(timeout));
    return rc;
}

/* The error that stands for all errors of a group: asyncio's ExceptionGroup. */
static int group_error(struct machine *machine, const coil_group *group)
{
    struct text word = {.arena = machine->arena};

    for (size_t i = 0; coil_group_error(group, i) != 0; i++) {
        text_put(&word, "%s", i == 0 ? "EG[" : ",");
        machine_put_error(machine, &word, coil_group_error(group, i), NULL);
    }
    return machine_error(machine, "%s]", text_string(&word));
}

static int group_block(struct machine *machine, const struct statement *statement, int *returned)
{
    int number = statement->numbers[0];
    coil_group *group = arena_alloc(machine->arena, sizeof(*group));

    coil_group_begin(group);
    machine->groups[number] = group;
    int rc = execute_block(machine, &statement->bodies[0], returned);
    rc = coil_group_end(group, rc);
    if (coil_group_error(group, 0) != 0) {
        rc = group_error(machine, group);
    }
    machine_log(machine, "tg-exit %d = %s", number, rc < 0 ? machine_caught_word(machine, rc) : "ok");
    return rc;
}

static int repeat_block(struct machine *machine, const struct statement *statement, int *returned)
{
    for (int i = 0; i < statement->numbers[0]; i++) {
        int rc = execute_block(machine, &statement->bodies[0], returned);
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

const struct operation block_operations[] = {
    {.name = "try", .operands = "wbbb", .kind = OPERATION_BLOCK, .run_block = try_block},
    {.name = "timeout", .operands = "nib", .kind = OPERATION_BLOCK, .run_block = timeout_block},
    {.name = "tg", .operands = "nb", .kind = OPERATION_BLOCK, .run_block = group_block},
    {.name = "rep", .operands = "ub", .kind = OPERATION_BLOCK, .run_block = repeat_block},
    {0},
};
