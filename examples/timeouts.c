/*
 * Timeouts. coil_wait_for awaits a task or future for so many seconds and no longer: when the time has run
 * out the task is cancelled and -ETIMEDOUT is returned. A shield keeps the task from being cancelled along
 * with the wait.
 */
#include <coil.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static int delay(void *arg)
{
    int seconds = *(const int *)arg;

    printf("  sleeping for %d seconds\n", seconds);
    int rc = coil_sleep(seconds);
    if (rc < 0) {
        return rc;
    }
    printf("  finished sleeping for %d seconds\n", seconds);
    return seconds;
}

static int without_shield(void)
{
    int seconds = 10;

    printf("without a shield:\n");
    coil_task *task = coil_create_task(delay, &seconds);
    int rc = coil_wait_for(task, 1.0);
    if (rc == -ETIMEDOUT) {
        printf("  timed out; was the task cancelled? %s\n", coil_cancelled(task) ? "yes" : "no");
        rc = 0;
    }
    coil_unref(task);
    return rc;
}

static int with_shield(void)
{
    int seconds = 10;

    printf("with a shield:\n");
    coil_task *task = coil_create_task(delay, &seconds);
    coil_future *shield = coil_shield(task);
    int rc = coil_wait_for(shield, 5.0);
    coil_unref(shield);
    if (rc == -ETIMEDOUT) {
        printf("  this takes longer than expected, but it will finish; was the task cancelled? %s\n",
               coil_cancelled(task) ? "yes" : "no");
        rc = coil_await(task);
        printf("  the task's result is %d\n", rc);
    }
    coil_unref(task);
    return rc;
}

/* A coroutine needs no task to be given a limit, and a stretch of code needs no coroutine. */
static int without_a_task(void)
{
    int seconds = 10;
    coil_timeout limit;

    printf("without a task:\n");
    printf("  the call: %s\n", coil_errname(coil_wait_for_coroutine(delay, &seconds, 1.0)));

    coil_timeout_begin(&limit, 15.0);
    int rc = delay(&seconds);
    if (rc >= 0) {
        rc = delay(&seconds);
    }
    rc = coil_timeout_end(&limit, rc);
    printf("  the scope: %s\n", coil_errname(rc));
    return rc == -ETIMEDOUT ? 0 : rc;
}

static int main_(void *arg)
{
    (void)arg;
    int rc = without_shield();
    if (rc >= 0) {
        rc = with_shield();
    }
    return rc < 0 ? rc : without_a_task();
}

int main(void)
{
    int rc = coil_run(main_, NULL, .clock = COIL_CLOCK_VIRTUAL);

    if (rc < 0) {
        fprintf(stderr, "timeouts: %s\n", coil_strerror(rc));
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
