/*
 * What the tests of the loop share: a loop whose callbacks write a log, and a poller that counts what is asked of it. A loop without tasks in which nothing is left returns -EDEADLK, which here means "all of it ran".
 */
#ifndef TESTS_LOOP_HARNESS_H
#define TESTS_LOOP_HARNESS_H

#include <check.h>
#include <errno.h>
#include <stdatomic.h>

#include <coil/loop.h>

#include "loop/loop.h"
#include "tests/support/log.h"
#include "tests/support/setup.h"

/* ---- the loop -------------------------------------------------------------------------------------------------------- */

static coil_loop *loop;

static inline void setup_virtual(void)
{
    prepare();
    loop = coil_loop_new(.clock = COIL_CLOCK_VIRTUAL);
    ck_assert_ptr_nonnull(loop);
}

static inline void setup_real(void)
{
    prepare();
    /* Tests replace the poller; a ring would go on interrupting for a while after that. */
    loop = coil_loop_new(.backend = COIL_BACKEND_EPOLL);
    ck_assert_ptr_nonnull(loop);
}

/* Closes the loop, if the test has not, and finds that nothing is left of it. */
static inline void teardown(void)
{
    if (loop != NULL) {
        ck_assert_int_eq(coil_loop_close(loop), 0);
    }
    loop = NULL;
    ck_assert_int_eq(live_blocks, 0);
}

/* Runs the loop, beginning with callback, until nothing is left. */
static inline void run_with(coil_callback *callback, void *userdata)
{
    ck_assert_ptr_nonnull(coil_call_soon_threadsafe(loop, callback, userdata));
    ck_assert_int_eq(coil_loop_run_forever(loop), -EDEADLK);
}

static inline void run(coil_callback *callback)
{
    run_with(callback, NULL);
}

static inline uint64_t iteration(void)
{
    return coil_get_running_loop()->iteration;
}

static inline void stop(void *unused)
{
    (void)unused;
    coil_loop_stop(coil_get_running_loop());
}

/* ---- a poller that counts -------------------------------------------------------------------------------------------- */

struct counting_poller {
    struct ci_poller base;
    struct ci_poller *inner;
    int waits;
    atomic_int wakes;
    int64_t last_timeout_ns;
    void (*before_wait)(void);
};

static inline struct counting_poller *counting(struct ci_poller *poller)
{
    return ci_container_of(poller, struct counting_poller, base);
}

static inline int count_wait(struct ci_poller *poller, int64_t timeout_ns)
{
    struct counting_poller *self = counting(poller);

    self->waits++;
    self->last_timeout_ns = timeout_ns;
    if (self->before_wait != NULL) {
        self->before_wait();
    }
    return self->inner->class->wait(self->inner, timeout_ns);
}

static inline void count_wake(struct ci_poller *poller)
{
    counting(poller)->wakes++;
    counting(poller)->inner->class->wake(counting(poller)->inner);
}

static inline void count_destroy(struct ci_poller *poller)
{
    counting(poller)->inner->class->destroy(counting(poller)->inner);
}

static const struct ci_poller_class counting_class = {
    .name = "counting", .wait = count_wait, .wake = count_wake, .destroy = count_destroy};

/* Puts a counting poller into the loop; it lives as long as the test. */
static inline struct counting_poller *count_polls(void)
{
    static struct counting_poller poller;

    poller = (struct counting_poller){.base.class = &counting_class};
    ck_assert_int_eq(ci_epoll_open(&poller.inner, false), 0);
    ci_loop_set_poller(loop, &poller.base);
    return &poller;
}

#endif
