/*
 * A pipeline. A producer puts numbers into a bounded queue, workers take them, work, and pass what comes out to a second
 * queue, from which a collector takes it. A full queue makes the producer wait, so it is never far ahead. When
 * everything is done the queues are shut down, and whoever waits at one ends by that.
 */
#include <coil.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { JOBS = 8, WORKERS = 3, WAITING_AT_MOST = 2 };

struct pipeline {
    coil_queue *jobs;
    coil_queue *results;
};

struct result {
    int job;
    int square;
};

struct worker {
    struct pipeline *pipeline;
    int number;
};

static int produce(void *arg)
{
    struct pipeline *pipeline = arg;

    for (int job = 1; job <= JOBS; job++) {
        int rc = coil_queue_put(pipeline->jobs, &job);
        if (rc < 0) {
            return rc;
        }
        printf("%4.1f  produced %d\n", coil_time(), job);
    }
    return 0;
}

/* Some jobs take longer than others. */
static int work_on(int job, struct result *result)
{
    int rc = coil_sleep(0.5 + 0.1 * (job % 3));

    *result = (struct result){.job = job, .square = job * job};
    return rc;
}

static int work(void *arg)
{
    const struct worker *worker = arg;
    struct pipeline *pipeline = worker->pipeline;
    struct result result;
    int job, rc;

    while ((rc = coil_queue_get(pipeline->jobs, &job)) == 0) {
        rc = work_on(job, &result);
        if (rc == 0) {
            rc = coil_queue_put(pipeline->results, &result);
        }
        if (rc < 0) {
            return rc;
        }
        printf("%4.1f  worker %d has done %d\n", coil_time(), worker->number, job);
        (void)coil_queue_task_done(pipeline->jobs); /* it was taken, so there is one to be done */
    }
    return rc == -ESHUTDOWN ? 0 : rc;
}

static int collect(void *arg)
{
    struct pipeline *pipeline = arg;
    struct result result;
    int sum = 0, rc;

    while ((rc = coil_queue_get(pipeline->results, &result)) == 0) {
        sum += result.square;
    }
    return rc == -ESHUTDOWN ? sum : rc;
}

/* Returns the sum of what the collector got. */
static int run_pipeline(struct pipeline *pipeline)
{
    coil_group workers;

    coil_task *collector = coil_create_task(collect, pipeline, .name = "collector");
    coil_group_begin(&workers);
    for (int i = 1; i <= WORKERS; i++) {
        struct worker worker = {.pipeline = pipeline, .number = i};
        (void)coil_group_spawn(&workers, work, &worker,
                               .arg_size = sizeof worker); /* coil_group_end returns its error */
    }
    int rc = produce(pipeline);
    if (rc == 0) {
        rc = coil_queue_join(pipeline->jobs);
    }
    (void)coil_queue_shutdown(pipeline->jobs, rc < 0);
    rc = coil_group_end(&workers, rc);
    (void)coil_queue_shutdown(pipeline->results, rc < 0);
    int sum = coil_join(collector);
    return rc < 0 ? rc : sum;
}

static int main_(void *arg)
{
    struct pipeline pipeline = {
        .jobs = coil_queue_new(sizeof(int), WAITING_AT_MOST),
        .results = coil_queue_new(sizeof(struct result), 0),
    };
    int rc = -ENOMEM;

    (void)arg;
    if (pipeline.jobs != NULL && pipeline.results != NULL) {
        rc = run_pipeline(&pipeline);
    }
    if (rc >= 0) {
        printf("%4.1f  the squares of 1 to %d add up to %d\n", coil_time(), JOBS, rc);
    }
    coil_queue_unref(pipeline.jobs);
    coil_queue_unref(pipeline.results);
    return rc;
}

int main(void)
{
    int rc = coil_run(main_, NULL, .clock = COIL_CLOCK_VIRTUAL);

    if (rc < 0) {
        fprintf(stderr, "pipeline: %s\n", coil_strerror(rc));
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
