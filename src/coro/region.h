/*
 * How a region of stacks is laid out, for the two files of the pool. A region is one mapping: this struct
 * with its bitmap in the first pages, then the slots. Slots are guarded a batch at a time and carved one at a
 * time, upwards, so that what was never used costs nothing.
 */
#ifndef CI_CORO_REGION_H
#define CI_CORO_REGION_H

#include "coro/stack.h"

struct ci_stack_region {
    struct ci_stack_region *next;
    struct ci_stack_class *klass;
    char *slots; /* slot 0, its guard first */
    size_t mapped_bytes;
    uint32_t slot_count;
    uint32_t guarded; /* slots below this have their guard */
    uint32_t split;   /* how many of those guards split a mapping */
    uint32_t carved;  /* slots below this have been handed out at least once */
    uint32_t out;     /* slots in use, hot or shallow */
    uint32_t cold_count;
    uint32_t cold_from; /* no word of cold[] before this one has a bit set */
    bool home;          /* its slots keep their top pages while they are free */
    uint64_t cold[];    /* one bit per slot */
};

static inline char *ci_region_slot(const struct ci_stack_region *region, uint32_t slot)
{
    return region->slots + slot * region->klass->slot_bytes;
}

static inline bool ci_region_is_cold(const struct ci_stack_region *region, uint32_t slot)
{
    return region->cold[slot / 64] >> slot % 64 & 1;
}

/* The struct at the top of a slot that is out. */
struct ci_stack *ci_region_stack(const struct ci_stack_region *region, uint32_t slot);

/* The class whose stacks have at least usable_bytes, which are not more than the largest. */
struct ci_stack_class *ci_stack_class_for(struct ci_stack_pool *pool, size_t usable_bytes);

/* Sets after how many releases the class is looked at next. */
void ci_stack_schedule_look(struct ci_stack_class *klass);

static inline size_t ci_stack_class_in_use(const struct ci_stack_class *klass)
{
    return klass->slots_out - klass->hot_count - klass->shallow_count;
}

/* The region of this class in one of whose slots address lies, or NULL. Safe in a signal handler. */
struct ci_stack_region *ci_region_find(const struct ci_stack_class *klass, const void *address);

/* Unmaps region, which is on its class's list and has no slot out. */
void ci_region_unmap(struct ci_stack_region *region);

#endif
