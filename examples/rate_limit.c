/*
 * Two limits at once: at most so many requests under way at the same time (a semaphore), and at most so many begun in
 * a second (a token bucket). The bucket is a semaphore too, which a task fills as time goes by.
 */
#include <coil.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { REQUESTS = 10, AT_ONCE = 2, PER_SECOND = 4, BURST = 3 };

struct limits {
    coil_semaphore under_way;
    coil_semaphore tokens; /* bounded: a bucket that is full stays so */
};

struct request {
    struct limits *limits;
    int number;
};

static int fill_bucket(void *arg)
{
    struct limits *limits = arg;

    for (;;) {
        int rc = coil_sleep(1.0 / PER_SECOND);
        if (rc < 0) {
            return rc;
        }
        (void)coil_semaphore_release(&limits->tokens); /* refuses where the bucket is full */
    }
}

/* What would be a call over the network. */
static int answer(int number)
{
    printf("%5.2f  request %2d begins\n", coil_time(), number);
    int rc = coil_sleep(0.4);
    printf("%5.2f  request %2d ends\n", coil_time(), number);
    return rc;
}

static int request(void *arg)
{
    const struct request *self = arg;
    struct limits *limits = self->limits;

    int rc = coil_semaphore_acquire(&limits->under_way);
    if (rc < 0) {
        return rc;
    }
    rc = coil_semaphore_acquire(&limits->tokens);
    if (rc == 0) {
        rc = answer(self->number);
    }
    (void)coil_semaphore_release(&limits->under_way); /* it was acquired */
    return rc;
}

static int main_(void *arg)
{
    struct limits limits;
    coil_group requests;

    (void)arg;
    (void)coil_semaphore_init(&limits.under_way, AT_ONCE); /* the values are no negative ones, so these cannot fail */
    (void)coil_bounded_semaphore_init(&limits.tokens, BURST);
    coil_task *filler = coil_create_task(fill_bucket, &limits, .name = "filler");

    coil_group_begin(&requests);
    for (int i = 1; i <= REQUESTS; i++) {
        struct request one = {.limits = &limits, .number = i};
        (void)coil_group_spawn(&requests, request, &one, .arg_size = sizeof one); /* coil_group_end returns its error */
    }
    int rc = coil_group_end(&requests, 0);

    (void)coil_cancel(filler); /* it would go on for ever */
    int ended = coil_join(filler);
    return rc < 0 || ended == -ECANCELED ? rc : ended;
}

int main(void)
{
    int rc = coil_run(main_, NULL, .clock = COIL_CLOCK_VIRTUAL);

    if (rc < 0) {
        fprintf(stderr, "rate_limit: %s\n", coil_strerror(rc));
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
