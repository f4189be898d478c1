/*
 * coil_poll: as many operations as there are descriptors, the first of which to complete ends the others. It returns when all
 * of them have completed, for they are in its frame.
 */
#include <coil/io.h>

#include <math.h>
#include <stdio.h>

#include "base/duration.h"
#include "io/call.h"
#include "loop/timer.h"
#include "sys/alloc.h"
#include "sys/fd.h"

enum { POLLS_INSIDE = 8 };

struct group;

struct one {
    struct ci_op op;
    struct group *group;
    bool inflight;
};

struct group {
    struct ci_wait wait;
    struct ci_timer timer;
    struct one *ones; /* inside, or allocated where there are too many for that */
    struct one inside[POLLS_INSIDE];
    nfds_t count;
    nfds_t inflight;
    bool settled; /* something has happened, or the time is over: all that is left is to wait for the completions */
    bool waits;   /* the task does, or is about to */
};

static void finish_if_over(struct group *group)
{
    if (group->inflight > 0 || !group->waits) {
        return;
    }
    if (group->settled) {
        ci_wait_finish(&group->wait);
    } else if (group->wait.asked) {
        ci_wait_cancelled(&group->wait);
    }
}

static void end_all(struct group *group)
{
    for (nfds_t i = 0; i < group->count; i++) {
        if (group->ones[i].inflight) {
            ci_io_cancel_op(group->wait.task->future.loop, &group->ones[i].op);
        }
    }
}

static void on_completed(struct ci_op *op)
{
    struct one *one = ci_container_of(op, struct one, op);
    struct group *group = one->group;

    one->inflight = false;
    group->inflight--;
    if (op->result != -ECANCELED && !group->settled) {
        group->settled = true;
        end_all(group);
    }
    finish_if_over(group);
}

static void on_timeout(void *arg)
{
    struct group *group = ci_container_of(arg, struct group, timer);

    group->settled = true;
    end_all(group);
    finish_if_over(group);
}

static int on_cancel(struct ci_wait *wait)
{
    struct group *group = ci_container_of(wait, struct group, wait);

    end_all(group);
    finish_if_over(group);
    return 1;
}

static void describe(const struct ci_wait *wait, char *out, size_t size)
{
    const struct group *group = ci_container_of(wait, struct group, wait);

    if (group->count == 1) {
        ci_io_describe(wait, out, size);
    } else {
        (void)snprintf(out, size, "waits for poll on %lu descriptors", (unsigned long)group->count);
    }
}

static void forget(struct ci_op *op)
{
    struct one *one = ci_container_of(op, struct one, op);

    one->inflight = false;
    one->group->inflight--;
}

/* The loop closes. The operations end before their memory goes. */
static void abandon(struct ci_wait *wait)
{
    struct group *group = ci_container_of(wait, struct group, wait);
    struct ci_poller *poller = wait->task->future.loop->poller;

    if (group->ones == group->inside) {
        return; /* in the frame, which stays until the poller is gone */
    }
    for (nfds_t i = 0; i < group->count; i++) {
        group->ones[i].op.complete = forget;
    }
    end_all(group);
    while (group->inflight > 0 && poller->class->wait(poller, CI_FOREVER) == 0) {
    }
    ci_free(group->ones);
}

/* Starts one operation for each descriptor, until one of them is ready at once. */
static void start_all(struct group *group, const struct pollfd *fds)
{
    struct coil_loop *loop = group->wait.task->future.loop;

    for (nfds_t i = 0; i < group->count; i++) {
        group->ones[i].inflight = false;
        group->ones[i].op.result = -ECANCELED;
    }
    for (nfds_t i = 0; i < group->count && !group->settled; i++) {
        struct one *one = &group->ones[i];
        if (fds[i].fd < 0) {
            continue;
        }
        one->group = group;
        one->op.code = CI_OP_POLL;
        one->op.fd = fds[i].fd;
        one->op.poll.events = fds[i].events;
        one->op.complete = on_completed;
        one->op.wakes = group->wait.task;
        int rc = ci_loop_submit(loop, &one->op);
        if (rc == 0) {
            one->inflight = true;
            group->inflight++;
        } else {
            one->op.result = rc < 0 ? rc : one->op.result;
            group->settled = true;
        }
    }
}

/* Writes down what happened to each. Returns how many have revents, or the error of an operation that could not be carried out. */
static int collect(const struct group *group, struct pollfd *fds)
{
    int ready = 0;
    int error = 0;

    for (nfds_t i = 0; i < group->count; i++) {
        int64_t result = group->ones[i].op.result;
        fds[i].revents = result > 0 ? (short)result : 0;
        if (result == -EBADF) {
            fds[i].revents = POLLNVAL;
        } else if (result < 0 && result != -ECANCELED) {
            error = (int)result;
        }
        ready += fds[i].revents != 0;
    }
    return ready > 0 ? ready : error;
}

static int poll_group(struct group *group, struct ci_task *task, struct pollfd *fds, double timeout)
{
    struct coil_loop *loop = task->future.loop;

    ci_wait_init(&group->wait, task, "poll");
    group->wait.number = group->count == 1 ? fds[0].fd : -1;
    group->wait.keeps_result = true;
    group->wait.cancel = on_cancel;
    group->wait.describe = describe;
    group->wait.abandon = abandon;
    ci_timer_init(&group->timer, loop, on_timeout);
    int rc = ci_timer_set(&group->timer, ci_deadline_ns(ci_loop_now_ns(loop), ci_duration_ns(timeout)));
    if (rc < 0) {
        return rc;
    }
    start_all(group, fds);
    if (group->settled) {
        end_all(group);
    }
    group->waits = !group->settled || group->inflight > 0;
    if (group->waits) {
        rc = ci_wait_suspend(&group->wait);
    }
    ci_timer_stop(&group->timer);
    return rc < 0 ? rc : collect(group, fds);
}

static int poll_waiting(struct ci_task *task, struct pollfd *fds, nfds_t count, double timeout)
{
    struct group group;

    group.ones = group.inside;
    group.count = count;
    group.inflight = 0;
    group.settled = false;
    group.waits = false;
    if (count > POLLS_INSIDE) {
        group.ones = ci_alloc(count * sizeof *group.ones);
        if (group.ones == NULL) {
            return -ENOMEM;
        }
    }
    int rc = poll_group(&group, task, fds, timeout);
    if (group.ones != group.inside) {
        ci_free(group.ones);
    }
    return rc;
}

int coil_poll(struct pollfd *fds, nfds_t count, double timeout)
{
    struct ci_task *task = ci_task_running_here();

    if (task == NULL) {
        return -EPERM;
    }
    if (isnan(timeout)) {
        return -EINVAL;
    }
    if (ci_io_is_cancelled(task)) {
        return -ECANCELED;
    }
    int ready = ci_fd_poll(fds, count);
    if (ready == 0 && timeout > 0) {
        return poll_waiting(task, fds, count, timeout);
    }
    ci_io_did_not_wait(task);
    return ready;
}
