/*
 * Cancelling tasks. A cancellation arrives only from a call that awaits, as its return value -ECANCELED. It
 * does not stop a task in its tracks: code that does not wait runs on until its next await, if there is one.
 * What the task does then is its own business: it should tidy up and return the error, but it may also
 * refuse.
 */
#include <coil.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* At an await when it is cancelled. */
static int sleeper(void *arg)
{
    (void)arg;
    printf("  sleeping for an hour\n");
    int rc = coil_sleep(3600);
    printf("  the sleep returned %s, because %s\n", coil_errname(rc), coil_cancel_message(coil_current_task()));
    return rc; /* returning the error ends the task as cancelled */
}

/* Not at an await when it is cancelled: by a function that it calls, say, or here by itself. */
static int worker(void *arg)
{
    (void)arg;
    coil_cancel_msg(coil_current_task(), "it had enough");
    for (int i = 1; i <= 3; i++) {
        printf("  cancelled, and still working: %d of 3\n", i);
    }
    int rc = coil_sleep(1);
    printf("  the next await returned %s, because %s\n", coil_errname(rc), coil_cancel_message(coil_current_task()));
    return rc;
}

/* Has something better to do. */
static int refuser(void *arg)
{
    (void)arg;
    int rc = coil_sleep(3600);
    if (rc == -ECANCELED) {
        coil_uncancel(coil_current_task()); /* whoever goes on after a cancellation takes the request back */
        printf("  not now, the file is half written\n");
        rc = coil_sleep(1);
    }
    return rc < 0 ? rc : 7;
}

/* Runs the coroutine as a task, asks after a second that it be cancelled, and says what became of it. */
static int cancel(const char *name, coil_fn *fn)
{
    printf("%s:\n", name);
    coil_task *task = coil_create_task(fn, NULL);
    int rc = coil_sleep(1.0);
    if (rc == 0) {
        coil_cancel_msg(task, "an hour is too long");
        rc = coil_await(task);
        printf("  it ended with %s; was it cancelled? %s\n", rc < 0 ? coil_errname(rc) : "a result",
               coil_cancelled(task) ? "yes" : "no");
        rc = 0;
    }
    coil_unref(task);
    return rc;
}

static int main_(void *arg)
{
    (void)arg;
    int rc = cancel("sleeper", sleeper);
    if (rc == 0) {
        rc = cancel("worker", worker);
    }
    if (rc == 0) {
        rc = cancel("refuser", refuser);
    }
    return rc;
}

int main(void)
{
    int rc = coil_run(main_, NULL, .clock = COIL_CLOCK_VIRTUAL);

    if (rc < 0) {
        fprintf(stderr, "cancelling: %s\n", coil_strerror(rc));
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
