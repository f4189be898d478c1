/*
 * The signals that a loop has asked for: see coil/signal.h. Each is a record with a watch in it (loop/signal.h), kept in a part of the
 * loop, and there for as long as somebody holds it: the loop, which took the signal, a task that waits for it, a callback that runs.
 */
#include <coil/signal.h>

#include <errno.h>
#include <stdio.h>

#include "base/trace.h"
#include "loop/loop.h"
#include "loop/part.h"
#include "loop/signal.h"
#include "sync/waiters.h"
#include "sys/alloc.h"
#include "task/task.h"

struct signals {
    struct ci_part part;
    struct ci_list caught;
};

struct caught {
    struct ci_signal_watch watch;
    struct ci_list link;
    coil_callback *callback; /* NULL: there is none */
    void *userdata;
    struct coil_site site;
    void *waiters[2];
    unsigned holders;
    bool taken; /* the loop is one of the holders */
    bool kept;  /* it came, and nobody took notice */
};

/* ---- the loop's part ------------------------------------------------------------------------------------------------- */

static void close_signals(struct ci_part *part)
{
    struct signals *signals = ci_container_of(part, struct signals, part);

    while (!ci_list_empty(&signals->caught)) {
        struct caught *caught = ci_container_of(ci_list_pop(&signals->caught), struct caught, link);
        ci_signal_watch_end(&caught->watch);
    }
    ci_free(signals);
}

static const struct ci_part_class part_class = {.name = "signals", .close = close_signals};

static struct signals *signals_of(const struct coil_loop *loop)
{
    struct ci_part *part = ci_part_find(loop, &part_class);

    return part == NULL ? NULL : ci_container_of(part, struct signals, part);
}

static struct signals *signals_made(struct coil_loop *loop)
{
    struct signals *signals = signals_of(loop);

    if (signals == NULL) {
        signals = ci_alloc(sizeof(*signals));
        if (signals != NULL) {
            ci_list_init(&signals->caught);
            ci_part_add(loop, &signals->part, &part_class);
        }
    }
    return signals;
}

static struct caught *find(const struct signals *signals, int signo)
{
    for (struct ci_list *link = signals->caught.next; link != &signals->caught; link = link->next) {
        struct caught *caught = ci_container_of(link, struct caught, link);
        if (caught->watch.signo == signo) {
            return caught;
        }
    }
    return NULL;
}

/* ---- one signal ------------------------------------------------------------------------------------------------------ */

static struct caught *caught_of(struct ci_signal_watch *watch)
{
    return ci_container_of(watch, struct caught, watch);
}

static void release(struct ci_signal_watch *watch)
{
    ci_free(caught_of(watch));
}

static void let_go(struct caught *caught)
{
    if (--caught->holders == 0) {
        ci_list_remove(&caught->link);
        ci_signal_watch_end(&caught->watch);
    }
}

static void call(struct caught *caught)
{
    struct ci_trace *trace = caught->watch.loop->trace;

    if (trace != NULL) {
        trace->calling(trace, (void (*)(void))caught->callback, &caught->site);
    }
    caught->callback(caught->userdata);
}

static void notify(struct ci_signal_watch *watch, unsigned times)
{
    struct caught *caught = caught_of(watch);
    bool noticed = caught->callback != NULL;

    caught->holders++;
    while (ci_waiters_wake_first(caught->waiters)) {
        noticed = true;
    }
    caught->kept = caught->kept || !noticed;
    for (unsigned i = 0; i < times && caught->callback != NULL; i++) { /* it may be taken away by itself */
        call(caught);
    }
    let_go(caught);
}

/* Two hops, as in asyncio: the loop reads that there was a signal, and then calls soon what is to be called. */
static const struct ci_signal_watch_class watch_class = {.hops = 2, .notify = notify, .release = release};

static bool means_a_fault(int signo)
{
    return signo == SIGSEGV || signo == SIGBUS || signo == SIGFPE || signo == SIGILL;
}

static int begin(struct signals *signals, struct coil_loop *loop, int signo, struct caught **ret)
{
    struct caught *caught = ci_alloc_zero(sizeof(*caught));

    if (caught == NULL) {
        return -ENOMEM;
    }
    int rc = ci_signal_watch_begin(&caught->watch, &watch_class, loop, signo);
    if (rc < 0) {
        ci_free(caught);
        return rc;
    }
    ci_list_append(&signals->caught, &caught->link);
    *ret = caught;
    return 0;
}

/* Makes the signal the loop's. Returns 0 with *ret, or a negative errno. */
static int take(struct coil_loop *loop, int signo, struct caught **ret)
{
    if (means_a_fault(signo)) {
        return -EINVAL;
    }
    struct signals *signals = signals_made(loop);
    if (signals == NULL) {
        return -ENOMEM;
    }
    *ret = find(signals, signo);
    int rc = *ret == NULL ? begin(signals, loop, signo, ret) : 0;
    if (rc == 0 && !(*ret)->taken) {
        (*ret)->taken = true;
        (*ret)->holders++;
    }
    return rc;
}

/* ---- callbacks ------------------------------------------------------------------------------------------------------- */

static void set_callback(struct caught *caught, coil_callback *callback, void *userdata)
{
    struct coil_loop *loop = caught->watch.loop;

    loop->handlers += callback != NULL;
    loop->handlers -= caught->callback != NULL;
    caught->callback = callback;
    caught->userdata = userdata;
}

int coil_add_signal_handler_from(int signo, coil_callback *callback, void *userdata, const struct coil_site *site)
{
    struct coil_loop *loop = ci_loop_running;
    struct caught *caught;

    if (loop == NULL || callback == NULL) {
        return loop == NULL ? -EPERM : -EINVAL;
    }
    int rc = take(loop, signo, &caught);
    if (rc < 0) {
        return rc;
    }
    set_callback(caught, callback, userdata);
    caught->site = site == NULL ? (struct coil_site){.file = NULL} : *site;
    caught->kept = false;
    return 0;
}

int coil_remove_signal_handler(int signo)
{
    const struct coil_loop *loop = ci_loop_running;

    if (loop == NULL) {
        return -EPERM;
    }
    const struct signals *signals = signals_of(loop);
    struct caught *caught = signals == NULL ? NULL : find(signals, signo);
    if (caught == NULL || !caught->taken) {
        return 0;
    }
    set_callback(caught, NULL, NULL);
    caught->taken = false;
    let_go(caught);
    return 1;
}

/* ---- waiting --------------------------------------------------------------------------------------------------------- */

static void describe(const struct ci_wait *wait, char *out, size_t size)
{
    (void)snprintf(out, size, "waits for the signal %ld", wait->number);
}

static int wait_for(struct caught *caught, struct ci_task *task)
{
    const struct ci_waited what = {"a signal", NULL, describe, NULL};
    struct coil_loop *loop = task->future.loop;
    struct ci_waiter waiter;
    int signo = caught->watch.signo;

    ci_waiter_arrive_pending(&waiter, task, caught->waiters, &what);
    waiter.wait.number = signo;
    waiter.wait.keeps_result = true; /* a signal that has come is not lost to a cancellation */
    caught->holders++;
    loop->handlers++;
    int rc = ci_waiter_suspend(&waiter);
    loop->handlers--;
    let_go(caught);
    return rc < 0 ? rc : signo;
}

int coil_signal_wait(int signo)
{
    struct ci_task *task = ci_task_running_here();
    struct caught *caught;

    if (task == NULL) {
        return -EPERM;
    }
    int rc = take(task->future.loop, signo, &caught);
    if (rc < 0) {
        return rc;
    }
    if (caught->kept) {
        caught->kept = false;
        return signo;
    }
    return wait_for(caught, task);
}
