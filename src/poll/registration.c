/*
 * What the kernel is told to watch: see epoll.h. All registrations are edge-triggered, and told apart by a generation, so that news
 * of a file that is not meant any more is known as such: a registration belongs to an open file, and outlives the number under which
 * it was made if the file has another (dup, fork).
 */
#include <errno.h>

#include "poll/epoll.h"

/* So many events that nobody waited for in a row end the interest in them. Two, since one may come too early. */
enum { UNWANTED_EVENTS = 2 };

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
    if (control(self, EPOLL_CTL_MOD, watch, fd, ci_waiting_events_wanted(watch)) < 0) {
        watch->armed = 0; /* the number was closed, or stands for something else; the next wait begins anew */
    }
}

int ci_epoll_watch(struct ci_waiting *waiting, struct ci_watch *watch, struct ci_op *op)
{
    struct ci_epoll *self = ci_epoll_of(waiting);
    uint32_t events = ci_waiting_events_of(op);
    bool kept = watch->traits & CI_WATCH_KEPT;
    bool changed;

    if (kept && (watch->armed & events) == events && ci_epoll_rely(self, watch, op->fd)) {
        return 0;
    }
    events |= kept ? watch->armed : ci_waiting_events_wanted(watch);
    int rc = ci_epoll_arm(self, watch, op->fd, events, &changed);
    if (changed) {
        ci_waiting_fail_all_later(waiting, watch, -EBADF); /* they wait for a file that was closed under them */
    }
    return rc;
}

void ci_epoll_adopt(struct ci_waiting *waiting, int fd)
{
    struct ci_watch *watch;

    if (ci_watch_get(&waiting->watches, fd, &watch) < 0) {
        return; /* it will be treated as one of the program's own, which costs time and nothing else */
    }
    ci_waiting_fail_all_later(waiting, watch, -EBADF);
    ci_watch_forget(watch);
    watch->traits |= CI_WATCH_KEPT;
}
