/*
 * Taking a stack when none lies ready, and the regions they come from: see stack.h. A stack comes from, in
 * this order, the lists of free ones, a slot whose memory was given back, a slot never used, a new region.
 * Regions double the number of slots up to a limit, and are made smaller where the address space is limited
 * (RLIMIT_AS, strict overcommit, tools that keep shadows of it).
 *
 * A guard is a marker in the page table where the kernel can do that, and else a page without access, which
 * costs two mappings each; then the pool stops before the process's mappings run out, since what fails at
 * that limit is everybody's next mmap.
 */
#include "coro/stack.h"

#include <errno.h>
#include <stdatomic.h>

#include "coro/region.h"
#include "sys/memory.h"

#define FIRST_REGION_SLOTS ((size_t)1024)
#define LAST_REGION_SLOTS  ((size_t)256 << 10)
#define FIRST_REGION_BYTES ((size_t)1 << 30) /* for the large classes, which get fewer slots */
#define LAST_REGION_BYTES  ((size_t)32 << 30)
#define HOME_SLOTS         ((size_t)16 << 10)
#define GUARDS_AT_ONCE     CI_STACK_BATCH
#define COLOURS            16
#define COLOUR_BYTES       64

static const char no_address_space[] = "no address space for another stack region (see ulimit -v)";
static const char no_guard[] = "the kernel refused a stack's guard page";
static const char too_many_maps[] = "this kernel splits a mapping for each stack's guard page (Linux 6.13 and later do "
                                    "not), and vm.max_map_count is nearly reached; raise it with sysctl";
static const char too_large[] = "a stack larger than 1 GiB was asked for";

/* Guards of this process that split a mapping. Loops on several threads share the limit. */
static atomic_size_t splitting_guards;

int ci_stack_pool_init(struct ci_stack_pool *pool, size_t default_usable_bytes)
{
    size_t usable_bytes = CI_STACK_MIN_BYTES;

    if (default_usable_bytes > CI_STACK_MAX_BYTES) {
        return -EINVAL;
    }
    *pool = (struct ci_stack_pool){.page_bytes = ci_memory_page_bytes(), .careful = RUNNING_ON_VALGRIND != 0};
    pool->map_limit = ci_memory_map_limit();
    for (size_t i = 0; i < CI_STACK_CLASSES; i++, usable_bytes *= 2) {
        struct ci_stack_class *klass = &pool->classes[i];
        klass->pool = pool;
        klass->usable_bytes = usable_bytes;
        klass->slot_bytes = usable_bytes + pool->page_bytes;
        klass->look_floor = 1;
        ci_stack_schedule_look(klass);
    }
    pool->default_class =
        ci_stack_class_for(pool, default_usable_bytes == 0 ? CI_STACK_DEFAULT_BYTES : default_usable_bytes);
    return 0;
}

struct ci_stack_class *ci_stack_class_for(struct ci_stack_pool *pool, size_t usable_bytes)
{
    struct ci_stack_class *klass = pool->classes;

    while (klass->usable_bytes < usable_bytes) {
        klass++;
    }
    return klass;
}

void ci_stack_pool_destroy(struct ci_stack_pool *pool)
{
    for (size_t i = 0; i < CI_STACK_CLASSES; i++) {
        struct ci_stack_class *klass = &pool->classes[i];
        while (klass->regions != NULL) {
            ci_region_unmap(klass->regions);
        }
        klass->hot = klass->shallow = NULL;
        klass->hot_count = klass->hot_least = klass->shallow_count = 0;
        klass->slots_out = 0;
    }
}

size_t ci_stack_pool_in_use(const struct ci_stack_pool *pool)
{
    size_t count = 0;

    for (size_t i = 0; i < CI_STACK_CLASSES; i++) {
        count += ci_stack_class_in_use(&pool->classes[i]);
    }
    return count;
}

const char *ci_stack_pool_problem(const struct ci_stack_pool *pool)
{
    return pool->problem != NULL ? pool->problem : "no problem";
}

/* Maps a region of slot_count slots and puts it on its class's list. */
static int map_region(struct ci_stack_class *klass, size_t slot_count)
{
    size_t page_bytes = klass->pool->page_bytes;
    size_t head_bytes = sizeof(struct ci_stack_region) + (slot_count + 63) / 64 * sizeof(uint64_t);
    size_t bytes;
    struct ci_stack_region *region;
    void *start;
    int rc;

    head_bytes = (head_bytes + page_bytes - 1) / page_bytes * page_bytes;
    bytes = head_bytes + slot_count * klass->slot_bytes;
    rc = ci_memory_map(bytes, &start);
    if (rc < 0) {
        return rc;
    }
    (void)ci_memory_advise(start, bytes, CI_MEMORY_NO_HUGE_PAGE); /* refused only where there are none */
    region = start;
    region->klass = klass;
    region->slots = (char *)start + head_bytes;
    region->mapped_bytes = bytes;
    region->slot_count = (uint32_t)slot_count;
    region->home = klass->slots_mapped + slot_count <= HOME_SLOTS;
    region->next = klass->regions;
    klass->regions = region;
    klass->slots_mapped += slot_count;
    klass->look_floor = 1;
    return 0;
}

/* As large as all regions before it together, within limits, or as the address space allows. */
static int grow(struct ci_stack_class *klass)
{
    size_t least = FIRST_REGION_BYTES / klass->slot_bytes;
    size_t most = LAST_REGION_BYTES / klass->slot_bytes;
    size_t slot_count = klass->slots_mapped;
    int rc;

    least = least > FIRST_REGION_SLOTS ? FIRST_REGION_SLOTS : least == 0 ? 1 : least;
    most = most > LAST_REGION_SLOTS ? LAST_REGION_SLOTS : most;
    slot_count = slot_count < least ? least : slot_count > most ? most : slot_count;
    do {
        rc = map_region(klass, slot_count);
        slot_count /= 2;
    } while (rc == -ENOMEM && slot_count > 0);
    if (rc < 0) {
        klass->pool->problem = no_address_space;
    }
    return rc;
}

/* Tools forget the stacks that a region still has out, so that they do not look for them in what is mapped
 * there next. */
static void forget_stacks(const struct ci_stack_region *region)
{
    bool tools = CI_WITH_ASAN || RUNNING_ON_VALGRIND;

    for (uint32_t slot = 0; tools && slot < region->carved; slot++) {
        if (!ci_region_is_cold(region, slot)) {
            struct ci_stack *stack = ci_region_stack(region, slot);
            VALGRIND_STACK_DEREGISTER(stack->valgrind_id);
            CI_LSAN_UNREGISTER_ROOT(stack->low, ci_stack_usable_bytes(stack));
        }
    }
}

void ci_region_unmap(struct ci_stack_region *region)
{
    struct ci_stack_class *klass = region->klass;
    struct ci_stack_region **link = &klass->regions;

    while (*link != region) {
        link = &(*link)->next;
    }
    *link = region->next;
    klass->slots_mapped -= region->slot_count;
    atomic_fetch_sub(&splitting_guards, region->split);
    forget_stacks(region);
    ASAN_UNPOISON_MEMORY_REGION(region->slots, region->slot_count * klass->slot_bytes);
    (void)ci_memory_unmap(region, region->mapped_bytes); /* what fails to go away is lost, and harms nobody */
}

/* The guard of one more slot where guards split mappings. */
static int guard_one(struct ci_stack_region *region)
{
    struct ci_stack_pool *pool = region->klass->pool;
    size_t count = atomic_fetch_add(&splitting_guards, 1) + 1;
    int rc = -ENOMEM;

    pool->problem = too_many_maps;
    if (2 * count <= pool->map_limit / 10 * 9) {
        pool->problem = no_guard;
        rc = ci_memory_protect(ci_region_slot(region, region->guarded), pool->page_bytes);
    }
    if (rc < 0) {
        atomic_fetch_sub(&splitting_guards, 1);
        return rc;
    }
    region->guarded++;
    region->split++;
    return 0;
}

/* The guards of the next slots, the more the more slots there are. */
static int guard_batch(struct ci_stack_region *region)
{
    struct ci_stack_pool *pool = region->klass->pool;
    size_t count = 8 + region->guarded / 4;
    size_t left = region->slot_count - region->guarded;
    int rc;

    count = count > GUARDS_AT_ONCE ? GUARDS_AT_ONCE : count;
    count = count > left ? left : count;
    for (size_t i = 0; i < count; i++) {
        pool->batch[i].iov_base = ci_region_slot(region, region->guarded + (uint32_t)i);
        pool->batch[i].iov_len = pool->page_bytes;
    }
    rc = ci_memory_advise_many(pool->batch, count, CI_MEMORY_GUARD);
    if (rc == 0 && !pool->guards_hold) {
        pool->guards_hold = ci_memory_is_guarded(ci_region_slot(region, region->guarded), pool->page_bytes);
        rc = pool->guards_hold ? 0 : -EINVAL;
    }
    if (rc < 0) {
        pool->problem = no_guard;
        return rc;
    }
    region->guarded += (uint32_t)count;
    return 0;
}

/* Sees to it that at least one slot that was never carved has its guard. */
static int guard(struct ci_stack_region *region)
{
    struct ci_stack_pool *pool = region->klass->pool;
    int rc = pool->guards_split_mappings ? -EINVAL : guard_batch(region);

    if (rc != -EINVAL) {
        return rc;
    }
    pool->guards_split_mappings = true; /* before Linux 6.13, and for memory that mlockall pinned */
    return guard_one(region);
}

/* The tops differ in their cache sets, since many stacks are used in turn. */
struct ci_stack *ci_region_stack(const struct ci_stack_region *region, uint32_t slot)
{
    char *end = ci_region_slot(region, slot) + region->klass->slot_bytes;

    return (struct ci_stack *)(end - slot % COLOURS * COLOUR_BYTES) - 1;
}

/* Takes a slot out: makes the struct at its top. */
static struct ci_stack *make_stack(struct ci_stack_region *region, uint32_t slot)
{
    struct ci_stack_class *klass = region->klass;
    struct ci_stack *stack = ci_region_stack(region, slot);

    stack->klass = klass;
    stack->low = ci_region_slot(region, slot) + klass->pool->page_bytes;
    stack->slot = slot;
    stack->valgrind_id = VALGRIND_STACK_REGISTER(stack->low, stack);
    CI_LSAN_REGISTER_ROOT(stack->low, ci_stack_usable_bytes(stack));
    region->out++;
    klass->slots_out++;
    return stack;
}

/* A slot whose memory was given back, from the oldest region that has one, so that the newest ones empty. */
static struct ci_stack *revive(struct ci_stack_class *klass)
{
    struct ci_stack_region *oldest = NULL;
    uint32_t word;

    for (struct ci_stack_region *region = klass->regions; region != NULL; region = region->next) {
        oldest = region->cold_count > 0 ? region : oldest;
    }
    if (oldest == NULL) {
        return NULL;
    }
    for (word = oldest->cold_from; oldest->cold[word] == 0; word++) {
    }
    uint32_t bit = (uint32_t)__builtin_ctzll(oldest->cold[word]);
    oldest->cold[word] &= oldest->cold[word] - 1;
    oldest->cold_from = word;
    oldest->cold_count--;
    return make_stack(oldest, word * 64 + bit);
}

/* A slot that was never used. Only the newest region has any, for an older one was full when the next was
 * made. */
static struct ci_stack *carve(struct ci_stack_class *klass, int *error)
{
    struct ci_stack_region *region = klass->regions;
    int rc = 0;

    if (region == NULL || region->carved == region->slot_count) {
        rc = grow(klass);
        region = klass->regions;
    }
    if (rc == 0 && region->carved == region->guarded) {
        rc = guard(region);
    }
    if (rc < 0) {
        *error = rc;
        return NULL;
    }
    return make_stack(region, region->carved++);
}

struct ci_stack *ci_stack_acquire_slowly(struct ci_stack_pool *pool, size_t usable_bytes, int *error)
{
    struct ci_stack_class *klass = pool->default_class;
    struct ci_stack *stack;

    if (usable_bytes > CI_STACK_MAX_BYTES) {
        pool->problem = too_large;
        *error = -EINVAL;
        return NULL;
    }
    if (usable_bytes > 0) {
        klass = ci_stack_class_for(pool, usable_bytes);
    }
    if (klass->hot != NULL) {
        return ci_stack_pop_hot(klass);
    }
    stack = klass->shallow;
    if (stack != NULL) {
        klass->shallow = stack->next;
        klass->shallow_count--;
    } else {
        stack = revive(klass);
    }
    if (stack == NULL) {
        stack = carve(klass, error);
    }
    if (stack != NULL) {
        ASAN_UNPOISON_MEMORY_REGION(stack->low, ci_stack_usable_bytes(stack));
        VALGRIND_MAKE_MEM_UNDEFINED(stack->low, ci_stack_usable_bytes(stack));
    }
    return stack;
}

struct ci_stack_region *ci_region_find(const struct ci_stack_class *klass, const void *address)
{
    uintptr_t at = (uintptr_t)address;
    struct ci_stack_region *region = klass->regions;

    while (region != NULL && (at < (uintptr_t)region->slots || at >= (uintptr_t)region + region->mapped_bytes)) {
        region = region->next;
    }
    return region;
}

struct ci_stack *ci_stack_find(const struct ci_stack_pool *pool, const void *address)
{
    for (size_t i = 0; i < CI_STACK_CLASSES; i++) {
        const struct ci_stack_region *region = ci_region_find(&pool->classes[i], address);
        if (region != NULL) {
            uint32_t slot = (uint32_t)((size_t)((const char *)address - region->slots) / region->klass->slot_bytes);
            bool out = slot < region->carved && !ci_region_is_cold(region, slot);
            return out ? ci_region_stack(region, slot) : NULL;
        }
    }
    return NULL;
}
