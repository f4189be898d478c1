/*
 * Ending a poller's sleep from another thread or a signal handler. Whoever wakes only sets a flag, unless somebody sleeps or is
 * about to: then he writes to an eventfd as well, which the backend watches. Edge-triggered, it never needs to be read. The flags are
 * ints, for some processors (RISC-V) exchange nothing smaller without a library's help.
 */
#ifndef CI_POLL_WAKER_H
#define CI_POLL_WAKER_H

#include <stdatomic.h>
#include <stdbool.h>

#include "sys/fd.h"

struct ci_waker {
    int fd;
    atomic_int woken;    /* by ci_waker_wake(), and not yet noticed */
    atomic_int sleeping; /* or about to: then whoever wakes must write to fd */
};

/* Opens the eventfd. Returns 0 or a negative errno. */
static inline int ci_waker_open(struct ci_waker *waker)
{
    int rc = ci_fd_event_open();

    if (rc < 0) {
        return rc;
    }
    *waker = (struct ci_waker){.fd = rc};
    return 0;
}

static inline void ci_waker_close(struct ci_waker *waker)
{
    (void)ci_fd_close(waker->fd); /* it has nothing to lose */
}

static inline void ci_waker_wake(struct ci_waker *waker)
{
    if (!atomic_exchange(&waker->woken, true) && atomic_load(&waker->sleeping)) {
        ci_fd_event_signal(waker->fd);
    }
}

/*
 * A sleep begins; end it with ci_waker_end_sleep. Returns false if it was ended already: then the kernel is to be looked at, but
 * not slept in. Between this question and the sleep, sleeping is set, and so a wake that comes in just then writes to the eventfd.
 */
static inline bool ci_waker_begin_sleep(struct ci_waker *waker)
{
    atomic_store(&waker->sleeping, true);
    return !atomic_load(&waker->woken);
}

static inline void ci_waker_end_sleep(struct ci_waker *waker)
{
    atomic_store_explicit(&waker->sleeping, false, memory_order_relaxed);
}

/* Takes notice of a wake: what its caller did before is visible from here on. */
static inline bool ci_waker_take(struct ci_waker *waker)
{
    return atomic_load_explicit(&waker->woken, memory_order_relaxed) && atomic_exchange(&waker->woken, false);
}

#endif
