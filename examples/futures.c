/*
 * Futures. A future holds a single value that one expects to get at some point, but may not have yet. It is
 * born empty: not done. Whoever made it sets its result once it is there; that completes it, wakes everybody
 * who awaits it, and the value can be taken out.
 */
#include <coil.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* A callback: something like the end of a request, which knows the future and nothing of who waits for it. */
static void answer_arrives(void *userdata)
{
    coil_future *answer = userdata;

    int rc = coil_future_set_result(answer, 42);
    if (rc < 0) {
        coil_loop_call_exception_handler(coil_get_running_loop(), "the answer came too late", rc);
    }
}

static int numbers(void)
{
    coil_future *answer = coil_future_new();

    printf("new: done? %d; its result: %s\n", coil_done(answer), coil_errname(coil_result(answer)));
    if (coil_call_later(1.0, answer_arrives, answer) == NULL) {
        coil_unref(answer);
        return coil_creation_error();
    }
    int rc = coil_await(answer); /* pauses until the callback sets the result */
    if (rc >= 0) {
        printf("later: done? %d; its result: %d\n", coil_done(answer), rc);
        printf("a second result is refused: %s\n", coil_errname(coil_future_set_result(answer, 43)));
    }
    coil_unref(answer);
    return rc;
}

/* Anything that does not fit an int travels as a pointer. */
static int pointers(void)
{
    coil_future *greeting = coil_future_new();
    int rc = coil_future_set_value(greeting, "hello");

    if (rc == 0) {
        rc = coil_await(greeting); /* done already: this does not pause */
        printf("a pointer: %s\n", (const char *)coil_value(greeting));
    }
    coil_unref(greeting);
    return rc;
}

/* What went wrong reaches whoever awaits it in the same way. */
static int errors(void)
{
    coil_future *broken = coil_future_new();
    int rc = coil_future_set_error(broken, -ECONNRESET);

    if (rc == 0) {
        printf("an error: %s\n", coil_strerror(coil_await(broken)));
    }
    coil_unref(broken);
    return rc;
}

static int main_(void *arg)
{
    (void)arg;
    int rc = numbers();
    if (rc >= 0) {
        rc = pointers();
    }
    return rc < 0 ? rc : errors();
}

int main(void)
{
    int rc = coil_run(main_, NULL, .clock = COIL_CLOCK_VIRTUAL);

    if (rc < 0) {
        fprintf(stderr, "futures: %s\n", coil_strerror(rc));
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
