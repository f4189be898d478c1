/*
 * Stack overflow, caught: see overflow.h. A fault is an overflow if its address lies in the guard of a slot
 * of one of the thread's pools and the stack pointer was in that slot or not far below it; a stray pointer
 * that happens to hit a guard is the program's own fault, in both senses.
 *
 * The handlers are the process's, the alternate stack and the list of pools the thread's. What the handler
 * reads of the thread's is of the kind that may be touched in a handler on any thread.
 */
#include "coro/overflow.h"

#include <errno.h>
#include <pthread.h>
#include <ucontext.h>

#include "coro/arch/frame.h"
#include "coro/region.h"
#include "sys/memory.h"
#include "sys/signal.h"

#define HANDLER_BYTES ((size_t)64 << 10)   /* for a report and for the program's own handler */
#define ENOUGH_BYTES  ((size_t)16 << 10)   /* what a program's alternate stack must have for us to keep it */
#define FRAME_BYTES   ((uintptr_t)1 << 20) /* how far below its stack one large frame may have put the stack pointer */

/* What was there before us, per signal. It stays valid after the last uninstall, for who chained to us
 * meanwhile. */
struct fault_signal {
    int signo;
    bool linked; /* our handler is installed, or was and was replaced by one that may call it */
    struct sigaction previous;
};

static struct fault_signal fault_signals[] = {{.signo = SIGSEGV}, {.signo = SIGBUS}};
static pthread_mutex_t install_lock = PTHREAD_MUTEX_INITIALIZER;
static size_t install_count;

#define FAULT_SIGNALS (sizeof fault_signals / sizeof fault_signals[0])

static _Thread_local struct ci_stack_pool *watched __attribute__((tls_model("initial-exec")));

/* The address of the overflow that was reported last: one that comes again at once, since a handler of the program's has done
 * nothing about it, is not said again. */
static _Thread_local const void *reported __attribute__((tls_model("initial-exec")));

/* The calling thread's alternate stack, where it had none that is large enough. */
static _Thread_local struct {
    void *start; /* NULL: the program's own is used */
    size_t bytes;
    stack_t replaced;
} signal_stack;

/* The stack of the pool that overflowed, or NULL. */
static struct ci_stack *overflowed(const struct ci_stack_pool *pool, const char *address, uintptr_t sp)
{
    struct ci_stack *stack = ci_stack_find(pool, address);

    if (stack == NULL || address >= stack->low) {
        return NULL;
    }
    if (sp != 0 && (sp + FRAME_BYTES < (uintptr_t)stack->low || sp >= (uintptr_t)stack)) {
        return NULL;
    }
    return stack;
}

/* Whether the fault was an overflow, which is then reported. */
static bool report(const siginfo_t *info, const ucontext_t *interrupted)
{
    const struct ci_stack_pool *pool = watched;

    if (info->si_code <= 0) {
        return false; /* not a fault: somebody sent the signal */
    }
    for (; pool != NULL; pool = pool->next_watched) {
        struct ci_stack *stack = overflowed(pool, info->si_addr, ci_context_interrupted_sp(interrupted));
        if (stack != NULL && info->si_addr != reported) {
            reported = info->si_addr;
            pool->report_overflow(stack, info->si_addr);
        }
        if (stack != NULL) {
            return true;
        }
    }
    return false;
}

#ifndef SEGV_MTEAERR
#define SEGV_MTEAERR 8
#endif

/* Whether the instruction under way has caused the signal, and does so again when the handler returns. Not one that was sent,
 * nor news of memory that was found broken or misused some time ago. */
static bool comes_again(int signo, const siginfo_t *info)
{
    return info->si_code > 0 && info->si_code != (signo == SIGBUS ? BUS_MCEERR_AO : SEGV_MTEAERR);
}

/* Restores the default action, and has the signal come again. */
static void die(int signo, const siginfo_t *info)
{
    struct sigaction action = {.sa_handler = SIG_DFL};

    (void)ci_signal_action(signo, &action, NULL); /* cannot fail for these arguments */
    if (!comes_again(signo, info)) {
        (void)ci_signal_raise(signo); /* stays pending until the handler returns */
    }
}

/* Calls the previous handler as the kernel would have. The kernel itself restores the mask when we return. */
static void call_previous(struct fault_signal *fault, siginfo_t *info, ucontext_t *interrupted)
{
    struct sigaction action = fault->previous;

    if (action.sa_flags & (int)SA_RESETHAND) {
        fault->previous = (struct sigaction){.sa_handler = SIG_DFL};
    }
    (void)ci_signal_mask(SIG_BLOCK, &action.sa_mask, NULL);
    if ((action.sa_flags & SA_NODEFER) && !sigismember(&action.sa_mask, fault->signo) &&
        !sigismember(&interrupted->uc_sigmask, fault->signo)) {
        sigset_t just_this;
        (void)sigemptyset(&just_this);
        (void)sigaddset(&just_this, fault->signo);
        (void)ci_signal_mask(SIG_UNBLOCK, &just_this, NULL);
    }
    if (action.sa_flags & SA_SIGINFO) {
        action.sa_sigaction(fault->signo, info, interrupted);
    } else {
        action.sa_handler(fault->signo);
    }
}

static void handle_fault(int signo, siginfo_t *info, void *context)
{
    struct fault_signal *fault = signo == SIGSEGV ? &fault_signals[0] : &fault_signals[1];
    int saved_errno = errno;
    bool is_overflow = report(info, context);
    const struct sigaction *previous = &fault->previous;
    bool plain = !(previous->sa_flags & SA_SIGINFO);

    if (plain && previous->sa_handler == SIG_IGN && info->si_code <= 0) {
        return; /* faults cannot be ignored, but this is none */
    }
    if (plain && (previous->sa_handler == SIG_DFL || previous->sa_handler == SIG_IGN)) {
        die(signo, info);
    } else if (is_overflow && !(previous->sa_flags & SA_ONSTACK)) {
        die(signo, info); /* the kernel could not have called it on the full stack */
    } else {
        call_previous(fault, info, context);
    }
    errno = saved_errno;
}

static bool is_ours(const struct sigaction *action)
{
    return (action->sa_flags & SA_SIGINFO) && action->sa_sigaction == handle_fault;
}

static int link_handler(struct fault_signal *fault)
{
    struct sigaction current;
    struct sigaction ours = {.sa_sigaction = handle_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    bool plain;
    int rc = ci_signal_action(fault->signo, NULL, &current);

    if (rc < 0) {
        return rc;
    }
    plain = !(current.sa_flags & SA_SIGINFO) && (current.sa_handler == SIG_DFL || current.sa_handler == SIG_IGN);
    if (is_ours(&current) || (fault->linked && !plain)) {
        return 0; /* who replaced ours may call it: to call him in turn would never end */
    }
    fault->previous = current; /* before the handler can run */
    rc = ci_signal_action(fault->signo, &ours, NULL);
    fault->linked = rc == 0;
    return rc;
}

static void unlink_handler(struct fault_signal *fault)
{
    struct sigaction current;

    if (ci_signal_action(fault->signo, NULL, &current) == 0 && is_ours(&current) &&
        ci_signal_action(fault->signo, &fault->previous, NULL) == 0) {
        fault->linked = false;
    }
}

static int enter_process(void)
{
    int rc = 0;

    (void)pthread_mutex_lock(&install_lock);
    for (size_t i = 0; install_count == 0 && i < FAULT_SIGNALS && rc == 0; i++) {
        rc = link_handler(&fault_signals[i]);
        for (size_t k = i; rc < 0 && k > 0; k--) {
            unlink_handler(&fault_signals[k - 1]);
        }
    }
    install_count += rc == 0;
    (void)pthread_mutex_unlock(&install_lock);
    return rc;
}

static void leave_process(void)
{
    (void)pthread_mutex_lock(&install_lock);
    install_count--;
    for (size_t i = 0; install_count == 0 && i < FAULT_SIGNALS; i++) {
        unlink_handler(&fault_signals[i]);
    }
    (void)pthread_mutex_unlock(&install_lock);
}

/* Gives the calling thread an alternate stack, a guard below it, unless it has one that will do. */
static int enter_thread(void)
{
    size_t page_bytes = ci_memory_page_bytes();
    size_t min_bytes = ci_signal_stack_min_bytes();
    stack_t ours = {.ss_size = (HANDLER_BYTES + min_bytes) / page_bytes * page_bytes};
    int rc = ci_signal_stack(NULL, &signal_stack.replaced);

    if (rc < 0) {
        return rc;
    }
    if (!(signal_stack.replaced.ss_flags & SS_DISABLE) && signal_stack.replaced.ss_size >= min_bytes + ENOUGH_BYTES) {
        return 0;
    }
    signal_stack.bytes = page_bytes + ours.ss_size;
    rc = ci_memory_map(signal_stack.bytes, &signal_stack.start);
    if (rc < 0) {
        return rc;
    }
    (void)ci_memory_protect(signal_stack.start, page_bytes); /* without it, an overflow here is found later or never */
    ours.ss_sp = (char *)signal_stack.start + page_bytes;
    rc = ci_signal_stack(&ours, NULL);
    if (rc < 0) {
        (void)ci_memory_unmap(signal_stack.start, signal_stack.bytes);
        signal_stack.start = NULL;
    }
    return rc;
}

/* Takes the alternate stack away again, unless the program has replaced it. It stays if the kernel will not
 * let go of it. */
static void leave_thread(void)
{
    stack_t current;
    int rc;

    if (signal_stack.start == NULL) {
        return;
    }
    rc = ci_signal_stack(NULL, &current);
    if (rc == 0 && current.ss_sp == (char *)signal_stack.start + ci_memory_page_bytes()) {
        rc = ci_signal_stack(&signal_stack.replaced, NULL);
    }
    if (rc == 0) {
        (void)ci_memory_unmap(signal_stack.start, signal_stack.bytes);
    }
    signal_stack.start = NULL;
}

int ci_overflow_install(struct ci_stack_pool *pool, ci_overflow_report_fn *report_overflow)
{
    int rc = watched == NULL ? enter_thread() : 0;

    if (rc == 0) {
        rc = enter_process();
        if (rc < 0 && watched == NULL) {
            leave_thread();
        }
    }
    if (rc < 0) {
        return rc;
    }
    pool->report_overflow = report_overflow;
    pool->next_watched = watched;
    watched = pool;
    return 0;
}

void ci_overflow_uninstall(struct ci_stack_pool *pool)
{
    struct ci_stack_pool **link = &watched;

    while (*link != pool) {
        link = &(*link)->next_watched;
    }
    *link = pool->next_watched;
    leave_process();
    if (watched == NULL) {
        leave_thread();
    }
}
