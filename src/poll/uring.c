/*
 * The poller on io_uring. Its ring is used as measured best: what can be done at once is done by a plain system call, which is
 * cheaper than a trip through the ring, and what has to wait is a poll in the ring (uring_poll.c), after which the same plain calls
 * are made as with epoll (waiting.h); so the results are the same. One io_uring_enter submits what has gathered, sleeps, and has
 * the kernel do the work that completions need.
 */
#include "poll/uring.h"

#include <errno.h>

#include "base/duration.h"
#include "sys/alloc.h"
#include "sys/clock.h"

/*
 * Entries that are submitted at a time at most, and completions that are there without the kernel having to keep a list of them.
 * Neither is a limit to what is in flight.
 */
enum { ENTRIES = 256, COMPLETIONS = 1024 };

/* How many completions are handled at a time, as with epoll. */
enum { COMPLETIONS_PER_WAIT = 32 };

/* How often in a row the kernel may have no memory, and for how long to leave it alone each time. */
enum { MOST_FAILURES = 1000, PAUSE_NS = 1000000 };

static struct ci_uring *uring_of(struct ci_poller *poller)
{
    return ci_uring_of(ci_waiting_of(poller));
}

/* Has the ring tell of the waker, again and again. */
static void hear(struct ci_uring *self)
{
    struct io_uring_sqe *entry = ci_uring_entry(&self->ring);

    if (entry != NULL) {
        io_uring_prep_poll_multishot(entry, self->waker.fd, POLLIN);
        io_uring_sqe_set_data64(entry, CI_URING_WAKE);
        self->hears = true;
    }
}

/* ---- completions ----------------------------------------------------------------------------------------------------- */

/* Takes completions out of the ring, before any is handled: that may bring more. Returns how many. */
static int take(struct ci_uring *self, struct io_uring_cqe *completions)
{
    struct io_uring_cqe *completion;
    unsigned head;
    int count = 0;

    io_uring_for_each_cqe(&self->ring.uring, head, completion)
    {
        if (count == COMPLETIONS_PER_WAIT) {
            break;
        }
        completions[count++] = (struct io_uring_cqe){
            .user_data = completion->user_data, .res = completion->res, .flags = completion->flags};
    }
    io_uring_cq_advance(&self->ring.uring, (unsigned)count);
    return count;
}

static unsigned handle(struct ci_uring *self, const struct io_uring_cqe *completion)
{
    switch ((enum ci_uring_tag)(completion->user_data & CI_URING_TAG_MASK)) {
    case CI_URING_POLL:
        return ci_uring_polled(self, completion->user_data, completion->res, completion->flags);
    case CI_URING_WAKE:
        self->hears = completion->flags & IORING_CQE_F_MORE;
        break;
    case CI_URING_CALL:
        return ci_uring_called(&self->calls, completion->user_data, completion->res);
    case CI_URING_NOTHING:
        break;
    }
    return 0;
}

/* Returns how many operations have ended. */
static unsigned handle_completions(struct ci_uring *self)
{
    struct io_uring_cqe completions[COMPLETIONS_PER_WAIT];
    struct ci_watch *places[COMPLETIONS_PER_WAIT];
    int count = take(self, completions);
    unsigned completed = 0;

    for (int i = 0; i < count; i++) {
        bool is_poll = (completions[i].user_data & CI_URING_TAG_MASK) == CI_URING_POLL;
        int fd = is_poll ? ci_uring_poll_fd(completions[i].user_data) : -1;
        places[i] = ci_waiting_fetch_place(&self->waiting, fd);
    }
    for (int i = 0; i < count; i++) {
        ci_waiting_fetch_ahead(places, i, count);
        completed += handle(self, &completions[i]);
    }
    return completed + ci_waiting_complete_ended(&self->waiting);
}

/* ---- wait, wake ------------------------------------------------------------------------------------------------------ */

/*
 * Enters the kernel, sleeping unless wake() was called already. Where it has no memory for what is asked of it, it is asked again
 * after a pause. Returns 0, -EINTR, or an error that will stay.
 */
static int enter(struct ci_uring *self, int64_t timeout_ns)
{
    int rc;

    if (!self->hears) {
        hear(self);
    }
    if (timeout_ns > 0 && ci_waker_begin_sleep(&self->waker)) {
        rc = ci_ring_wait(&self->ring, timeout_ns);
    } else {
        rc = ci_ring_submit(&self->ring);
    }
    ci_waker_end_sleep(&self->waker);
    self->letting_go = self->letting_go && rc < 0;
    if (ci_ring_is_short(rc) && ++self->failures < MOST_FAILURES) {
        if (timeout_ns > 0) {
            ci_clock_sleep(timeout_ns < PAUSE_NS ? timeout_ns : PAUSE_NS);
        }
        return 0;
    }
    self->failures = ci_ring_is_short(rc) ? self->failures : 0;
    return rc < 0 && rc != -ETIME ? rc : 0;
}

/* Sleeps once and handles what comes. Returns 1 when that is a reason to return from wait, 0 when not, or an error. */
static int wait_once(struct ci_uring *self, int64_t now_ns, int64_t until_ns)
{
    if (handle_completions(self) > 0) {
        return 1; /* they were there already */
    }
    int rc = enter(self, until_ns == CI_FOREVER ? CI_FOREVER : until_ns - now_ns);
    if (rc < 0 && rc != -EINTR) {
        return rc;
    }
    unsigned completed = handle_completions(self);
    return ci_waker_take(&self->waker) || completed > 0 || (rc == -EINTR && ci_clock_ns() < until_ns);
}

static int wait(struct ci_poller *poller, int64_t timeout_ns)
{
    struct ci_uring *self = uring_of(poller);
    bool has_time = (timeout_ns > 0 && timeout_ns < CI_FOREVER) || !ci_list_empty(&self->waiting.retries);
    int64_t now_ns = has_time ? ci_clock_ns() : 0; /* where no time is involved, none is asked for */
    int64_t end_ns = ci_deadline_ns(now_ns, timeout_ns);
    int rc;

    do {
        int64_t retry_at_ns = ci_waiting_retry(&self->waiting, now_ns);
        rc = wait_once(self, now_ns, retry_at_ns < end_ns ? retry_at_ns : end_ns);
        now_ns = rc == 0 && timeout_ns > 0 ? ci_clock_ns() : end_ns;
    } while (rc == 0 && now_ns < end_ns);
    return rc < 0 ? rc : 0;
}

static void wake(struct ci_poller *poller)
{
    ci_waker_wake(&uring_of(poller)->waker);
}

/* ---- call, cancel, evict --------------------------------------------------------------------------------------------- */

static int call(struct ci_waiting *waiting, struct ci_op *op)
{
    return ci_uring_call(&ci_uring_of(waiting)->calls, op);
}

static void cancel(struct ci_poller *poller, struct ci_op *op)
{
    struct ci_uring *self = uring_of(poller);
    struct ci_watch *watch = ci_watch_find(&self->waiting.watches, op->fd);
    int fd = op->fd;

    if (ci_uring_call_cancel(&self->calls, op)) {
        return;
    }
    ci_waiting_cancel(poller, op);
    if (watch != NULL) {
        ci_uring_unwatch(self, watch, fd, true);
    }
}

static void evict(struct ci_poller *poller, int fd)
{
    struct ci_uring *self = uring_of(poller);
    struct ci_watch *watch = ci_watch_find(&self->waiting.watches, fd);
    int rc = 0;

    while (ci_uring_call_evict(&self->calls, fd) > 0 && (rc >= 0 || rc == -EINTR)) {
        rc = ci_ring_wait(&self->ring, CI_FOREVER);
        (void)handle_completions(self);
    }
    if (watch == NULL) {
        return;
    }
    ci_waiting_fail_all_on(&self->waiting, fd);
    ci_uring_unwatch(self, watch, fd, false);
    ci_watch_forget(watch);
    (void)ci_waiting_complete_ended_on(&self->waiting, fd);
}

/* ---- birth and death ------------------------------------------------------------------------------------------------- */

static void destroy(struct ci_poller *poller)
{
    struct ci_uring *self = uring_of(poller);

    ci_uring_call_abandon(&self->calls);
    /* Or files would stay open for as long as the kernel takes to find out that the ring is gone. */
    (void)ci_ring_submit(&self->ring);
    (void)ci_ring_cancel_all(&self->ring);
    (void)ci_ring_submit(&self->ring);
    ci_ring_close(&self->ring);
    ci_waiting_destroy(&self->waiting);
    ci_waker_close(&self->waker);
    ci_free(self);
}

static const struct ci_poller_class uring_class = {
    .name = "io_uring",
    .submit = ci_waiting_submit,
    .cancel = cancel,
    .evict = evict,
    .wait = wait,
    .wake = wake,
    .destroy = destroy,
};

static const struct ci_waiting_class uring_waiting_class = {
    .watch = ci_uring_watch, .call = call, .adopt = ci_uring_adopt};

static const uint8_t poll_operations[] = {IORING_OP_POLL_ADD, IORING_OP_ASYNC_CANCEL};

static int open_ring(struct ci_uring *self)
{
    int rc = ci_ring_open(&self->ring, ENTRIES, COMPLETIONS);

    if (rc < 0) {
        return rc;
    }
    rc = ci_ring_knows(&self->ring, poll_operations, sizeof poll_operations);
    if (rc == 0) {
        rc = ci_ring_knows(&self->ring, ci_uring_call_operations, ci_uring_call_operations_count);
    }
    if (rc < 0) {
        ci_ring_close(&self->ring);
    }
    return rc;
}

int ci_uring_open(struct ci_poller **poller)
{
    struct ci_uring *self = ci_alloc_zero(sizeof *self);
    int rc;

    if (self == NULL) {
        return -ENOMEM;
    }
    rc = ci_waker_open(&self->waker);
    if (rc == 0) {
        rc = open_ring(self);
        if (rc < 0) {
            ci_waker_close(&self->waker);
        }
    }
    if (rc < 0) {
        ci_free(self);
        return rc;
    }
    ci_waiting_init(&self->waiting, &uring_class, &uring_waiting_class);
    ci_uring_calls_init(&self->calls, &self->waiting, &self->ring);
    *poller = &self->waiting.poller;
    return 0;
}
