/* What surrounds the switch on x86-64: how a context starts, and where one that was left is found. See x86_64.S. */
#include "coro/context.h"

extern char ci_context_start[]; /* where contexts begin: the entry and its argument are on the stack */

void ci_context_prepare(struct ci_context *ctx, void *top, void (*entry)(void *arg), void *arg)
{
    uintptr_t *words = (uintptr_t *)top - 2;

    words[0] = (uintptr_t)entry;
    words[1] = (uintptr_t)arg;
    ctx->sp = words;
    ctx->fp = NULL; /* ends a walk along frame pointers */
    ctx->pc = ci_context_start;
}

bool ci_context_where(const struct ci_context *ctx, uintptr_t *pc, uintptr_t *sp, uintptr_t *fp)
{
    *pc = (uintptr_t)ctx->pc;
    *sp = (uintptr_t)ctx->sp;
    *fp = (uintptr_t)ctx->fp;
    return ctx->sp != NULL && ctx->pc != ci_context_start;
}
