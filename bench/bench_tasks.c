/*
 * What a task costs: a yield through the scheduler beside a bare switch, creating and awaiting, waking through a future, a million
 * sleepers, a million timers, and how each of these grows with the number of tasks. Medians of several rounds in one
 * run; the bare switch and the yield take turns, so that their ratio holds on a noisy machine.
 *
 *     bench_tasks [MAX_TASKS]      (1,000,000 by default)
 */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <coil.h>

#include "coro/context.h"
#include "measure.h"

enum { ROUNDS = 9, CROWD_ROUNDS = 5, YIELDS = 2000000, CREATIONS = 300000, BATCH = 1000, WAKES = 1000000 };

/* ---- the bare switch ------------------------------------------------------------------------------------------------- */

static struct ci_context here;
static struct ci_context there;
static char bare_stack[65536] __attribute__((aligned(16)));

/* Both sides switch in one place, as two yielding tasks do: the processor predicts the return only then. */
static void switch_often(struct ci_context *from, struct ci_context *to, long n)
{
    for (; n > 0; n--) {
        ci_context_switch(from, to);
    }
}

/* Through a pointer, so that the compiler makes no copy of it for either side. */
static void (*volatile switching)(struct ci_context *from, struct ci_context *to, long n) = switch_often;

static void switch_back(void *arg)
{
    (void)arg;
    switching(&there, &here, LONG_MAX);
}

/* Nanoseconds for one switch. */
static double bare_switch(void)
{
    double start = bench_cpu_ns();

    switching(&here, &there, YIELDS / 2);
    return (bench_cpu_ns() - start) / YIELDS;
}

/* ---- yield, create, wake --------------------------------------------------------------------------------------------- */

static int yield_often(void *arg)
{
    for (int n = *(int *)arg; n > 0; n--) {
        int rc = coil_sleep(0);
        if (rc < 0) {
            return rc;
        }
    }
    return 0;
}

static int nothing(void *arg)
{
    (void)arg;
    return 0;
}

static double yields(int tasks, int each)
{
    coil_group group;
    double start = bench_cpu_ns();

    coil_group_begin(&group);
    for (int i = 0; i < tasks; i++) {
        if (coil_group_spawn(&group, yield_often, &each) < 0) {
            break;
        }
    }
    if (coil_group_end(&group, 0) < 0) {
        return NAN;
    }
    return (bench_cpu_ns() - start) / ((double)tasks * each);
}

static double create_one_by_one(void)
{
    double start = bench_cpu_ns();

    for (int i = 0; i < CREATIONS; i++) {
        if (coil_join(coil_create_task(nothing, NULL)) < 0) {
            return NAN;
        }
    }
    return (bench_cpu_ns() - start) / CREATIONS;
}

static double create_many(coil_task **tasks, int n, int rounds)
{
    double start = bench_cpu_ns();

    for (int round = 0; round < rounds; round++) {
        for (int i = 0; i < n; i++) {
            tasks[i] = coil_create_task(nothing, NULL);
        }
        for (int i = 0; i < n; i++) {
            if (coil_join(tasks[i]) < 0) {
                return NAN;
            }
        }
    }
    return (bench_cpu_ns() - start) / ((double)n * rounds);
}

/* Two tasks that wake each other in turn: each makes a future to wait for, completes the other's, and awaits its own. */
static coil_future *bells[2];

static int ring_and_wait(void *arg)
{
    int me = *(int *)arg;

    for (int i = 0; i < WAKES / 2; i++) {
        coil_future *other = bells[!me];
        bells[me] = coil_future_new();
        if (other != NULL && coil_future_set_result(other, 0) < 0) {
            return -EIO;
        }
        int rc = coil_join(bells[me]);
        if (rc < 0) {
            return rc;
        }
    }
    return 0;
}

/* What making and releasing a future costs, which is no part of a wake. */
static double future_alone(void)
{
    double start = bench_cpu_ns();

    for (int i = 0; i < WAKES; i++) {
        coil_unref(coil_future_new());
    }
    return (bench_cpu_ns() - start) / WAKES;
}

/* Nanoseconds for one wake: completing, awaiting, the switch; without what the future itself costs. */
static double wake(void)
{
    double start = bench_cpu_ns();

    bells[0] = bells[1] = NULL;
    coil_task *a = coil_create_task(ring_and_wait, &(int){0});
    coil_task *b = coil_create_task(ring_and_wait, &(int){1});
    int rc = coil_join(a);
    if (rc == 0) {
        rc = coil_cancel(b); /* it waits for a last ring that does not come */
    }
    (void)coil_join(b);
    return rc < 0 ? NAN : (bench_cpu_ns() - start) / WAKES;
}

static int small_costs(void *arg)
{
    double switches[ROUNDS], yield[ROUNDS], one[ROUNDS], many[ROUNDS], woken[ROUNDS], future[ROUNDS];
    coil_task *tasks[BATCH];

    (void)arg;
    for (int i = 0; i < ROUNDS; i++) {
        switches[i] = bare_switch();
        yield[i] = yields(2, YIELDS / 2);
        one[i] = create_one_by_one();
        many[i] = create_many(tasks, BATCH, CREATIONS / BATCH);
        woken[i] = wake();
        future[i] = future_alone();
    }
    double switch_ns = bench_median(switches, ROUNDS);
    double yield_ns = bench_median(yield, ROUNDS);
    double wake_ns = bench_median(woken, ROUNDS) - bench_median(future, ROUNDS);
    printf("bare switch                          %8.2f ns\n", switch_ns);
    printf("yield between two tasks              %8.2f ns   %.2f x the bare switch\n", yield_ns, yield_ns / switch_ns);
    printf("create + await, one by one           %8.2f ns\n", bench_median(one, ROUNDS));
    printf("create + await, %d at a time       %8.2f ns\n", BATCH, bench_median(many, ROUNDS));
    printf("wake through a future                %8.2f ns   %+.2f ns over a yield\n", wake_ns, wake_ns - yield_ns);
    return 0;
}

static coil_future *bell; /* what a crowd awaits */

/* ---- a million ------------------------------------------------------------------------------------------------------- */

struct crowd {
    int n;
    coil_task **tasks;
};

static int sleep_for_ever(void *arg)
{
    (void)arg;
    return coil_sleep(1e6);
}

static int sleep_randomly(void *arg)
{
    (void)arg;
    return coil_sleep((double)random() / RAND_MAX);
}

static int await_own_bell(void *arg)
{
    return coil_await(*(coil_future **)arg);
}

static int await_bell(void *arg)
{
    (void)arg;
    return coil_await(bell);
}

static int create_crowd(struct crowd *crowd, coil_fn *fn)
{
    for (int i = 0; i < crowd->n; i++) {
        crowd->tasks[i] = coil_create_task(fn, NULL);
        if (crowd->tasks[i] == NULL) {
            fprintf(stderr, "task %d: %s\n", i, coil_strerror(coil_creation_error()));
            return coil_creation_error();
        }
    }
    return 0;
}

static void join_crowd(struct crowd *crowd)
{
    for (int i = 0; i < crowd->n; i++) {
        (void)coil_join(crowd->tasks[i]); /* cancelled, as meant */
    }
}

struct idle_costs {
    double bytes[CROWD_ROUNDS];
    double create[CROWD_ROUNDS];
    double fall_asleep[CROWD_ROUNDS];
    double join[CROWD_ROUNDS];
};

static int idle_round(struct crowd *crowd, struct idle_costs *costs, int round)
{
    double memory = bench_memory_bytes();
    double start = bench_cpu_ns();

    int rc = create_crowd(crowd, sleep_for_ever);
    if (rc < 0) {
        return rc;
    }
    double created = bench_cpu_ns();
    (void)coil_sleep(0);
    (void)coil_sleep(0);
    double asleep = bench_cpu_ns();
    costs->bytes[round] = (bench_memory_bytes() - memory) / crowd->n;
    double before = bench_cpu_ns();
    for (int i = 0; i < crowd->n; i++) {
        (void)coil_cancel(crowd->tasks[i]);
    }
    join_crowd(crowd);
    costs->join[round] = (bench_cpu_ns() - before) / crowd->n;
    costs->create[round] = (created - start) / crowd->n;
    costs->fall_asleep[round] = (asleep - created) / crowd->n;
    return 0;
}

static int idle_tasks(void *arg)
{
    struct crowd *crowd = arg;
    struct idle_costs costs;
    double memory = bench_memory_bytes();

    for (int i = 0; i < CROWD_ROUNDS; i++) {
        int rc = idle_round(crowd, &costs, i);
        if (rc < 0) {
            return rc;
        }
    }
    double bytes = costs.bytes[0]; /* the first crowd finds nothing there; later ones find what it has left */
    printf("%9d idle sleeping tasks: %.0f bytes each; create %.0f ns + fall asleep %.0f ns; cancel and join %.0f ns\n",
           crowd->n, bytes, bench_median(costs.create, CROWD_ROUNDS), bench_median(costs.fall_asleep, CROWD_ROUNDS),
           bench_median(costs.join, CROWD_ROUNDS));
    (void)coil_sleep(0.2); /* long enough for the loop to give back what it can */
    printf("          afterwards the process holds %.1f MB more than before\n", (bench_memory_bytes() - memory) / 1e6);
    return 0;
}

/* Nanoseconds for each of a crowd that is woken all at once by a future: what the stacks cost alone. */
static double without_timers(struct crowd *crowd)
{
    double start = bench_cpu_ns();

    bell = coil_future_new();
    if (create_crowd(crowd, await_bell) < 0) {
        return NAN;
    }
    (void)coil_sleep(0);
    (void)coil_future_set_result(bell, 0);
    join_crowd(crowd);
    coil_unref(bell);
    return (bench_cpu_ns() - start) / crowd->n;
}

static void shuffle(coil_future **own, int n)
{
    for (int i = n - 1; i > 0; i--) {
        int k = (int)(random() % (i + 1));
        coil_future *other = own[k];
        own[k] = own[i];
        own[i] = other;
    }
}

/* The same, each woken by a future of its own, in random order as random deadlines do it: to the caches and the address
 * translation it is the order in which the stacks were made that is cheap. NAN where there is no memory. */
static double in_random_order(struct crowd *crowd)
{
    coil_future **own = calloc((size_t)crowd->n, sizeof(*own));
    double ns = NAN;

    for (int i = 0; own != NULL && i < crowd->n; i++) {
        own[i] = coil_future_new();
    }
    double start = bench_cpu_ns();
    int rc = own == NULL ? -ENOMEM : 0;
    for (int i = 0; i < crowd->n && rc == 0; i++) {
        crowd->tasks[i] = coil_create_task(await_own_bell, &own[i]);
        rc = crowd->tasks[i] == NULL ? coil_creation_error() : 0;
    }
    if (rc == 0) {
        (void)coil_sleep(0);
        double asleep = bench_cpu_ns();
        shuffle(own, crowd->n);
        double shuffled = bench_cpu_ns();
        for (int i = 0; i < crowd->n; i++) {
            (void)coil_future_set_result(own[i], 0);
        }
        join_crowd(crowd);
        ns = (bench_cpu_ns() - shuffled + asleep - start) / crowd->n;
    }
    for (int i = 0; own != NULL && i < crowd->n; i++) {
        coil_unref(own[i]);
    }
    free(own);
    return ns;
}

/* The same, each with a timer of its own. */
static double with_timers(struct crowd *crowd)
{
    double start = bench_cpu_ns();

    if (create_crowd(crowd, sleep_randomly) < 0) {
        return NAN;
    }
    join_crowd(crowd);
    return (bench_cpu_ns() - start) / crowd->n;
}

static int timers(void *arg)
{
    struct crowd *crowd = arg;
    double stacks[CROWD_ROUNDS], mixed[CROWD_ROUNDS], timed[CROWD_ROUNDS];

    for (int i = 0; i < CROWD_ROUNDS; i++) {
        stacks[i] = without_timers(crowd);
        timed[i] = with_timers(crowd);
        mixed[i] = in_random_order(crowd);
    }
    double stack_ns = bench_median(stacks, CROWD_ROUNDS);
    double timed_ns = bench_median(timed, CROWD_ROUNDS);
    double mixed_ns = bench_median(mixed, CROWD_ROUNDS);
    printf("%9d timers within 1 s: %.0f ns of CPU each, %.2f x the %.0f ns of the stacks alone, %.2f x the %.0f ns of\n"
           "          the stacks alone when they are woken in random order too\n",
           crowd->n, timed_ns, timed_ns / stack_ns, stack_ns, timed_ns / mixed_ns, mixed_ns);
    return 0;
}

/* ---- how it grows ---------------------------------------------------------------------------------------------------- */

static int wake_crowd(struct crowd *crowd, double *ns)
{
    bell = coil_future_new();
    int rc = create_crowd(crowd, await_bell);
    if (rc < 0) {
        return rc;
    }
    (void)coil_sleep(0);
    (void)coil_sleep(0);
    double start = bench_cpu_ns();
    (void)coil_future_set_result(bell, 0);
    (void)coil_sleep(0);
    (void)coil_sleep(0);
    *ns = (bench_cpu_ns() - start) / crowd->n;
    join_crowd(crowd);
    coil_unref(bell);
    return 0;
}

static int curves(void *arg)
{
    struct crowd *all = arg;

    printf("\n    tasks      yield     create      sleep       wake   (ns each)\n");
    for (int n = 10; n <= all->n; n = n == 10 ? 1000 : n == 1000 ? 100000 : n * 10) {
        struct crowd crowd = {.n = n, .tasks = all->tasks};
        int rounds = 1 + 1000000 / n;
        double yield = yields(n, 10 + 2000000 / n);
        double create = create_many(crowd.tasks, n, rounds);
        double wakes = 0;
        double start = bench_cpu_ns();
        int rc = create_crowd(&crowd, sleep_randomly);
        if (rc < 0) {
            return rc;
        }
        join_crowd(&crowd);
        double sleeps = (bench_cpu_ns() - start) / n;
        rc = wake_crowd(&crowd, &wakes);
        if (rc < 0) {
            return rc;
        }
        printf("%9d %10.1f %10.1f %10.1f %10.1f\n", n, yield, create, sleeps, wakes);
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct crowd crowd = {.n = argc > 1 ? atoi(argv[1]) : 1000000};

    if (crowd.n < 1) {
        fprintf(stderr, "bench_tasks: %s is no number of tasks\n", argv[1]);
        return 2;
    }
    crowd.tasks = calloc((size_t)crowd.n, sizeof(coil_task *));
    if (crowd.tasks == NULL) {
        perror("bench_tasks");
        return 1;
    }
    for (int i = 0; i < crowd.n; i++) {
        crowd.tasks[i] = NULL; /* so that its pages are not counted as the tasks' */
    }
    ci_context_init_thread(&here);
    ci_context_init(&there, bare_stack, bare_stack + sizeof(bare_stack), switch_back, NULL);
    int rc = coil_run(small_costs, NULL);
    if (rc == 0) {
        rc = coil_run(idle_tasks, &crowd);
    }
    if (rc == 0) {
        rc = coil_run(timers, &crowd);
    }
    if (rc == 0) {
        rc = coil_run(curves, &crowd);
    }
    free(crowd.tasks);
    if (rc < 0) {
        fprintf(stderr, "bench_tasks: %s\n", coil_strerror(rc));
    }
    return rc < 0;
}
