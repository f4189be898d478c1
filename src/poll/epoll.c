/*
 * The poller on epoll. An operation is tried when it is submitted, unless it is known to have to wait; else it is queued at its
 * descriptor and tried again when epoll says so. Registrations are edge-triggered and stay, so in steady state a request on
 * a connection costs one recv, one send and its share of an epoll_wait: no epoll_ctl, and no recv that finds nothing.
 *
 * What is remembered of a descriptor is about an open file, while all there is to know it by is its number, which the
 * program may close and the kernel use again. Telling the kernel to watch the file once more (EPOLL_CTL_MOD) settles it: that
 * fails if the number now stands for another file, and else reports whatever the file is ready for at that moment. So for
 * descriptors of the program's own every wait begins with that. For those that coil handed out (by accept), and whose closing it
 * will see, a wait relies on the registration; should the program have closed one behind coil's back and got the number again
 * for something else, that is found out all the same, for a wait that lasts PROVE_AFTER_NS is proved in this way too.
 *
 * Stale news of readiness does no harm: the call that follows finds nothing, and the operation waits on.
 */
#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "base/duration.h"
#include "poll/attempt.h"
#include "poll/poll.h"
#include "poll/watch.h"
#include "sys/alloc.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/readiness.h"

/*
 * How many events are taken at a time: enough to make an epoll_wait cheap for each, few enough that what a recv has brought into
 * the cache is still there when the task sends its answer.
 */
enum { EVENTS_PER_WAIT = 64 };

/* So many events that nobody waited for in a row end the interest in them. Two, since one may come too early. */
enum { UNWANTED_EVENTS = 2 };

#define PROVE_AFTER_NS     (50 * INT64_C(1000000))
#define RETRY_FIRST_NS     INT64_C(1000000)
#define RETRY_LAST_NS      (32 * INT64_C(1000000))
#define WAKE_DATA          UINT64_MAX
#define INPUT_EVENTS       (EPOLLIN | EPOLLRDHUP | EPOLLPRI)
#define BROKEN_EVENTS      (EPOLLERR | EPOLLHUP)

/* Bits of ci_op.state beside those of the attempts. */
enum { WAITING = 256, ENDED = 512 };

struct epoll_poller {
    struct ci_poller poller;
    int epoll_fd;
    int wake_fd;
    atomic_bool woken;    /* by wake(), and not yet noticed */
    atomic_bool sleeping; /* or about to: then wake() must write to wake_fd */
    struct ci_watch_table watches;
    struct ci_list ended;   /* done_link: operations that are finished and whose completion is due in wait */
    struct ci_list relying; /* done_link: waiting on a registration that is taken for granted, ... */
    struct ci_list proving; /* ... and those of them to be proved next */
    struct ci_list retries; /* link: to be tried again without any readiness */
    int64_t prove_at_ns;
    int64_t retry_at_ns;
    int64_t retry_after_ns;
    struct epoll_event events[EVENTS_PER_WAIT];
};

static struct epoll_poller *epoll_poller_of(struct ci_poller *poller)
{
    return ci_container_of(poller, struct epoll_poller, poller);
}

/* ---- operations ------------------------------------------------------------------------------------------------------ */

static struct ci_list *queue_of(struct ci_watch *watch, const struct ci_op *op)
{
    switch (op->code) {
    case CI_OP_READ:
    case CI_OP_RECV:
    case CI_OP_ACCEPT:
        return &watch->readers;
    case CI_OP_WRITE:
    case CI_OP_SEND:
    case CI_OP_CONNECT:
        return &watch->writers;
    case CI_OP_POLL:
        break;
    }
    return &watch->polls;
}

static uint32_t events_of_poll(short events)
{
    uint32_t wanted = (uint32_t)(unsigned short)events; /* epoll's bits are poll's */

    return wanted | (wanted & EPOLLIN ? INPUT_EVENTS : 0);
}

static uint32_t events_of(const struct ci_op *op)
{
    switch (op->code) {
    case CI_OP_READ:
    case CI_OP_RECV:
    case CI_OP_ACCEPT:
        return INPUT_EVENTS;
    case CI_OP_WRITE:
    case CI_OP_SEND:
    case CI_OP_CONNECT:
        return EPOLLOUT;
    case CI_OP_POLL:
        break;
    }
    return events_of_poll(op->poll.events);
}

/* What the operations that wait on the descriptor want to be told of. */
static uint32_t events_wanted(const struct ci_watch *watch)
{
    uint32_t events = ci_list_empty(&watch->readers) ? 0 : INPUT_EVENTS;

    if (!ci_list_empty(&watch->writers)) {
        events |= EPOLLOUT;
    }
    for (struct ci_list *link = watch->polls.next; link != &watch->polls; link = link->next) {
        events |= events_of_poll(ci_container_of(link, struct ci_op, link)->poll.events);
    }
    return events;
}

static struct ci_op *op_of(struct ci_list *link)
{
    return ci_container_of(link, struct ci_op, link);
}

static struct ci_op *op_of_done(struct ci_list *link)
{
    return ci_container_of(link, struct ci_op, done_link);
}

/* Ends an operation in flight, whose result is set, wherever it is. */
static void complete(struct epoll_poller *self, struct ci_op *op)
{
    ci_list_remove(&op->link);
    ci_list_remove(&op->done_link);
    op->state = 0;
    self->poller.inflight--;
    op->complete(op);
}

/* The same, but its completion comes from the next wait. */
static void complete_later(struct epoll_poller *self, struct ci_op *op)
{
    ci_list_remove(&op->link);
    ci_list_remove(&op->done_link);
    op->state = ENDED;
    ci_list_append(&self->ended, &op->done_link);
}

/* Ends an operation that waits with an error, unless it has moved bytes: then they are its result. */
static void end_later(struct epoll_poller *self, struct ci_op *op, int error)
{
    if (op->result == 0) {
        op->result = error;
    }
    complete_later(self, op);
}

static void end_all_later(struct epoll_poller *self, struct ci_watch *watch, int error)
{
    struct ci_list *queues[] = {&watch->readers, &watch->writers, &watch->polls};

    for (size_t i = 0; i < sizeof queues / sizeof queues[0]; i++) {
        while (!ci_list_empty(queues[i])) {
            end_later(self, op_of(queues[i]->next), error);
        }
    }
}

/* Completes what has ended outside of wait. Returns how many those were. */
static unsigned complete_ended(struct epoll_poller *self)
{
    unsigned completed = 0;

    while (!ci_list_empty(&self->ended)) {
        complete(self, op_of_done(self->ended.next));
        completed++;
    }
    return completed;
}

/* ---- registration ---------------------------------------------------------------------------------------------------- */

static int control(struct epoll_poller *self, int operation, struct ci_watch *watch, int fd, uint32_t events)
{
    uint64_t data = (uint64_t)watch->generation << 32 | (uint32_t)fd;

    return ci_epoll_control(self->epoll_fd, operation, fd, events | EPOLLET, data);
}

/* Registers a file that is not registered. */
static int arm_anew(struct epoll_poller *self, struct ci_watch *watch, int fd, uint32_t events)
{
    ci_watch_forget(watch);
    int rc = control(self, EPOLL_CTL_ADD, watch, fd, events);
    if (rc == -EEXIST) {
        rc = control(self, EPOLL_CTL_MOD, watch, fd, events); /* taking it back had failed */
    }
    if (rc == 0) {
        watch->armed = events;
        ci_watch_learn(watch, fd);
    }
    return rc;
}

/*
 * Has events reported from now on, and at once those that are there already. If the number turns out to stand for another file
 * than what was registered, that one is, and what was known is forgotten; then *changed is true.
 */
static int arm(struct epoll_poller *self, struct ci_watch *watch, int fd, uint32_t events, bool *changed)
{
    bool kept = watch->traits & CI_WATCH_KEPT;
    int rc;

    *changed = false;
    if (watch->armed != 0) {
        rc = control(self, EPOLL_CTL_MOD, watch, fd, events);
        if (rc == 0) {
            watch->armed = events;
        }
        if (rc != -ENOENT) {
            return rc;
        }
        *changed = true;
        return arm_anew(self, watch, fd, events);
    }
    rc = arm_anew(self, watch, fd, events);
    if (kept) {
        watch->traits |= CI_WATCH_KEPT;
    }
    return rc;
}

/* A descriptor of coil's own making: what was known under its number is history, and so is whoever waited there. */
static void adopt(struct epoll_poller *self, int fd)
{
    struct ci_watch *watch;

    if (ci_watch_get(&self->watches, fd, &watch) < 0) {
        return; /* it will be treated as one of the program's own, which costs time and nothing else */
    }
    end_all_later(self, watch, -EBADF);
    ci_watch_forget(watch);
    watch->traits |= CI_WATCH_KEPT;
}

static bool attempt(struct epoll_poller *self, struct ci_op *op, struct ci_watch *watch)
{
    if (!ci_attempt(op, watch)) {
        return false;
    }
    if (op->code == CI_OP_ACCEPT && op->result >= 0) {
        adopt(self, (int)op->result);
    }
    return true;
}

/* ---- submit, cancel -------------------------------------------------------------------------------------------------- */

/* Whether to make the call before waiting: not where it is certain that it must wait, or likely and nothing depends on it. */
static bool worth_trying(const struct ci_watch *watch, const struct ci_op *op)
{
    switch (op->code) {
    case CI_OP_READ:
    case CI_OP_RECV:
    case CI_OP_ACCEPT:
        if (watch->traits & CI_WATCH_EMPTIED && !(watch->traits & CI_WATCH_KEPT)) {
            return false; /* beginning the wait tells for certain, and costs as much as the call */
        }
        return watch->ready & CI_READY_IN;
    case CI_OP_WRITE:
    case CI_OP_SEND:
        return watch->ready & CI_READY_OUT;
    case CI_OP_CONNECT:
    case CI_OP_POLL:
        break;
    }
    return true;
}

static void enqueue(struct epoll_poller *self, struct ci_op *op, struct ci_list *queue)
{
    ci_list_append(queue, &op->link);
    op->state |= WAITING;
    self->poller.inflight++;
}

static void begin_retries(struct epoll_poller *self)
{
    if (ci_list_empty(&self->retries)) {
        self->retry_after_ns = RETRY_FIRST_NS;
        self->retry_at_ns = ci_clock_ns() + self->retry_after_ns;
    }
}

/* Puts op to wait. Returns as submit does. */
static int begin_waiting(struct epoll_poller *self, struct ci_op *op, struct ci_watch *watch)
{
    uint32_t events = events_of(op);
    bool changed;

    ci_list_init(&op->done_link);
    if (op->state & CI_ATTEMPT_RETRY) {
        begin_retries(self);
        enqueue(self, op, &self->retries);
        return 0;
    }
    if (watch->traits & CI_WATCH_KEPT && (watch->armed & events) == events) {
        enqueue(self, op, queue_of(watch, op));
        ci_list_append(&self->relying, &op->done_link);
        return 0;
    }
    events |= watch->traits & CI_WATCH_KEPT ? watch->armed : events_wanted(watch);
    int rc = arm(self, watch, op->fd, events, &changed);
    if (changed) {
        end_all_later(self, watch, -EBADF); /* they wait for a file that was closed under them */
    }
    if (rc == -EPERM) {
        ci_attempt_blocking(op);
        return 1;
    }
    if (rc < 0) {
        return op->result > 0 ? 1 : rc;
    }
    enqueue(self, op, queue_of(watch, op));
    return 0;
}

static int submit(struct ci_poller *poller, struct ci_op *op)
{
    struct epoll_poller *self = epoll_poller_of(poller);
    struct ci_watch *watch;
    int rc = ci_watch_get(&self->watches, op->fd, &watch);

    if (rc < 0) {
        return rc;
    }
    if (op->code == CI_OP_CONNECT) {
        watch->traits &= (uint8_t)~CI_WATCH_KEPT; /* nothing that coil hands out is yet to be connected */
    }
    op->result = 0;
    op->state = 0;
    bool first = op->code == CI_OP_POLL || ci_list_empty(queue_of(watch, op));
    if ((first && worth_trying(watch, op)) || ci_attempt_never_waits(op)) {
        if (attempt(self, op, watch)) {
            return 1;
        }
    }
    return begin_waiting(self, op, watch);
}

static void cancel(struct ci_poller *poller, struct ci_op *op)
{
    if (op->state & WAITING) {
        end_later(epoll_poller_of(poller), op, -ECANCELED);
    }
}

/* ---- evict ----------------------------------------------------------------------------------------------------------- */

static void end_retries_on(struct epoll_poller *self, int fd)
{
    struct ci_list *next;

    for (struct ci_list *link = self->retries.next; link != &self->retries; link = next) {
        next = link->next;
        if (op_of(link)->fd == fd) {
            end_later(self, op_of(link), -EBADF);
        }
    }
}

static void complete_ended_on(struct epoll_poller *self, int fd)
{
    struct ci_list here;

    ci_list_init(&here);
    for (struct ci_list *link = self->ended.next, *next; link != &self->ended; link = next) {
        next = link->next;
        if (op_of_done(link)->fd == fd) {
            ci_list_remove(link);
            ci_list_append(&here, link);
        }
    }
    while (!ci_list_empty(&here)) {
        complete(self, op_of_done(here.next));
    }
}

static void evict(struct ci_poller *poller, int fd)
{
    struct epoll_poller *self = epoll_poller_of(poller);
    struct ci_watch *watch = ci_watch_find(&self->watches, fd);

    if (watch == NULL) {
        return;
    }
    end_all_later(self, watch, -EBADF);
    end_retries_on(self, fd);
    if (watch->armed != 0) {
        (void)control(self, EPOLL_CTL_DEL, watch, fd, 0); /* gone already if the file was closed; stale events are known */
    }
    ci_watch_forget(watch);
    complete_ended_on(self, fd);
}

/* ---- events ---------------------------------------------------------------------------------------------------------- */

/* Tries the operations of a queue in order, as long as they succeed. Returns how many have ended. */
static unsigned serve(struct epoll_poller *self, struct ci_watch *watch, struct ci_list *queue, uint8_t direction)
{
    unsigned completed = 0;

    while (watch->ready & direction && !ci_list_empty(queue)) {
        struct ci_op *op = op_of(queue->next);
        if (!attempt(self, op, watch)) {
            break;
        }
        complete(self, op);
        completed++;
    }
    return completed;
}

static unsigned serve_polls(struct epoll_poller *self, struct ci_watch *watch)
{
    unsigned completed = 0;
    struct ci_list due; /* a completion may cancel others: none of them is held on to */

    ci_list_init(&due);
    while (!ci_list_empty(&watch->polls)) {
        ci_list_append(&due, ci_list_pop(&watch->polls));
    }
    while (!ci_list_empty(&due)) {
        struct ci_op *op = op_of(ci_list_pop(&due));
        ci_list_append(&watch->polls, &op->link);
        if (attempt(self, op, watch)) {
            complete(self, op);
            completed++;
        }
    }
    return completed;
}

static void note_events(struct ci_watch *watch, uint32_t events)
{
    if (events & (INPUT_EVENTS | BROKEN_EVENTS)) {
        watch->ready |= CI_READY_IN;
        watch->traits &= (uint8_t)~CI_WATCH_EMPTIED;
    }
    if (events & (EPOLLOUT | BROKEN_EVENTS)) {
        watch->ready |= CI_READY_OUT;
    }
    if (events & (EPOLLRDHUP | BROKEN_EVENTS)) {
        watch->traits |= CI_WATCH_ENDED;
    }
    if (events & EPOLLPRI) {
        watch->traits |= CI_WATCH_URGENT;
    }
}

/* Nobody waits for what happens here: asks not to be told any more until somebody does. */
static void note_unwanted(struct epoll_poller *self, struct ci_watch *watch, int fd)
{
    uint32_t events = events_wanted(watch);

    if (++watch->unwanted < UNWANTED_EVENTS) {
        return;
    }
    watch->unwanted = 0;
    if (control(self, EPOLL_CTL_MOD, watch, fd, events) == 0) {
        watch->armed = events | EPOLLET; /* still registered, even if for nothing */
    } else {
        watch->armed = 0; /* the number was closed, or stands for something else; the next wait begins anew */
    }
}

/* Returns how many operations have ended. */
static unsigned handle_event(struct epoll_poller *self, uint64_t data, uint32_t events)
{
    int fd = (int)(uint32_t)data;
    struct ci_watch *watch = data == WAKE_DATA ? NULL : ci_watch_find(&self->watches, fd);
    unsigned completed = 0;

    if (watch == NULL || watch->generation != data >> 32 || watch->armed == 0) {
        return 0;
    }
    bool wanted = events & BROKEN_EVENTS || events & events_wanted(watch);
    note_events(watch, events);
    completed += serve(self, watch, &watch->readers, CI_READY_IN);
    completed += serve(self, watch, &watch->writers, CI_READY_OUT);
    completed += serve_polls(self, watch);
    if (wanted) {
        watch->unwanted = 0;
    } else {
        note_unwanted(self, watch, fd);
    }
    return completed;
}

/* ---- chores: what is to be done although nothing has happened --------------------------------------------------------- */

/* Makes sure that what op waits on is registered; else it waited for a file that its number does not stand for any more. */
static void prove(struct epoll_poller *self, struct ci_op *op)
{
    struct ci_watch *watch = ci_watch_find(&self->watches, op->fd);
    bool changed;
    int rc = arm(self, watch, op->fd, watch->armed | events_wanted(watch), &changed);

    if (rc == -EPERM) {
        ci_attempt_blocking(op);
        complete_later(self, op);
    } else if (rc < 0) {
        end_all_later(self, watch, rc);
    }
}

static int64_t prove_those_due(struct epoll_poller *self, int64_t now_ns)
{
    if (ci_list_empty(&self->proving) && ci_list_empty(&self->relying)) {
        self->prove_at_ns = CI_FOREVER;
        return CI_FOREVER;
    }
    if (self->prove_at_ns == CI_FOREVER) {
        self->prove_at_ns = now_ns + PROVE_AFTER_NS;
    }
    if (now_ns >= self->prove_at_ns) {
        while (!ci_list_empty(&self->proving)) {
            prove(self, op_of_done(ci_list_pop(&self->proving)));
        }
        while (!ci_list_empty(&self->relying)) {
            ci_list_append(&self->proving, ci_list_pop(&self->relying));
        }
        self->prove_at_ns = ci_list_empty(&self->proving) ? CI_FOREVER : now_ns + PROVE_AFTER_NS;
    }
    return self->prove_at_ns;
}

static void retry(struct epoll_poller *self, struct ci_op *op)
{
    struct ci_watch *watch = ci_watch_find(&self->watches, op->fd);

    if (attempt(self, op, watch)) {
        complete_later(self, op);
    } else if (!(op->state & CI_ATTEMPT_RETRY)) {
        ci_list_remove(&op->link);
        self->poller.inflight--;
        int rc = begin_waiting(self, op, watch);
        if (rc < 0) {
            self->poller.inflight++;
            end_later(self, op, rc);
        }
    }
}

static int64_t retry_those_due(struct epoll_poller *self, int64_t now_ns)
{
    struct ci_list *next;

    if (ci_list_empty(&self->retries)) {
        return CI_FOREVER;
    }
    if (now_ns >= self->retry_at_ns) {
        for (struct ci_list *link = self->retries.next; link != &self->retries; link = next) {
            next = link->next;
            retry(self, op_of(link));
        }
        if (self->retry_after_ns < RETRY_LAST_NS) {
            self->retry_after_ns *= 2;
        }
        self->retry_at_ns = now_ns + self->retry_after_ns;
    }
    return ci_list_empty(&self->retries) ? CI_FOREVER : self->retry_at_ns;
}

static bool has_chores(const struct epoll_poller *self)
{
    return !ci_list_empty(&self->relying) || !ci_list_empty(&self->proving) || !ci_list_empty(&self->retries);
}

/* Does what is due. Returns for how long from now there is nothing to do, at most at_most_ns. */
static int64_t do_chores(struct epoll_poller *self, int64_t now_ns, int64_t at_most_ns)
{
    int64_t prove_at_ns = prove_those_due(self, now_ns);
    int64_t retry_at_ns = retry_those_due(self, now_ns);
    int64_t next_ns = prove_at_ns < retry_at_ns ? prove_at_ns : retry_at_ns;

    if (next_ns != CI_FOREVER && next_ns - now_ns < at_most_ns) {
        return next_ns - now_ns;
    }
    return at_most_ns;
}

/* ---- wait, wake ------------------------------------------------------------------------------------------------------ */

/*
 * Asks epoll, sleeping unless wake() was called already. Between that question and the sleep, sleeping is set, and so a wake()
 * that comes in just then writes to the eventfd. That one is edge-triggered as well and never needs to be read.
 */
static int ask(struct epoll_poller *self, int64_t timeout_ns)
{
    if (timeout_ns == 0) {
        return ci_epoll_wait(self->epoll_fd, self->events, EVENTS_PER_WAIT, 0);
    }
    atomic_store(&self->sleeping, true);
    if (atomic_load(&self->woken)) {
        timeout_ns = 0;
    }
    int rc = ci_epoll_wait(self->epoll_fd, self->events, EVENTS_PER_WAIT, timeout_ns);
    atomic_store_explicit(&self->sleeping, false, memory_order_relaxed);
    return rc;
}

/* Takes notice of wake(): what its caller did before is visible from here on. */
static bool take_wake(struct epoll_poller *self)
{
    return atomic_load_explicit(&self->woken, memory_order_relaxed) && atomic_exchange(&self->woken, false);
}

/* Sleeps once and handles what comes. Returns 1 when that is a reason to return from wait, 0 when not, or an error. */
static int wait_once(struct epoll_poller *self, int64_t timeout_ns)
{
    unsigned completed = complete_ended(self);
    int count = ask(self, completed > 0 ? 0 : timeout_ns);

    if (count < 0 && count != -EINTR) {
        return count;
    }
    for (int i = 0; i < count; i++) {
        completed += handle_event(self, self->events[i].data.u64, self->events[i].events);
    }
    completed += complete_ended(self);
    return take_wake(self) || completed > 0 || count == -EINTR;
}

static int wait(struct ci_poller *poller, int64_t timeout_ns)
{
    struct epoll_poller *self = epoll_poller_of(poller);
    bool timed = timeout_ns > 0 && timeout_ns != CI_FOREVER;
    int rc;

    if (!timed && !has_chores(self)) {
        do {
            rc = wait_once(self, timeout_ns);
        } while (rc == 0 && timeout_ns == CI_FOREVER && !has_chores(self));
        if (rc != 0 || timeout_ns == 0) {
            return rc < 0 ? rc : 0;
        }
    }
    int64_t now_ns = ci_clock_ns();
    int64_t end_ns = ci_deadline_ns(now_ns, timeout_ns);
    do {
        rc = wait_once(self, do_chores(self, now_ns, end_ns == CI_FOREVER ? CI_FOREVER : end_ns - now_ns));
        now_ns = rc == 0 && timeout_ns > 0 ? ci_clock_ns() : end_ns;
    } while (rc == 0 && now_ns < end_ns);
    return rc < 0 ? rc : 0;
}

static void wake(struct ci_poller *poller)
{
    struct epoll_poller *self = epoll_poller_of(poller);

    if (!atomic_exchange(&self->woken, true) && atomic_load(&self->sleeping)) {
        ci_fd_event_signal(self->wake_fd);
    }
}

/* ---- birth and death ------------------------------------------------------------------------------------------------- */

static void destroy(struct ci_poller *poller)
{
    struct epoll_poller *self = epoll_poller_of(poller);

    ci_watch_table_destroy(&self->watches);
    (void)ci_fd_close(self->wake_fd);  /* neither has anything to lose */
    (void)ci_fd_close(self->epoll_fd);
    ci_free(self);
}

static const struct ci_poller_class epoll_class = {
    .name = "epoll",
    .submit = submit,
    .cancel = cancel,
    .evict = evict,
    .wait = wait,
    .wake = wake,
    .destroy = destroy,
};

static int open_descriptors(struct epoll_poller *self)
{
    int rc = ci_epoll_create();

    if (rc < 0) {
        return rc;
    }
    self->epoll_fd = rc;
    rc = ci_fd_event_open();
    if (rc >= 0) {
        self->wake_fd = rc;
        rc = ci_epoll_control(self->epoll_fd, EPOLL_CTL_ADD, self->wake_fd, EPOLLIN | EPOLLET, WAKE_DATA);
        if (rc == 0) {
            return 0;
        }
        (void)ci_fd_close(self->wake_fd);
    }
    (void)ci_fd_close(self->epoll_fd);
    return rc;
}

int ci_epoll_open(struct ci_poller **poller)
{
    struct epoll_poller *self = ci_alloc_zero(sizeof *self);
    int rc;

    if (self == NULL) {
        return -ENOMEM;
    }
    rc = open_descriptors(self);
    if (rc < 0) {
        ci_free(self);
        return rc;
    }
    self->poller.class = &epoll_class;
    self->prove_at_ns = CI_FOREVER;
    ci_list_init(&self->ended);
    ci_list_init(&self->relying);
    ci_list_init(&self->proving);
    ci_list_init(&self->retries);
    *poller = &self->poller;
    return 0;
}
