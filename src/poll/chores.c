/*
 * What the epoll backend does although nothing has happened: see epoll.h. It proves registrations that are taken for granted when a
 * wait lasts, once for each wait, so that a number that was closed behind coil's back and used again for something else is
 * found out and a sleep is undisturbed after that. And it tries again what no readiness is told of.
 */
#include "poll/epoll.h"

#include <errno.h>

#include "base/duration.h"
#include "poll/attempt.h"
#include "sys/alloc.h"
#include "sys/clock.h"

#define PERIOD_NS      (50 * INT64_C(1000000)) /* a wait is proved after one to two of these */
#define RETRY_FIRST_NS INT64_C(1000000)
#define RETRY_LAST_NS  (32 * INT64_C(1000000))

enum { PERIODS_TO_PROOF = 2, LEAST_RELIED = 64 };

/* ---- proving --------------------------------------------------------------------------------------------------------- */

static bool make_room(struct ci_epoll *self)
{
    size_t size = self->relied_size == 0 ? LEAST_RELIED : 2 * self->relied_size;
    int *relied;

    if (self->relied_count < self->relied_size) {
        return true;
    }
    relied = ci_realloc(self->relied, size * sizeof *relied);
    if (relied == NULL) {
        return false;
    }
    self->relied = relied;
    self->relied_size = size;
    return true;
}

/* The list is of descriptors and not of operations, and is put in order when it is gone through: so beginning and ending a wait
 * touch nothing but the descriptor's own watch. */
bool ci_epoll_rely(struct ci_epoll *self, struct ci_watch *watch, int fd)
{
    if (watch->traits & CI_WATCH_RELIED) {
        if (ci_watch_idle(watch)) {
            watch->since = self->period;
        }
        return true;
    }
    if (!make_room(self)) {
        return false;
    }
    if (self->relied_count == 0) {
        self->period_end_ns = 0; /* begins when the time is next known */
    }
    self->relied[self->relied_count++] = fd;
    watch->traits |= CI_WATCH_RELIED;
    watch->since = self->period;
    return true;
}

/* The file is always ready: those who wait for it waited for another that the number stood for. */
static void serve_file(struct ci_epoll *self, struct ci_watch *watch)
{
    struct ci_list *queues[] = {&watch->readers, &watch->writers};

    for (size_t i = 0; i < sizeof queues / sizeof queues[0]; i++) {
        while (!ci_list_empty(queues[i])) {
            ci_attempt_blocking(ci_epoll_op(queues[i]->next));
            ci_epoll_complete_later(self, ci_epoll_op(queues[i]->next));
        }
    }
    ci_epoll_fail_all_later(self, watch, -EBADF);
}

static void prove(struct ci_epoll *self, struct ci_watch *watch, int fd)
{
    bool changed;
    int rc = ci_epoll_arm(self, watch, fd, watch->armed | ci_epoll_events_wanted(watch), &changed);

    if (rc == -EPERM) {
        serve_file(self, watch);
    } else if (rc < 0) {
        ci_epoll_fail_all_later(self, watch, rc);
    }
}

static void prove_those_due(struct ci_epoll *self)
{
    size_t kept = 0;

    for (size_t i = 0; i < self->relied_count; i++) {
        int fd = self->relied[i];
        struct ci_watch *watch = ci_watch_find(&self->watches, fd);
        bool idle = ci_watch_idle(watch);
        if (!idle && self->period - watch->since < PERIODS_TO_PROOF) {
            self->relied[kept++] = fd;
            continue;
        }
        watch->traits &= (uint8_t)~CI_WATCH_RELIED;
        if (!idle) {
            prove(self, watch, fd);
        }
    }
    self->relied_count = kept;
}

/* Returns when to come again. */
static int64_t count_periods(struct ci_epoll *self, int64_t now_ns)
{
    if (self->relied_count > 0 && self->period_end_ns == 0) {
        self->period_end_ns = now_ns + PERIOD_NS;
    }
    if (self->relied_count > 0 && now_ns >= self->period_end_ns) {
        self->period++;
        self->period_end_ns = now_ns + PERIOD_NS;
        prove_those_due(self);
    }
    return self->relied_count > 0 ? self->period_end_ns : CI_FOREVER;
}

/* ---- trying again ---------------------------------------------------------------------------------------------------- */

void ci_epoll_retry_later(struct ci_epoll *self, struct ci_op *op)
{
    if (ci_list_empty(&self->retries)) {
        self->retry_after_ns = RETRY_FIRST_NS;
        self->retry_at_ns = ci_clock_ns() + self->retry_after_ns;
    }
    ci_list_append(&self->retries, &op->link);
}

static void retry(struct ci_epoll *self, struct ci_op *op)
{
    struct ci_watch *watch = ci_watch_find(&self->watches, op->fd);

    if (ci_epoll_attempt(self, op, watch)) {
        ci_epoll_complete_later(self, op);
    } else if (!(op->state & CI_ATTEMPT_RETRY)) {
        ci_list_remove(&op->link);
        self->poller.inflight--; /* it is counted again as it begins to wait for readiness */
        int rc = ci_epoll_begin_waiting(self, op, watch);
        if (rc != 0) {
            self->poller.inflight++;
            op->result = rc < 0 ? rc : op->result; /* a connect, which has moved no bytes */
            ci_epoll_complete_later(self, op);
        }
    }
}

static int64_t retry_those_due(struct ci_epoll *self, int64_t now_ns)
{
    if (!ci_list_empty(&self->retries) && now_ns >= self->retry_at_ns) {
        for (struct ci_list *link = self->retries.next, *next; link != &self->retries; link = next) {
            next = link->next;
            retry(self, ci_epoll_op(link));
        }
        if (self->retry_after_ns < RETRY_LAST_NS) {
            self->retry_after_ns *= 2;
        }
        self->retry_at_ns = now_ns + self->retry_after_ns;
    }
    return ci_list_empty(&self->retries) ? CI_FOREVER : self->retry_at_ns;
}

/* ---- both ------------------------------------------------------------------------------------------------------------ */

int64_t ci_epoll_do_chores(struct ci_epoll *self, int64_t now_ns, int64_t at_most_ns)
{
    int64_t prove_at_ns = count_periods(self, now_ns);
    int64_t retry_at_ns = retry_those_due(self, now_ns);
    int64_t next_ns = prove_at_ns < retry_at_ns ? prove_at_ns : retry_at_ns;

    return next_ns != CI_FOREVER && next_ns - now_ns < at_most_ns ? next_ns - now_ns : at_most_ns;
}
