/*
 * One iteration after the other: see loop.h for what a loop is, and asyncio's BaseEventLoop._run_once for the order that is
 * kept here. Look at the poller and the timers, fix how far the ready queue reaches now, run so many entries.
 */
#include "loop/loop.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/trace.h"
#include "loop/fork.h"
#include "loop/handle.h"
#include "loop/remote.h"
#include "loop/timer.h"
#include "sys/alloc.h"
#include "sys/process.h"
#include "sys/thread.h"

_Thread_local struct coil_loop *ci_loop_running __attribute__((tls_model("initial-exec")));
_Thread_local int ci_loop_creation_error __attribute__((tls_model("initial-exec")));

void *ci_loop_creation_failed(int error)
{
    ci_loop_creation_error = error;
    return NULL;
}

int coil_creation_error(void)
{
    return ci_loop_creation_error;
}

coil_loop *coil_get_running_loop(void)
{
    return ci_loop_running;
}

double coil_time(void)
{
    return ci_loop_running == NULL ? 0 : ci_duration_seconds(ci_loop_now_ns(ci_loop_running));
}

int coil_clock_advance(double seconds)
{
    struct coil_loop *loop = ci_loop_running;

    if (loop == NULL || !loop->virtual_clock) {
        return -EPERM;
    }
    if (!(seconds >= 0) || isinf(seconds)) {
        return -EINVAL;
    }
    loop->virtual_ns = ci_deadline_ns(loop->virtual_ns, ci_duration_ns(seconds));
    return 0;
}

void ci_loop_stop(struct coil_loop *loop)
{
    loop->attention |= CI_LOOK_STOPPING;
}

void coil_loop_stop(coil_loop *loop)
{
    if (loop != NULL && ci_loop_check_thread(loop, "coil_loop_stop") == 0) {
        ci_loop_stop(loop);
    }
}

/* ---- birth and death ------------------------------------------------------------------------------------------------- */

static uint64_t seed_of(const struct coil_loop_options *options)
{
    const char *text = getenv("COIL_SEED");

    if (options->seed != 0 || text == NULL) {
        return options->seed;
    }
    return strtoull(text, NULL, 0);
}

static int check_options(const struct coil_loop_options *options)
{
    if (isnan(options->slow_callback_duration) || options->slow_callback_duration < 0) {
        return -EINVAL;
    }
    return options->clock > COIL_CLOCK_VIRTUAL || options->backend > COIL_BACKEND_IO_URING ? -EINVAL : 0;
}

/* What the environment asks for. Returns 0, or -EINVAL when it makes no sense. */
static int backend_wanted(enum coil_backend *backend)
{
    const char *name = getenv("COIL_BACKEND");

    if (name == NULL || *name == '\0') {
        return 0;
    }
    if (strcmp(name, "io_uring") == 0) {
        *backend = COIL_BACKEND_IO_URING;
    } else if (strcmp(name, "epoll") == 0) {
        *backend = COIL_BACKEND_EPOLL;
    } else {
        return -EINVAL;
    }
    return 0;
}

static bool is_not_there(int error)
{
    return error == -ENOSYS || error == -EPERM || error == -EACCES || error == -EINVAL;
}

static int open_poller(struct coil_loop *loop, enum coil_backend backend)
{
    loop->poller_reason = "the program asks for it";
    if (backend == COIL_BACKEND_AUTO) {
        int rc = backend_wanted(&backend);
        if (rc < 0) {
            return rc;
        }
        loop->poller_reason = "COIL_BACKEND asks for it";
    }
    switch (backend) {
    case COIL_BACKEND_EPOLL:
        return ci_epoll_open(&loop->poller, false);
    case COIL_BACKEND_IO_URING: {
        int rc = ci_uring_open(&loop->poller);
        return is_not_there(rc) ? -ENOTSUP : rc;
    }
    case COIL_BACKEND_AUTO:
        break;
    }
    return ci_poller_open(&loop->poller, &loop->poller_reason);
}

int ci_loop_init(struct coil_loop *loop, const struct coil_loop_options *options)
{
    int rc = check_options(options);

    if (rc == 0) {
        rc = ci_fork_prepare();
    }
    if (rc < 0) {
        return rc;
    }
    rc = ci_ready_init(&loop->ready);
    if (rc < 0) {
        return rc;
    }
    rc = open_poller(loop, options->backend);
    if (rc < 0) {
        ci_ready_destroy(&loop->ready);
        return rc;
    }
    ci_list_init(&loop->handles);
    ci_list_init(&loop->parts);
    ci_loop_reports_init(loop);
    loop->thread = pthread_self();
    loop->process = ci_process_id();
    loop->virtual_clock = options->clock == COIL_CLOCK_VIRTUAL;
    loop->random = seed_of(options);
    double slow = options->slow_callback_duration;
    loop->slow_callback_ns = ci_duration_ns(slow > 0 ? slow : 0.1);
    if (loop->virtual_clock || loop->random != 0) {
        loop->attention |= CI_LOOK_ALWAYS;
    }
    return 0;
}

void ci_loop_destroy(struct coil_loop *loop)
{
    ci_remote_drop(loop);
    ci_handles_drop(loop);
    loop->poller->class->destroy(loop->poller);
    ci_ready_destroy(&loop->ready);
    ci_timers_destroy(loop);
    ci_loop_reports_destroy(loop);
    ci_free(loop->shuffle);
}

void ci_loop_set_poller(struct coil_loop *loop, struct ci_poller *poller)
{
    loop->poller->class->destroy(loop->poller);
    loop->poller = poller;
}

/* ---- looking: the poller, other threads, the timers ------------------------------------------------------------------ */

static bool nothing_can_happen(const struct coil_loop *loop)
{
    return loop->timers.count == 0 && loop->poller->inflight == 0 && loop->external == 0 && loop->handlers == 0 &&
           !loop->poller->drives_clock;
}

/*
 * Nothing is ready and nothing will be, unless a thread that is not coil's calls a _threadsafe function. Returns -EDEADLK when
 * there is no such thread, 0 when one must wait and see.
 */
static int stuck(struct coil_loop *loop)
{
    int threads = ci_sys_thread_count();

    if (atomic_load_explicit(&loop->remote, memory_order_acquire) != NULL) {
        return 0; /* by a thread that has called and ended since the last look */
    }
    if (threads >= 0 && threads <= 1 + atomic_load(&ci_sys_own_threads)) {
        return loop->on_stuck == NULL ? -EDEADLK : loop->on_stuck(loop);
    }
    if (!loop->suspected && loop->trace != NULL) {
        loop->suspected = true;
        loop->trace->deadlock_suspected(loop->trace, loop);
    }
    return 0;
}

/* How long to wait until calls that found no memory are tried again, when nothing else is to be done. */
enum { RETRY_NS = 1000000 };

/* How long the poller may sleep. The virtual clock jumps here, when nothing real is in flight that could come first. */
static int64_t sleep_ns(struct coil_loop *loop)
{
    if (!ci_ready_empty(&loop->ready) || loop->attention & CI_LOOK_STOPPING) {
        return 0;
    }
    if (loop->remote_waiting != NULL) {
        return RETRY_NS;
    }
    if (loop->timers.count == 0) {
        return CI_FOREVER;
    }
    int64_t left = loop->timers.entries[0].key - ci_loop_now_ns(loop);
    if (left <= 0) {
        return 0;
    }
    if (!loop->virtual_clock || loop->poller->drives_clock) {
        return left;
    }
    if (loop->poller->inflight > 0 || loop->external > 0) {
        return CI_FOREVER;
    }
    loop->virtual_ns += left;
    return 0;
}

static int ask_poller(struct coil_loop *loop, int64_t timeout_ns)
{
    struct ci_poller *poller = loop->poller;

    /* With nothing in flight there is nothing to ask for, unless to sleep; calls from other threads are seen without it. */
    if (timeout_ns == 0 && poller->inflight == 0 && !poller->drives_clock) {
        return 0;
    }
    if (timeout_ns == 0 && loop->since_poll < CI_ENTRIES_PER_POLL && !ci_ready_empty(&loop->ready) &&
        !poller->drives_clock) {
        return 0;
    }
    loop->since_poll = 0;
    return poller->class->wait(poller, timeout_ns);
}

/* A sleep so long that giving memory back beforehand is worth its while. */
#define LONG_SLEEP_NS (CI_SECOND_NS / 10)

static int look(struct coil_loop *loop)
{
    (void)ci_remote_collect(loop);
    int64_t timeout_ns = sleep_ns(loop);
    if (timeout_ns == CI_FOREVER && nothing_can_happen(loop)) {
        int rc = stuck(loop);
        if (rc < 0) {
            return rc;
        }
    }
    if (timeout_ns >= LONG_SLEEP_NS && loop->on_idle != NULL) {
        loop->on_idle(loop);
    }
    int rc = ask_poller(loop, timeout_ns);
    if (rc < 0) {
        return rc;
    }
    if (ci_remote_collect(loop)) {
        loop->suspected = false;
    }
    if (loop->timers.count > 0) {
        ci_timer_collect(loop, ci_loop_now_ns(loop));
    }
    return 0;
}

static void settle_attention(struct coil_loop *loop)
{
    if (loop->timers.count == 0) {
        loop->attention &= ~(uint32_t)CI_LOOK_TIMERS;
    }
    if (loop->poller->inflight == 0) {
        loop->attention &= ~(uint32_t)CI_LOOK_POLLER;
    }
}

/* ---- running what is ready ------------------------------------------------------------------------------------------- */

static void run_entry(struct coil_loop *loop, struct ci_entry entry)
{
    if (loop->trace == NULL) {
        entry.run(entry.arg);
        return;
    }
    loop->trace->entry_begin(loop->trace, loop, &entry);
    entry.run(entry.arg);
    loop->trace->entry_end(loop->trace, loop, &entry);
}

/* The task room may run entries of the same batch itself before it comes back here: head says how far it got. */
static void run_batch(struct coil_loop *loop)
{
    struct ci_ready *ready = &loop->ready;

    while (ready->head != ready->batch_end) {
        struct ci_entry entry = ready->ring[ready->head & ready->mask];
        ready->head++;
        ci_ready_fetch_ahead(ready);
        run_entry(loop, entry);
    }
}

/* splitmix64: small, good enough to shuffle with, and the same on every machine. */
static uint64_t next_random(struct coil_loop *loop)
{
    loop->random += UINT64_C(0x9E3779B97F4A7C15);
    uint64_t z = loop->random;
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* Memory to draw the order of a batch in, and places for what it pushes: its own are taken until all of it has run. */
static bool reserve_shuffle(struct coil_loop *loop, uint32_t size)
{
    struct ci_ready *ready = &loop->ready;
    uint32_t places = ready->reserved + size;

    if (places > ready->mask + 1 && ci_ready_grow(ready, places) < 0) {
        return false;
    }
    if (size <= loop->shuffle_size) {
        return true;
    }
    uint32_t *shuffle = ci_realloc(loop->shuffle, size * sizeof(*shuffle));
    if (shuffle == NULL) {
        return false;
    }
    loop->shuffle = shuffle;
    loop->shuffle_size = size;
    return true;
}

/* Runs the batch in a random order. Entries stay where they are, so that positions stay good; only the order is drawn. */
static void run_shuffled(struct coil_loop *loop)
{
    struct ci_ready *ready = &loop->ready;
    uint32_t size = ready->batch_end - ready->head;

    if (!reserve_shuffle(loop, size)) {
        run_batch(loop);
        return;
    }
    ready->reserved += size;
    for (uint32_t i = 0; i < size; i++) {
        uint32_t j = (uint32_t)(next_random(loop) % (i + 1));
        loop->shuffle[i] = loop->shuffle[j];
        loop->shuffle[j] = ready->head + i;
    }
    for (uint32_t i = 0; i < size && !(loop->attention & CI_LOOK_FORKED); i++) {
        run_entry(loop, ready->ring[loop->shuffle[i] & ready->mask]);
    }
    ready->head = ready->batch_end;
    ready->reserved -= size;
}

static int iterate(struct coil_loop *loop)
{
    int rc = look(loop);

    if (rc < 0) {
        return rc;
    }
    loop->iteration++;
    loop->ready.batch_end = loop->ready.tail;
    loop->since_poll += loop->ready.batch_end - loop->ready.head;
    if (loop->random != 0) {
        run_shuffled(loop);
    } else {
        run_batch(loop);
    }
    settle_attention(loop);
    return 0;
}

int ci_loop_run(struct coil_loop *loop)
{
    if (ci_fork_has_parted(loop)) {
        return -ECHILD;
    }
    if (ci_loop_running != NULL || ci_loop_refuse_other_threads(loop, "running the loop") < 0 || loop->running) {
        return -EPERM;
    }
    ci_loop_running = loop;
    loop->running = true;
    int rc;
    do {
        rc = iterate(loop);
    } while (rc == 0 && !(loop->attention & CI_LOOK_STOPPING));
    loop->attention &= ~(uint32_t)CI_LOOK_STOPPING;
    loop->running = false;
    ci_loop_running = NULL;
    return loop->attention & CI_LOOK_FORKED ? -ECHILD : rc;
}
