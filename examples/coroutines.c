/*
 * Coroutines. A coroutine is a function that can pause where it waits for something slow. While it is paused,
 * other code runs; when what it waited for has come, it goes on where it was. That is all the concurrency
 * there is: slow things wait at the same time, so together they take as long as the slowest of them, and not
 * as long as their sum.
 */
#include <coil.h>

#include <stdio.h>
#include <stdlib.h>

struct dish {
    const char *name;
    int minutes;
};

/*
 * A coroutine is any function of this type. It returns a result that is not negative, or an error: a negative
 * errno.
 */
static int cook(void *arg)
{
    const struct dish *dish = arg;

    printf("    %s: started\n", dish->name);
    int rc = coil_sleep(60.0 * dish->minutes); /* it pauses here */
    if (rc < 0) {
        return rc;
    }
    printf("    %s: ready\n", dish->name);
    return dish->minutes;
}

static int breakfast(void *arg)
{
    struct dish coffee = {"coffee", 4};
    struct dish toast = {"toast", 2};
    double start = coil_time();

    (void)arg;
    printf("One after the other:\n");
    int rc = cook(&coffee); /* to call a coroutine is to await it: we pause whenever it does, until it has returned */
    if (rc < 0) {
        return rc;
    }
    rc = cook(&toast);
    if (rc < 0) {
        return rc;
    }
    printf("    that took %.0f minutes\n", (coil_time() - start) / 60);

    printf("At the same time:\n");
    start = coil_time();
    coil_task *first = coil_create_task(cook, &coffee); /* each of these runs by itself, whenever the others pause */
    coil_task *second = coil_create_task(cook, &toast);
    int coffee_rc = coil_join(first);
    int toast_rc = coil_join(second);
    if (coffee_rc < 0 || toast_rc < 0) {
        return coffee_rc < 0 ? coffee_rc : toast_rc;
    }
    printf("    that took %.0f minutes\n", (coil_time() - start) / 60);
    return 0;
}

int main(void)
{
    /* The virtual clock jumps over the waiting. Leave it out, and breakfast takes ten minutes. */
    int rc = coil_run(breakfast, NULL, .clock = COIL_CLOCK_VIRTUAL);

    if (rc < 0) {
        fprintf(stderr, "coroutines: %s\n", coil_strerror(rc));
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
