/*
 * The switch for processors that arch/ does not know, on ucontext: portable and slow, since each swapcontext
 * asks the kernel for the signal mask. A suspended context's registers lie on its own stack here as well, so
 * that nothing is allocated.
 */
#include "coro/context.h"

#include <ucontext.h>

#include "coro/arch/frame.h"

#define INT_BITS    (8 * sizeof(unsigned))
#define STACK_BYTES 1024

/* makecontext passes ints alone, so the two pointers come in halves. */
static void start(unsigned entry_high, unsigned entry_low, unsigned arg_high, unsigned arg_low)
{
    uintptr_t entry = (uintptr_t)((uint64_t)entry_high << INT_BITS | entry_low);
    uintptr_t arg = (uintptr_t)((uint64_t)arg_high << INT_BITS | arg_low);

    ((void (*)(void *))entry)((void *)arg);
    __builtin_trap();
}

void ci_context_prepare(struct ci_context *ctx, void *top, void (*entry)(void *arg), void *arg)
{
    ucontext_t *registers = (ucontext_t *)(((uintptr_t)top - sizeof *registers) & ~(uintptr_t)63);
    uint64_t entry_bits = (uintptr_t)entry;
    uint64_t arg_bits = (uintptr_t)arg;

    (void)getcontext(registers); /* fails only where it does not exist */
    registers->uc_link = NULL;
    registers->uc_stack.ss_sp = (char *)registers - STACK_BYTES;
    registers->uc_stack.ss_size = STACK_BYTES; /* its end is what counts; the stack goes on below */
    makecontext(registers, (void (*)(void))start, 4, (unsigned)(entry_bits >> INT_BITS), (unsigned)entry_bits,
                (unsigned)(arg_bits >> INT_BITS), (unsigned)arg_bits);
    ctx->sp = registers;
}

__attribute__((used)) /* ci_context_leave jumps here, which the compiler does not see */
void ci_context_resume(struct ci_context *to)
{
    (void)setcontext(to->sp);
    __builtin_trap();
}

void ci_context_swap(struct ci_context *from, struct ci_context *to)
{
    ucontext_t here;

    from->sp = &here;
    (void)swapcontext(&here, to->sp); /* fails only where makecontext was given too small a stack */
}

bool ci_context_where(const struct ci_context *ctx, uintptr_t *pc, uintptr_t *sp, uintptr_t *fp)
{
    (void)ctx;
    *pc = *sp = *fp = 0;
    return false;
}
