/*
 * What differs between processors, as far as C sees it: how to leave a stack for good, what a context looks
 * like while it does not run, where a signal handler finds the interrupted stack pointer. The assembly is
 * beside this file; changing a frame here means changing it there.
 */
#ifndef CI_CORO_ARCH_FRAME_H
#define CI_CORO_ARCH_FRAME_H

#include <stdint.h>
#include <ucontext.h>

struct ci_context;

/* Lays out, below top (aligned to 16), what starts entry(arg), and returns what ci_context.sp shall be. */
void *ci_context_prepare(void *top, void (*entry)(void *arg), void *arg);

/* Goes on with *to and forgets the stack it is called on. */
_Noreturn void ci_context_resume(struct ci_context *to);

/* As ci_context_resume, by a jump and not by a call where that is known to help the processor: see x86_64.S.
 * The stack is aligned as after a call, for the sake of generic.c. */
_Noreturn static inline void ci_context_leave(struct ci_context *to)
{
#if defined __x86_64__
    __asm__ volatile("andq $-16, %%rsp\n\tsubq $8, %%rsp\n\tjmp ci_context_resume" : : "D"(to) : "memory");
    __builtin_unreachable();
#elif defined __aarch64__
    register struct ci_context *x0 __asm__("x0") = to;
    __asm__ volatile("b ci_context_resume" : : "r"(x0) : "memory");
    __builtin_unreachable();
#elif defined __riscv
    register struct ci_context *a0 __asm__("a0") = to;
    __asm__ volatile("tail ci_context_resume" : : "r"(a0) : "memory");
    __builtin_unreachable();
#else
    ci_context_resume(to);
#endif
}

/* The stack pointer that a signal handler's third argument tells of; 0 where this processor is not known. */
static inline uintptr_t ci_context_interrupted_sp(const ucontext_t *interrupted)
{
#if defined __x86_64__
    return (uintptr_t)interrupted->uc_mcontext.gregs[REG_RSP];
#elif defined __aarch64__
    return (uintptr_t)interrupted->uc_mcontext.sp;
#elif defined __riscv
    return (uintptr_t)interrupted->uc_mcontext.__gregs[REG_SP];
#else
    (void)interrupted;
    return 0;
#endif
}

#endif
