/*
 * The switch, tested with nothing but printf, so that it can be built for any processor and run under an
 * emulator. It holds for every processor the library knows: each register that must survive, the alignment at
 * the entry, the way in and out of a context, and that the pool's stacks are guarded in whichever way works
 * there.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "coro/overflow.h"
#include "coro/stack.h"
#include "registers.h"

#define CHECK(condition)                                                                 \
    do {                                                                                 \
        if (!(condition)) {                                                              \
            printf("%s:%d: %s: FAILED: %s\n", __FILE__, __LINE__, __func__, #condition); \
            exit(1);                                                                     \
        }                                                                                \
    } while (0)

#define CONTEXTS 500

struct coroutine {
    struct ci_context context;
    struct ci_stack *stack;
    struct coroutine *other;
    int number;
    int steps;
    uintptr_t frame;
};

static struct ci_context thread_context;
static struct ci_stack_pool pool;

static struct coroutine *start(void (*entry)(void *), int number)
{
    int error = 0;
    struct ci_stack *stack = ci_stack_acquire(&pool, 0, &error);
    struct coroutine *coroutine = stack == NULL ? NULL : (struct coroutine *)ci_stack_top(stack) - 1;

    CHECK(stack != NULL && error == 0);
    *coroutine = (struct coroutine){.stack = stack, .number = number};
    ci_context_init(&coroutine->context, stack->low, coroutine, entry, coroutine);
    return coroutine;
}

static void finish(struct coroutine *coroutine)
{
    ci_context_destroy(&coroutine->context);
    ci_stack_release(&pool, coroutine->stack);
}

#if defined TEST_REGISTERS && !CI_WITH_ASAN && !CI_WITH_TSAN
#define COMPARE_REGISTERS
static void swap_and_compare(struct ci_context *from, struct ci_context *to, uint64_t seed)
{
    uint64_t in[TEST_REGISTERS];
    uint64_t out[TEST_REGISTERS] = {0};

    for (int i = 0; i < TEST_REGISTERS; i++) {
        in[i] = seed + (uint64_t)i * 0x0101010101010101u;
    }
    test_swap(from, to, in, out);
    for (int i = 0; i < TEST_REGISTERS; i++) {
        if (out[i] != in[i]) {
            printf("register %d holds %llx, not %llx\n", i, (unsigned long long)out[i], (unsigned long long)in[i]);
        }
        CHECK(out[i] == in[i]);
    }
}

static void swap_registers(void *arg)
{
    struct coroutine *self = arg;

    for (uint64_t i = 0; i < 100; i++) {
        swap_and_compare(&self->context, &thread_context, 0x1111222233334444u * (i + 1));
    }
    ci_context_exit(&self->context, &thread_context);
}
#endif

static void registers_survive(void)
{
#ifdef COMPARE_REGISTERS
    struct coroutine *coroutine = start(swap_registers, 0);

    for (uint64_t i = 0; i < 100; i++) {
        swap_and_compare(&thread_context, &coroutine->context, 0x5555666677778888u * (i + 1));
    }
    ci_context_switch(&thread_context, &coroutine->context);
    finish(coroutine);
#endif
}

/* More values than there are registers of a kind, all needed again after each switch. */
static void hold_values(struct ci_context *self, struct ci_context *other, int number)
{
    uint64_t whole[20];
    double real[20];
    volatile int seed = number; /* so that nothing is computed beforehand */

    for (int i = 0; i < 20; i++) {
        whole[i] = (uint64_t)(seed + i) * 0x9e3779b97f4a7c15u;
        real[i] = seed * 0.5 + i;
    }
    long double extended = (long double)seed / 4;
    for (int round = 0; round < 50; round++) {
        for (int i = 0; i < 20; i++) {
            whole[i] += (uint64_t)i;
            real[i] += 1;
        }
        extended += 1;
        ci_context_switch(self, other);
    }
    for (int i = 0; i < 20; i++) {
        CHECK(whole[i] == (uint64_t)(seed + i) * 0x9e3779b97f4a7c15u + 50 * (uint64_t)i);
        CHECK(real[i] - (seed * 0.5 + i + 50) < 1e-9 && (seed * 0.5 + i + 50) - real[i] < 1e-9);
    }
    CHECK(extended - ((long double)seed / 4 + 50) == 0);
}

static void hold_values_there(void *arg)
{
    struct coroutine *self = arg;

    hold_values(&self->context, &thread_context, self->number);
    ci_context_exit(&self->context, &thread_context);
}

static void values_survive(void)
{
    struct coroutine *coroutine = start(hold_values_there, 1000);

    hold_values(&thread_context, &coroutine->context, 7);
    ci_context_switch(&thread_context, &coroutine->context);
    finish(coroutine);
}

__attribute__((noinline)) static uintptr_t aligned_local(void)
{
    _Alignas(16) volatile char local[16] = {0};

    return (uintptr_t)local + (uintptr_t)local[3];
}

static void note_alignment(void *arg)
{
    struct coroutine *self = arg;

    self->frame = (uintptr_t)__builtin_frame_address(0);
    self->steps = aligned_local() % 16 == 0;
    ci_context_exit(&self->context, &thread_context);
}

static void stack_is_aligned_at_the_entry(void)
{
    struct coroutine *coroutine = start(note_alignment, 0);

    ci_context_switch(&thread_context, &coroutine->context);
    CHECK(coroutine->steps == 1);
    CHECK(coroutine->frame % 16 == 0);
    CHECK(coroutine->frame <= (uintptr_t)coroutine && coroutine->frame > (uintptr_t)coroutine - 8192);
    finish(coroutine);
}

__attribute__((noinline)) static double climb(double value, int depth)
{
    volatile char frame[100] = {0};

    return depth == 0 ? value + frame[1] : climb(value * 1.5, depth - 1) / 1.5;
}

static void count_steps(void *arg)
{
    struct coroutine *self = arg;
    double value = self->number;

    while (self->steps < 10) {
        self->steps++;
        value = climb(value, self->number % 50);
        ci_context_switch(&self->context, &thread_context);
    }
    CHECK(value > self->number - 0.001 && value < self->number + 0.001);
    ci_context_exit(&self->context, &thread_context);
}

/* Where gdb_backtrace.sh stops to look at a context that does not run. */
__attribute__((noinline)) static void look_at(uintptr_t pc, uintptr_t sp, uintptr_t fp)
{
    __asm__ volatile("" : : "r"(pc), "r"(sp), "r"(fp) : "memory");
}

static void show(const struct ci_context *paused)
{
    uintptr_t pc;
    uintptr_t sp;
    uintptr_t fp;

    if (ci_context_where(paused, &pc, &sp, &fp)) {
        look_at(pc, sp, fp);
    }
}

static void many_contexts_keep_apart(void)
{
    static struct coroutine *coroutines[CONTEXTS];

    for (int i = 0; i < CONTEXTS; i++) {
        coroutines[i] = start(count_steps, i);
    }
    for (int step = 0; step <= 10; step++) {
        for (int i = 0; i < CONTEXTS; i++) {
            CHECK(coroutines[i]->steps == step);
            ci_context_switch(&thread_context, &coroutines[i]->context);
        }
        show(&coroutines[step]->context);
    }
    for (int i = 0; i < CONTEXTS; i++) {
        finish(coroutines[i]);
    }
}

/* Each leaves for the next, which has not started: the thread hears of it when the last one has ended. */
static void pass_on(void *arg)
{
    struct coroutine *self = arg;

    ci_context_exit(&self->context, self->other == NULL ? &thread_context : &self->other->context);
}

static void an_exit_starts_a_new_context(void)
{
    struct coroutine *chain = NULL;

    for (int i = 0; i < CONTEXTS; i++) {
        struct coroutine *coroutine = start(pass_on, i);
        coroutine->other = chain;
        chain = coroutine;
    }
    ci_context_switch(&thread_context, &chain->context);
    while (chain != NULL) {
        struct coroutine *next = chain->other;
        finish(chain);
        chain = next;
    }
}

static void overflow_now(void *arg)
{
    struct coroutine *self = arg;

    self->steps = (int)climb(1.0, 1000000);
    ci_context_exit(&self->context, &thread_context);
}

static void say_overflow(const struct ci_stack *stack, const void *fault_address)
{
    _exit((const char *)fault_address < stack->low ? 42 : 43);
}

static void an_overflow_is_caught(void)
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        struct coroutine *coroutine = start(overflow_now, 0);
        CHECK(ci_overflow_install(&pool, say_overflow) == 0);
        ci_context_switch(&thread_context, &coroutine->context);
        _exit(1);
    }
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 42);
}

int main(void)
{
    CHECK(ci_stack_pool_init(&pool, 0) == 0);
    ci_context_init_thread(&thread_context);
    registers_survive();
    values_survive();
    stack_is_aligned_at_the_entry();
    many_contexts_keep_apart();
    an_exit_starts_a_new_context();
    an_overflow_is_caught();
    CHECK(ci_stack_pool_in_use(&pool) == 0);
    ci_stack_pool_destroy(&pool);
    printf("the switch works here%s\n", pool.guards_split_mappings ? " (guards by mprotect)" : "");
    return 0;
}
