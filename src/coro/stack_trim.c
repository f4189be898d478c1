/*
 * Giving memory back: what happens to free stacks off the hot path.
 *
 * Whether a stack touched more than its top page cannot be seen from here without asking the kernel, which
 * would cost more than all the rest of a task's birth and death; and pages that the next task will use again
 * are better kept. So the question is asked of stacks that lie idle: the list of free stacks is last in,
 * first out, so the least length it had since the last look tells how many at its end nobody has needed.
 * Those lose all but their top pages, without asking, in batches; and where they lie beyond the home regions,
 * which hold the first 16 Ki stacks, they lose everything. A region of which nothing is left is unmapped,
 * since only that gives its page tables back.
 *
 * So the cost is bounded by one such step per stack that went idle, and the memory by what two looks' worth
 * of releases leave behind.
 */
#include "coro/stack.h"

#include <string.h>

#include "coro/region.h"
#include "sys/memory.h"

#define LOOK_EVERY       1024u /* releases */
#define LOOK_EVERY_BYTES ((size_t)64 << 20)
#define LOOK_LEAST       8u
#define KEPT_WHEN_IDLE   256u
#define FEW_IN_USE       64u

/* Ranges on their way to the kernel. */
struct batch {
    struct ci_stack_pool *pool;
    size_t count;
};

static void flush(struct batch *batch)
{
    if (batch->count > 0) {
        /* It fails for pinned memory only, which then simply stays. */
        (void)ci_memory_advise_many(batch->pool->batch, batch->count, CI_MEMORY_DISCARD);
    }
    batch->count = 0;
}

/* Adds [start, start + bytes); one that follows or precedes the last with nothing but a guard between them
 * joins it. */
static void discard(struct batch *batch, char *start, size_t bytes)
{
    size_t page_bytes = batch->pool->page_bytes;
    struct iovec *last = &batch->pool->batch[batch->count > 0 ? batch->count - 1 : 0];

    if (batch->count > 0 && (char *)last->iov_base + last->iov_len + page_bytes == start) {
        last->iov_len += page_bytes + bytes;
        return;
    }
    if (batch->count > 0 && start + bytes + page_bytes == (char *)last->iov_base) {
        last->iov_base = start;
        last->iov_len += page_bytes + bytes;
        return;
    }
    if (batch->count == CI_STACK_BATCH) {
        flush(batch);
    }
    batch->pool->batch[batch->count++] = (struct iovec){.iov_base = start, .iov_len = bytes};
}

/* Everything below the page that the stack's struct lies in. */
static size_t deep_bytes(const struct ci_stack *stack)
{
    return stack->klass->usable_bytes - stack->klass->pool->page_bytes;
}

static void make_shallow(struct batch *batch, struct ci_stack *stack)
{
    struct ci_stack_class *klass = stack->klass;

    discard(batch, stack->low, deep_bytes(stack));
    stack->next = klass->shallow;
    klass->shallow = stack;
    klass->shallow_count++;
}

static void make_cold(struct batch *batch, struct ci_stack_region *region, struct ci_stack *stack)
{
    struct ci_stack_class *klass = stack->klass;
    uint32_t word = stack->slot / 64;

    region->cold[word] |= (uint64_t)1 << stack->slot % 64;
    region->cold_from = word < region->cold_from ? word : region->cold_from;
    region->cold_count++;
    region->out--;
    klass->slots_out--;
    VALGRIND_STACK_DEREGISTER(stack->valgrind_id);
    CI_LSAN_UNREGISTER_ROOT(stack->low, ci_stack_usable_bytes(stack));
    discard(batch, stack->low, klass->usable_bytes);
}

/* Sorts a chain of idle stacks out: shallow at home, cold elsewhere. */
static void put_away(struct ci_stack_class *klass, struct ci_stack *chain, bool all_cold)
{
    struct batch batch = {.pool = klass->pool};
    struct ci_stack *next;

    for (struct ci_stack *stack = chain; stack != NULL; stack = next) {
        struct ci_stack_region *region = ci_region_find(klass, stack);
        next = stack->next;
        if (region->home && !all_cold) {
            make_shallow(&batch, stack);
        } else {
            make_cold(&batch, region, stack);
        }
    }
    flush(&batch);
}

/* Cuts the last count stacks off a list of length stacks, and returns them. */
static struct ci_stack *cut(struct ci_stack **list, size_t length, size_t count)
{
    struct ci_stack *chain;

    for (size_t i = count; i < length; i++) {
        list = &(*list)->next;
    }
    chain = *list;
    *list = NULL;
    return chain;
}

/* Unmaps the regions beyond home that have nothing left, except the smallest one of them. */
static void unmap_empty(struct ci_stack_class *klass)
{
    struct ci_stack_region *spare = NULL;
    struct ci_stack_region *next;

    for (struct ci_stack_region *region = klass->regions; region != NULL; region = next) {
        next = region->next;
        if (region->home || region->out > 0) {
            continue;
        }
        if (spare == NULL) {
            spare = region;
        } else if (region->slot_count < spare->slot_count) {
            ci_region_unmap(spare);
            spare = region;
        } else {
            ci_region_unmap(region);
        }
    }
}

/* Whether slots are out in a region beyond home, which could be unmapped without them. */
static bool any_away(const struct ci_stack_class *klass)
{
    const struct ci_stack_region *region = klass->regions;

    while (region != NULL && (region->home || region->out == 0)) {
        region = region->next;
    }
    return region != NULL;
}

void ci_stack_schedule_look(struct ci_stack_class *klass)
{
    size_t every = LOOK_EVERY_BYTES / klass->usable_bytes;
    size_t half = ci_stack_class_in_use(klass) / 2;
    bool away = any_away(klass);

    every = every > LOOK_EVERY ? LOOK_EVERY : every < LOOK_LEAST ? LOOK_LEAST : every;
    /* While a region beyond home could become empty, look before half of what is in use has been released, so
     * that the last release is looked at too; but not again and again when a few stacks in it stay in use. */
    if (away && half < klass->look_floor) {
        half = klass->look_floor;
        klass->look_floor = klass->look_floor < LOOK_EVERY ? 2 * klass->look_floor : LOOK_EVERY;
    }
    if (away && half < every) {
        every = half;
    }
    klass->hot_least = klass->hot_count;
    klass->until_look = klass->pool->careful ? 1 : (uint32_t)every;
}

/* What was released, in a careful pool: nothing is left in it for the next user, and its bytes count as
 * gone. */
static void wipe(struct ci_stack *stack)
{
    struct batch batch = {.pool = stack->klass->pool};

    if (batch.pool->measuring) {
        char *top_page = stack->low + deep_bytes(stack);
        ASAN_UNPOISON_MEMORY_REGION(stack->low, ci_stack_usable_bytes(stack));
        VALGRIND_MAKE_MEM_UNDEFINED(top_page,
                                    (size_t)((char *)stack - top_page)); /* it lies below a dead stack pointer */
        memset(top_page, 0, (size_t)((char *)stack - top_page));
        ASAN_POISON_MEMORY_REGION(stack->low, ci_stack_usable_bytes(stack));
    }
    VALGRIND_MAKE_MEM_NOACCESS(stack->low, ci_stack_usable_bytes(stack));
    make_shallow(&batch, stack);
    flush(&batch);
}

void ci_stack_look(struct ci_stack_class *klass)
{
    if (klass->pool->careful) {
        struct ci_stack *stack = klass->hot;
        klass->hot = NULL;
        klass->hot_count = 0;
        for (struct ci_stack *next; stack != NULL; stack = next) {
            next = stack->next;
            wipe(stack);
        }
    } else {
        /* When a spike has nearly ended, not even the stacks released last may hold a region far from
         * home. */
        bool all = ci_stack_class_in_use(klass) < FEW_IN_USE && any_away(klass);
        uint32_t count = all ? klass->hot_count : klass->hot_least;
        put_away(klass, cut(&klass->hot, klass->hot_count, count), false);
        klass->hot_count -= count;
        unmap_empty(klass);
    }
    ci_stack_schedule_look(klass);
}

void ci_stack_pool_trim(struct ci_stack_pool *pool)
{
    for (size_t i = 0; i < CI_STACK_CLASSES; i++) {
        struct ci_stack_class *klass = &pool->classes[i];
        klass->hot_least = klass->hot_count;
        ci_stack_look(klass);
        if (klass->shallow_count > KEPT_WHEN_IDLE) {
            size_t count = klass->shallow_count - KEPT_WHEN_IDLE;
            put_away(klass, cut(&klass->shallow, klass->shallow_count, count), true);
            klass->shallow_count -= (uint32_t)count;
            unmap_empty(klass);
        }
    }
}

void ci_stack_pool_measure(struct ci_stack_pool *pool)
{
    pool->careful = true;
    pool->measuring = true;
    for (size_t i = 0; i < CI_STACK_CLASSES; i++) {
        ci_stack_look(&pool->classes[i]);
    }
}

/* The lowest resident page of [low, end), or end. Asked a few pages at a time, for the caller's stack may be
 * small. */
static const char *lowest_resident(const char *low, const char *end, size_t page_bytes)
{
    unsigned char resident[64];
    size_t step = sizeof resident * page_bytes;

    for (; low < end; low += step) {
        size_t bytes = (size_t)(end - low) < step ? (size_t)(end - low) : step;
        if (ci_memory_resident(low, bytes, resident) < 0) {
            return end;
        }
        for (size_t i = 0; i < bytes / page_bytes; i++) {
            if (resident[i] & 1) {
                return low + i * page_bytes;
            }
        }
    }
    return end;
}

__attribute__((no_sanitize("address"))) /* it looks at dead frames */
size_t
ci_stack_high_water(const struct ci_stack *stack)
{
    size_t page_bytes = stack->klass->pool->page_bytes;
    const char *top_page = stack->low + deep_bytes(stack);
    const char *at = lowest_resident(stack->low, top_page, page_bytes);

    if (stack->klass->pool->measuring && !RUNNING_ON_VALGRIND) { /* then what was never written is zero */
        while (at + sizeof(uintptr_t) <= (const char *)stack && *(const uintptr_t *)at == 0) {
            at += sizeof(uintptr_t);
        }
    }
    return (size_t)((const char *)stack - at);
}
