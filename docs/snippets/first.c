/* The manual's first program: two coroutines at once, one of them under a time limit. */
#include <coil.h>

#include <errno.h>
#include <stdio.h>

static int knock(void *arg)
{
    const char *name = arg;

    for (int i = 1; i <= 3; i++) {
        printf("%s: %d\n", name, i);
        int rc = coil_sleep(0.01); /* pauses here; other coroutines run meanwhile */
        if (rc < 0) {
            return rc; /* a cancellation arrives here, as -ECANCELED, and only here */
        }
    }
    return 3;
}

static int never(void *arg)
{
    (void)arg;
    return coil_sleep(3600);
}

static int main_(void *arg)
{
    (void)arg;
    coil_task *first = coil_create_task(knock, "first"); /* both run beside this function */
    coil_task *second = coil_create_task(knock, "second");
    int rc = coil_join(first); /* waits for its result, and gives the reference back */
    printf("first returned %d\n", rc);
    printf("second returned %d\n", coil_join(second));

    rc = coil_wait_for_coroutine(never, NULL, 0.01);
    printf("never: %s\n", coil_strerror(rc));
    return rc == -ETIMEDOUT ? 0 : rc;
}

int main(void)
{
    return coil_run(main_, NULL) < 0;
}
