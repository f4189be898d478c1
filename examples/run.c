/*
 * coil_run, asyncio.run: how a program enters the world of coroutines and how it leaves it. It makes a brand-
 * new event loop, runs a coroutine in it until that has returned, cleans up whatever was left running, closes
 * the loop, and returns what the coroutine returned.
 */
#include <coil.h>

#include <stdio.h>
#include <stdlib.h>

static const char *loop_state(void)
{
    return coil_get_running_loop() == NULL ? "no loop is running" : "a loop is running";
}

/*
 * Would go on for ever. The end of main ends it too, but gently: its pause returns -ECANCELED, and it can
 * tidy up.
 */
static int background(void *arg)
{
    int rc = 0;

    (void)arg;
    printf("background: started\n");
    while (rc == 0) {
        rc = coil_sleep(1.0);
    }
    printf("background: %s; tidying up\n", coil_strerror(rc));
    return rc;
}

static int main_(void *arg)
{
    (void)arg;
    printf("main: %s\n", loop_state());

    /* There is one loop to a thread, and this code is running in it. */
    printf("main: coil_run in here would be refused: %s\n", coil_errname(coil_run(background, NULL)));

    coil_task *task = coil_create_task(background, NULL);
    if (task == NULL) {
        return coil_creation_error();
    }
    coil_unref(task); /* we need the handle no longer; the task runs on without it */

    int rc = coil_sleep(2.5);
    if (rc < 0) {
        return rc;
    }
    printf("main: returning 42\n");
    return 42;
}

int main(void)
{
    printf("before: %s\n", loop_state());
    int rc = coil_run(main_, NULL, .clock = COIL_CLOCK_VIRTUAL);
    if (rc < 0) {
        fprintf(stderr, "run: %s\n", coil_strerror(rc));
        return EXIT_FAILURE;
    }
    printf("after: coil_run returned %d, and %s\n", rc, loop_state());
    return EXIT_SUCCESS;
}
