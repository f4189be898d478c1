/* References: who has one, who gives it back, and what a creation that failed looks like. */
#include <coil.h>

#include <errno.h>
#include <stdio.h>

static int twice(void *arg)
{
    int number = *(const int *)arg;

    int rc = coil_sleep(1.0);
    return rc < 0 ? rc : 2 * number;
}

static int main_(void *arg)
{
    (void)arg;

    /* A handle that nobody needs: the task runs on without it. */
    coil_unref(coil_create_task(twice, &(int){1}, .arg_size = sizeof(int)));

    /* Await and give back in one. */
    int rc = coil_join(coil_create_task(twice, &(int){21}, .arg_size = sizeof(int)));
    printf("joined: %d\n", rc);

    /* To look at a task after it has ended, keep the reference until then. */
    coil_task *task = coil_create_task(twice, &(int){4}, .name = "four", .arg_size = sizeof(int));
    rc = coil_await(task);
    printf("%s: %d, and again %d\n", coil_task_name(task), rc, coil_result(task));
    coil_unref(task);

    /* A creation that failed hands out NULL. Whoever is given that NULL returns the reason. */
    rc = coil_join(coil_create_task(NULL, NULL));
    printf("no function: %s\n", coil_errname(rc));
    return 0;
}

int main(void)
{
    return coil_run(main_, NULL, .clock = COIL_CLOCK_VIRTUAL) < 0;
}
