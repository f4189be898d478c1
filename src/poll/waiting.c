/*
 * Operations that wait at descriptors: see waiting.h. Stale news of readiness does no harm: the call that follows finds nothing, and
 * the operation waits on.
 */
#include "poll/waiting.h"

#include <errno.h>

#include "base/duration.h"
#include "poll/attempt.h"
#include "sys/clock.h"

#define RETRY_FIRST_NS INT64_C(1000000)
#define RETRY_LAST_NS  (32 * INT64_C(1000000))

void ci_waiting_init(struct ci_waiting *self, const struct ci_poller_class *poller,
                     const struct ci_waiting_class *class)
{
    self->poller = (struct ci_poller){.class = poller};
    self->class = class;
    self->watches = (struct ci_watch_table){0};
    ci_list_init(&self->ended);
    ci_list_init(&self->retries);
}

void ci_waiting_destroy(struct ci_waiting *self)
{
    ci_watch_table_destroy(&self->watches);
}

/* ---- the end of operations ------------------------------------------------------------------------------------------- */

static struct ci_op *ended_op(struct ci_list *done_link)
{
    return ci_container_of(done_link, struct ci_op, done_link);
}

void ci_waiting_complete(struct ci_waiting *self, struct ci_op *op)
{
    ci_list_remove(&op->link);
    op->state = 0;
    self->poller.inflight--;
    op->complete(op);
}

void ci_waiting_complete_later(struct ci_waiting *self, struct ci_op *op)
{
    ci_list_remove(&op->link);
    op->state = CI_OP_ENDED;
    ci_list_append(&self->ended, &op->done_link);
}

void ci_waiting_fail_later(struct ci_waiting *self, struct ci_op *op, int error)
{
    if (op->result == 0) {
        op->result = error;
    }
    ci_waiting_complete_later(self, op);
}

void ci_waiting_fail_queue_later(struct ci_waiting *self, struct ci_list *queue, int error)
{
    while (!ci_list_empty(queue)) {
        ci_waiting_fail_later(self, ci_waiting_op(queue->next), error);
    }
}

void ci_waiting_fail_all_later(struct ci_waiting *self, struct ci_watch *watch, int error)
{
    ci_waiting_fail_queue_later(self, &watch->readers, error);
    ci_waiting_fail_queue_later(self, &watch->writers, error);
    ci_waiting_fail_queue_later(self, &watch->polls, error);
}

unsigned ci_waiting_complete_ended(struct ci_waiting *self)
{
    unsigned completed = 0;

    while (!ci_list_empty(&self->ended)) {
        ci_waiting_complete(self, ended_op(ci_list_pop(&self->ended)));
        completed++;
    }
    return completed;
}

unsigned ci_waiting_complete_ended_on(struct ci_waiting *self, int fd)
{
    struct ci_list here;
    unsigned completed = 0;

    ci_list_init(&here);
    for (struct ci_list *link = self->ended.next, *next; link != &self->ended; link = next) {
        next = link->next;
        if (ended_op(link)->fd == fd) {
            ci_list_remove(link);
            ci_list_append(&here, link);
        }
    }
    while (!ci_list_empty(&here)) {
        ci_waiting_complete(self, ended_op(ci_list_pop(&here)));
        completed++;
    }
    return completed;
}

/* ---- their beginning ------------------------------------------------------------------------------------------------- */

struct ci_list *ci_waiting_queue_of(struct ci_watch *watch, const struct ci_op *op)
{
    switch (op->code) {
    case CI_OP_READ:
    case CI_OP_RECV:
    case CI_OP_READV:
    case CI_OP_RECVMSG:
    case CI_OP_ACCEPT:
        return &watch->readers;
    case CI_OP_WRITE:
    case CI_OP_SEND:
    case CI_OP_WRITEV:
    case CI_OP_SENDMSG:
    case CI_OP_CONNECT:
        return &watch->writers;
    default:
        break;
    }
    return &watch->polls;
}

/* Whether to make the call before waiting: not where it is certain that it must wait, or likely and nothing depends on it. */
static bool worth_trying(const struct ci_watch *watch, const struct ci_op *op)
{
    switch (op->code) {
    case CI_OP_READ:
    case CI_OP_RECV:
    case CI_OP_READV:
    case CI_OP_RECVMSG:
    case CI_OP_ACCEPT:
        if ((watch->traits & (CI_WATCH_EMPTIED | CI_WATCH_KEPT)) == CI_WATCH_EMPTIED) {
            return false; /* beginning the wait tells for certain, and costs as much as the call */
        }
        return watch->ready & CI_READY_IN;
    case CI_OP_WRITE:
    case CI_OP_SEND:
    case CI_OP_WRITEV:
    case CI_OP_SENDMSG:
        return watch->ready & CI_READY_OUT;
    default:
        break;
    }
    return true;
}

/* Makes op's call if that is possible now; as ci_attempt, and takes note of descriptors that come of it. */
static bool attempt(struct ci_waiting *self, struct ci_op *op, struct ci_watch *watch)
{
    if (!ci_attempt(op, watch)) {
        return false;
    }
    if (op->code == CI_OP_ACCEPT && op->result >= 0) {
        self->class->adopt(self, (int)op->result);
    }
    return true;
}

static void retry_later(struct ci_waiting *self, struct ci_op *op)
{
    if (ci_list_empty(&self->retries)) {
        self->retry_after_ns = RETRY_FIRST_NS;
        self->retry_at_ns = ci_clock_ns() + self->retry_after_ns;
    }
    ci_list_append(&self->retries, &op->link);
}

/* Has op, which blocks, carried out by the kernel, where that does so on its own. Returns as submit does. */
static int begin_call(struct ci_waiting *self, struct ci_op *op)
{
    return self->class->call == NULL ? CI_BLOCKS : self->class->call(self, op);
}

/* Puts op, which cannot be done now, to wait. Returns as submit does. */
static int begin_waiting(struct ci_waiting *self, struct ci_op *op, struct ci_watch *watch)
{
    if (op->state & CI_ATTEMPT_BLOCKS) {
        return begin_call(self, op);
    }
    if (op->state & CI_ATTEMPT_RETRY) {
        retry_later(self, op);
    } else {
        int rc = self->class->watch(self, watch, op);
        if (rc == -EPERM && op->code != CI_OP_POLL) {
            return ci_attempt_blocks(op) ? begin_call(self, op) : -ENOTSOCK;
        }
        if (rc < 0 && rc != -EPERM) { /* a file has no other events than those it always has: a poll waits for ever */
            return op->result > 0 ? 1 : rc;
        }
        ci_list_append(ci_waiting_queue_of(watch, op), &op->link);
    }
    op->state |= CI_OP_WAITING;
    self->poller.inflight++;
    return 0;
}

int ci_waiting_submit(struct ci_poller *poller, struct ci_op *op)
{
    struct ci_waiting *self = ci_waiting_of(poller);
    struct ci_watch *watch;

    op->result = 0;
    op->state = 0;
    if (ci_op_is_call(op)) {
        return ci_attempt_call(op) ? 1 : begin_call(self, op);
    }
    int rc = ci_watch_get(&self->watches, op->fd, &watch);
    if (rc < 0) {
        return rc;
    }
    if (op->code == CI_OP_CONNECT) {
        watch->traits &= (uint8_t)~CI_WATCH_KEPT; /* nothing that coil hands out is yet to be connected */
    }
    bool first = op->code == CI_OP_POLL || ci_list_empty(ci_waiting_queue_of(watch, op));
    if ((first && worth_trying(watch, op)) || ci_attempt_never_waits(op)) {
        if (attempt(self, op, watch)) {
            return 1;
        }
    }
    return begin_waiting(self, op, watch);
}

void ci_waiting_turn_to_call(struct ci_waiting *self, struct ci_op *op)
{
    ci_list_remove(&op->link);
    self->poller.inflight--; /* it is counted again as a call */
    op->state &= ~(uint32_t)CI_OP_WAITING;
    int rc = begin_call(self, op);
    if (rc != 0) {
        self->poller.inflight++;
        op->result = rc == CI_BLOCKS ? ci_call_make(op) : rc < 0 && op->result == 0 ? rc : op->result;
        ci_waiting_complete_later(self, op);
    }
}

/* ---- cancelling, closing --------------------------------------------------------------------------------------------- */

void ci_waiting_cancel(struct ci_poller *poller, struct ci_op *op)
{
    if (op->state & CI_OP_WAITING) {
        op->result = op->result > 0 ? op->result : -ECANCELED;
        ci_waiting_complete(ci_waiting_of(poller), op);
    }
}

void ci_waiting_fail_all_on(struct ci_waiting *self, int fd)
{
    struct ci_watch *watch = ci_watch_find(&self->watches, fd);

    if (watch == NULL) {
        return;
    }
    ci_waiting_fail_all_later(self, watch, -EBADF);
    for (struct ci_list *link = self->retries.next, *next; link != &self->retries; link = next) {
        next = link->next;
        if (ci_waiting_op(link)->fd == fd) {
            ci_waiting_fail_later(self, ci_waiting_op(link), -EBADF);
        }
    }
}

/* ---- readiness ------------------------------------------------------------------------------------------------------- */

static uint32_t events_of_poll(short events)
{
    uint32_t wanted = (unsigned short)events;

    return wanted | (wanted & POLLIN ? CI_INPUT_EVENTS : 0);
}

uint32_t ci_waiting_events_of(const struct ci_op *op)
{
    switch (op->code) {
    case CI_OP_READ:
    case CI_OP_RECV:
    case CI_OP_READV:
    case CI_OP_RECVMSG:
    case CI_OP_ACCEPT:
        return CI_INPUT_EVENTS;
    case CI_OP_WRITE:
    case CI_OP_SEND:
    case CI_OP_WRITEV:
    case CI_OP_SENDMSG:
    case CI_OP_CONNECT:
        return POLLOUT;
    default:
        break;
    }
    return events_of_poll(op->poll.events);
}

uint32_t ci_waiting_events_wanted(const struct ci_watch *watch)
{
    uint32_t events = ci_list_empty(&watch->readers) ? 0 : CI_INPUT_EVENTS;

    if (!ci_list_empty(&watch->writers)) {
        events |= POLLOUT;
    }
    for (struct ci_list *link = watch->polls.next; link != &watch->polls; link = link->next) {
        events |= events_of_poll(ci_waiting_op(link)->poll.events);
    }
    return events;
}

void ci_waiting_note_events(struct ci_watch *watch, uint32_t events)
{
    if (events & (CI_INPUT_EVENTS | CI_BROKEN_EVENTS)) {
        watch->ready |= CI_READY_IN;
        watch->traits &= (uint8_t)~CI_WATCH_EMPTIED;
    }
    if (events & (POLLOUT | CI_BROKEN_EVENTS)) {
        watch->ready |= CI_READY_OUT;
    }
    if (events & (POLLRDHUP | CI_BROKEN_EVENTS)) {
        watch->traits |= CI_WATCH_ENDED;
    }
    if (events & POLLPRI) {
        watch->traits |= CI_WATCH_URGENT;
    }
}

unsigned ci_waiting_serve(struct ci_waiting *self, struct ci_watch *watch, struct ci_list *queue, uint8_t direction)
{
    unsigned completed = 0;

    while (watch->ready & direction && !ci_list_empty(queue)) {
        struct ci_op *op = ci_waiting_op(queue->next);
        if (attempt(self, op, watch)) {
            ci_waiting_complete(self, op);
            completed++;
        } else if (op->state & CI_ATTEMPT_BLOCKS) {
            ci_waiting_turn_to_call(self, op);
        } else {
            break;
        }
    }
    return completed;
}

unsigned ci_waiting_serve_polls(struct ci_waiting *self, struct ci_watch *watch)
{
    unsigned completed = 0;
    struct ci_list due; /* a completion may cancel others: none of them is held on to */

    ci_list_init(&due);
    while (!ci_list_empty(&watch->polls)) {
        ci_list_append(&due, ci_list_pop(&watch->polls));
    }
    while (!ci_list_empty(&due)) {
        struct ci_op *op = ci_waiting_op(ci_list_pop(&due));
        ci_list_append(&watch->polls, &op->link);
        if (attempt(self, op, watch)) {
            ci_waiting_complete(self, op);
            completed++;
        }
    }
    return completed;
}

/* ---- trying again ---------------------------------------------------------------------------------------------------- */

static void retry(struct ci_waiting *self, struct ci_op *op)
{
    struct ci_watch *watch = ci_watch_find(&self->watches, op->fd);

    if (attempt(self, op, watch)) {
        ci_waiting_complete_later(self, op);
    } else if (!(op->state & CI_ATTEMPT_RETRY)) {
        ci_list_remove(&op->link);
        self->poller.inflight--; /* it is counted again as it begins to wait for readiness */
        int rc = begin_waiting(self, op, watch);
        if (rc != 0) {
            self->poller.inflight++;
            op->result = rc < 0 ? rc : op->result; /* a connect, which has moved no bytes */
            ci_waiting_complete_later(self, op);
        }
    }
}

int64_t ci_waiting_retry(struct ci_waiting *self, int64_t now_ns)
{
    if (!ci_list_empty(&self->retries) && now_ns >= self->retry_at_ns) {
        for (struct ci_list *link = self->retries.next, *next; link != &self->retries; link = next) {
            next = link->next;
            retry(self, ci_waiting_op(link));
        }
        if (self->retry_after_ns < RETRY_LAST_NS) {
            self->retry_after_ns *= 2;
        }
        self->retry_at_ns = now_ns + self->retry_after_ns;
    }
    return ci_list_empty(&self->retries) ? CI_FOREVER : self->retry_at_ns;
}
