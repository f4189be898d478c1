/*
 * What threads cost: a function in a thread and back, many of them at a time, and calls from other threads, beside
 * libuv's work queue where libuv was there at compile time, and beside Go where `go` is in the PATH. The contestants
 * take turns, because what the machine does meanwhile changes more than what is to be measured; each number is a
 * median.
 *     bench_threads [ROUNDS]
 */
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <coil.h>

#include "measure.h"

#ifdef BENCH_HAVE_LIBUV
#include <uv.h>
#endif

enum { MOST_ROUNDS = 101, TRIPS = 5000, AT_A_TIME = 64, CALLERS = 4, CALLS = 100000, ASKS = 3000 };

static int do_nothing(void *unused)
{
    (void)unused;
    return 0;
}

/* ---- functions in threads -------------------------------------------------------------------------------------------- */

static int make_trips(void *trips)
{
    int rc = 0;

    for (int i = *(int *)trips; rc == 0 && i > 0; i--) {
        rc = coil_to_thread(do_nothing, NULL);
    }
    return rc;
}

static int trips_main(void *ns)
{
    int trips = TRIPS;
    int rc = coil_to_thread(do_nothing, NULL); /* the thread is there */
    double started_ns = bench_wall_ns();

    rc = rc < 0 ? rc : make_trips(&trips);
    *(double *)ns = (bench_wall_ns() - started_ns) / TRIPS;
    return rc;
}

/* As many tasks as that, and 4 threads, as libuv has. */
static int crowd_main(void *ns)
{
    int trips = TRIPS / AT_A_TIME;
    coil_group group;

    (void)coil_loop_set_default_executor(coil_get_running_loop(), .max_workers = 4);
    double started_ns = bench_wall_ns();
    coil_group_begin(&group);
    for (int i = 0; i < AT_A_TIME; i++) {
        (void)coil_group_spawn(&group, make_trips, &trips);
    }
    int rc = coil_group_end(&group, 0);
    *(double *)ns = (bench_wall_ns() - started_ns) / (trips * AT_A_TIME);
    return rc;
}

/* ---- calls from other threads ---------------------------------------------------------------------------------------- */

static coil_loop *loop;
static coil_future *all_called;
static int calls_left;

static void take_call(void *unused)
{
    (void)unused;
    if (--calls_left == 0) {
        (void)coil_future_set_result(all_called, 0);
    }
}

static void *call_often(void *unused)
{
    for (int i = 0; i < CALLS; i++) {
        if (coil_call_soon_threadsafe(loop, take_call, NULL) == NULL) {
            abort();
        }
    }
    return unused;
}

static int calls_main(void *ns)
{
    pthread_t callers[CALLERS];

    loop = coil_get_running_loop();
    all_called = coil_future_new();
    calls_left = CALLERS * CALLS;
    double started_ns = bench_wall_ns();
    for (int i = 0; i < CALLERS; i++) {
        if (pthread_create(&callers[i], NULL, call_often, NULL) != 0) {
            return -EAGAIN;
        }
    }
    int rc = coil_join(all_called);
    *(double *)ns = (bench_wall_ns() - started_ns) / (CALLERS * CALLS);
    for (int i = 0; i < CALLERS; i++) {
        (void)pthread_join(callers[i], NULL);
    }
    return rc;
}

/* A plain thread that asks and waits for each answer: each ask wakes the loop, each answer the thread. */
static coil_queue *queue;

static int ask_for_coroutines(void *unused)
{
    int rc = 0;

    for (int i = 0; i < ASKS && rc == 0; i++) {
        coil_concurrent_future *future = coil_run_coroutine_threadsafe(loop, do_nothing, unused);
        rc = coil_concurrent_future_result(future, INFINITY);
        coil_concurrent_future_unref(future);
    }
    return rc;
}

static int put_items(void *unused)
{
    int rc = 0;

    (void)unused;
    for (int i = 0; i < ASKS && rc == 0; i++) {
        rc = coil_queue_put_threadsafe(loop, queue, &i, INFINITY);
    }
    return rc;
}

static int ask(coil_fn *fn, double *ns)
{
    double started_ns = bench_wall_ns();
    int rc = coil_to_thread(fn, NULL);

    *ns = (bench_wall_ns() - started_ns) / ASKS;
    return rc;
}

static int coroutines_main(void *ns)
{
    loop = coil_get_running_loop();
    return ask(ask_for_coroutines, ns);
}

static int puts_main(void *ns)
{
    loop = coil_get_running_loop();
    queue = coil_queue_new(sizeof(int), 0);
    int rc = queue == NULL ? coil_creation_error() : ask(put_items, ns);
    coil_queue_unref(queue);
    return rc;
}

/* ---- libuv ----------------------------------------------------------------------------------------------------------- */

#ifdef BENCH_HAVE_LIBUV
static int uv_trips_left;

static void uv_work(uv_work_t *request)
{
    (void)request;
}

static void uv_after(uv_work_t *request, int status)
{
    (void)status;
    if (--uv_trips_left > 0) {
        (void)uv_queue_work(request->loop, request, uv_work, uv_after);
    }
}

static int uv_run_trips(int at_a_time, double *ns)
{
    static uv_work_t requests[AT_A_TIME];
    uv_loop_t uv;

    int rc = uv_loop_init(&uv);
    if (rc < 0) {
        return rc;
    }
    uv_trips_left = 1;
    (void)uv_queue_work(&uv, &requests[0], uv_work, uv_after); /* the threads are there */
    (void)uv_run(&uv, UV_RUN_DEFAULT);
    uv_trips_left = TRIPS;
    double started_ns = bench_wall_ns();
    for (int i = 0; i < at_a_time; i++) {
        (void)uv_queue_work(&uv, &requests[i], uv_work, uv_after);
    }
    (void)uv_run(&uv, UV_RUN_DEFAULT);
    *ns = (bench_wall_ns() - started_ns) / TRIPS;
    return uv_loop_close(&uv);
}

static int uv_trips(double *ns)
{
    return uv_run_trips(1, ns);
}

static int uv_crowd(double *ns)
{
    return uv_run_trips(AT_A_TIME, ns);
}
#endif

/* ---- Go -------------------------------------------------------------------------------------------------------------- */

/* Runs threads.go, which prints a number for each of its rounds; the median of them, or 0 if there is no Go. */
static double go_trip(int rounds)
{
    char command[512];
    double values[MOST_ROUNDS];
    size_t count = 0;

    (void)snprintf(command, sizeof(command), "command -v go >/dev/null && go run %s/threads.go %d %d 2>/dev/null",
                   BENCH_FOLDER, rounds, TRIPS);
    FILE *output = popen(command, "r");
    if (output == NULL) {
        return 0;
    }
    while (count < MOST_ROUNDS && fscanf(output, "%lf", &values[count]) == 1) {
        count++;
    }
    (void)pclose(output);
    return count == 0 ? 0 : bench_median(values, count);
}

/* ---- all of it ------------------------------------------------------------------------------------------------------- */

struct contest {
    const char *what;
    coil_fn *coil; /* stores nanoseconds in *arg */
    int (*other)(double *ns);
    double coil_ns[MOST_ROUNDS];
    double other_ns[MOST_ROUNDS];
    double ratio[MOST_ROUNDS];
};

static struct contest contests[] = {
#ifdef BENCH_HAVE_LIBUV
    {.what = "a function in a thread and back", .coil = trips_main, .other = uv_trips},
    {.what = "the same, 64 at a time, 4 threads", .coil = crowd_main, .other = uv_crowd},
#else
    {.what = "a function in a thread and back", .coil = trips_main},
    {.what = "the same, 64 at a time, 4 threads", .coil = crowd_main},
#endif
    {.what = "call_soon_threadsafe, from 4 threads", .coil = calls_main},
    {.what = "run_coroutine_threadsafe and result", .coil = coroutines_main},
    {.what = "queue_put_threadsafe", .coil = puts_main},
};

enum { CONTESTS = sizeof(contests) / sizeof(contests[0]) };

static int take_turns(struct contest *contest, int round)
{
    int rc = coil_run(contest->coil, &contest->coil_ns[round]);

    if (rc == 0 && contest->other != NULL) {
        rc = contest->other(&contest->other_ns[round]);
        contest->ratio[round] = contest->coil_ns[round] / contest->other_ns[round];
    }
    return rc;
}

static void print_contest(struct contest *contest, int rounds)
{
    double ns = bench_median(contest->coil_ns, (size_t)rounds);

    printf("%-38s %9.0f ns %11.0f/s", contest->what, ns, 1e9 / ns);
    if (contest->other != NULL) {
        printf("   libuv %7.0f ns, ratio %.2f", bench_median(contest->other_ns, (size_t)rounds),
               bench_median(contest->ratio, (size_t)rounds));
    }
    printf("\n");
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 9;
    int rc = rounds < 1 || rounds > MOST_ROUNDS ? -EINVAL : 0;

    for (int round = 0; round < rounds && rc == 0; round++) {
        for (int i = 0; i < CONTESTS && rc == 0; i++) {
            rc = take_turns(&contests[i], round);
        }
    }
    if (rc < 0) {
        fprintf(stderr, "bench_threads: %s\n", coil_strerror(rc));
        return 1;
    }
    for (int i = 0; i < CONTESTS; i++) {
        print_contest(&contests[i], rounds);
    }
#ifndef BENCH_HAVE_LIBUV
    printf("libuv: its headers were not there (Debian: libuv1-dev)\n");
#endif
    double go_ns = go_trip(rounds);
    if (go_ns > 0) {
        printf("Go: to a goroutine locked to a thread and back %.0f ns\n", go_ns);
    } else {
        printf("Go: there is no go in the PATH\n");
    }
    return 0;
}
