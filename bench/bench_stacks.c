/*
 * What stacks cost the kernel and the processor: taking and giving back a hot one, many at a time with their
 * guards and first pages, their memory in use, and what is left of it after they were given back in three
 * orders.
 *
 *     bench_stacks [COUNT]      (1,000,000 by default)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coro/stack.h"
#include "measure.h"

enum { ROUNDS = 9, PAIRS = 10000000 };

static struct ci_stack_pool pool;
static struct ci_stack **stacks;

static struct ci_stack *acquire(void)
{
    int error = 0;
    struct ci_stack *stack = ci_stack_acquire(&pool, 0, &error);

    if (stack == NULL) {
        fprintf(stderr, "bench_stacks: %s (%s)\n", ci_stack_pool_problem(&pool), strerror(-error));
        exit(1);
    }
    return stack;
}

static double hot_pair(void)
{
    double rounds[ROUNDS];

    for (int i = 0; i < ROUNDS; i++) {
        double begin = bench_cpu_ns();
        for (int k = 0; k < PAIRS; k++) {
            ci_stack_release(&pool, acquire());
        }
        rounds[i] = (bench_cpu_ns() - begin) / PAIRS;
    }
    return bench_median(rounds, ROUNDS);
}

static int mappings(void)
{
    int lines = 0;
    int c;
    FILE *maps = fopen("/proc/self/maps", "re");

    if (maps == NULL) {
        return -1;
    }
    while ((c = getc(maps)) != EOF) {
        lines += c == '\n';
    }
    fclose(maps);
    return lines;
}

static void as_acquired(size_t count)
{
    (void)count;
}

static void reversed(size_t count)
{
    for (size_t i = 0; i < count / 2; i++) {
        struct ci_stack *other = stacks[count - 1 - i];
        stacks[count - 1 - i] = stacks[i];
        stacks[i] = other;
    }
}

static void shuffled(size_t count)
{
    for (size_t i = count - 1; i > 0; i--) {
        size_t k = (size_t)rand() % (i + 1);
        struct ci_stack *other = stacks[k];
        stacks[k] = stacks[i];
        stacks[i] = other;
    }
}

static void spike(const char *name, void (*order)(size_t count), size_t count)
{
    double before = bench_memory_bytes();
    double begin = bench_cpu_ns();
    double each = (double)count;

    for (size_t i = 0; i < count; i++) {
        stacks[i] = acquire();
    }
    printf("%zu stacks: %.0f ns and %.1f bytes each, %d mappings;", count, (bench_cpu_ns() - begin) / each,
           (bench_memory_bytes() - before) / each, mappings());
    order(count);
    begin = bench_cpu_ns();
    for (size_t i = 0; i < count; i++) {
        ci_stack_release(&pool, stacks[i]);
    }
    printf(" given back %s: %.0f ns each, %.1f MiB left", name, (bench_cpu_ns() - begin) / each,
           (bench_memory_bytes() - before) / 1048576);
    ci_stack_pool_trim(&pool);
    printf(", %.1f trimmed\n", (bench_memory_bytes() - before) / 1048576);
}

int main(int argc, char **argv)
{
    size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000000;

    stacks = calloc(count, sizeof stacks[0]);
    if (stacks == NULL || count == 0 || ci_stack_pool_init(&pool, 0) < 0) {
        fprintf(stderr, "usage: bench_stacks [COUNT]\n");
        return 1;
    }
    memset(stacks, 1, count * sizeof stacks[0]); /* its pages are not the pool's */
    printf("a hot stack taken and given back: %.2f ns\n", hot_pair());
    spike("as taken", as_acquired, count);
    spike("reversed", reversed, count);
    spike("shuffled", shuffled, count);
    ci_stack_pool_destroy(&pool);
    free(stacks);
    return 0;
}
