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

/* Lays out, below top (aligned to 16), what starts entry(arg), and makes ctx lead there. */
void ci_context_prepare(struct ci_context *ctx, void *top, void (*entry)(void *arg), void *arg);

/* Whether the switch is a jump out of the waiting function's own body, and a context three words: see x86_64.S. */
#if defined __x86_64__ && !defined __ILP32__ && !defined COIL_GENERIC_SWITCH
#define CI_SWITCH_JUMPS 1
#else
#define CI_SWITCH_JUMPS 0
#endif

/* ci_context_switch without a word to the sanitizers. */
#if CI_SWITCH_JUMPS
#ifdef __AVX512F__
#define CI_MORE_VECTORS                                                                                           \
    , "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25", "xmm26", "xmm27", \
        "xmm28", "xmm29", "xmm30", "xmm31", "k1", "k2", "k3", "k4", "k5", "k6", "k7"
#else
#define CI_MORE_VECTORS
#endif
#ifdef __APX_F__
#define CI_MORE_REGISTERS \
    , "r16", "r17", "r18", "r19", "r20", "r21", "r22", "r23", "r24", "r25", "r26", "r27", "r28", "r29", "r30", "r31"
#else
#define CI_MORE_REGISTERS
#endif

/*
 * No register but rsp and rbp is the same afterwards: the compiler saves the few that it uses, in the frame of the function that
 * this is expanded in, and its unwind information tells of them. Nothing is pushed here, since that function may keep values below
 * rsp.
 */
__attribute__((always_inline)) static inline void ci_context_swap(struct ci_context *from, struct ci_context *to)
{
    __asm__ volatile("leaq 1f(%%rip), %%rax\n\t"
                     "jmp ci_context_jump\n"
                     "1:\tendbr64"
                     : "+D"(from), "+S"(to)
                     :
                     : "rax", "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "st", "st(1)",
                       "st(2)", "st(3)", "st(4)", "st(5)", "st(6)", "st(7)", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4",
                       "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14",
                       "xmm15" CI_MORE_VECTORS CI_MORE_REGISTERS, "cc", "memory");
}
#else
void ci_context_swap(struct ci_context *from, struct ci_context *to);
#endif

/* Goes on with *to and forgets the stack it is called on. */
_Noreturn void ci_context_resume(struct ci_context *to);

/* As ci_context_resume, by a jump and not by a call where that is known to help the processor: see x86_64.S.
 * For generic.c the stack is aligned as after a call. */
_Noreturn static inline void ci_context_leave(struct ci_context *to)
{
#if CI_SWITCH_JUMPS
    __asm__ volatile("jmp ci_context_resume" : : "D"(to) : "memory");
    __builtin_unreachable();
#elif defined __x86_64__
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
