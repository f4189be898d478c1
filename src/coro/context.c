/*
 * New contexts: see context.h. Under AddressSanitizer the first thing on a new stack is to end the switch
 * that led there, so the entry is wrapped. generic.c replaces what touches the frame.
 */
#include "coro/context.h"

#include <pthread.h>
#include <stdint.h>

#include "coro/arch/frame.h"

#if CI_WITH_ASAN
_Noreturn static void first_step(void *arg)
{
    struct ci_context *ctx = arg;

    __sanitizer_finish_switch_fiber(NULL, NULL, NULL);
    ctx->entry(ctx->arg);
    __builtin_unreachable();
}
#endif

void ci_context_init(struct ci_context *ctx, void *stack_low, void *stack_top, void (*entry)(void *arg), void *arg)
{
    uintptr_t top = (uintptr_t)stack_top & ~(uintptr_t)15;

#if CI_WITH_ASAN
    ctx->stack_low = stack_low;
    ctx->stack_bytes = top - (uintptr_t)stack_low;
    ctx->fake_stack = NULL;
    ctx->entry = entry;
    ctx->arg = arg;
    entry = first_step;
    arg = ctx;
#else
    (void)stack_low;
#endif
#if CI_WITH_TSAN
    ctx->fiber = __tsan_create_fiber(0);
#endif
    ci_context_prepare(ctx, (void *)top, entry, arg);
}

void ci_context_init_thread(struct ci_context *ctx)
{
    ctx->sp = NULL;
#if CI_WITH_ASAN
    pthread_attr_t attributes;

    ctx->stack_low = NULL;
    ctx->stack_bytes = 0;
    ctx->fake_stack = NULL;
    ctx->entry = NULL;
    ctx->arg = NULL;
    if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
        void *low = NULL;

        (void)pthread_attr_getstack(&attributes, &low, &ctx->stack_bytes); /* cannot fail on what it was just given */
        (void)pthread_attr_destroy(&attributes);
        ctx->stack_low = low;
    }
#endif
#if CI_WITH_TSAN
    ctx->fiber = __tsan_get_current_fiber();
#endif
}
