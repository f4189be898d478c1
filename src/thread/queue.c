/*
 * Queues between plain threads and a loop: the thread has the loop run a coroutine that puts or gets, and waits for
 * it. So it stands in the same line as the tasks do, and everything that ends a task's wait ends the thread's.
 */
#include <errno.h>
#include <math.h>

#include <coil/sync.h>
#include <coil/thread.h>

#include "base/duration.h"
#include "loop/loop.h"
#include "sys/clock.h"
#include "thread/concurrent.h"

/* What is to be done, in the frame of the thread that waits for it. */
struct passing {
    coil_queue *queue;
    const void *in;
    void *out; /* used if there is no in */
};

static int pass(void *arg)
{
    const struct passing *passing = arg;

    return passing->in != NULL ? coil_queue_put(passing->queue, passing->in)
                               : coil_queue_get(passing->queue, passing->out);
}

static int pass_at_once(void *arg)
{
    const struct passing *passing = arg;
    int rc = passing->in != NULL ? coil_queue_put_nowait(passing->queue, passing->in)
                                 : coil_queue_get_nowait(passing->queue, passing->out);

    return rc == -EAGAIN ? -ETIMEDOUT : rc;
}

static int pass_from_thread(coil_loop *loop, struct passing *passing, double timeout)
{
    if (loop == NULL || isnan(timeout)) {
        return -EINVAL;
    }
    if (passing->queue == NULL) {
        return ci_loop_missing();
    }
    if (pthread_equal(loop->thread, pthread_self())) {
        return -EDEADLK;
    }
    int64_t when_ns = timeout > 0 ? ci_deadline_ns(ci_clock_ns(), ci_duration_ns(timeout)) : CI_FOREVER;
    coil_fn *fn = timeout > 0 ? pass : pass_at_once;
    coil_concurrent_future *future = coil_run_coroutine_threadsafe(loop, fn, passing, .name = "queue");
    if (future == NULL) {
        return coil_creation_error();
    }
    int rc = ci_concurrent_finish(future, when_ns);
    coil_concurrent_future_unref(future);
    return rc;
}

int coil_queue_put_threadsafe(coil_loop *loop, coil_queue *queue, const void *item, double timeout)
{
    struct passing passing = {.queue = queue, .in = item};

    return item == NULL ? -EINVAL : pass_from_thread(loop, &passing, timeout);
}

int coil_queue_get_threadsafe(coil_loop *loop, coil_queue *queue, void *item, double timeout)
{
    struct passing passing = {.queue = queue, .out = item};

    return item == NULL ? -EINVAL : pass_from_thread(loop, &passing, timeout);
}
