/*
 * Tasks. A task wraps a coroutine and schedules it to run as soon as possible. Making one does not block: the
 * task is handed out at once and we can go on with other things while it runs. To await it is to pause until
 * it has ended, and gives what its coroutine returned.
 */
#include <coil.h>

#include <stdio.h>
#include <stdlib.h>

enum { DOWNLOADS = 3 };

/* Pretends to fetch a file of so many megabytes, at one megabyte a second. */
static int download(void *arg)
{
    int megabytes = *(const int *)arg;

    printf("%s: started\n", coil_task_name(coil_current_task()));
    int rc = coil_sleep(megabytes);
    if (rc < 0) {
        return rc;
    }
    printf("%s: finished\n", coil_task_name(coil_current_task()));
    return megabytes;
}

static int main_(void *arg)
{
    coil_task *tasks[DOWNLOADS];
    double start = coil_time();
    int total = 0;

    (void)arg;
    for (int i = 0; i < DOWNLOADS; i++) {
        int megabytes = 3 - i;
        char name[32];
        snprintf(name, sizeof(name), "download %d", i + 1);
        /* The task outlives this variable; .arg_size gives it a copy of its own. */
        tasks[i] = coil_create_task(download, &megabytes, .name = name, .arg_size = sizeof(megabytes));
    }
    printf("main: all are made, none has run yet; here is time for other work\n");

    for (int i = 0; i < DOWNLOADS; i++) {
        int rc = coil_join(tasks[i]); /* awaits the task and gives its reference back */
        if (rc < 0) {
            printf("main: download %d failed: %s\n", i + 1, coil_strerror(rc));
        } else {
            printf("main: download %d gave %d MB\n", i + 1, rc);
            total += rc;
        }
    }
    printf("main: %d MB in %.0f seconds\n", total, coil_time() - start);
    return 0;
}

int main(void)
{
    int rc = coil_run(main_, NULL, .clock = COIL_CLOCK_VIRTUAL);

    if (rc < 0) {
        fprintf(stderr, "tasks: %s\n", coil_strerror(rc));
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
