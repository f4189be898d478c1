/*
 * A pool of threads for work that blocks or computes, belonging to one loop. A job is a struct in its owner's memory,
 * so that giving one to the pool allocates nothing; it is carried out in a thread, in the order in which jobs came,
 * and its end arrives at the loop as an entry of the ready queue, exactly as a callback from another thread. There
 * are never more threads than jobs that wait or run at the same time, and one that has had nothing to do for a while
 * ends. The pool knows nothing of coroutines: call.h is how one waits for a job.
 */
#ifndef CI_THREAD_POOL_H
#define CI_THREAD_POOL_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <coil/base.h>

#include "base/list.h"
#include "loop/remote.h"

struct ci_pool;
struct coil_loop;
struct worker;

enum { CI_THREAD_NAME_BYTES = 16 };

enum ci_job_state {
    CI_JOB_OVER,     /* it is not in the pool's hands */
    CI_JOB_WAITING,  /* for a thread */
    CI_JOB_RUNNING,  /* or just about to arrive */
    CI_JOB_RETURNED, /* its entry is in the ready queue */
};

/* What is to be done. The first four members are its owner's. */
struct ci_job {
    void (*run)(struct ci_job *job);  /* carries it out, in a thread and outside of any loop */
    void (*done)(struct ci_job *job); /* on the loop's thread, once run has returned; the job is its owner's again */
    const char *what;                 /* what it does, in a word, for reports */
    struct coil_site site;            /* where it was asked for, or zero */

    struct ci_pool *pool; /* that it was given to */
    enum ci_job_state state;
    struct ci_list link; /* in the pool's line, while it waits */
    struct ci_list all;  /* in the pool's jobs; the loop's thread's */
    struct ci_remote_call call;
    uint32_t position;           /* of its entry in the ready queue */
    const struct worker *worker; /* that runs it */
    int64_t started_ns;
};

struct ci_pool {
    struct coil_loop *loop;
    unsigned max_threads; /* with none, nobody works but ci_job_carry_out: a test's pool */
    int64_t idle_ns;      /* how long a thread waits for a job before it ends */
    char prefix[CI_THREAD_NAME_BYTES];
    unsigned threads_made;
    struct ci_list workers;                /* threads that have not been joined */
    struct ci_list jobs;                   /* that have not arrived */
    void (*emptied)(struct ci_pool *pool); /* the last of them has; NULL: nobody wants to know */

    pthread_mutex_t lock; /* of what follows, idle_ns, and the jobs, until they run: then a job is its thread's */
    struct ci_list line;  /* jobs that wait, oldest first */
    struct ci_list idle;  /* threads that wait, the one that has worked last at the end */
    unsigned threads;     /* that look at the line */
    bool stopping;
};

/* Prepares a pool. prefix is what the names of its threads begin with; a long one is cut. */
void ci_pool_init(struct ci_pool *pool, struct coil_loop *loop, unsigned max_threads, int64_t idle_ns,
                  const char *prefix);

/* Changes what the pool was prepared with. Returns 0, or -ESHUTDOWN for one that was stopped. */
int ci_pool_configure(struct ci_pool *pool, unsigned max_threads, int64_t idle_ns, const char *prefix);

/*
 * Has job carried out. Returns 0, and done will be called, unless ci_job_drop or ci_job_forget takes it back;
 * -ESHUTDOWN for a pool that was stopped; or, where not a single thread runs, why none could be started. On the
 * loop's thread, as all of this.
 */
int ci_pool_submit(struct ci_pool *pool, struct ci_job *job);

/* Takes a job back that no thread has begun. Returns whether that was so: then it is over, and done is not called. */
bool ci_job_drop(struct ci_job *job);

/* Takes a job back whose end has arrived and which done has not been called for. Returns whether that was so. */
bool ci_job_forget(struct ci_job *job);

/* Takes no more jobs. Those that are there are carried out, then the threads end. */
void ci_pool_stop(struct ci_pool *pool);

/* Calls report for each job that a thread is carrying out, with the thread's name and since when. */
void ci_pool_each_running(struct ci_pool *pool,
                          void (*report)(const struct ci_job *job, const char *thread, int64_t started_ns));

/* Waits for the threads of a pool that was stopped to end: not for long where there are no jobs. */
void ci_pool_join(struct ci_pool *pool);

/*
 * Ends the pool: drops what waits, waits for what runs, joins the threads. done is not called any more: whoever waits
 * for a job will not go on, and its memory stays good until this returns.
 */
void ci_pool_close(struct ci_pool *pool);

/*
 * Carries out a job that waits, in the calling thread as in one of the pool's. Returns false for one that does not
 * wait.
 */
bool ci_job_carry_out(struct ci_job *job);

#endif
