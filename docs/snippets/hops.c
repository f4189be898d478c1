/*
 * How many iterations of the loop lie between what happens and the resumption of who waits for it. A callback that asks
 * to be called again and again counts iterations; it was there first, so it runs first in each.
 */
#include <coil.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>

static int iteration;
static int happened; /* in which iteration */
static coil_task *actor;

static void tick(void *userdata)
{
    (void)userdata;
    iteration++;
    coil_call_soon(tick, NULL);
}

static void row(const char *what)
{
    printf("%-72s %d\n", what, iteration - happened);
}

/* ---- what happens -------------------------------------------------------------------------------------- */

static int first_step(void *arg)
{
    (void)arg;
    row("coil_create_task: until the first step");
    return 0;
}

/* Ends three iterations from now, so that whoever waits for it has begun to wait. */
static int ends(void *arg)
{
    (void)arg;
    for (int i = 0; i < 3; i++) {
        int rc = coil_sleep(0);
        if (rc < 0) {
            return rc;
        }
    }
    happened = iteration;
    return 0;
}

static int fails(void *arg)
{
    int rc = ends(arg);
    return rc < 0 ? rc : -EIO;
}

static int sleeps(void *arg)
{
    (void)arg;
    return coil_sleep(INFINITY);
}

/* Three iterations from now, does something to the task that waits. */
static int acts(void *arg)
{
    void (*act)(void) = *(void (**)(void))arg;
    int rc = ends(NULL);

    if (rc == 0) {
        act();
    }
    return rc;
}

static void cancel_actor(void)
{
    coil_cancel(actor);
}

static void let_a_second_pass(void)
{
    (void)coil_clock_advance(1.0); /* the timers are looked at when the next iteration begins */
    happened = iteration + 1;
}

/* Has act called while the calling task waits for what it waits for next. */
static void meanwhile(void (*act)(void))
{
    actor = coil_current_task();
    coil_unref(coil_create_task(acts, &act, .arg_size = sizeof(act)));
}

/* ---- completions --------------------------------------------------------------------------------------- */

static void completions(void)
{
    happened = iteration;
    (void)coil_join(coil_create_task(first_step, NULL));

    happened = iteration;
    (void)coil_sleep(0);
    row("coil_sleep(0)");

    (void)coil_join(coil_create_task(ends, NULL));
    row("coil_await: the task ends");

    coil_task *task = coil_create_task(ends, NULL);
    (void)coil_join(coil_shield(task));
    row("coil_shield: the task inside ends");

    coil_unref(task);
    task = coil_create_task(ends, NULL);
    (void)coil_join(coil_gather(&task, 1));
    row("coil_gather: the last one ends");

    happened = iteration;
    (void)coil_join(coil_gather(&task, 1));
    row("coil_gather: all are done already");

    happened = iteration;
    (void)coil_wait(&task, 1);
    row("coil_wait: all are done already");

    coil_unref(task);
    task = coil_create_task(ends, NULL);
    (void)coil_wait(&task, 1);
    row("coil_wait: the last one ends");

    coil_unref(task);
    task = coil_create_task(ends, NULL);
    (void)coil_wait_for(task, 10.0);
    row("coil_wait_for: the task ends in time");
    coil_unref(task);
}

static void groups(void)
{
    coil_group group;

    coil_group_begin(&group);
    coil_group_create_task(&group, ends, NULL);
    (void)coil_group_end(&group, 0);
    row("coil_group_end: the last task ends");

    coil_group_begin(&group);
    coil_group_create_task(&group, fails, NULL);
    int rc = coil_sleep(INFINITY);
    row("in a group's body: a task of the group fails");
    (void)coil_group_end(&group, rc);
}

/* ---- cancellations ------------------------------------------------------------------------------------- */

static void awaits_cancelled(coil_future *future, const char *what)
{
    meanwhile(cancel_actor);
    (void)coil_join(future);
    (void)coil_uncancel(coil_current_task());
    row(what);
}

static void cancellations(void)
{
    coil_task *task = coil_create_task(sleeps, NULL);

    awaits_cancelled(coil_future_new(), "coil_cancel: of a task that awaits a future");
    awaits_cancelled(coil_shield(task), "coil_cancel: of a task that awaits a shield");
    awaits_cancelled(coil_create_task(sleeps, NULL), "coil_cancel: of a task that awaits another task");
    awaits_cancelled(coil_gather(&task, 1), "coil_cancel: of a task that awaits a gather of tasks");
    coil_unref(task);

    task = coil_create_task(sleeps, NULL);
    meanwhile(cancel_actor);
    (void)coil_wait_for(task, 10.0);
    (void)coil_uncancel(coil_current_task());
    row("coil_cancel: of a task in coil_wait_for(task)");
    coil_unref(task);
}

/* ---- time ---------------------------------------------------------------------------------------------- */

static void timeouts(void)
{
    coil_timeout timeout;
    coil_future *future = coil_future_new();

    meanwhile(let_a_second_pass);
    (void)coil_sleep(1.0);
    row("coil_sleep: its time has come");

    meanwhile(let_a_second_pass);
    coil_timeout_begin(&timeout, 1.0);
    (void)coil_timeout_end(&timeout, coil_sleep(INFINITY));
    row("coil_timeout: the time runs out");

    meanwhile(let_a_second_pass);
    (void)coil_wait_for(future, 1.0);
    row("coil_wait_for: the time runs out, on a future");
    coil_unref(future);

    coil_task *task = coil_create_task(sleeps, NULL);
    meanwhile(let_a_second_pass);
    (void)coil_wait_for(task, 1.0);
    row("coil_wait_for: the time runs out, on a task that sleeps");
    coil_unref(task);

    task = coil_create_task(sleeps, NULL);
    (void)coil_sleep(0);
    happened = iteration;
    (void)coil_wait_for(task, 0);
    row("coil_wait_for with a timeout of 0: of a task that sleeps");
    coil_unref(task);

    happened = iteration;
    coil_timeout_begin(&timeout, 0);
    (void)coil_timeout_end(&timeout, coil_sleep(INFINITY));
    row("coil_timeout of 0: at the next await");
}

static int main_(void *arg)
{
    (void)arg;
    coil_call_soon(tick, NULL);
    (void)coil_sleep(0);
    completions();
    groups();
    timeouts();
    cancellations();
    return 0;
}

int main(void)
{
    return coil_run(main_, NULL, .clock = COIL_CLOCK_VIRTUAL) < 0;
}
