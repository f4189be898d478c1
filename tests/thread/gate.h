/*
 * What the tests of threads share: the tasks' harness, and a gate, at which functions in threads wait until the test
 * opens it, so that what runs and what waits for a thread is the test's choice and no matter of time.
 */
#ifndef TESTS_THREAD_GATE_H
#define TESTS_THREAD_GATE_H

#include "tests/task/harness.h"

#include <pthread.h>
#include <semaphore.h>
#include <unistd.h>

#include <coil/thread.h>

#include "thread/call.h"
#include "thread/executor.h"

struct gate {
    atomic_int entered;
    atomic_int left;
    sem_t open;
};

static inline void gate_init(struct gate *gate)
{
    atomic_init(&gate->entered, 0);
    atomic_init(&gate->left, 0);
    ck_assert_int_eq(sem_init(&gate->open, 0, 0), 0);
}

/* Lets so many through. */
static inline void gate_open(struct gate *gate, int count)
{
    for (int i = 0; i < count; i++) {
        sem_post(&gate->open);
    }
}

/* A function for a thread: waits at the gate that arg points to, and ends with how many went before it. */
static inline int pass_gate(void *arg)
{
    struct gate *gate = arg;

    atomic_fetch_add(&gate->entered, 1);
    while (sem_wait(&gate->open) != 0) {
    }
    return atomic_fetch_add(&gate->left, 1);
}

/* Coroutine: has a thread wait at the gate that arg points to. */
static inline int pass_gate_in_thread(void *arg)
{
    return coil_to_thread(pass_gate, arg);
}

/* Coroutine: waits, in real time and without stopping the loop, until so many have come to the gate. */
static inline void await_entered(struct gate *gate, int count)
{
    while (atomic_load(&gate->entered) < count) {
        ck_assert_int_eq(coil_sleep(0), 0);
        usleep(100);
    }
}

/* A function for a thread: ends at once. */
static inline int return_at_once(void *arg)
{
    return give(arg);
}

/* The running loop's pool. */
static inline struct ci_pool *pool(void)
{
    return ci_executor_pool(coil_get_running_loop());
}

/* How many threads the pool has that look for work. */
static inline unsigned threads(void)
{
    struct ci_pool *of = pool();

    pthread_mutex_lock(&of->lock);
    unsigned count = of->threads;
    pthread_mutex_unlock(&of->lock);
    return count;
}

/* Waits, in real time, until the pool has so many threads. */
static inline void await_threads(unsigned count)
{
    while (threads() != count) {
        ck_assert_int_eq(coil_sleep(0), 0);
        usleep(100);
    }
}

#endif
