/*
 * The handler, and the lists that it walks: see signal.h. Whoever changes a list holds the lock; the handler takes none. A watch
 * that was taken out of its list may still be in the hands of a handler in another thread, so its end waits until no
 * handler of that signal runs: each is counted while it does, and takes no longer than a few instructions.
 */
#include "loop/signal.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>

#include "loop/loop.h"
#include "sys/signal.h"
#include "sys/thread.h"

enum state { IDLE, READY, ENDED };

struct slot {
    _Atomic(struct ci_signal_watch *) first;
    atomic_uint running; /* handlers that may hold on to a watch of the list */
    struct sigaction before;
};

static struct slot slots[NSIG];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* ---- in the handler -------------------------------------------------------------------------------------------------- */

/* Whether another watch is told in its place. */
static bool is_outdone(struct slot *slot, const struct ci_signal_watch *watch)
{
    if (!watch->class->yields) {
        return false;
    }
    for (struct ci_signal_watch *other = atomic_load(&slot->first); other != NULL; other = atomic_load(&other->next)) {
        if (other != watch && other->loop == watch->loop) {
            return true;
        }
    }
    return false;
}

static void tell(struct ci_signal_watch *watch)
{
    if ((watch->class->caught == NULL || watch->class->caught(watch)) && atomic_fetch_add(&watch->times, 1) == 0) {
        ci_remote_push(watch->loop, &watch->call);
    }
}

static void on_signal(int signo);

static bool is_ours(const struct sigaction *action)
{
    return !(action->sa_flags & SA_SIGINFO) && action->sa_handler == on_signal;
}

/*
 * The last watch has ended between the signal's delivery to this thread and now. Its end sets back what was set before it and only
 * then takes the watch out, so the signal goes there, as it would have a moment later.
 */
static void pass_on(int signo)
{
    struct sigaction current;

    if (ci_signal_action(signo, NULL, &current) == 0 && !is_ours(&current)) {
        (void)ci_signal_raise(signo); /* blocked here; delivered on return */
    }
}

static void on_signal(int signo)
{
    struct slot *slot = &slots[signo];
    int saved_errno = errno;

    atomic_fetch_add(&slot->running, 1);
    struct ci_signal_watch *first = atomic_load(&slot->first);
    for (struct ci_signal_watch *watch = first; watch != NULL; watch = atomic_load(&watch->next)) {
        if (!is_outdone(slot, watch)) {
            tell(watch);
        }
    }
    if (first == NULL) {
        pass_on(signo);
    }
    atomic_fetch_sub(&slot->running, 1);
    errno = saved_errno;
}

/* ---- on the loop's thread -------------------------------------------------------------------------------------------- */

static void run(void *arg)
{
    struct ci_signal_watch *watch = arg;
    struct ci_ready *ready = &watch->loop->ready;

    if (--watch->hops_left > 0) {
        watch->position = ci_ready_push(ready, run, watch);
        return;
    }
    ci_ready_release(ready);
    watch->state = IDLE;
    watch->class->notify(watch, atomic_exchange(&watch->times, 0));
}

static void release(struct ci_signal_watch *watch)
{
    if (watch->class->release != NULL) {
        watch->class->release(watch);
    }
}

/* With the place in the ready queue that ci_remote_collect has reserved. */
static void arrive(struct coil_loop *loop, struct ci_remote_call *call)
{
    struct ci_signal_watch *watch = ci_container_of(call, struct ci_signal_watch, call);

    if (watch->state == ENDED) {
        ci_ready_release(&loop->ready);
        release(watch);
        return;
    }
    watch->state = READY;
    watch->hops_left = watch->class->hops;
    watch->position = ci_ready_push(&loop->ready, run, watch);
}

static void drop(struct ci_remote_call *call)
{
    release(ci_container_of(call, struct ci_signal_watch, call));
}

/* ---- beginning and ending -------------------------------------------------------------------------------------------- */

/* On the alternate stack, where the thread has one: coroutines' own are small. */
static int install(struct slot *slot, int signo)
{
    struct sigaction ours = {.sa_handler = on_signal, .sa_flags = SA_RESTART | SA_ONSTACK};
    struct sigaction current;

    (void)sigemptyset(&ours.sa_mask); /* cannot fail */
    int rc = ci_signal_action(signo, &ours, &current);
    if (rc == 0 && !is_ours(&current)) {
        slot->before = current;
    }
    return rc;
}

/* Whoever has replaced our handler meanwhile keeps his own. */
static void restore(struct slot *slot, int signo)
{
    struct sigaction current;

    if (ci_signal_action(signo, NULL, &current) == 0 && is_ours(&current)) {
        (void)ci_signal_action(signo, &slot->before, NULL); /* it was in force once, so it can be again */
    }
}

static bool has_one_that_yields(struct slot *slot)
{
    for (struct ci_signal_watch *watch = atomic_load(&slot->first); watch != NULL; watch = atomic_load(&watch->next)) {
        if (watch->class->yields) {
            return true;
        }
    }
    return false;
}

/* It may not be there any more: see ci_signal_fork_ends_in_child. */
static void take_out(struct slot *slot, const struct ci_signal_watch *watch)
{
    _Atomic(struct ci_signal_watch *) *link = &slot->first;

    while (atomic_load(link) != NULL && atomic_load(link) != watch) {
        link = &atomic_load(link)->next;
    }
    if (atomic_load(link) != NULL) {
        atomic_store(link, atomic_load(&watch->next));
    }
}

static void put_in(struct slot *slot, struct ci_signal_watch *watch)
{
    atomic_store(&watch->next, atomic_load(&slot->first));
    atomic_store(&slot->first, watch);
}

/* Our handler is never there without a watch: a signal that comes at once must find somebody. */
static int enter(struct slot *slot, struct ci_signal_watch *watch)
{
    bool alone = atomic_load(&slot->first) == NULL;

    if (alone) {
        put_in(slot, watch);
    }
    int rc = install(slot, watch->signo);
    if (rc < 0 && alone) {
        take_out(slot, watch);
    } else if (rc == 0 && !alone) {
        put_in(slot, watch);
    }
    return rc;
}

int ci_signal_watch_begin(struct ci_signal_watch *watch, const struct ci_signal_watch_class *klass,
                          struct coil_loop *loop, int signo)
{
    if (signo <= 0 || signo >= NSIG) {
        return -EINVAL;
    }
    struct slot *slot = &slots[signo];
    *watch = (struct ci_signal_watch){.class = klass, .loop = loop, .signo = signo, .state = IDLE};
    watch->call.arrive = arrive;
    watch->call.drop = drop;
    (void)pthread_mutex_lock(&lock);
    int rc = klass->yields && has_one_that_yields(slot) ? -EBUSY : enter(slot, watch);
    (void)pthread_mutex_unlock(&lock);
    return rc;
}

static bool is_last(struct slot *slot, const struct ci_signal_watch *watch)
{
    return atomic_load(&slot->first) == watch && atomic_load(&watch->next) == NULL;
}

void ci_signal_watch_end(struct ci_signal_watch *watch)
{
    struct slot *slot = &slots[watch->signo];

    (void)pthread_mutex_lock(&lock);
    if (is_last(slot, watch)) {
        restore(slot, watch->signo);
    }
    take_out(slot, watch);
    (void)pthread_mutex_unlock(&lock);
    while (atomic_load(&slot->running) > 0) {
        ci_thread_yield();
    }
    if (watch->state == READY) {
        ci_ready_blank(&watch->loop->ready, watch->position);
        ci_ready_release(&watch->loop->ready);
    } else if (atomic_load(&watch->times) > 0) {
        watch->state = ENDED; /* the call is still on its way to the loop */
        return;
    }
    release(watch);
}

int ci_signal_is_ignored(int signo)
{
    struct sigaction current;
    int rc = ci_signal_action(signo, NULL, &current);

    return rc < 0 ? rc : !(current.sa_flags & SA_SIGINFO) && current.sa_handler == SIG_IGN;
}

/* ---- fork ------------------------------------------------------------------------------------------------------------ */

/* Signals wait meanwhile: one that is sent to the child at once must find the child's dispositions. */
static sigset_t mask_before_fork;
static bool masked;

void ci_signal_fork_begins(void)
{
    sigset_t all;

    (void)pthread_mutex_lock(&lock);
    (void)sigfillset(&all); /* cannot fail */
    masked = ci_signal_mask(SIG_SETMASK, &all, &mask_before_fork) == 0;
}

void ci_signal_fork_ends_in_parent(void)
{
    if (masked) {
        (void)ci_signal_mask(SIG_SETMASK, &mask_before_fork, NULL); /* it was in force a moment ago */
    }
    (void)pthread_mutex_unlock(&lock);
}

void ci_signal_fork_ends_in_child(void)
{
    for (int signo = 1; signo < NSIG; signo++) {
        if (atomic_load(&slots[signo].first) != NULL) {
            atomic_store(&slots[signo].first, NULL);
            restore(&slots[signo], signo);
        }
        atomic_store(&slots[signo].running, 0); /* in threads that are not here */
    }
    ci_signal_fork_ends_in_parent();
}
