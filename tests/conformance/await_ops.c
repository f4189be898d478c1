/* Operations that suspend. Their first operand, whether errors leave the statement, is not theirs but execute.c's. */
#include <errno.h>
#include <math.h>

#include "execute.h"
#include "machine.h"
#include "operations.h"

/* ---- operands ---------------------------------------------------------------------------------------------------- */

struct futures {
    size_t count;
    coil_future **futures;
};

/*
 * What the references from the statement's operand `first` on stand for. Returns whether they can be
 * awaited; if not, the outcome says why not.
 */
static bool resolve(struct machine *machine, const struct statement *statement, size_t first, struct futures *found,
                    struct text *outcome)
{
    found->count = statement->count - first;
    found->futures = arena_alloc(machine->arena, found->count * sizeof(*found->futures));
    for (size_t i = 0; i < found->count; i++) {
        found->futures[i] = machine_resolve(machine, statement->numbers[first + i]);
        if (found->futures[i] == NULL) {
            return false;
        }
    }
    if (guard_would_cycle(machine, found->futures, found->count)) {
        text_put(outcome, "cycle");
        return false;
    }
    return true;
}

static double wait_for_timeout(int units)
{
    return units == NO_TIMEOUT ? (double)INFINITY : units;
}

/* For options, in which 0 is no timeout: what asyncio means by 0 is a time so short that it rounds to none. */
static double option_timeout(int units)
{
    if (units == NO_TIMEOUT) {
        return 0;
    }
    return units == 0 ? -1e-300 : units;
}

/* ---- one at a time ----------------------------------------------------------------------------------------------- */

static int sleep_for(struct machine *machine, const struct statement *statement, struct text *outcome)
{
    (void)machine;
    text_put(outcome, "%d", statement->numbers[1]);
    return coil_sleep(statement->numbers[1]);
}

static int await_one(struct machine *machine, const struct statement *statement, struct text *outcome)
{
    struct futures of;

    if (!resolve(machine, statement, 1, &of, outcome)) {
        return 0;
    }
    struct task_set before = guard_enter(machine, of.futures, 1);
    int rc = coil_await(of.futures[0]);
    guard_leave(machine, &before);
    if (rc >= 0) {
        machine_put_result(machine, outcome, of.futures[0]);
    }
    return rc;
}

/* No cancellation goes through a shield, so the guard need not know who waits at one. */
static int shield(struct machine *machine, const struct statement *statement, struct text *outcome)
{
    struct futures of;

    if (!resolve(machine, statement, 1, &of, outcome)) {
        return 0;
    }
    int rc = coil_await(machine_hold_future(machine, coil_shield(of.futures[0])));
    if (rc >= 0) {
        machine_put_result(machine, outcome, of.futures[0]);
    }
    return rc;
}

static int wait_for(struct machine *machine, const struct statement *statement, struct text *outcome)
{
    struct futures of = {.futures = (coil_future *[1]){machine_resolve(machine, statement->numbers[1])}, .count = 1};

    if (of.futures[0] == NULL) {
        return 0;
    }
    if (guard_would_cycle(machine, of.futures, 1)) {
        text_put(outcome, "cycle");
        return 0;
    }
    struct task_set before = guard_enter(machine, of.futures, 1);
    int rc = coil_wait_for(of.futures[0], wait_for_timeout(statement->numbers[2]));
    guard_leave(machine, &before);
    if (rc >= 0) {
        machine_put_result(machine, outcome, of.futures[0]);
    }
    return rc;
}

/*
 * asyncio makes the task for a timeout that is over at once by itself; it is made here, where the machine
 * can number it.
 */
static int wait_for_new_task(struct machine *machine, struct coroutine_call *call, double timeout)
{
    coil_task *task = coil_create_task(execute_coroutine, call, .eager_start = machine->program->eager);

    if (task == NULL) {
        return coil_creation_error();
    }
    (void)machine_number(machine, task);
    coil_unref(task); /* the machine has one of its own */
    return coil_wait_for(task, timeout);
}

static int wait_for_coroutine(struct machine *machine, const struct statement *statement, struct text *outcome)
{
    double timeout = wait_for_timeout(statement->numbers[2]);

    if (machine_tasks_full(machine, 1)) {
        text_put(outcome, "limit");
        return 0;
    }
    struct coroutine_call *call = coroutine_call(machine, statement->numbers[1], machine_current_number(machine));
    struct task_set before = guard_enter(machine, NULL, 0);
    int rc = timeout <= 0 ? wait_for_new_task(machine, call, timeout)
                          : coil_wait_for_coroutine(execute_coroutine, call, timeout);
    guard_leave(machine, &before);
    if (rc >= 0) {
        text_put(outcome, "%d", rc);
    }
    return rc;
}

/* ---- several at once --------------------------------------------------------------------------------------------- */

static int await_gather(struct machine *machine, const struct futures *of, const struct futures *guarded,
                        bool return_errors, struct text *outcome)
{
    coil_future *outer = coil_gather(of->futures, of->count, .return_errors = return_errors);

    (void)machine_hold_future(machine, outer);
    struct task_set before = guard_enter(machine, guarded->futures, guarded->count);
    int rc = coil_await(outer);
    guard_leave(machine, &before);
    if (rc >= 0) {
        machine_put_result(machine, outcome, outer);
    }
    return rc;
}

static int gather_and_wait(struct machine *machine, const struct statement *statement, struct text *outcome)
{
    struct futures of;

    if (!resolve(machine, statement, 2, &of, outcome)) {
        return 0;
    }
    return await_gather(machine, &of, &of, statement->numbers[1] != 0, outcome);
}

static int gather_coroutines(struct machine *machine, const struct statement *statement, struct text *outcome)
{
    struct futures tasks = {.count = statement->count - 2};
    const struct futures none = {0};
    int me = machine_current_number(machine);

    if (machine_tasks_full(machine, tasks.count)) {
        text_put(outcome, "limit");
        return 0;
    }
    tasks.futures = arena_alloc(machine->arena, tasks.count * sizeof(*tasks.futures));
    for (size_t i = 0; i < tasks.count; i++) {
        struct coroutine_call *call = coroutine_call(machine, statement->numbers[2 + i], me);
        coil_task *task = coil_create_task(execute_coroutine, call, .eager_start = machine->program->eager);
        if (task == NULL) {
            return coil_creation_error();
        }
        (void)machine_number(machine, task);
        coil_unref(task); /* the machine has one of its own */
        tasks.futures[i] = task;
    }
    return await_gather(machine, &tasks, &none, statement->numbers[1] != 0, outcome);
}

static bool is_first(const struct futures *of, size_t i)
{
    for (size_t j = 0; j < i; j++) {
        if (of->futures[j] == of->futures[i]) {
            return false;
        }
    }
    return true;
}

static void put_done_and_pending(struct text *outcome, const struct futures *of, int done)
{
    struct text letters = {.arena = outcome->arena};

    for (size_t i = 0; i < of->count; i++) {
        if (is_first(of, i)) {
            text_put(&letters, "%c", coil_done(of->futures[i]) ? 'd' : 'p');
        }
    }
    text_put(outcome, "%d/%d:%s", done, (int)letters.length - done, text_string(&letters));
}

static int wait_many(struct machine *machine, const struct statement *statement, struct text *outcome)
{
    static const enum coil_return_when modes[] = {COIL_ALL_COMPLETED, COIL_FIRST_COMPLETED, COIL_FIRST_EXCEPTION};
    struct futures of;

    if (!resolve(machine, statement, 3, &of, outcome)) {
        return 0;
    }
    if (of.count == 0) {
        return machine_error(machine, "Value");
    }
    struct task_set before = guard_enter(machine, of.futures, of.count);
    int rc = coil_wait(of.futures, of.count, .timeout = option_timeout(statement->numbers[2]),
                       .return_when = modes[statement->numbers[1]]);
    guard_leave(machine, &before);
    if (rc >= 0) {
        put_done_and_pending(outcome, &of, rc);
    }
    return rc;
}

static void close_iteration(void *iter)
{
    coil_as_completed_close(iter);
}

/* Waits for the next item. Returns 0 at the end, 1 with its result in word, or an error: the item's or the wait's. */
static int next_item(struct machine *machine, coil_as_completed_iter *iter, const struct futures *of, struct text *word)
{
    coil_future *future;
    struct task_set before = guard_enter(machine, of->futures, of->count);
    int rc = coil_as_completed_next(iter, &future);

    guard_leave(machine, &before);
    if (rc <= 0) {
        return rc;
    }
    rc = coil_await(future); /* it is done: this takes its result or error, as asyncio's item does */
    if (rc < 0) {
        return rc;
    }
    machine_put_result(machine, word, future);
    return 1;
}

/*
 * An iteration that is left stays open until the program is over: one that asyncio has let go of still has
 * its timer.
 */
static int as_completed(struct machine *machine, const struct statement *statement, struct text *outcome)
{
    coil_as_completed_iter *iter = arena_alloc(machine->arena, sizeof(*iter));
    struct futures of;

    if (!resolve(machine, statement, 2, &of, outcome)) {
        return 0;
    }
    int rc = coil_as_completed(iter, of.futures, of.count, .timeout = option_timeout(statement->numbers[1]));
    if (rc < 0) {
        return rc;
    }
    machine_hold(machine, close_iteration, iter);
    for (int i = 0;; i++) {
        struct text word = {.arena = machine->arena};
        rc = next_item(machine, iter, &of, &word);
        if (rc == 0 || rc == -ECANCELED || machine->unwinding) {
            return rc;
        }
        if (rc < 0) {
            machine_put_caught(machine, &word, rc);
        }
        machine_log(machine, "ascomp-item %d = %s", i, text_string(&word));
    }
}

const struct operation await_operations[] = {
    {.name = "sleep", .operands = "pi", .kind = OPERATION_AWAIT, .operate = sleep_for},
    {.name = "await", .operands = "pr", .kind = OPERATION_AWAIT, .operate = await_one},
    {.name = "shield", .operands = "pr", .kind = OPERATION_AWAIT, .operate = shield},
    {.name = "waitfor", .operands = "pri", .kind = OPERATION_AWAIT, .operate = wait_for},
    {.name = "waitforc", .operands = "pci", .kind = OPERATION_AWAIT, .operate = wait_for_coroutine},
    {.name = "gatherw", .operands = "pu*r", .kind = OPERATION_AWAIT, .operate = gather_and_wait},
    {.name = "gatherc", .operands = "pu*c", .kind = OPERATION_AWAIT, .operate = gather_coroutines},
    {.name = "wait", .operands = "pmi*r", .kind = OPERATION_AWAIT, .operate = wait_many},
    {.name = "ascomp", .operands = "pi*r", .kind = OPERATION_AWAIT, .operate = as_completed},
    {0},
};
