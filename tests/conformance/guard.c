/* The guard: see guard.h. Sets are bits, because programs have few tasks and the guard is asked at every await. */
#include "guard.h"

#include "machine.h"

static void set_add(struct task_set *set, int number)
{
    set->words[number / 64] |= UINT64_C(1) << (number % 64);
}

static bool set_has(const struct task_set *set, int number)
{
    return (set->words[number / 64] >> (number % 64)) & 1;
}

static void set_unite(struct task_set *set, const struct task_set *other)
{
    for (size_t i = 0; i < sizeof(set->words) / sizeof(set->words[0]); i++) {
        set->words[i] |= other->words[i];
    }
}

/* Adds the tasks that cancelling future cancels. */
static void add_members(const struct machine *machine, const coil_future *future, struct task_set *set)
{
    int number = machine_known_number(machine, future);

    if (number >= 0) {
        set_add(set, number);
        return;
    }
    for (int i = 0; i < GATHERS; i++) {
        if (future == machine->gathers[i]) {
            set_unite(set, &machine->guard.gather_members[i]);
        }
    }
}

static struct task_set members(const struct machine *machine, coil_future *const *futures, size_t count)
{
    struct task_set set = {0};

    for (size_t i = 0; i < count; i++) {
        add_members(machine, futures[i], &set);
    }
    return set;
}

void guard_note_gather(struct machine *machine, int slot, coil_future *const *futures, size_t count)
{
    machine->guard.gather_members[slot] = members(machine, futures, count);
}

bool guard_would_cycle(const struct machine *machine, coil_future *const *futures, size_t count)
{
    struct task_set reached = members(machine, futures, count);
    struct task_set seen = {0};
    bool more = true;

    while (more) {
        more = false;
        for (int number = 0; number < machine->task_count; number++) {
            if (set_has(&reached, number) && !set_has(&seen, number)) {
                set_add(&seen, number);
                set_unite(&reached, &machine->guard.waits_for[number]);
                more = true;
            }
        }
    }
    int me = machine_current_number(machine);
    return me >= 0 && set_has(&seen, me);
}

struct task_set guard_enter(struct machine *machine, coil_future *const *futures, size_t count)
{
    struct task_set *mine = &machine->guard.waits_for[machine_current_number(machine)];
    struct task_set before = *mine;
    struct task_set more = members(machine, futures, count);

    set_unite(mine, &more);
    return before;
}

void guard_leave(struct machine *machine, const struct task_set *before)
{
    machine->guard.waits_for[machine_current_number(machine)] = *before;
}

void guard_note_child(struct machine *machine, int task)
{
    int me = machine_current_number(machine);

    if (task >= 0 && me != task) {
        set_add(&machine->guard.waits_for[task], me);
    }
}
