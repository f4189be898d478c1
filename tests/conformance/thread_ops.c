/*
 * What threads do: work for an executor, and coroutines that another thread asks for. There are no threads; the
 * poller says when each thing happens. Where asyncio, which makes all this of futures chained to each other, spends
 * an iteration on a callback that does nothing any more, so does this. What each operation does is said by the
 * oracle's operations.py and machine.py.
 */
#include <errno.h>

#include <coil/thread.h>

#include "execute.h"
#include "machine.h"
#include "operations.h"
#include "thread/executor.h"

static void nothing(void *unused)
{
    (void)unused;
}

/* ---- an executor whose work takes virtual time ------------------------------------------------------------------- */

struct work {
    struct machine *machine;
    int value;
    bool over;        /* its time has come, whether anybody still wanted it or not */
    const char *name; /* by which its job is found */
};

static int do_work(void *arg)
{
    const struct work *work = arg;

    return work->value < 0 ? machine_error(work->machine, "E%d", -work->value) : work->value;
}

static void finish_work(void *arg)
{
    struct work *work = arg;
    struct ci_list *jobs = &ci_executor_pool(work->machine->loop)->jobs;

    work->over = true;
    for (struct ci_list *link = jobs->next; link != jobs; link = link->next) {
        struct ci_job *job = ci_container_of(link, struct ci_job, all);
        if (job->what == work->name) {
            (void)ci_job_carry_out(job); /* it waits: nobody else works here */
            return;
        }
    }
}

static int run_in_executor(struct machine *machine, const struct statement *statement, struct text *outcome)
{
    struct work *work = arena_alloc(machine->arena, sizeof(*work));
    char *name = arena_alloc(machine->arena, 1);

    *work = (struct work){.machine = machine, .value = statement->numbers[2], .name = name};
    int when = virtual_poller_now(&machine->poller) + statement->numbers[1];
    virtual_poller_call_at(&machine->poller, machine->arena, when, finish_work, work);
    int rc = coil_to_thread_from(do_work, work, name, NULL);
    if (rc >= 0) {
        text_put(outcome, "%d", rc);
    } else if (coil_cancelling(coil_current_task()) > 0 && rc == -ECANCELED && !work->over) {
        (void)coil_call_soon(nothing, NULL); /* the thread's future is cancelled by the loop's, and tells it so */
    }
    return rc;
}

/* ---- coroutines for another thread ------------------------------------------------------------------------------- */

struct request {
    struct machine *machine;
    int number;
};

static void log_done(coil_concurrent_future *future, void *userdata)
{
    const struct request *request = userdata;
    struct text word = {.arena = request->machine->arena};

    if (coil_concurrent_future_cancelled(future)) {
        machine_log(request->machine, "cf %d cancelled", request->number);
        if (coil_get_running_loop() != NULL) {
            (void)coil_call_soon(nothing, NULL); /* by its task, which is cancelled once more */
        }
        return;
    }
    int rc = coil_concurrent_future_result(future, 0);
    if (rc < 0) {
        machine_put_error(request->machine, &word, rc, NULL);
    } else {
        text_put(&word, "%d", rc);
    }
    machine_log(request->machine, "cf %d %s", request->number, text_string(&word));
}

static void release_future(void *future)
{
    coil_concurrent_future_unref(future);
}

static int run_threadsafe(struct machine *machine, const struct statement *statement, struct text *outcome)
{
    struct request *request = arena_alloc(machine->arena, sizeof(*request));
    struct coroutine_call *call = coroutine_call(machine, statement->numbers[1], -1);

    (void)outcome;
    *request = (struct request){.machine = machine, .number = statement->numbers[0]};
    coil_concurrent_future *future =
        coil_run_coroutine_threadsafe(machine->loop, execute_coroutine, call, .eager_start = machine->program->eager);
    machine->thread_futures[request->number] = future;
    machine_hold(machine, release_future, future);
    return coil_concurrent_future_add_done_callback(future, log_done, request);
}

static int cancel_threadsafe(struct machine *machine, const struct statement *statement, struct text *outcome)
{
    coil_concurrent_future *future = machine->thread_futures[statement->numbers[0]];

    (void)outcome;
    if (future != NULL) {
        int cancelled = coil_concurrent_future_cancel(future);
        machine_log_as(machine, "X", "%s = %d", statement->title, cancelled);
    }
    return 0;
}

const struct operation thread_operations[] = {
    {.name = "exec", .operands = "pui", .kind = OPERATION_AWAIT, .operate = run_in_executor},
    {.name = "rcts", .operands = "nc", .kind = OPERATION_OUTSIDE, .operate = run_threadsafe},
    {.name = "cfcancel", .operands = "n", .kind = OPERATION_OUTSIDE, .operate = cancel_threadsafe},
    {0},
};
