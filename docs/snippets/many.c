/* Waiting for many: all of them, the first of them, or one after the other as they end. */
#include <coil.h>

#include <stdio.h>

enum { N = 3 };

static int work(void *arg)
{
    int seconds = *(const int *)arg;

    int rc = coil_sleep(seconds);
    return rc < 0 ? rc : 10 * seconds;
}

static void start(coil_task *tasks[N])
{
    for (int i = 0; i < N; i++) {
        tasks[i] = coil_create_task(work, &(int){N - i}, .arg_size = sizeof(int));
    }
}

static void release(coil_task *tasks[N])
{
    for (int i = 0; i < N; i++) {
        coil_unref(tasks[i]);
    }
}

/* All of them: the gather's result is 0, each result is in its child. */
static int all(void)
{
    coil_task *tasks[N];

    start(tasks);
    int rc = coil_join(coil_gather(tasks, N));
    for (int i = 0; rc == 0 && i < N; i++) {
        printf("gather: child %d gave %d\n", i, coil_result(tasks[i]));
    }
    release(tasks);
    return rc;
}

/* The first of them: the others are neither waited for nor cancelled. */
static int first(void)
{
    coil_task *tasks[N];

    start(tasks);
    int rc = coil_wait(tasks, N, .return_when = COIL_FIRST_COMPLETED);
    printf("wait: %d done\n", rc);
    for (int i = 0; i < N; i++) {
        coil_cancel(tasks[i]); /* 0 for the one that is done */
    }
    release(tasks);
    return rc < 0 ? rc : 0;
}

/* One after the other. */
static int as_they_end(void)
{
    coil_task *tasks[N];
    coil_as_completed_iter iter;
    coil_future *next;

    start(tasks);
    int rc = coil_as_completed(&iter, tasks, N, .timeout = 2.5);
    if (rc == 0) {
        while ((rc = coil_as_completed_next(&iter, &next)) == 1) {
            printf("as_completed: %d\n", coil_result(next));
        }
        coil_as_completed_close(&iter); /* it was left before its end */
    }
    printf("as_completed: %s\n", coil_errname(rc));
    release(tasks);
    return 0;
}

static int main_(void *arg)
{
    (void)arg;
    int rc = all();
    if (rc == 0) {
        rc = first();
    }
    return rc < 0 ? rc : as_they_end();
}

int main(void)
{
    return coil_run(main_, NULL, .clock = COIL_CLOCK_VIRTUAL) < 0;
}
