/* The watchdog: see watchdog.h. */
#include "debug/watchdog.h"

#include <stdatomic.h>

#include "base/duration.h"
#include "sys/clock.h"

enum { STACK_BYTES = 256 << 10 }; /* the program's handler runs on it */

/* ---- the loop's side ------------------------------------------------------------------------------------------------- */

/*
 * Sleeping and waking without a signal for each entry: the loop first writes that an entry runs and then
 * looks whether the watchdog is parked; the watchdog first writes that it is and then looks whether an
 * entry runs. One of the two sees the other.
 */
static void unpark(struct ci_watchdog *watchdog)
{
    if (__builtin_expect(atomic_load(&watchdog->parked), 0)) {
        (void)pthread_mutex_lock(&watchdog->lock);
        atomic_store(&watchdog->parked, false);
        (void)pthread_cond_signal(&watchdog->wake);
        (void)pthread_mutex_unlock(&watchdog->lock);
    }
}

void ci_watchdog_entry_begins(struct ci_watchdog *watchdog, int64_t now_ns)
{
    atomic_store_explicit(&watchdog->started_ns, now_ns, memory_order_release);
    atomic_store(&watchdog->entry, atomic_load_explicit(&watchdog->entry, memory_order_relaxed) + 1);
    unpark(watchdog);
}

void ci_watchdog_entry_ends(struct ci_watchdog *watchdog)
{
    atomic_store_explicit(&watchdog->started_ns, 0, memory_order_release);
}

void ci_watchdog_entry_resumes(struct ci_watchdog *watchdog, int64_t started_ns)
{
    atomic_store(&watchdog->started_ns, started_ns);
    unpark(watchdog);
}

/* ---- the thread ------------------------------------------------------------------------------------------------------ */

/* Sleeps until an entry begins, unless the loop is no longer as it was seen to be. The lock is held. */
static void park(struct ci_watchdog *watchdog, uint64_t entry, int64_t started_ns)
{
    atomic_store(&watchdog->parked, true);
    if (atomic_load(&watchdog->entry) != entry || atomic_load(&watchdog->started_ns) != started_ns) {
        atomic_store(&watchdog->parked, false);
    }
    while (atomic_load(&watchdog->parked) && !watchdog->quitting) {
        (void)pthread_cond_wait(&watchdog->wake, &watchdog->lock);
    }
    atomic_store(&watchdog->parked, false);
}

/* Sleeps until when_ns, or until it is to quit. The lock is held. */
static void sleep_until(struct ci_watchdog *watchdog, int64_t when_ns)
{
    int rc = 0;

    while (rc == 0 && !watchdog->quitting) {
        rc = ci_condition_wait(&watchdog->wake, &watchdog->lock, when_ns);
    }
}

/* The lock is not held during calls: the loop must not wait for a report. */
static void call_prepare(struct ci_watchdog *watchdog)
{
    (void)pthread_mutex_unlock(&watchdog->lock);
    watchdog->calls->prepare(watchdog->arg);
    (void)pthread_mutex_lock(&watchdog->lock);
}

static void call_blocked(struct ci_watchdog *watchdog, uint64_t entry, int64_t started_ns)
{
    (void)pthread_mutex_unlock(&watchdog->lock);
    watchdog->calls->blocked(watchdog->arg, entry, started_ns);
    (void)pthread_mutex_lock(&watchdog->lock);
}

struct watch {
    uint64_t last_seen;
    uint64_t last_reported;
    bool prepared;
};

/* Looks at the loop once, and does or awaits what comes next. */
static void look(struct ci_watchdog *watchdog, struct watch *watch)
{
    uint64_t entry = atomic_load(&watchdog->entry);
    int64_t started_ns = atomic_load(&watchdog->started_ns);
    int64_t now_ns = ci_clock_ns();
    int64_t half_ns = watchdog->limit_ns / 2;

    if (entry == watch->last_reported || (started_ns == 0 && entry == watch->last_seen)) {
        park(watchdog, entry, started_ns); /* it was said already, or the loop has lain idle for a while */
    } else if (started_ns == 0) {
        sleep_until(watchdog, now_ns + watchdog->limit_ns);
    } else if (!watch->prepared && now_ns - started_ns < half_ns) {
        sleep_until(watchdog, started_ns + half_ns);
    } else if (!watch->prepared) {
        watch->prepared = true;
        call_prepare(watchdog);
    } else if (now_ns - started_ns < watchdog->limit_ns) {
        sleep_until(watchdog, started_ns + watchdog->limit_ns);
    } else {
        call_blocked(watchdog, entry, started_ns);
        watch->last_reported = entry;
    }
    watch->last_seen = entry;
}

static void run(void *arg)
{
    struct ci_watchdog *watchdog = arg;
    struct watch watch = {.last_seen = 0};

    (void)pthread_mutex_lock(&watchdog->lock);
    while (!watchdog->quitting) {
        look(watchdog, &watch);
    }
    (void)pthread_mutex_unlock(&watchdog->lock);
}

/* ---- birth and death ------------------------------------------------------------------------------------------------- */

int ci_watchdog_start(struct ci_watchdog *watchdog, int64_t limit_ns, const struct ci_watchdog_calls *calls, void *arg)
{
    *watchdog = (struct ci_watchdog){.limit_ns = limit_ns, .calls = calls, .arg = arg};
    ci_condition_init(&watchdog->wake);
    (void)pthread_mutex_init(&watchdog->lock, NULL); /* cannot fail for a plain one */
    int rc = ci_thread_start(&watchdog->thread, "coil-watchdog", run, watchdog, STACK_BYTES);
    if (rc < 0) {
        (void)pthread_mutex_destroy(&watchdog->lock);
        (void)pthread_cond_destroy(&watchdog->wake);
    }
    return rc;
}

void ci_watchdog_stop(struct ci_watchdog *watchdog)
{
    (void)pthread_mutex_lock(&watchdog->lock);
    watchdog->quitting = true;
    (void)pthread_cond_signal(&watchdog->wake);
    (void)pthread_mutex_unlock(&watchdog->lock);
    ci_thread_join(&watchdog->thread);
    (void)pthread_mutex_destroy(&watchdog->lock);
    (void)pthread_cond_destroy(&watchdog->wake);
}
