/*
 * The calls with which a fault is caught: handlers, masks, the alternate stack. Wrappers return 0 or a
 * negative errno; the ones that a handler may call itself are marked so. What a signal means is for others to
 * know.
 */
#ifndef CI_SYS_SIGNAL_H
#define CI_SYS_SIGNAL_H

#include <signal.h>
#include <stddef.h>

/* As sigaction(2); either pointer may be NULL. Safe in a handler. ("sigaction") */
int ci_signal_action(int signo, const struct sigaction *action, struct sigaction *old);

/* As pthread_sigmask(3). Safe in a handler. ("sigmask") */
int ci_signal_mask(int how, const sigset_t *set, sigset_t *old);

/* As sigaltstack(2); either pointer may be NULL. ("sigaltstack") */
int ci_signal_stack(const stack_t *stack, stack_t *old);

/* The smallest alternate stack on which this processor's registers fit, handler not counted. */
size_t ci_signal_stack_min_bytes(void);

/* Sends signo to the calling thread. Safe in a handler. ("raise") */
int ci_signal_raise(int signo);

#endif
