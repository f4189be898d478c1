/*
 * Coroutines, tasks and futures. A future is a value that will arrive. A task is a coroutine and a future in
 * one: it is born as an empty future, its coroutine runs, and what that comes to, a result or an error,
 * completes the future. So whatever works on a future works on a task.
 */
#include <coil.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { KINDS = 3 };

static int succeeds(void *arg)
{
    (void)arg;
    int rc = coil_sleep(2.0);
    return rc < 0 ? rc : 42;
}

static int fails(void *arg)
{
    (void)arg;
    int rc = coil_sleep(3.0);
    return rc < 0 ? rc : coil_fail(-ENOENT, "looking for the answer");
}

/* It is told of futures, and need not know which of them are tasks. */
static void on_done(coil_future *future, void *name)
{
    if (coil_error(future) == 0) {
        printf("  %s has a result: %d\n", (const char *)name, coil_result(future));
    } else {
        printf("  %s has an error: %s\n", (const char *)name, coil_error_message(future));
    }
}

static int main_(void *arg)
{
    char *names[KINDS] = {"the future", "the task that succeeds", "the task that fails"};
    coil_future *all[KINDS] = {coil_future_new(), coil_create_task(succeeds, NULL), coil_create_task(fails, NULL)};
    int rc = 0;

    (void)arg;
    printf("all are empty at first:\n");
    for (int i = 0; i < KINDS && rc == 0; i++) {
        printf("  %s: done? %s\n", names[i], coil_done(all[i]) ? "yes" : "no");
        rc = coil_add_done_callback(all[i], on_done, names[i]);
    }
    printf("only its coroutine completes a task: %s\n", coil_errname(coil_future_set_result(all[1], 43)));
    printf("then they are done, one after the other:\n");
    if (rc == 0) {
        rc = coil_sleep(1.0);
    }
    if (rc == 0) {
        rc = coil_future_set_result(all[0], 7); /* by hand what a task does when its coroutine returns */
    }
    if (rc == 0) {
        rc = coil_wait(all, KINDS);
    }
    for (int i = 0; i < KINDS; i++) {
        coil_unref(all[i]);
    }
    return rc;
}

int main(void)
{
    int rc = coil_run(main_, NULL, .clock = COIL_CLOCK_VIRTUAL);

    if (rc < 0) {
        fprintf(stderr, "relationship: %s\n", coil_strerror(rc));
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
