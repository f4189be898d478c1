/*
 * Concurrent futures: what a plain thread has of a coroutine that it has asked a loop to run. The one struct is the
 * call to the loop, later the request to cancel, and what the thread waits at; its lock guards what both sides touch.
 * The loop's side ends when the task's end has been told, or when the loop closes, and from then on the loop is not
 * touched: so a future stays good for as long as anybody has it. The order of events is that of asyncio's
 * _chain_future.
 */
#include "thread/concurrent.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/options.h"
#include "loop/remote.h"
#include "sys/alloc.h"
#include "sys/clock.h"
#include "sys/thread.h"
#include "task/task.h"

struct done_callback {
    struct done_callback *next;
    coil_concurrent_callback *callback;
    void *userdata;
};

/* Where the future's call to the loop is. */
enum call_state {
    STARTING,    /* on its way to the loop, which shall make the task */
    STARTABLE,   /* in the ready queue */
    AT_REST,     /* nowhere: there is a task */
    CANCELLING,  /* on its way to the loop, which shall cancel the task */
    CANCELLABLE, /* in the ready queue */
};

struct coil_concurrent_future {
    atomic_uint references; /* the program's, and one of the loop's side while there is that */

    pthread_mutex_t lock; /* of what follows, up to the callbacks */
    pthread_cond_t ended;
    enum ci_future_state state;
    int result;
    coil_loop *loop; /* NULL when the loop's side has ended */
    enum call_state call_state;
    bool withdrawn; /* whoever waits for it wants it no longer: the task is not to be made */
    struct done_callback *callbacks;

    struct ci_remote_call call;
    struct ci_chain chain; /* from the arrival to the end of the loop's side */
    coil_task *task;
    struct ci_callback task_ended; /* in the task's callbacks */
    bool task_told;                /* that it has ended */

    coil_fn *fn;
    struct coil_task_options options;
    char copies[]; /* of the argument, and of the name behind it */
};

/* ---- references ------------------------------------------------------------------------------------------------------ */

coil_concurrent_future *coil_concurrent_future_ref(coil_concurrent_future *future)
{
    if (future != NULL) {
        atomic_fetch_add_explicit(&future->references, 1, memory_order_relaxed);
    }
    return future;
}

void coil_concurrent_future_unref(coil_concurrent_future *future)
{
    if (future != NULL && atomic_fetch_sub_explicit(&future->references, 1, memory_order_acq_rel) == 1) {
        (void)pthread_cond_destroy(&future->ended);
        (void)pthread_mutex_destroy(&future->lock);
        ci_free(future);
    }
}

/* ---- the end --------------------------------------------------------------------------------------------------------- */

/*
 * Makes a pending future done or cancelled. Returns the callbacks, which are the caller's to call when it has let go
 * of the lock, which it holds.
 */
static struct done_callback *settle(coil_concurrent_future *future, enum ci_future_state state, int result)
{
    struct done_callback *callbacks = future->callbacks;

    if (future->state != CI_PENDING) {
        return NULL;
    }
    future->state = state;
    future->result = result;
    future->callbacks = NULL;
    (void)pthread_cond_broadcast(&future->ended);
    return callbacks;
}

static void call_back(coil_concurrent_future *future, struct done_callback *callbacks)
{
    while (callbacks != NULL) {
        struct done_callback done = *callbacks;
        ci_free(callbacks);
        callbacks = done.next;
        done.callback(future, done.userdata);
    }
}

static void settle_and_call_back(coil_concurrent_future *future, enum ci_future_state state, int result)
{
    (void)pthread_mutex_lock(&future->lock);
    struct done_callback *callbacks = settle(future, state, result);
    (void)pthread_mutex_unlock(&future->lock);
    call_back(future, callbacks);
}

/* The loop's side ends: from here on the loop may close. */
static void let_go_of_loop(coil_concurrent_future *future)
{
    (void)pthread_mutex_lock(&future->lock);
    future->loop = NULL;
    (void)pthread_mutex_unlock(&future->lock);
    ci_list_remove(&future->chain.link);
    coil_unref(future->task);
    coil_concurrent_future_unref(future);
}

/* ---- on the loop's thread -------------------------------------------------------------------------------------------- */

/* A cancellation that is still on its way goes to the task even though its end has been told: asyncio's does. */
static void end_if_told(coil_concurrent_future *future)
{
    (void)pthread_mutex_lock(&future->lock);
    bool ends = future->task_told && future->call_state == AT_REST;
    (void)pthread_mutex_unlock(&future->lock);
    if (ends) {
        let_go_of_loop(future);
    }
}

/* The error of a task whose future was cancelled stays with the task, which reports it. */
static void task_has_ended(void *arg)
{
    coil_concurrent_future *future = arg;
    coil_task *task = future->task;

    ci_callback_runs(&future->task_ended, task->loop);
    (void)pthread_mutex_lock(&future->lock);
    struct done_callback *callbacks = NULL;
    if (future->state == CI_PENDING) {
        callbacks = settle(future, task->state, ci_future_retrieve(task));
    }
    future->task_told = true;
    (void)pthread_mutex_unlock(&future->lock);
    call_back(future, callbacks);
    end_if_told(future);
}

static void cancel_task(coil_concurrent_future *future)
{
    (void)pthread_mutex_lock(&future->lock);
    future->call_state = AT_REST;
    (void)pthread_mutex_unlock(&future->lock);
    (void)ci_future_cancel(future->task, NULL); /* one that has ended is what was wanted */
    end_if_told(future);
}

static void run_cancel(void *arg)
{
    coil_concurrent_future *future = arg;

    ci_ready_release(&future->task->loop->ready);
    cancel_task(future);
}

static void cancel_arrives(struct coil_loop *loop, struct ci_remote_call *call)
{
    coil_concurrent_future *future = ci_container_of(call, coil_concurrent_future, call);

    (void)pthread_mutex_lock(&future->lock);
    future->call_state = CANCELLABLE;
    (void)pthread_mutex_unlock(&future->lock);
    (void)ci_ready_push(&loop->ready, run_cancel, future);
}

/* The loop closed before, and let the future go then. */
static void cancel_dropped(struct ci_remote_call *call)
{
    coil_concurrent_future_unref(ci_container_of(call, coil_concurrent_future, call));
}

/*
 * Has the task cancelled by the loop; from the loop's own thread in its turn among the other callbacks, as asyncio
 * does. The lock is held.
 */
static void ask_to_cancel(coil_concurrent_future *future)
{
    struct coil_loop *loop = future->loop;

    if (loop == ci_loop_running && ci_ready_reserve(&loop->ready) == 0) {
        future->call_state = CANCELLABLE;
        (void)ci_ready_push(&loop->ready, run_cancel, future);
        return;
    }
    future->call_state = CANCELLING;
    future->call.arrive = cancel_arrives;
    future->call.drop = cancel_dropped;
    ci_remote_push(loop, &future->call);
}

/*
 * The task is there. A cancellation that came before it reaches it as asyncio's does, by a callback behind its first
 * step; at once where there is no memory for that.
 */
static void follow_task(coil_concurrent_future *future)
{
    struct coil_loop *loop = future->task->loop;

    (void)ci_future_subscribe(future->task, &future->task_ended); /* it has a place already */
    (void)pthread_mutex_lock(&future->lock);
    bool unwanted = future->state == CI_CANCELLED || future->withdrawn;
    future->call_state = unwanted ? CANCELLABLE : AT_REST;
    (void)pthread_mutex_unlock(&future->lock);
    if (unwanted && ci_ready_reserve(&loop->ready) == 0) {
        (void)ci_ready_push(&loop->ready, run_cancel, future);
    } else if (unwanted) {
        cancel_task(future);
    }
}

static void give_up(coil_concurrent_future *future, struct coil_loop *loop, int error)
{
    ci_ready_release(&loop->ready);
    settle_and_call_back(future, error == -ECANCELED ? CI_CANCELLED : CI_DONE, error);
    let_go_of_loop(future);
}

static void start_task(void *arg)
{
    coil_concurrent_future *future = arg;
    struct coil_loop *loop = ci_loop_running;

    (void)pthread_mutex_lock(&future->lock);
    bool unwanted = future->withdrawn || loop->ending;
    (void)pthread_mutex_unlock(&future->lock);
    if (unwanted) {
        give_up(future, loop, -ECANCELED);
        return;
    }
    future->task = coil_loop_create_task(loop, future->fn, &future->options);
    if (future->task == NULL) {
        give_up(future, loop, ci_loop_creation_error);
        return;
    }
    ci_callback_init(&future->task_ended, task_has_ended, future);
    future->task_ended.reserves = true; /* with the place that this call has had */
    follow_task(future);
}

/* The loop closes, and none of this goes on. */
static void loop_closes(struct ci_chain *chain)
{
    coil_concurrent_future *future = ci_container_of(chain, coil_concurrent_future, chain);

    settle_and_call_back(future, CI_CANCELLED, -ECANCELED);
    (void)pthread_mutex_lock(&future->lock);
    bool comes_to_be_dropped = future->call_state == CANCELLING;
    (void)pthread_mutex_unlock(&future->lock);
    if (future->task != NULL && !future->task_told) {
        ci_future_unsubscribe(future->task, &future->task_ended);
    }
    if (comes_to_be_dropped) {
        (void)coil_concurrent_future_ref(future);
    }
    let_go_of_loop(future);
}

static void start_arrives(struct coil_loop *loop, struct ci_remote_call *call)
{
    coil_concurrent_future *future = ci_container_of(call, coil_concurrent_future, call);

    (void)pthread_mutex_lock(&future->lock);
    future->call_state = STARTABLE;
    (void)pthread_mutex_unlock(&future->lock);
    future->chain.drop = loop_closes;
    ci_list_append(&ci_runtime_of(loop)->chains, &future->chain.link);
    (void)ci_ready_push(&loop->ready, start_task, future);
}

static void start_dropped(struct ci_remote_call *call)
{
    coil_concurrent_future *future = ci_container_of(call, coil_concurrent_future, call);

    settle_and_call_back(future, CI_CANCELLED, -ECANCELED);
    let_go_of_loop(future);
}

/* ---- on any thread --------------------------------------------------------------------------------------------------- */

/* Copies what the caller need not keep. */
static void keep_options(coil_concurrent_future *future, const struct coil_task_options *options)
{
    char *name = future->copies + options->arg_size;

    future->options = *options;
    future->options.size = sizeof(future->options); /* whatever the caller's has, this one is whole */
    if (options->arg_size > 0) {
        memcpy(future->copies, options->arg, options->arg_size);
        future->options.arg = future->copies;
    }
    if (options->name != NULL) {
        strcpy(name, options->name);
        future->options.name = name;
    }
}

static int check(const coil_loop *loop, coil_fn *fn, const struct coil_task_options *options)
{
    if (loop == NULL || fn == NULL || options->arg_size > CI_ARGUMENT_MAX) {
        return -EINVAL;
    }
    return options->arg_size > 0 && options->arg == NULL ? -EINVAL : 0;
}

coil_concurrent_future *coil_run_coroutine_threadsafe_with(coil_loop *loop, coil_fn *fn,
                                                           const struct coil_task_options *given)
{
    struct coil_task_options copy;
    const struct coil_task_options *options = ci_options(&copy, sizeof(copy), given);
    int rc = check(loop, fn, options);

    if (rc < 0) {
        return ci_loop_creation_failed(rc);
    }
    size_t copied = options->arg_size + (options->name == NULL ? 0 : strlen(options->name) + 1);
    coil_concurrent_future *future = ci_alloc_zero(sizeof(*future) + copied);
    if (future == NULL) {
        return ci_loop_creation_failed(-ENOMEM);
    }
    atomic_init(&future->references, 2);
    (void)pthread_mutex_init(&future->lock, NULL); /* cannot fail for a plain one */
    ci_condition_init(&future->ended);
    ci_list_init(&future->chain.link);
    future->loop = loop;
    future->fn = fn;
    keep_options(future, options);
    future->call.arrive = start_arrives;
    future->call.drop = start_dropped;
    if (loop == ci_loop_running && ci_ready_reserve(&loop->ready) == 0) {
        start_arrives(loop, &future->call);
        return future;
    }
    /*
     * Under the lock, for which the call waits when it arrives: so this is through with the loop before that can
     * close.
     */
    (void)pthread_mutex_lock(&future->lock);
    ci_remote_push(loop, &future->call);
    (void)pthread_mutex_unlock(&future->lock);
    return future;
}

/* Waits while the future is pending. Returns 0, -ETIMEDOUT, or -EDEADLK on the loop's own thread. The lock is held. */
static int wait_until(coil_concurrent_future *future, int64_t when_ns)
{
    int rc = 0;

    while (rc == 0 && future->state == CI_PENDING) {
        if (future->loop != NULL && pthread_equal(future->loop->thread, pthread_self())) {
            return -EDEADLK;
        }
        rc = ci_condition_wait(&future->ended, &future->lock, when_ns);
    }
    return future->state == CI_PENDING ? rc : 0;
}

int coil_concurrent_future_result(coil_concurrent_future *future, double timeout)
{
    if (future == NULL || isnan(timeout)) {
        return future == NULL ? ci_loop_missing() : -EINVAL;
    }
    int64_t when_ns = ci_deadline_ns(ci_clock_ns(), ci_duration_ns(timeout));
    (void)pthread_mutex_lock(&future->lock);
    int rc = wait_until(future, when_ns);
    if (rc == 0) {
        rc = future->result;
    }
    (void)pthread_mutex_unlock(&future->lock);
    return rc;
}

int ci_concurrent_finish(coil_concurrent_future *future, int64_t when_ns)
{
    (void)pthread_mutex_lock(&future->lock);
    int rc = wait_until(future, when_ns);
    if (rc == -ETIMEDOUT) {
        future->withdrawn = true;
        if (future->call_state == AT_REST) {
            ask_to_cancel(future);
        }
        rc = wait_until(future, CI_FOREVER);
    }
    if (rc == 0) {
        rc = future->withdrawn && future->result == -ECANCELED ? -ETIMEDOUT : future->result;
    }
    (void)pthread_mutex_unlock(&future->lock);
    return rc;
}

int coil_concurrent_future_cancel(coil_concurrent_future *future)
{
    if (future == NULL) {
        return 0;
    }
    (void)pthread_mutex_lock(&future->lock);
    struct done_callback *callbacks = NULL;
    if (future->state == CI_PENDING) {
        callbacks = settle(future, CI_CANCELLED, -ECANCELED);
        if (future->call_state == AT_REST) {
            ask_to_cancel(future); /* else it is not there yet, and will look */
        }
    }
    bool cancelled = future->state == CI_CANCELLED;
    (void)pthread_mutex_unlock(&future->lock);
    call_back(future, callbacks);
    return cancelled;
}

bool coil_concurrent_future_done(coil_concurrent_future *future)
{
    if (future == NULL) {
        return true;
    }
    (void)pthread_mutex_lock(&future->lock);
    bool done = future->state != CI_PENDING;
    (void)pthread_mutex_unlock(&future->lock);
    return done;
}

bool coil_concurrent_future_cancelled(coil_concurrent_future *future)
{
    if (future == NULL) {
        return false;
    }
    (void)pthread_mutex_lock(&future->lock);
    bool cancelled = future->state == CI_CANCELLED;
    (void)pthread_mutex_unlock(&future->lock);
    return cancelled;
}

int coil_concurrent_future_add_done_callback(coil_concurrent_future *future, coil_concurrent_callback *callback,
                                             void *userdata)
{
    if (future == NULL || callback == NULL) {
        return future == NULL ? ci_loop_missing() : -EINVAL;
    }
    struct done_callback *done = ci_alloc(sizeof(*done));
    if (done == NULL) {
        return -ENOMEM;
    }
    *done = (struct done_callback){.callback = callback, .userdata = userdata};
    (void)pthread_mutex_lock(&future->lock);
    bool pending = future->state == CI_PENDING;
    if (pending) {
        struct done_callback **end = &future->callbacks;
        while (*end != NULL) {
            end = &(*end)->next;
        }
        *end = done;
    }
    (void)pthread_mutex_unlock(&future->lock);
    if (!pending) {
        call_back(future, done);
    }
    return 0;
}
