/*
 * The census: see census.h. A hash table with open addressing for the futures, chains for the few
 * backtraces.
 */
#include "debug/census.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "sys/alloc.h"

enum { FIRST_CAPACITY = 64 };

void ci_census_begin(struct ci_census *census)
{
    *census = (struct ci_census){.capacity = 0};
    (void)pthread_mutex_init(&census->lock, NULL); /* cannot fail for a plain one */
}

void ci_census_end(struct ci_census *census)
{
    for (size_t i = 0; i < CI_CENSUS_BUCKETS; i++) {
        while (census->origins[i] != NULL) {
            struct ci_origin *origin = census->origins[i];
            census->origins[i] = origin->next;
            ci_free(origin);
        }
    }
    ci_free(census->entries);
    (void)pthread_mutex_destroy(&census->lock);
}

/* ---- backtraces ------------------------------------------------------------------------------------------------------ */

static uint64_t mix(uint64_t value)
{
    value = (value ^ (value >> 31)) * UINT64_C(0x9E3779B97F4A7C15);
    return value ^ (value >> 29);
}

static uint64_t hash_of(void *const *addresses, size_t depth)
{
    uint64_t hash = depth;

    for (size_t i = 0; i < depth; i++) {
        hash = mix(hash ^ (uintptr_t)addresses[i]);
    }
    return hash;
}

static struct ci_origin *origin_new(uint64_t hash, void *const *addresses, size_t depth)
{
    struct ci_origin *origin = ci_alloc(sizeof(*origin) + depth * sizeof(*addresses));

    if (origin != NULL) {
        *origin = (struct ci_origin){.hash = hash, .own_frames = -1, .depth = depth};
        memcpy(origin->addresses, addresses, depth * sizeof(*addresses));
    }
    return origin;
}

/* The one origin with this backtrace; NULL without memory. */
static struct ci_origin *origin_of(struct ci_census *census, void *const *addresses, size_t depth)
{
    uint64_t hash = hash_of(addresses, depth);
    struct ci_origin **bucket = &census->origins[hash % CI_CENSUS_BUCKETS];

    for (struct ci_origin *origin = *bucket; origin != NULL; origin = origin->next) {
        if (origin->hash == hash && origin->depth == depth &&
            memcmp(origin->addresses, addresses, depth * sizeof(*addresses)) == 0) {
            return origin;
        }
    }
    struct ci_origin *origin = origin_new(hash, addresses, depth);
    if (origin != NULL) {
        origin->next = *bucket;
        *bucket = origin;
    }
    return origin;
}

/* ---- futures --------------------------------------------------------------------------------------------------------- */

static size_t home_of(const struct ci_census *census, const struct coil_future *future)
{
    return (size_t)mix((uintptr_t)future) & (census->capacity - 1);
}

/* The place of future, or the free one where it would be. There is always a free one. */
static size_t place_of(const struct ci_census *census, const struct coil_future *future)
{
    size_t place = home_of(census, future);

    while (census->entries[place].future != NULL && census->entries[place].future != future) {
        place = (place + 1) & (census->capacity - 1);
    }
    return place;
}

static bool grow(struct ci_census *census)
{
    struct ci_census larger = {.capacity = census->capacity == 0 ? FIRST_CAPACITY : census->capacity * 2};

    larger.entries = ci_alloc_zero(larger.capacity * sizeof(*larger.entries));
    if (larger.entries == NULL) {
        return false;
    }
    for (size_t i = 0; i < census->capacity; i++) {
        if (census->entries[i].future != NULL) {
            larger.entries[place_of(&larger, census->entries[i].future)] = census->entries[i];
        }
    }
    ci_free(census->entries);
    census->entries = larger.entries;
    census->capacity = larger.capacity;
    return true;
}

/* At most three quarters are taken. */
static bool has_room(const struct ci_census *census)
{
    return census->count < census->capacity / 4 * 3;
}

void ci_census_add(struct ci_census *census, struct coil_future *future, void *const *addresses, size_t depth)
{
    (void)pthread_mutex_lock(&census->lock);
    if (has_room(census) || grow(census)) {
        struct ci_census_entry *entry = &census->entries[place_of(census, future)];
        census->count += entry->future == NULL;
        *entry = (struct ci_census_entry){.future = future, .serial = ++census->serial};
        entry->origin = depth == 0 ? NULL : origin_of(census, addresses, depth);
    }
    (void)pthread_mutex_unlock(&census->lock);
}

/* Closes the gap at place: whatever was pushed beyond its home by a full place moves up. */
static void close_gap(struct ci_census *census, size_t place)
{
    size_t mask = census->capacity - 1;

    for (size_t next = (place + 1) & mask; census->entries[next].future != NULL; next = (next + 1) & mask) {
        size_t home = home_of(census, census->entries[next].future);
        if (((next - home) & mask) >= ((next - place) & mask)) {
            census->entries[place] = census->entries[next];
            place = next;
        }
    }
    census->entries[place].future = NULL;
}

void ci_census_remove(struct ci_census *census, struct coil_future *future)
{
    (void)pthread_mutex_lock(&census->lock);
    if (census->capacity > 0) {
        size_t place = place_of(census, future);
        if (census->entries[place].future != NULL) {
            census->count--;
            close_gap(census, place);
        }
    }
    (void)pthread_mutex_unlock(&census->lock);
}

/* The entry of future as it is now, with future NULL if there is none. */
static struct ci_census_entry look_up(struct ci_census *census, const struct coil_future *future)
{
    struct ci_census_entry entry = {.future = NULL};

    (void)pthread_mutex_lock(&census->lock);
    if (census->capacity > 0) {
        entry = census->entries[place_of(census, future)];
    }
    (void)pthread_mutex_unlock(&census->lock);
    return entry;
}

struct ci_origin *ci_census_origin(struct ci_census *census, const struct coil_future *future)
{
    struct ci_census_entry entry = look_up(census, future);

    return entry.future == NULL ? NULL : entry.origin;
}

void ci_census_excuse(struct ci_census *census, const struct coil_future *future)
{
    (void)pthread_mutex_lock(&census->lock);
    if (census->capacity > 0) {
        census->entries[place_of(census, future)].excused = true; /* in a free place that means nothing */
    }
    (void)pthread_mutex_unlock(&census->lock);
}

bool ci_census_has(struct ci_census *census, const struct coil_future *future)
{
    return look_up(census, future).future != NULL;
}

static int compare_serials(const void *left, const void *right)
{
    const struct ci_census_entry *a = left;
    const struct ci_census_entry *b = right;

    return (a->serial > b->serial) - (a->serial < b->serial);
}

struct ci_census_entry *ci_census_list(struct ci_census *census, size_t *count)
{
    struct ci_census_entry *list = census->count == 0 ? NULL : ci_alloc(census->count * sizeof(*list));

    *count = 0;
    for (size_t i = 0; list != NULL && i < census->capacity; i++) {
        if (census->entries[i].future != NULL) {
            list[(*count)++] = census->entries[i];
        }
    }
    if (*count > 1) {
        qsort(list, *count, sizeof(*list), compare_serials);
    }
    return list;
}
