/*
 * The pool of threads: see pool.h. One lock guards the line of jobs and the threads that wait for them. Each thread
 * that waits has a condition of its own, and the one that has worked last is woken first: its memory is in the cache,
 * and the others get a chance to end. Threads are started by the loop's thread alone, and joined by it: one that ends
 * says so through the loop.
 */
#include "thread/pool.h"

#include <errno.h>
#include <stdio.h>

#include "base/duration.h"
#include "loop/loop.h"
#include "sys/alloc.h"
#include "sys/clock.h"
#include "sys/thread.h"

struct worker {
    struct ci_thread thread;
    struct ci_pool *pool;
    struct ci_list all;  /* in the pool's workers */
    struct ci_list idle; /* in the pool's idle, while it waits and nobody has woken it */
    pthread_cond_t wake;
    struct ci_remote_call ended;
    bool leaves; /* it ends because it had nothing to do, and has told the loop */
    char name[CI_THREAD_NAME_BYTES];
};

/* ---- in a thread of the pool ----------------------------------------------------------------------------------------- */

/* Waits until somebody has a job for this thread, or until it has waited in vain for too long. The lock is held. */
static bool wait_for_work(struct worker *worker)
{
    struct ci_pool *pool = worker->pool;

    ci_list_append(&pool->idle, &worker->idle);
    int rc = ci_condition_wait(&worker->wake, &pool->lock, ci_deadline_ns(ci_clock_ns(), pool->idle_ns));
    bool woken = ci_list_empty(&worker->idle);
    ci_list_remove(&worker->idle);
    return rc == 0 || woken;
}

/* The oldest job in the line, which is this thread's now; NULL when the thread is to end. The lock is held. */
static struct ci_job *next_job(struct worker *worker)
{
    struct ci_pool *pool = worker->pool;

    worker->leaves = pool->threads > pool->max_threads; /* there may be fewer now than there were */
    while (ci_list_empty(&pool->line) && !worker->leaves) {
        if (pool->stopping) {
            return NULL;
        }
        worker->leaves = !wait_for_work(worker) && ci_list_empty(&pool->line) && !pool->stopping;
    }
    if (worker->leaves) {
        return NULL;
    }
    struct ci_job *job = ci_container_of(ci_list_pop(&pool->line), struct ci_job, link);
    job->state = CI_JOB_RUNNING;
    job->worker = worker;
    job->started_ns = ci_clock_ns();
    return job;
}

/* What the loop's thread touches of the job after the push is its own business: it may be gone by then. */
static void carry_out(struct ci_pool *pool, struct ci_job *job)
{
    job->run(job);
    ci_remote_push(pool->loop, &job->call);
}

static void work(void *arg)
{
    struct worker *worker = arg;
    struct ci_pool *pool = worker->pool;
    struct ci_job *job;

    (void)pthread_mutex_lock(&pool->lock);
    while ((job = next_job(worker)) != NULL) {
        (void)pthread_mutex_unlock(&pool->lock);
        carry_out(pool, job);
        (void)pthread_mutex_lock(&pool->lock);
    }
    pool->threads--;
    (void)pthread_mutex_unlock(&pool->lock);
    if (worker->leaves) {
        ci_remote_push(pool->loop, &worker->ended);
    }
}

/* ---- threads --------------------------------------------------------------------------------------------------------- */

static void join(struct worker *worker)
{
    ci_list_remove(&worker->all);
    ci_thread_join(&worker->thread);
    (void)pthread_cond_destroy(&worker->wake);
}

/* A thread has ended for want of work: the deadlock's detection must not count it any more. */
static void worker_ended(struct coil_loop *loop, struct ci_remote_call *call)
{
    struct worker *worker = ci_container_of(call, struct worker, ended);

    ci_ready_release(&loop->ready);
    if (!ci_list_empty(&worker->all)) {
        join(worker);
    }
    ci_free(worker);
}

/* The loop closed before it took notice. The pool has joined the thread. */
static void worker_dropped(struct ci_remote_call *call)
{
    ci_free(ci_container_of(call, struct worker, ended));
}

/* The prefix gives way to the number where there is no room for both. */
static void name_worker(struct worker *worker, unsigned number)
{
    char digits[CI_THREAD_NAME_BYTES / 2];
    int length = snprintf(digits, sizeof(digits), "-%u", number % 10000);

    (void)snprintf(worker->name, sizeof(worker->name), "%.*s%s", CI_THREAD_NAME_BYTES - 1 - length,
                   worker->pool->prefix, digits);
}

static int start_worker(struct ci_pool *pool)
{
    struct worker *worker = ci_alloc_zero(sizeof(*worker));

    if (worker == NULL) {
        return -ENOMEM;
    }
    worker->pool = pool;
    worker->ended.arrive = worker_ended;
    worker->ended.drop = worker_dropped;
    ci_list_init(&worker->idle);
    ci_condition_init(&worker->wake);
    name_worker(worker, pool->threads_made);
    int rc = ci_thread_start(&worker->thread, worker->name, work, worker, 0);
    if (rc < 0) {
        (void)pthread_cond_destroy(&worker->wake);
        ci_free(worker);
        return rc;
    }
    pool->threads_made++;
    ci_list_append(&pool->workers, &worker->all);
    return 0;
}

/* The thread that has worked last, of those that wait; it will look at the line. The lock is held. */
static bool wake_one(struct ci_pool *pool)
{
    if (ci_list_empty(&pool->idle)) {
        return false;
    }
    struct worker *worker = ci_container_of(pool->idle.prev, struct worker, idle);
    ci_list_remove(&worker->idle);
    (void)pthread_cond_signal(&worker->wake);
    return true;
}

/* ---- jobs ------------------------------------------------------------------------------------------------------------ */

/* The job is in nobody's hands any more. */
static void settle(struct ci_job *job)
{
    struct ci_pool *pool = job->pool;

    ci_list_remove(&job->all);
    job->state = CI_JOB_OVER;
    if (ci_list_empty(&pool->jobs) && pool->emptied != NULL) {
        pool->emptied(pool);
    }
}

static void job_is_done(void *arg)
{
    struct ci_job *job = arg;

    ci_ready_release(&job->pool->loop->ready);
    settle(job);
    job->done(job);
}

static void job_arrives(struct coil_loop *loop, struct ci_remote_call *call)
{
    struct ci_job *job = ci_container_of(call, struct ci_job, call);

    loop->external--;
    job->state = CI_JOB_RETURNED;
    job->position = ci_ready_push(&loop->ready, job_is_done, job);
}

/* The loop closed first: whoever waits for the job is in a frame that does not go on. */
static void job_dropped(struct ci_remote_call *call)
{
    (void)call;
}

/* Takes job out of the line if it is there. */
static bool leave_line(struct ci_job *job)
{
    struct ci_pool *pool = job->pool;

    (void)pthread_mutex_lock(&pool->lock);
    bool waits = job->state == CI_JOB_WAITING;
    if (waits) {
        ci_list_remove(&job->link);
        job->state = CI_JOB_OVER;
    }
    (void)pthread_mutex_unlock(&pool->lock);
    return waits;
}

/*
 * A thread could not be started. That is no error where others run: they come to the job. Whoever is about to end
 * looks at the line under the lock, and so does not leave the job behind.
 */
static int without_new_thread(struct ci_pool *pool, struct ci_job *job, int rc)
{
    (void)pthread_mutex_lock(&pool->lock);
    bool alone = --pool->threads == 0;
    (void)pthread_mutex_unlock(&pool->lock);
    return alone && ci_job_drop(job) ? rc : 0;
}

int ci_pool_submit(struct ci_pool *pool, struct ci_job *job)
{
    job->pool = pool;
    job->call.arrive = job_arrives;
    job->call.drop = job_dropped;
    (void)pthread_mutex_lock(&pool->lock);
    if (pool->stopping) {
        (void)pthread_mutex_unlock(&pool->lock);
        return -ESHUTDOWN;
    }
    job->state = CI_JOB_WAITING;
    ci_list_append(&pool->line, &job->link);
    bool starts = !wake_one(pool) && pool->threads < pool->max_threads;
    pool->threads += starts;
    (void)pthread_mutex_unlock(&pool->lock);
    ci_list_append(&pool->jobs, &job->all);
    pool->loop->external++;
    int rc = starts ? start_worker(pool) : 0;
    return rc < 0 ? without_new_thread(pool, job, rc) : 0;
}

bool ci_job_drop(struct ci_job *job)
{
    if (!leave_line(job)) {
        return false;
    }
    job->pool->loop->external--;
    settle(job);
    return true;
}

bool ci_job_forget(struct ci_job *job)
{
    struct ci_ready *ready = &job->pool->loop->ready;

    if (job->state != CI_JOB_RETURNED) {
        return false;
    }
    ci_ready_blank(ready, job->position);
    ci_ready_release(ready);
    settle(job);
    return true;
}

bool ci_job_carry_out(struct ci_job *job)
{
    if (!leave_line(job)) {
        return false;
    }
    job->state = CI_JOB_RUNNING;
    carry_out(job->pool, job);
    return true;
}

/* ---- the pool -------------------------------------------------------------------------------------------------------- */

void ci_pool_init(struct ci_pool *pool, struct coil_loop *loop, unsigned max_threads, int64_t idle_ns,
                  const char *prefix)
{
    *pool = (struct ci_pool){.loop = loop};
    ci_list_init(&pool->workers);
    ci_list_init(&pool->jobs);
    ci_list_init(&pool->line);
    ci_list_init(&pool->idle);
    (void)pthread_mutex_init(&pool->lock, NULL);                 /* cannot fail for a plain one */
    (void)ci_pool_configure(pool, max_threads, idle_ns, prefix); /* it was not stopped */
}

int ci_pool_configure(struct ci_pool *pool, unsigned max_threads, int64_t idle_ns, const char *prefix)
{
    if (pool->stopping) {
        return -ESHUTDOWN;
    }
    (void)snprintf(pool->prefix, sizeof(pool->prefix), "%s", prefix); /* a long one is cut */
    (void)pthread_mutex_lock(&pool->lock);
    pool->max_threads = max_threads;
    pool->idle_ns = idle_ns;
    (void)pthread_mutex_unlock(&pool->lock);
    return 0;
}

void ci_pool_stop(struct ci_pool *pool)
{
    (void)pthread_mutex_lock(&pool->lock);
    pool->stopping = true;
    while (wake_one(pool)) {
        continue;
    }
    (void)pthread_mutex_unlock(&pool->lock);
}

void ci_pool_each_running(struct ci_pool *pool,
                          void (*report)(const struct ci_job *job, const char *thread, int64_t started_ns))
{
    for (struct ci_list *link = pool->jobs.next; link != &pool->jobs; link = link->next) {
        const struct ci_job *job = ci_container_of(link, struct ci_job, all);
        (void)pthread_mutex_lock(&pool->lock);
        bool runs = job->state == CI_JOB_RUNNING;
        (void)pthread_mutex_unlock(&pool->lock);
        if (runs) {
            report(job, job->worker->name, job->started_ns);
        }
    }
}

void ci_pool_join(struct ci_pool *pool)
{
    while (!ci_list_empty(&pool->workers)) {
        struct worker *worker = ci_container_of(pool->workers.next, struct worker, all);
        join(worker);
        if (!worker->leaves) {
            ci_free(worker); /* else the loop frees it, which has been told of its end */
        }
    }
}

void ci_pool_close(struct ci_pool *pool)
{
    (void)pthread_mutex_lock(&pool->lock);
    ci_list_init(&pool->line);
    (void)pthread_mutex_unlock(&pool->lock);
    ci_pool_stop(pool);
    ci_pool_join(pool);
    (void)pthread_mutex_destroy(&pool->lock);
}
