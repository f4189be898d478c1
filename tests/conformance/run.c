/*
 * A run: main, what coil_run would do after it, and the tasks' final states. The order of all that is the
 * oracle's machine.py.
 */
#include "run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "execute.h"
#include "machine.h"
#include "objects.h"
#include "operations.h"
#include "task/runtime.h"
#include "task/task.h"
#include "thread/executor.h"

enum { STACK_BYTES = 256 * 1024, UNWIND_ITERATIONS = 1000 };

/* ---- reports ----------------------------------------------------------------------------------------------------- */

/* What a report is called in the trace: the last word of asyncio's message. NULL where asyncio has no such report. */
static const char *report_word(enum coil_report_kind kind)
{
    switch (kind) {
    case COIL_REPORT_CALLBACK_ERROR:
        return "callback";
    case COIL_REPORT_SHUTDOWN_ERROR:
        return "shutdown";
    case COIL_REPORT_GROUP_PARENT_DONE:
        return "parent";
    case COIL_REPORT_SHIELDED_ERROR:
        return "future";
    case COIL_REPORT_NEVER_RETRIEVED:
    case COIL_REPORT_DESTROYED_PENDING:
        return "other";
    default:
        return NULL;
    }
}

static void log_report(coil_loop *loop, const struct coil_report *report, void *userdata)
{
    struct machine *machine = userdata;
    const char *kind = report_word(report->kind);

    (void)loop;
    if (report->kind == COIL_REPORT_SLOW_CALLBACK) {
        machine_log_as(machine, "*", "SLOW");
        return;
    }
    if (kind == NULL || machine->ended) {
        return;
    }
    struct text error = {.arena = machine->arena};
    if (report->error != 0) {
        machine_put_error(machine, &error, report->error, report->future == NULL ? NULL : report->future->note);
    }
    machine_log(machine, "EXC-HANDLER %s %s", kind, report->error == 0 ? "-" : text_string(&error));
}

/* ---- phases ------------------------------------------------------------------------------------------------------ */

/* Logs what a phase came to; word is what it came to if nothing stopped the loop. */
static void log_phase(struct machine *machine, const char *phase, int rc, const char *word)
{
    if (rc == STOPPED_BY_DEADLOCK) {
        word = "DEADLOCK";
    } else if (rc == STOPPED_BY_LIMIT) {
        word = "LIMIT";
        machine->poller.iteration_limit += CLEANUP_ITERATIONS;
    }
    machine_log_as(machine, "*", "%s %s", phase, word);
}

static void run_main(struct machine *machine)
{
    const struct coil_task_options options = {
        .size = sizeof(options),
        .arg = coroutine_call(machine, 0, -1),
        .eager_start = machine->program->eager,
    };
    coil_task *main = coil_loop_create_task(machine->loop, execute_coroutine, &options);
    struct text word = {.arena = machine->arena};

    (void)machine_number(machine, main);
    coil_unref(main); /* the machine has one of its own */
    int rc = coil_loop_run_until_complete(machine->loop, main);
    if (coil_done(main) && rc < 0) {
        machine_put_error(machine, &word, rc, main->note);
    } else {
        text_put(&word, "%d", rc);
    }
    log_phase(machine, "MAIN", rc, text_string(&word));
}

static void run_cleanup(struct machine *machine)
{
    int rc = ci_runtime_cancel_all(machine->loop);
    struct text word = {.arena = machine->arena};

    if (rc < 0) {
        machine_put_error(machine, &word, rc, NULL);
    }
    log_phase(machine, "CLEANUP", rc, rc < 0 ? text_string(&word) : "ok");
}

static void log_final_states(struct machine *machine)
{
    for (int number = 0; number < machine->task_count; number++) {
        const coil_task *task = machine->tasks[number];
        struct text line = {.arena = machine->arena};
        char who[16];
        text_put(&line, "final %s", future_state(task));
        if (coil_cancelling(task) > 0) {
            text_put(&line, " cancelling=%d", coil_cancelling(task));
        }
        if (task->flags & CI_FUTURE_UNRETRIEVED) {
            text_put(&line, " UNRETRIEVED");
        }
        (void)snprintf(who, sizeof(who), "T%d", number);
        machine_log_as(machine, who, "%s", text_string(&line));
    }
}

/*
 * Ends coroutines that are stuck, as the oracle does: nothing is executed any more, so each ends at its
 * next cancellation, and gives back on its way what the library holds in its frames.
 */
static void unwind(struct machine *machine)
{
    machine->unwinding = true;
    objects_unlock(machine);
    machine->poller.iteration_limit = machine->poller.iteration + UNWIND_ITERATIONS;
    while (ci_runtime_of(machine->loop)->task_count > 0 && ci_runtime_cancel_all(machine->loop) >= 0) {
        continue;
    }
}

/* ---- a run ------------------------------------------------------------------------------------------------------- */

/* One action: what another thread does itself, or has the loop do. */
static void act_from_outside(void *arg)
{
    struct actions *actions = arg;
    const struct statement *statement = actions->body->statements;
    struct text outcome = {.arena = actions->machine->arena};

    if (statement->operation->kind == OPERATION_OUTSIDE) {
        (void)statement->operation->operate(actions->machine, statement, &outcome); /* nothing but memory can fail */
    } else {
        (void)coil_call_soon_threadsafe(actions->machine->loop, execute_actions, actions);
    }
}

static void number_new_tasks(void *machine)
{
    machine_number_new(machine);
}

/* Each action of an external event is a call of its own. */
static void schedule_external(struct machine *machine, const struct external *external)
{
    for (size_t i = 0; i < external->actions.count; i++) {
        struct body *one = arena_alloc(machine->arena, sizeof(*one));
        *one = (struct body){.count = 1, .statements = &external->actions.statements[i]};
        virtual_poller_call_at(&machine->poller, machine->arena, external->when, act_from_outside,
                               actions_of(machine, one));
    }
}

static void set_up(struct machine *machine)
{
    machine->loop = coil_loop_new(.clock = COIL_CLOCK_VIRTUAL, .debug = machine->program->debug,
                                  .slow_callback_duration = SLOW_CALLBACK, .stack_size = STACK_BYTES);
    if (machine->loop == NULL) {
        (void)fprintf(stderr, "conformance_run: no loop: %s\n", coil_strerror(coil_creation_error()));
        exit(EXIT_FAILURE);
    }
    coil_loop_set_exception_handler(machine->loop, log_report, machine);
    virtual_poller_install(&machine->poller, machine->loop, ITERATION_LIMIT);
    machine->poller.before_wait = number_new_tasks;
    machine->poller.arg = machine;
    ci_executor_pool(machine->loop)->max_threads = 0;
    for (int i = 0; i < FUTURES; i++) {
        machine->futures[i] = machine_hold_future(machine, coil_loop_create_future(machine->loop));
    }
    objects_make(machine);
    for (const struct external *external = machine->program->externals; external != NULL; external = external->next) {
        schedule_external(machine, external);
    }
}

static void run(struct machine *machine)
{
    set_up(machine);
    run_main(machine);
    run_cleanup(machine);
    log_final_states(machine);
    machine->ended = true;
    unwind(machine);
    machine_release_held(machine);
    (void)coil_loop_close(machine->loop); /* it does not run, so it can be closed */
}

/* ---- the trace's text -------------------------------------------------------------------------------------------- */

/* Copies the trace with each line's iteration, its first word, replaced by how many different ones stand before. */
static void rank_iterations(const struct text *trace, struct text *out)
{
    const char *line = text_string(trace);
    const char *before = NULL;
    size_t before_length = 0;
    int rank = -1;

    while (*line != '\0') {
        size_t length = strcspn(line, " ");
        size_t line_length = strcspn(line, "\n") + 1;
        if (before == NULL || length != before_length || memcmp(line, before, length) != 0) {
            rank++; /* they only grow, so what differs from the last one is new */
        }
        text_put(out, "I%d", rank);
        text_append(out, line + length, line_length - length);
        before = line;
        before_length = length;
        line += line_length;
    }
}

int run_program(const char *text, size_t length, const struct trace_options *options, struct text *out)
{
    struct arena arena = {0};
    struct program program;
    const char *message = NULL;
    enum reading reading = program_read(&program, &arena, text, length, &message);

    if (reading == READ) {
        struct machine *machine = arena_alloc(&arena, sizeof(*machine));
        machine->arena = &arena;
        machine->program = &program;
        machine->with_iterations = !options->no_iterations;
        machine->trace.arena = &arena;
        run(machine);
        if (options->rank) {
            rank_iterations(&machine->trace, out);
        } else {
            text_append(out, text_string(&machine->trace), machine->trace.length);
        }
    } else {
        text_put(out, "%s%s\n", reading == UNSUPPORTED ? "unsupported " : "", message);
    }
    arena_free(&arena);
    return reading == READ ? EXIT_OK : reading == UNSUPPORTED ? EXIT_UNSUPPORTED : EXIT_UNREADABLE;
}
