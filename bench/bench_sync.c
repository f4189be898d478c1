/*
 * What synchronisation costs: each operation beside a bare yield of the same run, because most of what a wake costs is the switch
 * to who was woken. Then the same operations with more and more tasks waiting, which must make no difference but to the
 * processor's caches.
 *
 *     bench_sync                          everything
 *     bench_sync NAME WAITERS OPERATIONS  one of the curves, so many operations: to count its instructions
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <coil.h>
#include <coil/sync.h>

#include "measure.h"

enum {
    ROUNDS = 9,
    OPERATIONS = 1000000,
    MESSAGES = 1000000,
    CROWD = 1000,
    UNBOUNDED_BURST = 256,
    MOST_WAITERS = 100000
};

/* ---- what two tasks do with each other ------------------------------------------------------------------------------- */

static coil_lock lock;
static coil_semaphore semaphore;
static coil_event events[2];
static coil_condition condition;
static coil_barrier barrier;

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

/* Begins when both hold the lock or wait for it, so that each release is a handover. */
static int take_turns_with_lock(void *arg)
{
    int rc = coil_lock_acquire(&lock);

    if (rc == 0) {
        rc = coil_sleep(0);
    }
    for (int n = *(int *)arg; rc == 0 && n > 0; n--) {
        (void)coil_lock_release(&lock); /* it is held */
        rc = coil_lock_acquire(&lock);
    }
    (void)coil_lock_release(&lock);
    return rc;
}

static int take_turns_with_semaphore(void *arg)
{
    int rc = coil_semaphore_acquire(&semaphore);

    if (rc == 0) {
        rc = coil_sleep(0);
    }
    for (int n = *(int *)arg; rc == 0 && n > 0; n--) {
        (void)coil_semaphore_release(&semaphore); /* it has no bound */
        rc = coil_semaphore_acquire(&semaphore);
    }
    (void)coil_semaphore_release(&semaphore);
    return rc;
}

struct side {
    int me;
    int n;
};

static int signal_each_other(void *arg)
{
    struct side side = *(struct side *)arg;
    int rc = 0;

    for (int n = side.n; rc == 0 && n > 0; n--) {
        coil_event_set(&events[!side.me]);
        rc = coil_event_wait(&events[side.me]);
        coil_event_clear(&events[side.me]);
    }
    coil_event_set(&events[!side.me]);
    return rc;
}

/* Each notifies the other and waits for its own notification, which takes the lock twice. */
static int notify_each_other(void *arg)
{
    int rc = coil_condition_acquire(&condition);

    for (int n = *(int *)arg; rc == 0 && n > 0; n--) {
        (void)coil_condition_notify(&condition, 1); /* it is locked */
        rc = coil_condition_wait(&condition);
    }
    (void)coil_condition_notify(&condition, 1);
    (void)coil_condition_release(&condition);
    return rc;
}

static int meet(void *arg)
{
    int rc = 0;

    for (int n = *(int *)arg; rc >= 0 && n > 0; n--) {
        rc = coil_barrier_wait(&barrier);
    }
    return rc < 0 ? rc : 0;
}

/* Nanoseconds of CPU for one of n operations of each of two tasks that run fn. */
static double pair(coil_fn *fn, int n)
{
    struct side sides[2] = {{0, n}, {1, n}};
    bool sided = fn == signal_each_other;
    double start = bench_cpu_ns();
    coil_task *a = coil_create_task(fn, sided ? (void *)&sides[0] : &n);
    coil_task *b = coil_create_task(fn, sided ? (void *)&sides[1] : &n);
    int first = coil_join(a);
    int second = coil_join(b);

    return first < 0 || second < 0 ? (double)NAN : (bench_cpu_ns() - start) / (2.0 * n);
}

/* ---- alone ----------------------------------------------------------------------------------------------------------- */

static double lock_alone(void)
{
    double start = bench_cpu_ns();

    for (int i = 0; i < OPERATIONS; i++) {
        if (coil_lock_acquire(&lock) < 0 || coil_lock_release(&lock) < 0) {
            return (double)NAN;
        }
    }
    return (bench_cpu_ns() - start) / OPERATIONS;
}

static double semaphore_alone(void)
{
    double start = bench_cpu_ns();

    for (int i = 0; i < OPERATIONS; i++) {
        if (coil_semaphore_acquire(&semaphore) < 0 || coil_semaphore_release(&semaphore) < 0) {
            return (double)NAN;
        }
    }
    return (bench_cpu_ns() - start) / OPERATIONS;
}

static double queue_alone(void)
{
    coil_queue *queue = coil_queue_new(sizeof(int), 0);
    double start = bench_cpu_ns();

    for (int i = 0; i < OPERATIONS; i++) {
        int item;
        if (coil_queue_put(queue, &i) < 0 || coil_queue_get(queue, &item) < 0 || item != i) {
            return (double)NAN;
        }
    }
    double ns = (bench_cpu_ns() - start) / OPERATIONS;
    coil_queue_unref(queue);
    return ns;
}

/* ---- messages -------------------------------------------------------------------------------------------------------- */

struct channel {
    coil_queue *queue;
    size_t item_size;
    int messages; /* of each producer, or consumer */
    bool unbounded;
};

static int produce(void *arg)
{
    struct channel *channel = arg;
    char item[1024] = {0};

    for (int i = 0; i < channel->messages; i++) {
        int rc = coil_queue_put(channel->queue, item);
        if (rc == 0 && channel->unbounded && i % UNBOUNDED_BURST == 0) {
            rc = coil_sleep(0); /* nothing else would let the consumer run */
        }
        if (rc < 0) {
            return rc;
        }
    }
    return 0;
}

static int consume(void *arg)
{
    struct channel *channel = arg;
    char item[1024];

    for (int i = 0; i < channel->messages; i++) {
        int rc = coil_queue_get(channel->queue, item);
        if (rc < 0) {
            return rc;
        }
    }
    return 0;
}

/* Nanoseconds for a message from one of so many producers to one of as many consumers. */
static double messages(size_t maxsize, size_t item_size, int tasks)
{
    struct channel channel = {.queue = coil_queue_new(item_size, maxsize), .item_size = item_size};
    coil_group group;
    int rc = 0;

    channel.messages = MESSAGES / tasks;
    channel.unbounded = maxsize == 0;
    double start = bench_cpu_ns();
    coil_group_begin(&group);
    for (int i = 0; i < tasks && rc >= 0; i++) {
        rc = coil_group_spawn(&group, produce, &channel);
        if (rc >= 0) {
            rc = coil_group_spawn(&group, consume, &channel);
        }
    }
    rc = coil_group_end(&group, rc < 0 ? rc : 0);
    double ns = (bench_cpu_ns() - start) / ((double)channel.messages * tasks);
    coil_queue_unref(channel.queue);
    return rc < 0 ? (double)NAN : ns;
}

/* ---- the table ------------------------------------------------------------------------------------------------------- */

static double yields(void)
{
    return pair(yield_often, OPERATIONS);
}

static double lock_contended(void)
{
    return pair(take_turns_with_lock, OPERATIONS);
}

static double semaphore_contended(void)
{
    return pair(take_turns_with_semaphore, OPERATIONS);
}

static double event_wakes(void)
{
    return pair(signal_each_other, OPERATIONS);
}

static double condition_wakes(void)
{
    return pair(notify_each_other, OPERATIONS);
}

static double barrier_rounds(void)
{
    return pair(meet, OPERATIONS / 4);
}

static double messages_1(void)
{
    return messages(1, sizeof(void *), 1);
}

static double messages_16(void)
{
    return messages(16, sizeof(void *), 1);
}

static double messages_256(void)
{
    return messages(256, sizeof(void *), 1);
}

static double messages_unbounded(void)
{
    return messages(0, sizeof(void *), 1);
}

static double messages_large(void)
{
    return messages(16, 1024, 1);
}

static double messages_crowd(void)
{
    return messages(256, sizeof(void *), CROWD);
}

static double messages_crowd_tight(void)
{
    return messages(1, sizeof(void *), CROWD);
}

static const struct row {
    const char *what;
    double (*measure)(void);
} rows[] = {
    {"yield between two tasks", yields},
    {"lock: acquire + release, alone", lock_alone},
    {"lock: release + acquire, two tasks taking turns", lock_contended},
    {"semaphore: acquire + release, alone", semaphore_alone},
    {"semaphore: release + acquire, two tasks taking turns", semaphore_contended},
    {"event: set + wait + clear, two tasks taking turns", event_wakes},
    {"condition: notify + wait, two tasks taking turns", condition_wakes},
    {"barrier of two: wait", barrier_rounds},
    {"queue: put + get, one task", queue_alone},
    {"queue: message, maxsize 1", messages_1},
    {"queue: message, maxsize 16", messages_16},
    {"queue: message, maxsize 256", messages_256},
    {"queue: message, unbounded, a yield every 256", messages_unbounded},
    {"queue: message of 1,024 bytes, maxsize 16", messages_large},
    {"queue: message, 1,000 + 1,000 tasks, maxsize 256", messages_crowd},
    {"queue: message, 1,000 + 1,000 tasks, maxsize 1", messages_crowd_tight},
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static int table(void *unused)
{
    static double values[ROWS][ROUNDS];

    (void)unused;
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < ROWS; i++) {
            values[i][round] = rows[i].measure();
        }
    }
    double yield = bench_median(values[0], ROUNDS);
    for (int i = 0; i < ROWS; i++) {
        double ns = i == 0 ? yield : bench_median(values[i], ROUNDS);
        printf("%-54s %8.2f ns %7.2f x a yield\n", rows[i].what, ns, ns / yield);
    }
    return 0;
}

/* ---- with many who wait ---------------------------------------------------------------------------------------------- */

/* Tasks that wait on one thing in a ring: who gets it waits again, at the end of the line. */
struct ring {
    const char *name;
    coil_fn *member;
    /* Either hands over the first time, and the members go on, until all operations are done. */
    int (*begin)(void);
    /* Or does so many operations on the members, which stand still otherwise. */
    int (*drive)(coil_task **tasks, int n, int operations);
};

static int operations_left;
static coil_queue *ring_queue;
static coil_event finished;

/* Whether the ring goes on; the last one tells who started it. */
static bool goes_on(void)
{
    if (--operations_left == 0) {
        coil_event_set(&finished);
    }
    return operations_left > 0;
}

static int lock_member(void *unused)
{
    int rc = 0;

    (void)unused;
    while (rc == 0) {
        rc = coil_lock_acquire(&lock);
        if (rc == 0) {
            (void)goes_on();
            (void)coil_lock_release(&lock); /* it is held */
        }
        if (operations_left <= 0) {
            return coil_sleep(INFINITY);
        }
    }
    return rc;
}

static int begin_lock(void)
{
    return coil_lock_release(&lock);
}

static int semaphore_member(void *unused)
{
    int rc = 0;

    (void)unused;
    while (rc == 0) {
        rc = coil_semaphore_acquire(&semaphore);
        if (rc == 0 && goes_on()) {
            (void)coil_semaphore_release(&semaphore); /* it has no bound */
        }
    }
    return rc;
}

static int begin_semaphore(void)
{
    return coil_semaphore_release(&semaphore);
}

static int condition_member(void *unused)
{
    int rc = coil_condition_acquire(&condition);

    (void)unused;
    while (rc == 0) {
        rc = coil_condition_wait(&condition);
        if (rc == 0 && goes_on()) {
            (void)coil_condition_notify(&condition, 1); /* it is locked */
        }
    }
    (void)coil_condition_release(&condition);
    return rc;
}

static int begin_condition(void)
{
    int rc = coil_condition_acquire(&condition);

    if (rc == 0) {
        (void)coil_condition_notify(&condition, 1);
        (void)coil_condition_release(&condition);
    }
    return rc;
}

static int queue_member(void *unused)
{
    int item;
    int rc = 0;

    (void)unused;
    while (rc == 0) {
        rc = coil_queue_get(ring_queue, &item);
    }
    return rc;
}

/* Each is cancelled while it waits, and comes again, at the end of the line. */
static int cancelled_member(void *unused)
{
    (void)unused;
    while (coil_lock_acquire(&lock) == -ECANCELED && operations_left > 0) {
        (void)coil_uncancel(coil_current_task());
    }
    return -ECANCELED;
}

struct turn {
    const struct ring *ring;
    int waiters;
    int operations;
    double ns;
};

/* Cancels one after the other, in an order that looks random, and lets each of them come again. */
static int cancel_often(coil_task **tasks, int n, int operations)
{
    uint32_t random = 1;

    for (; operations > 0; operations--) {
        random = random * UINT32_C(1664525) + UINT32_C(1013904223);
        (void)coil_cancel(tasks[(random >> 8) % (uint32_t)n]); /* it waits, so it takes the request */
        int rc = coil_sleep(0);
        if (rc < 0) {
            return rc;
        }
    }
    return 0;
}

/* The getters take turns. A getter that put the item back itself would also be the next to get it. */
static int put_often(coil_task **tasks, int n, int operations)
{
    int rc = 0;

    (void)tasks;
    (void)n;
    for (; operations > 0 && rc == 0; operations--) {
        rc = coil_queue_put(ring_queue, &operations);
        rc = rc < 0 ? rc : coil_sleep(0);
    }
    return rc;
}

static const struct ring rings[] = {
    {"lock", lock_member, begin_lock, NULL},
    {"semaphore", semaphore_member, begin_semaphore, NULL},
    {"condition", condition_member, begin_condition, NULL},
    {"queue", queue_member, NULL, put_often},
    {"cancel", cancelled_member, NULL, cancel_often},
};

static int run_ring(struct turn *turn, coil_task **tasks)
{
    int rc = coil_sleep(0); /* they come to their waits */

    for (int i = 0; i < 2 && rc == 0; i++) {
        rc = coil_sleep(0);
    }
    double start = bench_cpu_ns();
    if (rc == 0 && turn->ring->drive != NULL) {
        rc = turn->ring->drive(tasks, turn->waiters, turn->operations);
        operations_left = 0;
    } else if (rc == 0) {
        rc = turn->ring->begin();
        rc = rc < 0 ? rc : coil_event_wait(&finished);
    }
    turn->ns = (bench_cpu_ns() - start) / turn->operations;
    return rc;
}

static int measure_ring(void *arg)
{
    struct turn *turn = arg;
    coil_task **tasks = calloc((size_t)turn->waiters, sizeof(*tasks));

    coil_lock_init(&lock);
    coil_event_init(&finished);
    coil_condition_init(&condition, NULL);
    int rc = coil_semaphore_init(&semaphore, 0);
    ring_queue = coil_queue_new(sizeof(int), 0);
    if (tasks == NULL || ring_queue == NULL || rc < 0) {
        return -ENOMEM;
    }
    operations_left = turn->operations;
    rc = coil_lock_acquire(&lock);
    for (int i = 0; i < turn->waiters && rc == 0; i++) {
        tasks[i] = coil_create_task(turn->ring->member, NULL);
        rc = tasks[i] == NULL ? coil_creation_error() : 0;
    }
    rc = rc < 0 ? rc : run_ring(turn, tasks);
    for (int i = 0; i < turn->waiters; i++) {
        (void)coil_cancel(tasks[i]);
        coil_unref(tasks[i]);
    }
    (void)coil_sleep(0);
    coil_queue_unref(ring_queue);
    free(tasks);
    return rc;
}

static int curves(void)
{
    int rc = 0;

    printf("\n  waiters");
    for (size_t i = 0; i < sizeof(rings) / sizeof(rings[0]); i++) {
        printf(" %10s", rings[i].name);
    }
    printf("   (ns for an operation)\n");
    for (int n = 10; n <= MOST_WAITERS && rc == 0; n *= 100) {
        printf("%9d", n);
        for (size_t i = 0; i < sizeof(rings) / sizeof(rings[0]) && rc == 0; i++) {
            struct turn turn = {.ring = &rings[i], .waiters = n, .operations = OPERATIONS};
            rc = coil_run(measure_ring, &turn);
            printf(" %10.1f", turn.ns);
        }
        printf("\n");
        n = n == 1000 ? 1000 : n; /* 10, 1,000, 100,000 */
    }
    return rc;
}

static int one_curve(char **arguments)
{
    for (size_t i = 0; i < sizeof(rings) / sizeof(rings[0]); i++) {
        if (strcmp(rings[i].name, arguments[0]) == 0) {
            struct turn turn = {.ring = &rings[i], .waiters = atoi(arguments[1]), .operations = atoi(arguments[2])};
            return turn.waiters < 1 || turn.operations < 1 ? -EINVAL : coil_run(measure_ring, &turn);
        }
    }
    return -EINVAL;
}

int main(int argc, char **argv)
{
    if (coil_semaphore_init(&semaphore, 1) < 0 || coil_barrier_init(&barrier, 2) < 0) {
        return 1;
    }
    int rc = argc == 4 ? one_curve(argv + 1) : coil_run(table, NULL);
    if (rc == 0 && argc != 4) {
        rc = curves();
    }
    if (rc < 0) {
        fprintf(stderr, "bench_sync: %s\n", coil_strerror(rc));
    }
    return rc < 0;
}
