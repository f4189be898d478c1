/*
 * A coroutine for tests: a context on a stack of a pool, with its struct at the top of the stack as a task's
 * is. It always switches to and from the thread's own context.
 */
#ifndef TESTS_CORO_COROUTINE_H
#define TESTS_CORO_COROUTINE_H

#include <check.h>
#include <stdbool.h>

#include "coro/context.h"
#include "coro/stack.h"

struct coroutine {
    struct ci_context context;
    struct ci_context *resumer;
    struct ci_stack *stack;
    int (*fn)(struct coroutine *self);
    void *arg;
    int number;
    int result;
    bool done;
};

static inline void coroutine_main(void *arg)
{
    struct coroutine *self = arg;

    self->result = self->fn(self);
    self->done = true;
    ci_context_exit(&self->context, self->resumer);
}

static inline struct coroutine *coroutine_new(struct ci_stack_pool *pool, struct ci_context *resumer,
                                              int (*fn)(struct coroutine *self), int number)
{
    int error = 0;
    struct ci_stack *stack = ci_stack_acquire(pool, 0, &error);
    struct coroutine *coroutine;

    ck_assert_ptr_nonnull(stack);
    coroutine = (struct coroutine *)ci_stack_top(stack) - 1;
    *coroutine = (struct coroutine){.resumer = resumer, .stack = stack, .fn = fn, .number = number};
    ci_context_init(&coroutine->context, stack->low, coroutine, coroutine_main, coroutine);
    return coroutine;
}

static inline void coroutine_resume(struct coroutine *coroutine)
{
    ci_context_switch(coroutine->resumer, &coroutine->context);
}

static inline void coroutine_pause(struct coroutine *self)
{
    ci_context_switch(&self->context, self->resumer);
}

static inline void coroutine_free(struct ci_stack_pool *pool, struct coroutine *coroutine)
{
    ci_context_destroy(&coroutine->context);
    ci_stack_release(pool, coroutine->stack);
}

#endif
