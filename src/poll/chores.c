/*
 * What the epoll backend does although nothing has happened: see epoll.h. It proves registrations that are taken for granted when a
 * wait lasts, once for each wait, so that a number that was closed behind coil's back and used again for something else is
 * found out and a sleep is undisturbed after that.
 */
#include "poll/epoll.h"

#include <errno.h>

#include "base/duration.h"
#include "poll/attempt.h"
#include "sys/alloc.h"

#define PERIOD_NS (50 * INT64_C(1000000)) /* a wait is proved after one to two of these */

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
            struct ci_op *op = ci_waiting_op(queues[i]->next);
            if (ci_attempt_blocks(op)) {
                ci_waiting_turn_to_call(&self->waiting, op);
            } else {
                ci_waiting_fail_later(&self->waiting, op, -ENOTSOCK);
            }
        }
    }
    ci_waiting_fail_all_later(&self->waiting, watch, -EBADF);
}

static void prove(struct ci_epoll *self, struct ci_watch *watch, int fd)
{
    bool changed;
    int rc = ci_epoll_arm(self, watch, fd, watch->armed | ci_waiting_events_wanted(watch), &changed);

    if (rc == -EPERM) {
        serve_file(self, watch);
    } else if (rc < 0) {
        ci_waiting_fail_all_later(&self->waiting, watch, rc);
    }
}

static void prove_those_due(struct ci_epoll *self)
{
    size_t kept = 0;

    for (size_t i = 0; i < self->relied_count; i++) {
        int fd = self->relied[i];
        struct ci_watch *watch = ci_watch_find(&self->waiting.watches, fd);
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

/* ---- both ------------------------------------------------------------------------------------------------------------ */

int64_t ci_epoll_do_chores(struct ci_epoll *self, int64_t now_ns, int64_t at_most_ns)
{
    int64_t prove_at_ns = count_periods(self, now_ns);
    int64_t retry_at_ns = ci_waiting_retry(&self->waiting, now_ns);
    int64_t next_ns = prove_at_ns < retry_at_ns ? prove_at_ns : retry_at_ns;

    return next_ns != CI_FOREVER && next_ns - now_ns < at_most_ns ? next_ns - now_ns : at_most_ns;
}
