/*
 * The switch: leaves one stack and goes on with another, in a few nanoseconds and without the kernel. A
 * context is where a stack was left; what else must survive lies on that stack itself. The assembly in arch/
 * does it, generic.c elsewhere. The sanitizers, which keep books of their own about stacks, are told here and
 * only here. Nothing in this file knows what a task is.
 *
 * The floating-point environment (rounding mode, exception masks) belongs to the thread, as the C standard
 * says, and is not switched: whoever changes it puts it back before it awaits.
 *
 * On speed: the processor predicts a return from the calls that it has seen last, and a switch makes that
 * wrong unless both sides wait in the same place. So a switch wants to be in the body of the function that
 * waits, with few calls above it; and where it is a call itself (not on x86-64: see arch/x86_64.S), all
 * switching wants to go through one function.
 */
#ifndef CI_CORO_CONTEXT_H
#define CI_CORO_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "coro/arch/frame.h"
#include "coro/sanitizer.h"

struct ci_context {
    void *sp; /* while the context is not running; odd before its first step where arch/ says so */
#if CI_SWITCH_JUMPS
    void *fp;
    void *pc;
#endif
#if CI_WITH_ASAN
    const void *stack_low;
    size_t stack_bytes;
    void *fake_stack;
#endif
#if CI_WITH_TSAN
    void *fiber;
#endif
#if CI_WITH_ASAN
    void (*entry)(void *arg);
    void *arg;
#endif
};

/*
 * Makes ctx ready to run entry(arg) on the stack [stack_low, stack_top) at the first switch to it. stack_top
 * is rounded down to 16 bytes. entry must not return: it leaves through ci_context_exit. Writes a few words
 * below stack_top and cannot fail.
 */
void ci_context_init(struct ci_context *ctx, void *stack_low, void *stack_top, void (*entry)(void *arg), void *arg);

/* Makes ctx stand for the stack that the calling thread runs on now, to switch away from and to come back
 * to. */
void ci_context_init_thread(struct ci_context *ctx);

/* Forgets a context that is not running and that will not run again, whether it ended or was never
 * started. */
static inline void ci_context_destroy(struct ci_context *ctx);

/* Saves the running context in *from and goes on with *to. Returns when somebody switches back to *from. */
static inline void ci_context_switch(struct ci_context *from, struct ci_context *to);

/* The last switch of a context: *from is never switched to again. Its stack may be released from now on, by
 * another. To be called in the entry itself, with all calls returned, for then the processor predicts what
 * follows (see x86_64.S). */
_Noreturn static inline void ci_context_exit(struct ci_context *from, struct ci_context *to);

/*
 * Where an unwinder starts to walk through a context that does not run: an address, and the stack and frame
 * pointers from which the unwind information there finds all other registers. *fp is 0 where it is not needed.
 * False for a context that has not started, and with generic.c.
 */
bool ci_context_where(const struct ci_context *ctx, uintptr_t *pc, uintptr_t *sp, uintptr_t *fp);

static inline void ci_context_destroy(struct ci_context *ctx)
{
    (void)ctx;
#if CI_WITH_TSAN
    if (ctx->fiber != NULL) {
        __tsan_destroy_fiber(ctx->fiber);
        ctx->fiber = NULL;
    }
#endif
}

static inline void ci_context_switch(struct ci_context *from, struct ci_context *to)
{
#if CI_WITH_ASAN
    __sanitizer_start_switch_fiber(&from->fake_stack, to->stack_low, to->stack_bytes);
#endif
#if CI_WITH_TSAN
    __tsan_switch_to_fiber(to->fiber, 0);
#endif
    ci_context_swap(from, to);
#if CI_WITH_ASAN
    __sanitizer_finish_switch_fiber(from->fake_stack, NULL, NULL);
#endif
}

_Noreturn static inline void ci_context_exit(struct ci_context *from, struct ci_context *to)
{
#if CI_WITH_ASAN
    __sanitizer_start_switch_fiber(NULL, to->stack_low, to->stack_bytes); /* frees the fake stack of this one */
#endif
#if CI_WITH_TSAN
    __tsan_switch_to_fiber(to->fiber, 0);
#endif
    (void)from;
    ci_context_leave(to);
}

#endif
