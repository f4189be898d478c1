/*
 * What a switch costs, apart from any scheduler: between two contexts that switch in the same place or in
 * different ones, round robin among many, and a context's whole life. Medians of several rounds in one run.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "coro/context.h"
#include "coro/stack.h"
#include "measure.h"

enum { ROUNDS = 9, SWITCHES = 4000000, LIVES = 2000000, MAX_CONTEXTS = 100000 };

struct coroutine {
    struct ci_context context;
    struct coroutine *next;
    struct ci_stack *stack;
};

static struct ci_stack_pool pool;
static struct ci_context thread_context;
static struct coroutine *current;
static long left;

static struct coroutine *start(void (*entry)(void *))
{
    int error = 0;
    struct ci_stack *stack = ci_stack_acquire(&pool, 0, &error);
    struct coroutine *coroutine;

    if (stack == NULL) {
        fprintf(stderr, "bench_switch: %s\n", ci_stack_pool_problem(&pool));
        exit(1);
    }
    coroutine = (struct coroutine *)ci_stack_top(stack) - 1;
    coroutine->stack = stack;
    ci_context_init(&coroutine->context, stack->low, coroutine, entry, coroutine);
    return coroutine;
}

static void finish(struct coroutine *coroutine)
{
    ci_context_destroy(&coroutine->context);
    ci_stack_release(&pool, coroutine->stack);
}

/* ---- in the same place: what a scheduler's one suspend function does ---- */

__attribute__((noinline)) static void switch_often(struct ci_context *from, struct ci_context *to, long n)
{
    for (; n > 0; n--) {
        ci_context_switch(from, to);
    }
}

/* Called through this, or the compiler makes a copy of the function for each caller, and with it a second
 * place. */
static void (*volatile switch_there)(struct ci_context *, struct ci_context *, long) = switch_often;

static void answer_same(void *arg)
{
    switch_there(&((struct coroutine *)arg)->context, &thread_context, LONG_MAX);
}

static void answer_elsewhere(void *arg)
{
    struct coroutine *self = arg;

    for (;;) {
        ci_context_switch(&self->context, &thread_context);
    }
}

static double ping_pong(void (*entry)(void *))
{
    double rounds[ROUNDS];
    struct coroutine *other = start(entry);

    for (int i = 0; i < ROUNDS; i++) {
        double begin = bench_cpu_ns();
        switch_there(&thread_context, &other->context, SWITCHES / 2);
        rounds[i] = (bench_cpu_ns() - begin) / SWITCHES;
    }
    finish(other);
    return bench_median(rounds, ROUNDS);
}

/* ---- round robin ---- */

__attribute__((noinline)) static void pass_on(void)
{
    struct coroutine *self = current;

    current = self->next;
    ci_context_switch(&self->context, --left == 0 ? &thread_context : &current->context);
}

static void pass_on_for_ever(void *arg)
{
    (void)arg;
    for (;;) {
        pass_on();
    }
}

static double round_robin(int count)
{
    double rounds[ROUNDS];
    struct coroutine *first = start(pass_on_for_ever);
    struct coroutine *last = first;

    for (int i = 1; i < count; i++) {
        last->next = start(pass_on_for_ever);
        last = last->next;
    }
    last->next = first;
    current = first;
    for (int i = 0; i < ROUNDS; i++) {
        double begin = bench_cpu_ns();
        left = SWITCHES;
        ci_context_switch(&thread_context, &current->context);
        rounds[i] = (bench_cpu_ns() - begin) / SWITCHES;
    }
    last->next = NULL;
    while (first != NULL) {
        struct coroutine *next = first->next;
        finish(first);
        first = next;
    }
    return bench_median(rounds, ROUNDS);
}

/* ---- a whole life ---- */

static void end_at_once(void *arg)
{
    ci_context_exit(&((struct coroutine *)arg)->context, &thread_context);
}

static double life(void)
{
    double rounds[ROUNDS];

    for (int i = 0; i < ROUNDS; i++) {
        double begin = bench_cpu_ns();
        for (int k = 0; k < LIVES; k++) {
            struct coroutine *coroutine = start(end_at_once);
            switch_there(&thread_context, &coroutine->context, 1);
            finish(coroutine);
        }
        rounds[i] = (bench_cpu_ns() - begin) / LIVES;
    }
    return bench_median(rounds, ROUNDS);
}

int main(void)
{
    if (ci_stack_pool_init(&pool, 0) < 0) {
        return 1;
    }
    ci_context_init_thread(&thread_context);
    printf("switch, both sides in one place        %6.2f ns\n", ping_pong(answer_same));
    printf("switch, the sides in different places  %6.2f ns\n", ping_pong(answer_elsewhere));
    for (int count = 10; count <= MAX_CONTEXTS; count *= 10) {
        printf("switch, round robin among %-7d      %6.2f ns\n", count, round_robin(count));
    }
    printf("stack, start, end, stack back          %6.2f ns\n", life());
    ci_stack_pool_destroy(&pool);
    return 0;
}
