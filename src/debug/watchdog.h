/*
 * The watchdog: a thread that notices that the loop's thread has been running one entry for too long, while
 * it does, and has it reported, once for each entry. A clock is read at the beginning of an entry and
 * nothing is signalled; the thread looks at the time only while entries run. When the loop is idle it
 * sleeps until the loop wakes it, without any period: it notices the idleness once, by itself, and says
 * that it wants to be woken, which the loop looks at when its next entry begins.
 *
 * It always goes by the real clock, for what it guards against is real, whatever clock the loop's timers
 * have.
 */
#ifndef CI_DEBUG_WATCHDOG_H
#define CI_DEBUG_WATCHDOG_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "sys/thread.h"

/* What the watchdog calls, in its own thread. */
struct ci_watchdog_calls {
    /* An entry has run for half the limit, the first that ever has: the time to get ready for a report. */
    void (*prepare)(void *arg);
    /* The entry of that number has run for the limit, since since_ns, and may end any moment. */
    void (*blocked)(void *arg, uint64_t entry, int64_t since_ns);
};

struct ci_watchdog {
    struct ci_thread thread;
    int64_t limit_ns;
    const struct ci_watchdog_calls *calls;
    void *arg;

    _Atomic uint64_t entry;     /* counts entries; the loop's thread writes it */
    _Atomic int64_t started_ns; /* when the one under way began; 0 between entries */
    _Atomic bool parked;        /* the watchdog sleeps until an entry begins */

    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool quitting;
};

/* Starts it; arg is for the calls. Returns 0 or a negative errno. */
int ci_watchdog_start(struct ci_watchdog *watchdog, int64_t limit_ns, const struct ci_watchdog_calls *calls, void *arg);

/* Ends it and waits for it. */
void ci_watchdog_stop(struct ci_watchdog *watchdog);

/* An entry begins now; the one under way ends. From the loop's thread. */
void ci_watchdog_entry_begins(struct ci_watchdog *watchdog, int64_t now_ns);
void ci_watchdog_entry_ends(struct ci_watchdog *watchdog);

/*
 * The entry under way goes on after work of debug mode's own, which is not counted: it began at started_ns.
 */
void ci_watchdog_entry_resumes(struct ci_watchdog *watchdog, int64_t started_ns);

#endif
