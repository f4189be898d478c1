/* Cleaning up after a cancellation, with an await in the cleaning-up itself. */
#include <coil.h>

#include <errno.h>
#include <stdio.h>

/* A cancellation is delivered once per request, so an await after it waits as any other does. */
static int conversation(void *arg)
{
    (void)arg;
    int rc = coil_sleep(3600);

    int end = coil_sleep(0.5); /* saying goodbye takes a while */
    printf("goodbye: %s\n", coil_errname(end));
    return rc; /* the -ECANCELED of the first await: the task ends as cancelled */
}

/* What must not be cut short is done by a task of its own, behind a shield. */
static int save(void *arg)
{
    (void)arg;
    int rc = coil_sleep(2.0);
    printf("saved\n");
    return rc;
}

static int careful(void *arg)
{
    (void)arg;
    coil_task *saving = coil_create_task(save, NULL);
    int rc = coil_join(coil_shield(saving));
    if (rc == -ECANCELED) {
        printf("cancelled, but the saving goes on\n");
        int saved = coil_await(saving); /* a second request would cancel it */
        rc = saved < 0 ? saved : rc;
    }
    coil_unref(saving);
    return rc;
}

static int cancel_after_a_second(coil_fn *fn)
{
    coil_task *task = coil_create_task(fn, NULL);
    int rc = coil_sleep(1.0);
    if (rc == 0) {
        coil_cancel(task);
        rc = coil_await(task);
        printf("it ended with %s\n", coil_errname(rc));
    }
    coil_unref(task);
    return rc == -ECANCELED ? 0 : rc;
}

static int main_(void *arg)
{
    (void)arg;
    int rc = cancel_after_a_second(conversation);
    return rc < 0 ? rc : cancel_after_a_second(careful);
}

int main(void)
{
    return coil_run(main_, NULL, .clock = COIL_CLOCK_VIRTUAL) < 0;
}
