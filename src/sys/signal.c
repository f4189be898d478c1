/* The calls with which a fault is caught: see signal.h. */
#include "sys/signal.h"

#include <errno.h>
#include <pthread.h>
#include <sys/auxv.h>

#include "sys/fault.h"

#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ 51
#endif

int ci_signal_action(int signo, const struct sigaction *action, struct sigaction *old)
{
    int rc = ci_fault("sigaction");

    if (rc < 0) {
        return rc;
    }
    return sigaction(signo, action, old) < 0 ? -errno : 0;
}

int ci_signal_mask(int how, const sigset_t *set, sigset_t *old)
{
    int rc = ci_fault("sigmask");

    return rc < 0 ? rc : -pthread_sigmask(how, set, old);
}

int ci_signal_stack(const stack_t *stack, stack_t *old)
{
    int rc = ci_fault("sigaltstack");

    if (rc < 0) {
        return rc;
    }
    return sigaltstack(stack, old) < 0 ? -errno : 0;
}

size_t ci_signal_stack_min_bytes(void)
{
    size_t bytes = getauxval(AT_MINSIGSTKSZ); /* 0 before Linux 5.14, where the C library's constant has to do */

    return bytes > (size_t)MINSIGSTKSZ ? bytes : (size_t)MINSIGSTKSZ;
}

int ci_signal_raise(int signo)
{
    int rc = ci_fault("raise");

    if (rc < 0) {
        return rc;
    }
    return raise(signo) == 0 ? 0 : -errno;
}
