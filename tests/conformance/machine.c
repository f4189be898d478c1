/* The machine: see machine.h. */
#include "machine.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "task/gather.h"
#include "task/note.h"
#include "task/task.h"

/* ---- the trace --------------------------------------------------------------------------------------------------- */

static void log_line(struct machine *machine, const char *who, const char *format, va_list arguments)
{
    struct text *trace = &machine->trace;

    if (machine->ended) {
        return;
    }
    if (machine->with_iterations) {
        text_put(trace, "I%d ", machine->poller.iteration);
    }
    text_put(trace, "t%d %s ", virtual_poller_now(&machine->poller), who);
    text_vput(trace, format, arguments);
    text_put(trace, "\n");
}

void machine_log(struct machine *machine, const char *format, ...)
{
    char who[16] = "-";
    va_list arguments;

    if (coil_current_task() != NULL) {
        (void)snprintf(who, sizeof(who), "T%d", machine_number(machine, coil_current_task()));
    }
    va_start(arguments, format);
    log_line(machine, who, format, arguments);
    va_end(arguments);
}

void machine_log_as(struct machine *machine, const char *who, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    log_line(machine, who, format, arguments);
    va_end(arguments);
}

/* ---- tasks and references ---------------------------------------------------------------------------------------- */

int machine_known_number(const struct machine *machine, const coil_future *future)
{
    for (int number = 0; number < machine->task_count; number++) {
        if (machine->tasks[number] == future) {
            return number;
        }
    }
    return -1;
}

static void give_number(struct machine *machine, struct ci_task *task)
{
    if (machine->task_count == TASKS_MAX) {
        (void)fputs("conformance_run: a program with too many tasks\n", stderr);
        exit(EXIT_FAILURE);
    }
    machine->last_task = task->id;
    machine->tasks[machine->task_count++] = machine_hold_future(machine, coil_ref(&task->future));
}

/* Those that have none are at the end of the list, which is in the order of their making. */
void machine_number_new(struct machine *machine)
{
    struct ci_list *tasks = &ci_runtime_of(machine->loop)->tasks;
    struct ci_list *link = tasks->prev;

    while (link != tasks && ci_container_of(link, struct ci_task, all)->id > machine->last_task) {
        link = link->prev;
    }
    for (link = link->next; link != tasks; link = link->next) {
        give_number(machine, ci_container_of(link, struct ci_task, all));
    }
}

int machine_number(struct machine *machine, coil_task *task)
{
    machine_number_new(machine);
    if (ci_task_of(task)->id > machine->last_task) {
        give_number(machine, ci_task_of(task)); /* it has ended already, as an eager one may */
    }
    return machine_known_number(machine, task);
}

int machine_current_number(const struct machine *machine)
{
    const coil_task *task = coil_current_task();

    return task == NULL ? -1 : machine_known_number(machine, task);
}

coil_future *machine_resolve(const struct machine *machine, int reference)
{
    if (reference >= FIRST_GATHER) {
        return machine->gathers[reference - FIRST_GATHER];
    }
    return reference >= FIRST_FUTURE ? machine->futures[reference - FIRST_FUTURE] : machine->slots[reference];
}

bool machine_tasks_full(const struct machine *machine, size_t more)
{
    return (size_t)machine->task_count + more > TASK_LIMIT;
}

struct held {
    struct held *older;
    void (*release)(void *thing);
    void *thing;
};

void machine_hold(struct machine *machine, void (*release)(void *thing), void *thing)
{
    struct held *held = arena_alloc(machine->arena, sizeof(*held));

    *held = (struct held){.older = machine->held, .release = release, .thing = thing};
    machine->held = held;
}

static void release_future(void *future)
{
    coil_unref(future);
}

coil_future *machine_hold_future(struct machine *machine, coil_future *future)
{
    machine_hold(machine, release_future, future);
    return future;
}

void machine_release_held(struct machine *machine)
{
    while (machine->held != NULL) {
        struct held *held = machine->held;
        machine->held = held->older;
        held->release(held->thing);
    }
}

/* ---- words of outcomes ------------------------------------------------------------------------------------------- */

const char *future_state(const coil_future *future)
{
    if (!coil_done(future)) {
        return "pending";
    }
    return coil_cancelled(future) ? "cancelled" : "done";
}

int machine_error(struct machine *machine, const char *format, ...)
{
    struct text word = {.arena = machine->arena};
    va_list arguments;

    va_start(arguments, format);
    text_vput(&word, format, arguments);
    va_end(arguments);
    for (int i = 0; i < machine->error_count; i++) {
        if (strcmp(machine->errors[i], text_string(&word)) == 0) {
            return -(FIRST_ERROR + i);
        }
    }
    if (machine->error_count == ERRORS) {
        (void)fputs("conformance_run: a program with too many different errors\n", stderr);
        exit(EXIT_FAILURE);
    }
    machine->errors[machine->error_count] = text_string(&word);
    return -(FIRST_ERROR + machine->error_count++);
}

static const char *error_word(const struct machine *machine, int error)
{
    int own = -error - FIRST_ERROR;

    if (own >= 0 && own < machine->error_count) {
        return machine->errors[own];
    }
    switch (error) {
    case -ECANCELED:
        return "Cancelled";
    case -ETIMEDOUT:
        return "Timeout";
    case -EALREADY:
    case -EINPROGRESS:
        return "Invalid";
    case -EPIPE:
        return "Broken";
    case -ESHUTDOWN:
        return "QueueShutDown";
    default:
        return coil_errname(error); /* no asyncio program gets here: the comparison will tell */
    }
}

void machine_put_error(struct machine *machine, struct text *out, int error, const struct ci_note *note)
{
    text_put(out, "%s", error_word(machine, error));
    if (error == -ECANCELED && note != NULL && note->text[0] != '\0') {
        text_put(out, ":%s", note->text);
    }
}

void machine_put_caught(struct machine *machine, struct text *out, int error)
{
    machine_put_error(machine, out, error, ci_task_of(coil_current_task())->last_note);
}

const char *machine_caught_word(struct machine *machine, int error)
{
    struct text word = {.arena = machine->arena};

    machine_put_caught(machine, &word, error);
    return text_string(&word);
}

/*
 * A child's part in the list that a gather comes to. asyncio makes a new CancelledError there, out of the
 * reason that is left.
 */
static void put_child(struct machine *machine, struct text *out, const coil_future *child)
{
    if (child->result >= 0) {
        machine_put_result(machine, out, child);
        return;
    }
    bool reason_went = child->state == CI_CANCELLED && child->flags & CI_FUTURE_NOTE_ONCE;
    machine_put_error(machine, out, child->result, reason_went ? NULL : child->note);
}

void machine_put_result(struct machine *machine, struct text *out, const coil_future *future)
{
    if (future->class != &ci_gather_class) {
        text_put(out, "%d", (int)future->result);
        return;
    }
    text_put(out, "[");
    for (size_t i = 0; i < ci_gather_size(future); i++) {
        text_put(out, "%s", i == 0 ? "" : ",");
        put_child(machine, out, ci_gather_child(future, i));
    }
    text_put(out, "]");
}
