/*
 * Values local to a task. All values of a task are one block, sorted by key, which a task that is created shares with its creator at the
 * cost of one count; whoever sets a value while the block is shared gets a copy of it first. Values are counted on their own, since
 * several blocks may have the same one. asyncio's contextvars do the same with a tree, for callbacks, too; here those have none.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include <coil/sync.h>

#include "sys/alloc.h"
#include "task/task.h"

/* A value that was set, and how many blocks have it. */
struct setting {
    const coil_local_key *key;
    void (*destroy)(void *value); /* here too, because the key may go before the value */
    void *value;
    size_t references;
};

struct block {
    struct ci_locals base;
    size_t count;
    size_t capacity;
    struct setting *settings[]; /* by the addresses of their keys */
};

enum { FIRST_SETTINGS = 4 };

static struct block *block_of(struct ci_locals *locals)
{
    return (struct block *)locals; /* which is its first member */
}

static void setting_unref(struct setting *setting)
{
    if (--setting->references > 0) {
        return;
    }
    struct setting gone = *setting;
    ci_free(setting);
    if (gone.destroy != NULL) {
        gone.destroy(gone.value);
    }
}

static void block_free(struct ci_locals *locals)
{
    struct block *block = block_of(locals);

    for (size_t i = 0; i < block->count; i++) {
        setting_unref(block->settings[i]);
    }
    ci_free(block);
}

static struct block *block_new(size_t capacity)
{
    struct block *block = ci_alloc(sizeof(*block) + capacity * sizeof(block->settings[0]));

    if (block != NULL) {
        *block = (struct block){.base = {.references = 1, .free = block_free}, .capacity = capacity};
    }
    return block;
}

/* Where key's setting is, or would be. */
static size_t place_of(const struct block *block, const coil_local_key *key)
{
    size_t low = 0;
    size_t high = block->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if ((uintptr_t)block->settings[middle]->key < (uintptr_t)key) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static struct setting *find(const struct block *block, const coil_local_key *key)
{
    size_t place = place_of(block, key);

    return place < block->count && block->settings[place]->key == key ? block->settings[place] : NULL;
}

void *coil_local_get(const coil_local_key *key)
{
    const struct ci_task *task = ci_task_running_here();

    if (task == NULL || task->locals == NULL) {
        return NULL;
    }
    const struct setting *setting = find(block_of(task->locals), key);
    return setting == NULL ? NULL : setting->value;
}

/* ---- setting --------------------------------------------------------------------------------------------------------- */

/*
 * The block that task may change, with room for one more setting: its own where nobody shares it and it has room, else a
 * copy. NULL without memory, with nothing changed.
 */
static struct block *block_to_change(struct ci_task *task)
{
    struct block *old = task->locals == NULL ? NULL : block_of(task->locals);
    size_t count = old == NULL ? 0 : old->count;

    if (old != NULL && old->base.references == 1 && count < old->capacity) {
        return old;
    }
    struct block *block = block_new(count < FIRST_SETTINGS ? FIRST_SETTINGS : 2 * count);
    if (block == NULL || old == NULL) {
        return block;
    }
    block->count = count;
    for (size_t i = 0; i < count; i++) {
        block->settings[i] = old->settings[i];
        block->settings[i]->references++;
    }
    return block;
}

/* Makes setting, whose reference it takes over, the one at place, before others or instead of replaced. */
static void put_at(struct block *block, size_t place, struct setting *setting, const struct setting *replaced)
{
    struct setting **at = &block->settings[place];

    if (replaced == NULL) {
        memmove(at + 1, at, (block->count - place) * sizeof(*at));
        block->count++;
    }
    *at = setting;
}

static void take_out(struct block *block, size_t place)
{
    struct setting **at = &block->settings[place];

    block->count--;
    memmove(at, at + 1, (block->count - place) * sizeof(*at));
}

static struct setting *setting_new(const coil_local_key *key, void *value)
{
    struct setting *setting = ci_alloc(sizeof(*setting));

    if (setting != NULL) {
        *setting = (struct setting){.key = key, .destroy = key->destroy, .value = value, .references = 1};
    }
    return setting;
}

/* Makes block the task's. The old one may end by that, and values with it: whatever their destroy does finds the new one. */
static void install(struct ci_task *task, struct block *block, struct setting *replaced)
{
    struct ci_locals *old = task->locals;

    task->locals = &block->base;
    if (old != NULL && old != task->locals) {
        ci_task_drop_locals(&old);
    }
    if (replaced != NULL) {
        setting_unref(replaced);
    }
}

int coil_local_set(const coil_local_key *key, void *value)
{
    struct ci_task *task = ci_task_running_here();
    struct setting *setting = NULL;

    if (key == NULL || task == NULL || ci_future_done(&task->future)) {
        return key == NULL ? -EINVAL : -EPERM;
    }
    if (coil_local_get(key) == value) {
        return 0;
    }
    if (value != NULL) {
        setting = setting_new(key, value);
        if (setting == NULL) {
            return -ENOMEM;
        }
    }
    struct block *block = block_to_change(task);
    if (block == NULL) {
        ci_free(setting);
        return -ENOMEM;
    }
    struct setting *replaced = find(block, key);
    if (setting != NULL) {
        put_at(block, place_of(block, key), setting, replaced);
    } else {
        take_out(block, place_of(block, key));
    }
    install(task, block, replaced);
    return 0;
}
