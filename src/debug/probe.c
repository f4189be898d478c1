/* The probe: see probe.h. */
#include "debug/probe.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

#include "debug/interrupted.h"
#include "sys/signal.h"

enum { PROBE_SIGNAL = SIGURG, ANSWER_WITHIN_MS = 500 };

enum state { IDLE, ASKED, ANSWERING, ANSWERED, OVER };

/* The handler is the process's: the first probe installs it, the last one takes it away. */
static pthread_mutex_t install_lock = PTHREAD_MUTEX_INITIALIZER;
static size_t installed;
static bool linked; /* it is in force, or was and was replaced by one that may call it */
static struct sigaction previous;

/* Whom a signal to this thread is for. Initial-exec, so that a handler may read it. */
static _Thread_local struct ci_probe *probed __attribute__((tls_model("initial-exec")));

void ci_probe_enter(struct ci_probe *probe)
{
    probed = probe;
}

/* ---- the handler ----------------------------------------------------------------------------------------------------- */

static void call_previous(int signo, siginfo_t *info, void *interrupted)
{
    if (previous.sa_flags & SA_SIGINFO) {
        previous.sa_sigaction(signo, info, interrupted);
    } else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
        previous.sa_handler(signo);
    }
}

static void answer(struct ci_probe *probe, ucontext_t *interrupted)
{
    bool there = probe->describe(probe->arg);

    if (there) {
        probe->depth = ci_backtrace_capture_interrupted(probe->addresses, CI_BACKTRACE_MAX, interrupted);
    }
    if (probe->sleeps) {
        ci_interrupted_restart(interrupted, &probe->call);
    }
    atomic_store(&probe->state, there ? ANSWERED : OVER);
    (void)sem_post(&probe->answered); /* cannot overflow: one answer for each question */
}

static void on_signal(int signo, siginfo_t *info, void *interrupted)
{
    struct ci_probe *probe = probed;
    int saved_errno = errno;
    int asked = ASKED;

    if (probe != NULL && atomic_compare_exchange_strong(&probe->state, &asked, ANSWERING)) {
        answer(probe, interrupted);
    } else {
        call_previous(signo, info, interrupted);
    }
    errno = saved_errno;
}

/* ---- installing ------------------------------------------------------------------------------------------------------ */

static bool is_ours(void)
{
    struct sigaction current;

    return ci_signal_action(PROBE_SIGNAL, NULL, &current) == 0 && current.sa_flags & SA_SIGINFO &&
           current.sa_sigaction == on_signal;
}

static int install(void)
{
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};
    int rc = 0;

    (void)sigemptyset(&action.sa_mask); /* cannot fail */
    (void)pthread_mutex_lock(&install_lock);
    if (!linked) { /* else whoever replaced it may call it: to call him in turn would never end */
        rc = ci_signal_action(PROBE_SIGNAL, &action, &previous);
        linked = rc == 0;
    }
    installed += rc == 0;
    (void)pthread_mutex_unlock(&install_lock);
    return rc;
}

static void uninstall(void)
{
    (void)pthread_mutex_lock(&install_lock);
    if (--installed == 0 && is_ours()) {
        linked = ci_signal_action(PROBE_SIGNAL, &previous, NULL) < 0;
    }
    (void)pthread_mutex_unlock(&install_lock);
}

int ci_probe_open(struct ci_probe *probe, bool (*describe)(void *arg), void *arg)
{
    *probe = (struct ci_probe){
        .thread = pthread_self(), .thread_id = ci_thread_id(), .describe = describe, .arg = arg, .state = IDLE};
    (void)sem_init(&probe->answered, 0, 0); /* cannot fail for these arguments */
    ci_backtrace_prepare();
    return install();
}

void ci_probe_close(struct ci_probe *probe)
{
    if (probed == probe) {
        probed = NULL;
    }
    uninstall();
    (void)sem_destroy(&probe->answered);
}

/* ---- asking ---------------------------------------------------------------------------------------------------------- */

static struct timespec soon(void)
{
    struct timespec when;

    (void)clock_gettime(CLOCK_MONOTONIC, &when); /* this clock is always there */
    when.tv_nsec += ANSWER_WITHIN_MS * 1000000L;
    if (when.tv_nsec >= 1000000000L) {
        when.tv_nsec -= 1000000000L;
        when.tv_sec++;
    }
    return when;
}

static bool wait_for_answer(struct ci_probe *probe)
{
    struct timespec when = soon();
    int asked = ASKED;
    int rc;

    do {
        rc = sem_clockwait(&probe->answered, CLOCK_MONOTONIC, &when);
    } while (rc < 0 && errno == EINTR);
    if (rc < 0 && atomic_compare_exchange_strong(&probe->state, &asked, IDLE)) {
        return false; /* the question is taken back: a signal that comes later finds none */
    }
    while (rc < 0) {
        rc = sem_wait(&probe->answered); /* it is being answered this moment */
    }
    return true;
}

enum ci_probe_answer ci_probe_ask(struct ci_probe *probe)
{
    /* What it sleeps in is looked at before it is disturbed. */
    probe->depth = 0;
    probe->sleeps = ci_thread_system_call(probe->thread_id, &probe->call) == 1;
    if (!is_ours()) {
        return CI_PROBE_SILENT;
    }
    atomic_store(&probe->state, ASKED);
    if (ci_thread_signal(probe->thread, PROBE_SIGNAL) < 0) {
        atomic_store(&probe->state, IDLE);
        return CI_PROBE_SILENT;
    }
    if (!wait_for_answer(probe)) {
        return CI_PROBE_SILENT;
    }
    return atomic_load(&probe->state) == ANSWERED ? CI_PROBE_ANSWERED : CI_PROBE_OVER;
}
