/*
 * The stack pool: where coroutines' stacks come from. Each loop has one. Stacks of one size class lie side by
 * side in a few large reserved regions; a slot is a guard page with the usable stack above it, at whose very
 * top the struct ci_stack lives, so that a stack costs one page and no allocation. Taking and giving back are
 * a pop and a push on a list whose last in is first out. What is not needed goes back to the kernel in
 * batches, off that path: stack_trim.c.
 *
 * The pool does not know what runs on its stacks. It belongs to one thread at a time.
 *
 * A free stack is in one of three states. Hot: on the list `hot`, with whatever pages its last user touched.
 * Shallow: on the list `shallow`, with its top page only. Cold: a bit in its region, with no memory at all
 * but its guard.
 */
#ifndef CI_CORO_STACK_H
#define CI_CORO_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "coro/sanitizer.h"

#define CI_STACK_MIN_BYTES     ((size_t)16 << 10)
#define CI_STACK_DEFAULT_BYTES ((size_t)64 << 10)
#define CI_STACK_MAX_BYTES     ((size_t)1 << 30)
#define CI_STACK_CLASSES       17 /* the powers of two from the least to the largest */
#define CI_STACK_BATCH         128

struct ci_stack_class;
struct ci_stack_region;

/*
 * A stack that is in use: [low, top), where top is the address of this very struct. While the stack is in
 * use, the struct is read only for its owner; what is put right below it (the task) shares its page and its
 * cache line.
 */
struct ci_stack {
    struct ci_stack *next; /* while it is free */
    struct ci_stack_class *klass;
    char *low;
    uint32_t slot;
    uint32_t valgrind_id;
};

/* All stacks of one size. */
struct ci_stack_class {
    struct ci_stack *hot;
    uint32_t hot_count;
    uint32_t hot_least;  /* the least hot_count since the last look: so many at the end of the list have lain idle */
    uint32_t until_look; /* releases until the list is looked at */
    uint32_t shallow_count;
    struct ci_stack *shallow;
    size_t usable_bytes;
    size_t slot_bytes;
    struct ci_stack_pool *pool;
    struct ci_stack_region *regions; /* newest first */
    size_t slots_mapped;
    size_t slots_out;    /* in use, hot or shallow */
    uint32_t look_floor; /* see ci_stack_schedule_look */
};

struct ci_stack_pool {
    struct ci_stack_class *default_class;
    size_t page_bytes;
    bool guards_hold;                   /* the kernel's guard advice does what it says */
    bool guards_split_mappings;         /* guards are made with mprotect, and their number has a limit */
    bool careful;                       /* every acquire and release takes the slow path: measuring, or on valgrind */
    bool measuring;                     /* see ci_stack_pool_measure */
    size_t map_limit;                   /* vm.max_map_count */
    const char *problem;                /* why the last acquire failed */
    struct ci_stack_pool *next_watched; /* overflow.c's: the thread's other pools, and who is told of an overflow */
    void (*report_overflow)(const struct ci_stack *stack, const void *fault_address);
    struct ci_stack_class classes[CI_STACK_CLASSES];
    struct iovec batch[CI_STACK_BATCH]; /* ranges for the kernel: here, since the caller's stack may be a small one */
};

/* Prepares a pool whose default stacks have at least default_usable_bytes, struct ci_stack included (0: 64
 * KiB). Maps nothing yet. Returns 0 or -EINVAL for more than CI_STACK_MAX_BYTES. The pool must not move
 * afterwards. */
int ci_stack_pool_init(struct ci_stack_pool *pool, size_t default_usable_bytes);

/* Unmaps everything. No stack may be in use, nor the caller be on one. */
void ci_stack_pool_destroy(struct ci_stack_pool *pool);

/* Gives back what free stacks hold beyond their top pages, and most of those. For a loop that is about to be
 * idle. */
void ci_stack_pool_trim(struct ci_stack_pool *pool);

/* From now on every stack is handed out clean, so that ci_stack_high_water is exact. Costs a system call per
 * release. */
void ci_stack_pool_measure(struct ci_stack_pool *pool);

/* How many stacks are in use. */
size_t ci_stack_pool_in_use(const struct ci_stack_pool *pool);

/* In words, why the last ci_stack_acquire of this pool failed; static storage. */
const char *ci_stack_pool_problem(const struct ci_stack_pool *pool);

/* The stack in use, or free with its memory, whose slot (the guard included) address lies in; else NULL. Safe
 * in a signal handler. */
struct ci_stack *ci_stack_find(const struct ci_stack_pool *pool, const void *address);

/* How many bytes of a stack, from its top, have ever been touched since it was handed out: in whole pages,
 * and since the pages were last given back, unless the pool measures. */
size_t ci_stack_high_water(const struct ci_stack *stack);

/* The general cases of the two calls below. */
struct ci_stack *ci_stack_acquire_slowly(struct ci_stack_pool *pool, size_t usable_bytes, int *error);
void ci_stack_look(struct ci_stack_class *klass);

static inline void *ci_stack_top(const struct ci_stack *stack)
{
    return (void *)(uintptr_t)stack;
}

static inline size_t ci_stack_usable_bytes(const struct ci_stack *stack)
{
    return (size_t)((const char *)stack - stack->low);
}

/* Hands out the stack that was released last. */
static inline struct ci_stack *ci_stack_pop_hot(struct ci_stack_class *klass)
{
    struct ci_stack *stack = klass->hot;

    klass->hot = stack->next;
    klass->hot_count--;
    if (klass->hot_count < klass->hot_least) {
        klass->hot_least = klass->hot_count;
    }
    ASAN_UNPOISON_MEMORY_REGION(stack->low, ci_stack_usable_bytes(stack));
    return stack;
}

/*
 * Takes a stack of at least usable_bytes, struct ci_stack and up to 1 KiB above it included (0: the pool's
 * default), its contents undefined. On failure returns NULL and stores -ENOMEM (no memory, no address space,
 * or no more guards: ci_stack_pool_problem tells), or -EINVAL for more than CI_STACK_MAX_BYTES.
 */
static inline struct ci_stack *ci_stack_acquire(struct ci_stack_pool *pool, size_t usable_bytes, int *error)
{
    if (__builtin_expect(usable_bytes == 0 && pool->default_class->hot != NULL, 1)) {
        return ci_stack_pop_hot(pool->default_class);
    }
    return ci_stack_acquire_slowly(pool, usable_bytes, error);
}

/* Gives a stack back. Nothing may run on it any more, the caller included: it is done from another stack. */
static inline void ci_stack_release(struct ci_stack_pool *pool, struct ci_stack *stack)
{
    struct ci_stack_class *klass = stack->klass;

    (void)pool;
    ASAN_POISON_MEMORY_REGION(stack->low, ci_stack_usable_bytes(stack));
    stack->next = klass->hot;
    klass->hot = stack;
    klass->hot_count++;
    if (__builtin_expect(--klass->until_look == 0, 0)) {
        ci_stack_look(klass);
    }
}

#endif
