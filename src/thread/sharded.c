/*
 * Loops on several threads that end together, as the tasks of a group do. Each thread runs a coil_run of its own;
 * what they share is who failed first, and how to reach the mains that still run. These threads count as the
 * program's own: what runs in them is the program, and may wake other loops.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include <coil/thread.h>

#include "base/options.h"
#include "loop/remote.h"
#include "sys/alloc.h"
#include "sys/thread.h"
#include "task/runtime.h"
#include "task/task.h"
#include "thread/pool.h"

struct sharded;

struct shard {
    struct sharded *all;
    int index;
    int rc; /* what its coil_run came to */
    struct ci_thread thread;
    char name[CI_THREAD_NAME_BYTES];
    struct coil_loop *loop;     /* while main runs; under the lock */
    bool told;                  /* to end, because of others; under the lock */
    struct ci_remote_call call; /* that tells it */
    struct coil_future *main;   /* while it runs; its thread's */
};

struct sharded {
    coil_fn *main;
    struct coil_run_options options;
    pid_t process; /* whose threads these are: a child process has but one of them, and nobody to end with */
    pthread_mutex_t lock;
    bool ending; /* under the lock, as the next */
    struct shard *first_failed;
    int count;
    struct shard shards[];
};

static _Thread_local struct shard *running_shard;

int coil_shard_index(void)
{
    return running_shard == NULL ? -1 : running_shard->index;
}

int coil_shard_count(void)
{
    return running_shard == NULL ? 0 : running_shard->all->count;
}

/* ---- ending together ------------------------------------------------------------------------------------------------- */

static void cancel_main(void *arg)
{
    struct shard *shard = arg;

    ci_ready_release(&ci_loop_running->ready);
    if (shard->main != NULL) {
        (void)ci_future_cancel(shard->main, NULL); /* it runs, or it would not be there */
    }
}

static void end_arrives(struct coil_loop *loop, struct ci_remote_call *call)
{
    (void)ci_ready_push(&loop->ready, cancel_main, ci_container_of(call, struct shard, call));
}

static void end_dropped(struct ci_remote_call *call)
{
    (void)call; /* it is part of the shard */
}

/*
 * Has every main cancelled that still runs, but for that of except, and those that have not begun never begin. The
 * lock is held.
 */
static void end_others(struct sharded *all, const struct shard *except)
{
    all->ending = true;
    for (int i = 0; i < all->count; i++) {
        struct shard *shard = &all->shards[i];
        if (shard != except && shard->loop != NULL && !shard->told) {
            shard->told = true;
            ci_remote_push(shard->loop, &shard->call);
        }
    }
}

/* Whether this is a child process that a main has forked off, and that has come back from there. */
static bool has_parted(const struct sharded *all)
{
    return all->process != getpid();
}

/* A main, or what ran it, has come to rc. That it was cancelled because of another is no failure of its own. */
static void note_end(struct shard *shard, int rc)
{
    struct sharded *all = shard->all;

    if (has_parted(all)) {
        return;
    }
    (void)pthread_mutex_lock(&all->lock);
    shard->loop = NULL;
    if (rc < 0 && !(shard->told && rc == -ECANCELED)) {
        if (all->first_failed == NULL) {
            all->first_failed = shard;
        }
        end_others(all, shard);
    }
    (void)pthread_mutex_unlock(&all->lock);
}

static void interrupted(void *arg)
{
    struct shard *shard = arg;

    (void)pthread_mutex_lock(&shard->all->lock);
    end_others(shard->all, shard);
    (void)pthread_mutex_unlock(&shard->all->lock);
}

/* ---- running --------------------------------------------------------------------------------------------------------- */

/* Makes the shard known as one whose main runs. Returns false if it is not to begin. */
static bool begin(struct shard *shard)
{
    struct sharded *all = shard->all;

    shard->main = coil_current_task();
    (void)pthread_mutex_lock(&all->lock);
    bool begins = !all->ending;
    if (begins) {
        shard->loop = ci_loop_running;
    } else {
        shard->told = true;
    }
    (void)pthread_mutex_unlock(&all->lock);
    return begins;
}

static int shard_main(void *arg)
{
    struct shard *shard = arg;
    struct sharded *all = shard->all;
    int rc = begin(shard) ? all->main(all->options.arg) : -ECANCELED;

    shard->main = NULL;
    note_end(shard, rc);
    return rc;
}

static void run_shard(void *arg)
{
    struct shard *shard = arg;
    struct coil_run_options options = shard->all->options;
    bool first = shard->index == 0;

    options.size = sizeof(options); /* whatever the caller's has, this one is whole */
    options.arg = shard;
    options.handle_sigint = first && options.handle_sigint;
    running_shard = shard;
    shard->rc = ci_run(shard_main, &options, first ? interrupted : NULL, shard);
    running_shard = NULL;
    note_end(shard, shard->rc); /* running it may have failed where main did not */
}

/* Starts the threads of all shards but the first. Returns how many shards there are then, with *rc why not all. */
static int start_threads(struct sharded *all, int *rc)
{
    int count = 1;

    for (*rc = 0; count < all->count; count++) {
        struct shard *shard = &all->shards[count];
        (void)snprintf(shard->name, sizeof(shard->name), "coil-shard-%d", count % 1000);
        *rc = ci_thread_start_plain(&shard->thread, shard->name, run_shard, shard);
        if (*rc < 0) {
            break;
        }
    }
    return count;
}

static int run_all(struct sharded *all)
{
    int rc;
    int started = start_threads(all, &rc);

    if (rc < 0) {
        interrupted(&all->shards[0]);
    } else {
        run_shard(&all->shards[0]);
    }
    if (has_parted(all)) {
        return all->shards[0].rc;
    }
    for (int i = 1; i < started; i++) {
        ci_thread_join(&all->shards[i].thread);
    }
    if (rc == 0 && all->first_failed != NULL) {
        rc = all->first_failed->rc;
    }
    return rc;
}

static struct sharded *sharded_new(size_t n, coil_fn *main, const struct coil_run_options *options)
{
    size_t size;

    if (n > INT_MAX || __builtin_mul_overflow(n, sizeof(struct shard), &size)) {
        return NULL;
    }
    struct sharded *all = ci_alloc_zero(sizeof(*all) + size);
    if (all == NULL) {
        return NULL;
    }
    all->main = main;
    all->options = *options;
    all->process = getpid();
    all->count = (int)n;
    (void)pthread_mutex_init(&all->lock, NULL); /* cannot fail for a plain one */
    for (int i = 0; i < all->count; i++) {
        struct shard *shard = &all->shards[i];
        shard->all = all;
        shard->index = i;
        shard->call.arrive = end_arrives;
        shard->call.drop = end_dropped;
    }
    return all;
}

int coil_run_sharded_with(size_t n, coil_fn *main, const struct coil_run_options *given)
{
    struct coil_run_options copy;
    const struct coil_run_options *options = ci_options(&copy, sizeof(copy), given);

    if (ci_loop_running != NULL || main == NULL) {
        return main == NULL ? -EINVAL : -EPERM;
    }
    struct sharded *all = sharded_new(n == 0 ? ci_sys_cpu_count() : n, main, options);
    if (all == NULL) {
        return -ENOMEM;
    }
    int rc = run_all(all);
    (void)pthread_mutex_destroy(&all->lock);
    ci_free(all);
    return rc;
}
