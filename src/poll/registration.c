/*
 * What the kernel is told to watch: see epoll.h. All registrations are edge-triggered, and told apart by a generation, so that news
 * of a file that is not meant any more is known as such: a registration belongs to an open file, and outlives the number under which
 * it was made if the file has another (dup, fork).
 */
#include <errno.h>

#include "poll/epoll.h"

/* So many events that nobody waited for in a row end the interest in them. Two, since one may come too early. */
enum { UNWANTED_EVENTS = 2 };

static uint32_t events_of_poll(short events)
{
    uint32_t wanted = (unsigned short)events; /* epoll's bits are poll's */

    return wanted | (wanted & EPOLLIN ? CI_INPUT_EVENTS : 0);
}

uint32_t ci_epoll_events_of(const struct ci_op *op)
{
    switch (op->code) {
    case CI_OP_READ:
    case CI_OP_RECV:
    case CI_OP_ACCEPT:
        return CI_INPUT_EVENTS;
    case CI_OP_WRITE:
    case CI_OP_SEND:
    case CI_OP_CONNECT:
        return EPOLLOUT;
    case CI_OP_POLL:
        break;
    }
    return events_of_poll(op->poll.events);
}

uint32_t ci_epoll_events_wanted(const struct ci_watch *watch)
{
    uint32_t events = ci_list_empty(&watch->readers) ? 0 : CI_INPUT_EVENTS;

    if (!ci_list_empty(&watch->writers)) {
        events |= EPOLLOUT;
    }
    for (struct ci_list *link = watch->polls.next; link != &watch->polls; link = link->next) {
        events |= events_of_poll(ci_epoll_op(link)->poll.events);
    }
    return events;
}

/* On success, armed is not 0 even if no events are, for a hang-up is told to those who asked for nothing too. */
static int control(struct ci_epoll *self, int operation, struct ci_watch *watch, int fd, uint32_t events)
{
    uint64_t data = (uint64_t)watch->generation << 32 | (uint32_t)fd;
    int rc = ci_epoll_control(self->epoll_fd, operation, fd, events | EPOLLET, data);

    if (rc == 0) {
        watch->armed = events | EPOLLET;
    }
    return rc;
}

/* Registers a file that is not registered. */
static int arm_anew(struct ci_epoll *self, struct ci_watch *watch, int fd, uint32_t events)
{
    ci_watch_forget(watch);
    int rc = control(self, EPOLL_CTL_ADD, watch, fd, events);
    if (rc == -EEXIST) {
        rc = control(self, EPOLL_CTL_MOD, watch, fd, events); /* taking it back had failed */
    }
    if (rc == 0) {
        ci_watch_learn(watch, fd);
    }
    return rc;
}

int ci_epoll_arm(struct ci_epoll *self, struct ci_watch *watch, int fd, uint32_t events, bool *changed)
{
    uint8_t kept = watch->traits & CI_WATCH_KEPT;

    *changed = false;
    if (watch->armed != 0) {
        int rc = control(self, EPOLL_CTL_MOD, watch, fd, events);
        if (rc != -ENOENT) {
            return rc;
        }
        *changed = true;
        return arm_anew(self, watch, fd, events);
    }
    int rc = arm_anew(self, watch, fd, events);
    watch->traits |= kept;
    return rc;
}

void ci_epoll_disarm(struct ci_epoll *self, struct ci_watch *watch, int fd)
{
    if (watch->armed != 0) {
        (void)control(self, EPOLL_CTL_DEL, watch, fd, 0); /* an error means that it is gone, or another file's */
    }
    ci_watch_forget(watch);
}

void ci_epoll_note_unwanted(struct ci_epoll *self, struct ci_watch *watch, int fd)
{
    if (++watch->unwanted < UNWANTED_EVENTS) {
        return;
    }
    watch->unwanted = 0;
    if (control(self, EPOLL_CTL_MOD, watch, fd, ci_epoll_events_wanted(watch)) < 0) {
        watch->armed = 0; /* the number was closed, or stands for something else; the next wait begins anew */
    }
}

void ci_epoll_adopt(struct ci_epoll *self, int fd)
{
    struct ci_watch *watch;

    if (ci_watch_get(&self->watches, fd, &watch) < 0) {
        return; /* it will be treated as one of the program's own, which costs time and nothing else */
    }
    ci_epoll_fail_all_later(self, watch, -EBADF);
    ci_watch_forget(watch);
    watch->traits |= CI_WATCH_KEPT;
}
