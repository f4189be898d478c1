/*
 * The poller on epoll, which is told of readiness and then makes the call (waiting.h). Registrations are edge-triggered and stay, so
 * in steady state a request on a connection costs one recv, one send and its share of an epoll_wait: no epoll_ctl, and no recv that
 * finds nothing.
 *
 * What is remembered of a descriptor is about an open file, while all there is to know it by is its number, which the
 * program may close and the kernel use again. Telling the kernel to watch the file once more (EPOLL_CTL_MOD) settles it: that
 * fails if the number now stands for another file, and else reports whatever the file is ready for at that moment. So for
 * descriptors of the program's own every wait begins with that. For those that coil handed out (by accept), and whose closing it
 * will see, a wait relies on the registration; should the program have closed one behind coil's back and got the number again
 * for something else, that is found out all the same, for a wait that lasts is proved in this way too (chores.c).
 */
#include "poll/epoll.h"

#include <errno.h>

#include "base/duration.h"
#include "sys/alloc.h"
#include "sys/clock.h"
#include "sys/fd.h"

#define WAKE_DATA UINT64_MAX

#define PAUSE_NS INT64_C(1000000)

static struct ci_epoll *epoll_of(struct ci_poller *poller)
{
    return ci_epoll_of(ci_waiting_of(poller));
}

/* ---- call, cancel, evict --------------------------------------------------------------------------------------------- */

/* Calls on files are carried out by a ring, if there is one. */
static int call(struct ci_waiting *waiting, struct ci_op *op)
{
    struct ci_epoll *self = ci_epoll_of(waiting);

    if (self->wants_ring && self->ring == NULL) {
        self->wants_ring = ci_side_ring_open(&self->ring, waiting, self->waker.fd) == 0;
    }
    return self->ring == NULL ? CI_BLOCKS : ci_side_ring_call(self->ring, op);
}

static void cancel(struct ci_poller *poller, struct ci_op *op)
{
    if (!ci_side_ring_cancel(epoll_of(poller)->ring, op)) {
        ci_waiting_cancel(poller, op);
    }
}

static void evict(struct ci_poller *poller, int fd)
{
    struct ci_epoll *self = epoll_of(poller);
    struct ci_watch *watch = ci_watch_find(&self->waiting.watches, fd);

    ci_side_ring_evict(self->ring, fd);
    if (watch == NULL) {
        return;
    }
    ci_waiting_fail_all_on(&self->waiting, fd);
    ci_epoll_disarm(self, watch, fd);
    (void)ci_waiting_complete_ended_on(&self->waiting, fd);
}

/* ---- events ---------------------------------------------------------------------------------------------------------- */

/* Returns how many operations have ended. */
static unsigned handle_event(struct ci_epoll *self, const struct epoll_event *event)
{
    int fd = (int)(uint32_t)event->data.u64;
    struct ci_watch *watch = event->data.u64 == WAKE_DATA ? NULL : ci_watch_find(&self->waiting.watches, fd);
    unsigned completed = 0;

    if (event->data.u64 == WAKE_DATA && self->ring != NULL) {
        int called = ci_side_ring_look(self->ring);
        self->ring_due = called < 0; /* nobody will say so again */
        return called < 0 ? 0 : (unsigned)called;
    }
    if (watch == NULL || watch->generation != event->data.u64 >> 32 || watch->armed == 0) {
        return 0;
    }
    bool wanted = event->events & (CI_BROKEN_EVENTS | ci_waiting_events_wanted(watch));
    ci_waiting_note_events(watch, event->events);
    completed += ci_waiting_serve(&self->waiting, watch, &watch->readers, CI_READY_IN);
    completed += ci_waiting_serve(&self->waiting, watch, &watch->writers, CI_READY_OUT);
    if (!ci_list_empty(&watch->polls)) {
        completed += ci_waiting_serve_polls(&self->waiting, watch);
    }
    if (wanted) {
        watch->unwanted = 0;
    } else {
        ci_epoll_note_unwanted(self, watch, fd);
    }
    return completed;
}

static unsigned handle_events(struct ci_epoll *self, int count)
{
    struct ci_watch *places[CI_EVENTS_PER_WAIT];
    unsigned completed = 0;

    for (int i = 0; i < count; i++) {
        places[i] = ci_waiting_fetch_place(&self->waiting, (int)(uint32_t)self->events[i].data.u64);
    }
    for (int i = 0; i < count; i++) {
        ci_waiting_fetch_ahead(places, i, count);
        completed += handle_event(self, &self->events[i]);
    }
    return completed;
}

/* ---- wait, wake ------------------------------------------------------------------------------------------------------ */

/* Asks epoll, sleeping unless wake() was called already. */
static int ask(struct ci_epoll *self, int64_t timeout_ns)
{
    if (timeout_ns == 0) {
        return ci_epoll_wait(self->epoll_fd, self->events, CI_EVENTS_PER_WAIT, 0);
    }
    if (!ci_waker_begin_sleep(&self->waker)) {
        timeout_ns = 0;
    }
    int rc = ci_epoll_wait(self->epoll_fd, self->events, CI_EVENTS_PER_WAIT, timeout_ns);
    ci_waker_end_sleep(&self->waker);
    return rc;
}

/*
 * Submits what is queued for the ring beside, and takes what has completed. Returns how many operations have ended, or an error. If the
 * kernel has no memory for it now, the sleep is to be short.
 */
static int look_at_ring(struct ci_epoll *self, int64_t *timeout_ns)
{
    if (self->ring == NULL || !(self->ring_due || ci_side_ring_is_queued(self->ring))) {
        return 0;
    }
    int called = ci_side_ring_look(self->ring);
    self->ring_due = called >= 0 && ci_side_ring_is_queued(self->ring);
    if (self->ring_due && *timeout_ns > PAUSE_NS) {
        *timeout_ns = PAUSE_NS;
    }
    return called;
}

/* Sleeps once and handles what comes. Returns 1 when that is a reason to return from wait, 0 when not, or an error. */
static int wait_once(struct ci_epoll *self, int64_t timeout_ns)
{
    unsigned completed = ci_waiting_complete_ended(&self->waiting);
    int called = look_at_ring(self, &timeout_ns);

    if (called < 0) {
        return called;
    }
    completed += (unsigned)called;
    int count = ask(self, completed > 0 ? 0 : timeout_ns);
    if (count < 0 && count != -EINTR) {
        return count;
    }
    completed += handle_events(self, count);
    completed += ci_waiting_complete_ended(&self->waiting);
    return ci_waker_take(&self->waker) || completed > 0 || count == -EINTR;
}

static int wait(struct ci_poller *poller, int64_t timeout_ns)
{
    struct ci_epoll *self = epoll_of(poller);
    int rc = 0;

    /* Where no time is involved, none is asked for. */
    while (!ci_epoll_has_chores(self) && (timeout_ns == 0 || timeout_ns == CI_FOREVER)) {
        rc = wait_once(self, timeout_ns);
        if (rc != 0 || timeout_ns == 0) {
            return rc < 0 ? rc : 0;
        }
    }
    int64_t now_ns = ci_clock_ns();
    int64_t end_ns = ci_deadline_ns(now_ns, timeout_ns);
    do {
        rc = wait_once(self, ci_epoll_do_chores(self, now_ns, end_ns == CI_FOREVER ? CI_FOREVER : end_ns - now_ns));
        now_ns = rc == 0 && timeout_ns > 0 ? ci_clock_ns() : end_ns;
    } while (rc == 0 && now_ns < end_ns);
    return rc < 0 ? rc : 0;
}

static void wake(struct ci_poller *poller)
{
    ci_waker_wake(&epoll_of(poller)->waker);
}

/* ---- birth and death ------------------------------------------------------------------------------------------------- */

static void destroy(struct ci_poller *poller)
{
    struct ci_epoll *self = epoll_of(poller);

    ci_side_ring_close(self->ring);
    ci_waiting_destroy(&self->waiting);
    ci_waker_close(&self->waker);
    (void)ci_fd_close(self->epoll_fd); /* it has nothing to lose */
    ci_free(self->relied);
    ci_free(self);
}

static const struct ci_poller_class epoll_class = {
    .name = "epoll",
    .submit = ci_waiting_submit,
    .cancel = cancel,
    .evict = evict,
    .wait = wait,
    .wake = wake,
    .destroy = destroy,
};

static const struct ci_waiting_class epoll_waiting_class = {
    .watch = ci_epoll_watch, .call = call, .adopt = ci_epoll_adopt};

static int open_descriptors(struct ci_epoll *self)
{
    int rc = ci_epoll_create();

    if (rc < 0) {
        return rc;
    }
    self->epoll_fd = rc;
    rc = ci_waker_open(&self->waker);
    if (rc == 0) {
        rc = ci_epoll_control(self->epoll_fd, EPOLL_CTL_ADD, self->waker.fd, EPOLLIN | EPOLLET, WAKE_DATA);
        if (rc == 0) {
            return 0;
        }
        ci_waker_close(&self->waker);
    }
    (void)ci_fd_close(self->epoll_fd);
    return rc;
}

int ci_epoll_open(struct ci_poller **poller, bool with_ring)
{
    struct ci_epoll *self = ci_alloc_zero(sizeof *self);
    int rc;

    if (self == NULL) {
        return -ENOMEM;
    }
    rc = open_descriptors(self);
    if (rc < 0) {
        ci_free(self);
        return rc;
    }
    ci_waiting_init(&self->waiting, &epoll_class, &epoll_waiting_class);
    self->wants_ring = with_ring;
    *poller = &self->waiting.poller;
    return 0;
}
