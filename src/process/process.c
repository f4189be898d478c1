/*
 * A child's life as its parent sees it: it is watched from its start to its end, waited for, sent signals, and let go of. The end comes
 * as readiness of the child's pidfd; the entry of the ready queue that follows takes it from the kernel, so that no zombie stays.
 */
#include "process/process.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "loop/fork.h"
#include "loop/loop.h"
#include "loop/part.h"
#include "sync/waiters.h"
#include "sys/alloc.h"
#include "sys/fd.h"
#include "task/task.h"

enum { KILLED_BY = 128 };

/* A loop's processes. */
struct children {
    struct ci_part part;
    struct ci_list processes;
};

/* ---- the end of a child ---------------------------------------------------------------------------------------------- */

/* Nobody has a reference, and the loop has nothing to do with it any more. */
static void destroy(coil_process *process)
{
    for (int i = 0; i < CI_STDIO_FDS; i++) {
        ci_free(process->collected[i].data);
    }
    ci_list_remove(&process->link);
    ci_free(process->orphan);
    ci_free(process);
}

/* No operation is in flight on it. */
static void close_pidfd(coil_process *process)
{
    struct ci_poller *poller = process->loop->poller;

    poller->class->evict(poller, process->pidfd);
    (void)ci_fd_close(process->pidfd); /* nothing was written to it */
    process->pidfd = -1;
}

/* It is over: with an end, or with the error for which that is not known. */
static void settle(coil_process *process, int error)
{
    process->state = CI_PROCESS_ENDED;
    process->error = error;
    ci_ready_release(&process->loop->ready);
    while (ci_waiters_wake_first(process->waiters)) {
        continue;
    }
    if (process->references == 0) {
        destroy(process);
    }
}

static int watch(coil_process *process);

static void become_orphan(coil_process *process)
{
    ci_orphans_add(process->orphan, process->pidfd);
    process->orphan = NULL;
    process->pidfd = -1;
}

/* The end cannot be had: the child is left to be reaped when it can. */
static void give_up(coil_process *process, int error)
{
    process->loop->poller->class->evict(process->loop->poller, process->pidfd);
    become_orphan(process);
    settle(process, error);
}

/*
 * The operation has told of the end, or it has failed. An end that was told of and is not there yet is being looked at by a debugger, and
 * will be there in a moment.
 */
static void take_end(void *arg)
{
    coil_process *process = arg;
    int rc = ci_process_reap(process->pidfd, &process->end);

    if (rc == 1 || rc == -ECHILD) {
        close_pidfd(process);
        settle(process, rc == 1 ? 0 : rc);
        return;
    }
    if (rc == 0) {
        process->state = CI_PROCESS_RUNNING;
        rc = process->op.result < 0 ? (int)process->op.result : watch(process);
    }
    if (rc < 0) {
        give_up(process, rc);
    }
}

static void on_completed(struct ci_op *op)
{
    coil_process *process = ci_container_of(op, struct coil_process, op);

    process->state = CI_PROCESS_ENDING;
    (void)ci_ready_push(&process->loop->ready, take_end, process);
}

static int watch(coil_process *process)
{
    process->op.code = CI_OP_POLL;
    process->op.fd = process->pidfd;
    process->op.poll.events = POLLIN;
    process->op.complete = on_completed;
    process->op.wakes = process;
    int rc = ci_loop_submit(process->loop, &process->op);
    if (rc == 1) {
        on_completed(&process->op);
    }
    return rc < 0 ? rc : 0;
}

int ci_process_adopt(coil_process *process, pid_t pid)
{
    int rc = ci_ready_reserve(&process->loop->ready);

    if (rc < 0) {
        goto discard;
    }
    rc = ci_process_open(pid);
    if (rc < 0) {
        goto release;
    }
    process->pid = pid;
    process->pidfd = rc;
    process->state = CI_PROCESS_RUNNING;
    rc = watch(process);
    if (rc == 0) {
        return 0;
    }
    process->state = CI_PROCESS_ENDED;
    close_pidfd(process);
release:
    ci_ready_release(&process->loop->ready);
discard:
    ci_process_discard(pid);
    return rc;
}

/* ---- the loop's part ------------------------------------------------------------------------------------------------- */

static void forget_op(struct ci_op *op)
{
    ci_container_of(op, struct coil_process, op)->state = CI_PROCESS_ENDING;
}

/* Ends the operation that waits for the child, which takes the kernel's part in it away before the memory may go. */
static void unwatch(coil_process *process)
{
    struct ci_poller *poller = process->loop->poller;

    process->op.complete = forget_op;
    poller->class->cancel(poller, &process->op);
    while (process->state == CI_PROCESS_RUNNING && poller->class->wait(poller, CI_FOREVER) == 0) {
    }
    poller->class->evict(poller, process->pidfd);
}

/* The loop goes and the child stays. */
static void leave_behind(coil_process *process)
{
    if (process->state == CI_PROCESS_RUNNING) {
        unwatch(process);
    }
    become_orphan(process);
    process->state = CI_PROCESS_ENDED;
    process->error = -EPERM; /* as for every call without its loop */
}

/* Takes the loop away from it; if nobody else has it, it goes. */
static void part_with(coil_process *process)
{
    if (process->state != CI_PROCESS_ENDED) {
        leave_behind(process);
    }
    process->loop = NULL;
    if (process->communicating) {
        process->communicating = false; /* in a task that never goes on */
        coil_process_unref(process);
    } else if (process->references == 0) {
        destroy(process);
    }
}

static void close_children(struct ci_part *part)
{
    struct children *children = ci_container_of(part, struct children, part);

    while (!ci_list_empty(&children->processes)) {
        part_with(ci_container_of(ci_list_pop(&children->processes), struct coil_process, link));
    }
    ci_free(children);
    ci_orphans_reap();
}

static const struct ci_part_class part_class = {.name = "processes", .close = close_children};

static struct children *children_of(struct coil_loop *loop)
{
    struct ci_part *part = ci_part_find(loop, &part_class);
    struct children *children;

    if (part != NULL) {
        return ci_container_of(part, struct children, part);
    }
    children = ci_alloc(sizeof(*children));
    if (children != NULL) {
        ci_list_init(&children->processes);
        ci_part_add(loop, &children->part, &part_class);
    }
    return children;
}

/* ---- references ------------------------------------------------------------------------------------------------------ */

int ci_process_new(struct coil_loop *loop, coil_process **ret)
{
    struct children *children = children_of(loop);
    coil_process *process = children == NULL ? NULL : ci_alloc_zero(sizeof(*process));

    if (process == NULL) {
        return -ENOMEM;
    }
    process->orphan = ci_orphan_new();
    if (process->orphan == NULL) {
        ci_free(process);
        return -ENOMEM;
    }
    process->loop = loop;
    process->references = 1;
    process->pidfd = -1;
    process->state = CI_PROCESS_ENDED;
    for (int i = 0; i < CI_STDIO_FDS; i++) {
        process->fds[i] = -1;
    }
    ci_list_append(&children->processes, &process->link);
    *ret = process;
    return 0;
}

int ci_process_close_fd(coil_process *process, int number)
{
    int fd = process->fds[number];

    if (fd < 0) {
        return -EBADF;
    }
    process->fds[number] = -1;
    if (process->loop != NULL && !ci_fork_has_parted(process->loop)) {
        process->loop->poller->class->evict(process->loop->poller, fd);
    }
    return ci_fd_close(fd);
}

coil_process *coil_process_ref(coil_process *process)
{
    if (process != NULL) {
        process->references++;
    }
    return process;
}

void coil_process_unref(coil_process *process)
{
    if (process == NULL || --process->references > 0) {
        return;
    }
    for (int i = 0; i < CI_STDIO_FDS; i++) {
        (void)ci_process_close_fd(process, i); /* a pipe has nothing to lose, and may be closed already */
    }
    if (process->state == CI_PROCESS_ENDED) {
        destroy(process);
    }
}

/* ---- waiting --------------------------------------------------------------------------------------------------------- */

static void describe(const struct ci_wait *wait, char *out, size_t size)
{
    (void)snprintf(out, size, "waits for the end of the child process %ld", wait->number);
}

/* The waiter's reference. */
static void abandon(struct ci_wait *wait)
{
    coil_process_unref((coil_process *)(uintptr_t)wait->object);
}

static int wait_for_end(coil_process *process, struct ci_task *task)
{
    const struct ci_waited what = {"a child process", process, describe, abandon};
    struct ci_waiter waiter;

    ci_waiter_arrive_pending(&waiter, task, process->waiters, &what);
    waiter.wait.number = process->pid;
    process->references++;
    int rc = ci_waiter_suspend(&waiter);
    if (rc == 0) {
        rc = coil_process_returncode(process);
    }
    coil_process_unref(process);
    return rc;
}

int coil_process_wait(coil_process *process)
{
    struct ci_task *task = ci_task_running_here();

    if (process == NULL || task == NULL) {
        return process == NULL ? -EINVAL : -EPERM;
    }
    if (process->loop != task->future.loop) {
        return -EPERM;
    }
    return process->state == CI_PROCESS_ENDED ? coil_process_returncode(process) : wait_for_end(process, task);
}

int coil_process_returncode(const coil_process *process)
{
    if (process == NULL) {
        return -EINVAL;
    }
    if (process->state != CI_PROCESS_ENDED || process->error < 0) {
        return process->state != CI_PROCESS_ENDED ? -EINPROGRESS : process->error;
    }
    return process->end.killed ? KILLED_BY + process->end.code : process->end.code;
}

int coil_process_signal(const coil_process *process)
{
    bool killed = process != NULL && process->state == CI_PROCESS_ENDED && process->error == 0 && process->end.killed;

    return killed ? process->end.code : 0;
}

pid_t coil_process_pid(const coil_process *process)
{
    return process == NULL ? 0 : process->pid;
}

/* ---- signals, closing ------------------------------------------------------------------------------------------------ */

int coil_process_send_signal(coil_process *process, int signo)
{
    if (process == NULL) {
        return -EINVAL;
    }
    return process->pidfd < 0 ? -ESRCH : ci_process_signal(process->pidfd, signo);
}

int coil_process_terminate(coil_process *process)
{
    return coil_process_send_signal(process, SIGTERM);
}

int coil_process_kill(coil_process *process)
{
    return coil_process_send_signal(process, SIGKILL);
}

int coil_process_close(coil_process *process)
{
    if (process == NULL || ci_task_running_here() == NULL) {
        return process == NULL ? -EINVAL : -EPERM;
    }
    for (int i = 0; i < CI_STDIO_FDS; i++) {
        (void)ci_process_close_fd(process, i); /* a pipe has nothing to lose, and may be closed already */
    }
    (void)coil_process_kill(process); /* it may have ended by itself */
    return coil_process_wait(process);
}

/* ---- pipes ----------------------------------------------------------------------------------------------------------- */

static int fd_of(const coil_process *process, int number)
{
    if (process == NULL) {
        return -EINVAL;
    }
    return process->fds[number] < 0 ? -EBADF : process->fds[number];
}

int coil_process_stdin_fd(const coil_process *process)
{
    return fd_of(process, 0);
}

int coil_process_stdout_fd(const coil_process *process)
{
    return fd_of(process, 1);
}

int coil_process_stderr_fd(const coil_process *process)
{
    return fd_of(process, 2);
}

int coil_process_close_stdin(coil_process *process)
{
    return process == NULL ? -EINVAL : ci_process_close_fd(process, 0);
}

int coil_process_take_fd(coil_process *process, int number)
{
    int fd = number < 0 || number >= CI_STDIO_FDS ? -EINVAL : fd_of(process, number);

    if (fd >= 0) {
        process->fds[number] = -1;
    }
    return fd;
}
