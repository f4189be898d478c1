/* What surrounds the switch in arch/ where that is a function (not on x86-64): how a context starts (an odd stack pointer, one above the entry and its
 * argument) and where one that was left is found. */
#include "coro/context.h"

#include "coro/arch/frame.h"

extern const char ci_context_resumed[]; /* a label in ci_context_swap, just after the switch */

void ci_context_prepare(struct ci_context *ctx, void *top, void (*entry)(void *arg), void *arg)
{
    uintptr_t *words = (uintptr_t *)top - 2;

    words[0] = (uintptr_t)entry;
    words[1] = (uintptr_t)arg;
    ctx->sp = (char *)words + 1;
}

bool ci_context_where(const struct ci_context *ctx, uintptr_t *pc, uintptr_t *sp, uintptr_t *fp)
{
    *pc = (uintptr_t)ci_context_resumed;
    *sp = (uintptr_t)ctx->sp;
    *fp = 0;
    return (*sp & 1) == 0 && *sp != 0;
}
