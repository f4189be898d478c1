/*
 * Readiness, told by io_uring: see uring.h. Whoever waits has a poll in flight for his queue (readers, writers, polls), which is over
 * with its first event. It asks about the file that the number stands for when it is submitted, and so no wait has to trust
 * anything that was learnt before; and since its entry travels with the next io_uring_enter, beginning a wait costs no system call.
 *
 * A poll keeps its file open. So it is taken back at once when nobody waits any more: who closes the file then must find it closed.
 * And since those who wait for a number are served in order, who comes second to a queue asks whether the first waits for the
 * same file: the program may have closed that one behind coil's back, and then nothing might ever come for it.
 */
#include <errno.h>

#include "poll/uring.h"

enum { READERS, WRITERS, POLLS, QUEUES };

/* Where things are in what an entry carries. */
enum { QUEUE_SHIFT = CI_URING_TAG_BITS, QUEUE_MASK = 3, GENERATION_SHIFT = 16, FD_SHIFT = 32 };

static uint64_t data_of(const struct ci_watch *watch, int fd, unsigned queue)
{
    return (uint64_t)(uint32_t)fd << FD_SHIFT | (uint64_t)watch->polls_armed[queue] << GENERATION_SHIFT |
           (uint64_t)queue << QUEUE_SHIFT | CI_URING_POLL;
}

int ci_uring_poll_fd(uint64_t data)
{
    return (int)(data >> FD_SHIFT);
}

static unsigned queue_number(uint64_t data)
{
    return data >> QUEUE_SHIFT & QUEUE_MASK;
}

static bool is_current(const struct ci_watch *watch, uint64_t data)
{
    uint16_t generation = (uint16_t)(data >> GENERATION_SHIFT);

    return generation != 0 && watch->polls_armed[queue_number(data)] == generation;
}

static struct ci_list *queue_at(struct ci_watch *watch, unsigned queue)
{
    return queue == READERS ? &watch->readers : queue == WRITERS ? &watch->writers : &watch->polls;
}

static unsigned number_of_queue(struct ci_watch *watch, const struct ci_list *queue)
{
    return queue == &watch->readers ? READERS : queue == &watch->writers ? WRITERS : POLLS;
}

/* ---- arming ---------------------------------------------------------------------------------------------------------- */

static unsigned events_wanted(const struct ci_watch *watch, unsigned queue)
{
    unsigned events = 0;

    if (queue != POLLS) {
        return queue == READERS ? POLLIN | POLLRDHUP : POLLOUT;
    }
    for (struct ci_list *link = watch->polls.next; link != &watch->polls; link = link->next) {
        events |= (unsigned short)ci_waiting_op(link)->poll.events;
    }
    return events;
}

/*
 * Queues the entry of a poll. After one whose news did nobody any good (an error queue that is not empty, say), it is one that stays
 * and tells of changes only, or there would be no end of it.
 */
static int arm(struct ci_uring *self, struct ci_watch *watch, int fd, unsigned queue, unsigned events)
{
    struct io_uring_sqe *entry = ci_uring_entry(&self->ring);

    if (entry == NULL) {
        return -ENOMEM;
    }
    watch->generation += (uint16_t)watch->generation == UINT16_MAX ? 2 : 1; /* the part that is used is not 0 */
    watch->polls_armed[queue] = (uint16_t)watch->generation;
    if (queue == POLLS) {
        watch->poll_events = (uint16_t)events;
    }
    if (watch->unwanted > 0) {
        io_uring_prep_poll_multishot(entry, fd, events);
    } else {
        io_uring_prep_poll_add(entry, fd, events);
    }
    io_uring_sqe_set_data64(entry, data_of(watch, fd, queue));
    return 0;
}

/*
 * Queues the entry that takes a poll back; whatever still comes of it is out of date from now on. A cancellation, for the
 * kernel refuses to remove a poll that is just being told of an event, and one that stays would keep its file open for ever.
 */
static void disarm(struct ci_uring *self, struct ci_watch *watch, int fd, unsigned queue)
{
    struct io_uring_sqe *entry = ci_uring_entry(&self->ring);

    if (entry != NULL) { /* else it stays until its event comes: all that can be done */
        io_uring_prep_cancel64(entry, data_of(watch, fd, queue), 0);
        io_uring_sqe_set_data64(entry, CI_URING_NOTHING);
        self->letting_go = true;
    }
    watch->polls_armed[queue] = 0;
}

static void disarm_where(struct ci_uring *self, struct ci_watch *watch, int fd, bool only_idle)
{
    for (unsigned queue = 0; queue < QUEUES; queue++) {
        if (watch->polls_armed[queue] != 0 && (!only_idle || ci_list_empty(queue_at(watch, queue)))) {
            disarm(self, watch, fd, queue);
        }
    }
}

void ci_uring_unwatch(struct ci_uring *self, struct ci_watch *watch, int fd, bool only_idle)
{
    disarm_where(self, watch, fd, only_idle);
    if (self->letting_go) {
        self->letting_go = false;
        (void)ci_ring_submit(&self->ring); /* if it is refused now, the entries go with the next that is not */
    }
}

/* ---- beginning to wait ----------------------------------------------------------------------------------------------- */

/* Whether the completion of the queue's poll is in the ring already. */
static bool was_told(struct ci_uring *self, const struct ci_watch *watch, int fd, unsigned queue)
{
    uint64_t data = data_of(watch, fd, queue);
    struct io_uring_cqe *completion;
    unsigned head;

    io_uring_for_each_cqe(&self->ring.uring, head, completion)
    {
        if (completion->user_data == data) {
            return true;
        }
    }
    return io_uring_cq_has_overflow(&self->ring.uring);
}

/*
 * Whether those who wait in the queue wait for another file than the one that fd stands for now. The kernel is asked to cancel all
 * that is in flight on this one, and if that does not end their poll, it is on another. Where it does, they are given a new one
 * when the completion is handled.
 */
static bool is_stale(struct ci_uring *self, const struct ci_watch *watch, int fd, unsigned queue)
{
    if (watch->polls_armed[queue] == 0 || ci_ring_submit(&self->ring) < 0) {
        return false;
    }
    int rc = ci_ring_cancel_on(&self->ring, fd);
    if ((rc < 0 && rc != -EBADF) || ci_ring_submit(&self->ring) < 0) {
        return false; /* it is not to be found out */
    }
    return !was_told(self, watch, fd, queue);
}

int ci_uring_watch(struct ci_waiting *waiting, struct ci_watch *watch, struct ci_op *op)
{
    struct ci_uring *self = ci_uring_of(waiting);
    unsigned queue = number_of_queue(watch, ci_waiting_queue_of(watch, op));
    unsigned events = events_wanted(watch, queue);

    if (queue == POLLS) {
        events |= (unsigned short)op->poll.events;
    } else if (!ci_list_empty(queue_at(watch, queue)) && is_stale(self, watch, op->fd, queue)) {
        ci_waiting_fail_all_later(waiting, watch, -EBADF);
        disarm_where(self, watch, op->fd, false);
    }
    if (watch->kind == CI_WATCH_UNKNOWN) {
        ci_watch_learn(watch, op->fd);
    }
    if (watch->polls_armed[queue] != 0) {
        if (queue != POLLS || (watch->poll_events & events) == events) {
            return 0;
        }
        disarm(self, watch, op->fd, queue);
    }
    return arm(self, watch, op->fd, queue, events);
}

void ci_uring_adopt(struct ci_waiting *waiting, int fd)
{
    struct ci_uring *self = ci_uring_of(waiting);
    struct ci_watch *watch = ci_watch_find(&waiting->watches, fd);

    if (watch == NULL) {
        return;
    }
    if (!ci_watch_idle(watch)) {
        ci_waiting_fail_all_later(waiting, watch, -EBADF);
        ci_uring_unwatch(self, watch, fd, false);
    }
    ci_watch_forget(watch);
}

/* ---- what comes of it ------------------------------------------------------------------------------------------------ */

static unsigned serve(struct ci_uring *self, struct ci_watch *watch, unsigned queue)
{
    if (queue == POLLS) {
        return ci_waiting_serve_polls(&self->waiting, watch);
    }
    return ci_waiting_serve(&self->waiting, watch, queue_at(watch, queue),
                            queue == READERS ? CI_READY_IN : CI_READY_OUT);
}

/* Sees to it that a poll is in flight if somebody waits, and only then. */
static void settle(struct ci_uring *self, struct ci_watch *watch, int fd, unsigned queue)
{
    bool needed = !ci_list_empty(queue_at(watch, queue));

    if (watch->polls_armed[queue] != 0 && !needed) {
        disarm(self, watch, fd, queue);
    }
    if (watch->polls_armed[queue] == 0 && needed) {
        int rc = arm(self, watch, fd, queue, events_wanted(watch, queue));
        if (rc < 0) {
            ci_waiting_fail_queue_later(&self->waiting, queue_at(watch, queue), rc);
        }
    }
}

/* News for the queue. Returns how many operations have ended. */
static unsigned handle_events(struct ci_uring *self, struct ci_watch *watch, int fd, unsigned queue, uint32_t events)
{
    ci_waiting_note_events(watch, events);
    unsigned completed = serve(self, watch, queue);
    watch->unwanted = completed > 0 ? 0 : 1;
    if (completed == 0) {
        watch->kind = CI_WATCH_UNKNOWN; /* it may be something else by now */
    }
    settle(self, watch, fd, queue);
    return completed;
}

unsigned ci_uring_polled(struct ci_uring *self, uint64_t data, int32_t result, uint32_t flags)
{
    int fd = ci_uring_poll_fd(data);
    unsigned queue = queue_number(data);
    struct ci_watch *watch = ci_watch_find(&self->waiting.watches, fd);

    if (watch == NULL || !is_current(watch, data)) {
        return 0;
    }
    if (!(flags & IORING_CQE_F_MORE)) {
        watch->polls_armed[queue] = 0;
    }
    if (result >= 0) {
        return handle_events(self, watch, fd, queue, (uint32_t)result);
    }
    if (result == -EINVAL && queue == POLLS) {
        return 0; /* a file that tells of no events has none but those it always has: who polls for others waits on */
    }
    if (result != -ECANCELED) {
        ci_waiting_fail_queue_later(&self->waiting, queue_at(watch, queue), result);
    }
    settle(self, watch, fd, queue);
    return 0;
}
