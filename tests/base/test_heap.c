/*
 * The timers' heap against a model: a sorted array in which equal keys stand in the order in which they were put in. Keys are drawn
 * from few values where ties matter, from all of int64_t where the range does.
 */
#include "base/heap.h"

#include <stdlib.h>
#include <string.h>

#include "suites.h"

struct thing {
    struct ci_heap_node node;
    int64_t key;
    uint64_t order; /* counts the pushes */
    bool inside;
};

static uint64_t random_state;

static uint64_t draw(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static struct ci_heap heap;
static struct thing *things;
static uint64_t pushes;

/* What the heap's owner does: room for so many, keeping what is there. */
static void provide(uint32_t capacity)
{
    heap.entries = realloc(heap.entries, capacity * sizeof(*heap.entries));
    heap.nodes = realloc(heap.nodes, capacity * sizeof(*heap.nodes));
    heap.positions = realloc(heap.positions, capacity * sizeof(*heap.positions));
    ck_assert(heap.entries != NULL && heap.nodes != NULL && heap.positions != NULL);
    heap.capacity = capacity;
}

static void make(uint32_t capacity)
{
    heap = (struct ci_heap){0};
    provide(capacity);
    things = calloc(capacity, sizeof(*things));
    ck_assert(things != NULL);
    pushes = 0;
    random_state = 88172645463325252u;
}

static void unmake(void)
{
    free(heap.entries);
    free(heap.nodes);
    free(heap.positions);
    free(things);
    heap = (struct ci_heap){0};
    things = NULL;
}

static void push(struct thing *thing, int64_t key)
{
    thing->key = key;
    thing->order = pushes++;
    thing->inside = true;
    ci_heap_push(&heap, key, &thing->node);
}

static struct thing *pop(void)
{
    struct thing *thing = (struct thing *)(void *)ci_heap_pop(&heap, 0);

    ci_heap_forget(&heap, &thing->node);
    ck_assert(thing->inside);
    thing->inside = false;
    return thing;
}

static void assert_pops_in_order(void)
{
    const struct thing *last = NULL;

    while (heap.count > 0) {
        const struct thing *thing = pop();
        if (last != NULL) {
            ck_assert_int_le(last->key, thing->key);
            ck_assert(last->key < thing->key || last->order < thing->order);
        }
        last = thing;
    }
}

/* What holds at all times: no child before its parent, and each thing knows its place. */
static void assert_is_a_heap(void)
{
    for (uint32_t i = 0; i < heap.count; i++) {
        const struct ci_heap_entry *entry = &heap.entries[i];
        const struct ci_heap_entry *parent = &heap.entries[i == 0 ? 0 : (i - 1) / 4];
        ck_assert_uint_eq(heap.positions[entry->slot], i);
        ck_assert_uint_eq(heap.nodes[entry->slot]->slot, entry->slot);
        ck_assert(parent->key < entry->key || (parent->key == entry->key && parent->sequence <= entry->sequence));
    }
}

START_TEST(keys_come_out_in_ascending_order)
    {
        make(1000);
        for (uint32_t i = 0; i < heap.capacity; i++) {
            push(&things[i], (int64_t)draw());
        }
        ck_assert(ci_heap_full(&heap));
        assert_is_a_heap();
        assert_pops_in_order();
        unmake();
    }
END_TEST

START_TEST(equal_keys_come_out_in_the_order_in_which_they_went_in)
    {
        make(1000);
        for (uint32_t i = 0; i < heap.capacity; i++) {
            push(&things[i], (int64_t)(i % 3));
        }
        for (int64_t key = 0; key < 3; key++) {
            for (uint32_t i = (uint32_t)key; i < heap.capacity; i += 3) {
                ck_assert_ptr_eq(pop(), &things[i]);
            }
        }
        ck_assert_uint_eq(heap.count, 0);
        unmake();
    }
END_TEST

START_TEST(a_heap_keeps_everything_when_its_arrays_grow)
    {
        make(512);
        for (uint32_t i = 0; i < 64; i++) {
            push(&things[i], (int64_t)draw());
        }
        for (uint32_t i = 0; i < 64; i += 3) {
            ci_heap_remove(&heap, &things[i].node);
            things[i].inside = false;
        }
        provide(1024);
        assert_is_a_heap();
        for (uint32_t i = 64; i < 512; i++) {
            push(&things[i], (int64_t)draw());
        }
        assert_is_a_heap();
        assert_pops_in_order();
        unmake();
    }
END_TEST

START_TEST(equal_keys_keep_their_order_when_the_sequence_wraps)
    {
        make(100);
        heap.sequence = UINT32_MAX - 50;
        for (uint32_t i = 0; i < heap.capacity; i++) {
            push(&things[i], 7);
        }
        assert_pops_in_order();
        unmake();
    }
END_TEST

START_TEST(the_extremes_are_keys_like_any_other)
    {
        static const int64_t keys[] = {INT64_MAX, 0, INT64_MIN, -1, INT64_MAX, 1, INT64_MIN};

        make(7);
        for (int i = 0; i < 7; i++) {
            push(&things[i], keys[i]);
        }
        static const int order[] = {2, 6, 3, 1, 5, 0, 4};
        for (int i = 0; i < 7; i++) {
            ck_assert_ptr_eq(pop(), &things[order[i]]);
        }
        unmake();
    }
END_TEST

START_TEST(one_can_be_taken_out_of_the_middle)
    {
        for (uint32_t gone = 0; gone < 100; gone++) {
            make(100);
            for (uint32_t i = 0; i < 100; i++) {
                push(&things[i], (int64_t)(draw() % 20));
            }
            ci_heap_remove(&heap, &things[gone].node);
            things[gone].inside = false;
            assert_is_a_heap();
            ck_assert_uint_eq(heap.count, 99);
            assert_pops_in_order();
            for (uint32_t i = 0; i < 100; i++) {
                ck_assert(!things[i].inside);
            }
            unmake();
        }
    }
END_TEST

/* The model's first: the smallest key, and among those the one that was pushed first. */
static struct thing *first_in_model(uint32_t count)
{
    struct thing *first = NULL;

    for (uint32_t i = 0; i < count; i++) {
        struct thing *thing = &things[i];
        if (thing->inside &&
            (first == NULL || thing->key < first->key || (thing->key == first->key && thing->order < first->order))) {
            first = thing;
        }
    }
    return first;
}

START_TEST(random_use_agrees_with_a_sorted_model)
    {
        enum { COUNT = 200, STEPS = 100000 };
        uint32_t inside = 0;

        make(COUNT);
        for (int step = 0; step < STEPS; step++) {
            struct thing *thing = &things[draw() % COUNT];
            bool grows = (step / 5000) % 2 == 0; /* fill and drain in turns */
            if (!thing->inside && (grows || draw() % 4 == 0)) {
                push(thing, (int64_t)(draw() % 50));
                inside++;
            } else if (thing->inside && draw() % 3 == 0) {
                ci_heap_remove(&heap, &thing->node);
                thing->inside = false;
                inside--;
            } else if (inside > 0 && (!grows || draw() % 4 == 0)) {
                struct thing *expected = first_in_model(COUNT);
                ck_assert_ptr_eq(pop(), expected);
                inside--;
            }
            ck_assert_uint_eq(heap.count, inside);
            if (step % 100 == 0) {
                assert_is_a_heap();
            }
        }
        assert_pops_in_order();
        unmake();
    }
END_TEST

static int by_key_and_order(const void *a, const void *b)
{
    const struct thing *const *left = a;
    const struct thing *const *right = b;

    if ((*left)->key != (*right)->key) {
        return (*left)->key < (*right)->key ? -1 : 1;
    }
    return (*left)->order < (*right)->order ? -1 : 1;
}

START_TEST(a_hundred_thousand_of_which_a_third_is_taken_out_come_in_order)
    {
        enum { COUNT = 100000 };
        uint32_t left = 0;

        make(COUNT);
        for (uint32_t i = 0; i < COUNT; i++) {
            push(&things[i], (int64_t)(draw() % 10000));
        }
        for (uint32_t i = 0; i < COUNT; i += 3) {
            ci_heap_remove(&heap, &things[i].node);
            things[i].inside = false;
        }
        assert_is_a_heap();
        struct thing **model = malloc(COUNT * sizeof(struct thing *));
        ck_assert_ptr_nonnull(model);
        for (uint32_t i = 0; i < COUNT; i++) {
            if (things[i].inside) {
                model[left++] = &things[i];
            }
        }
        ck_assert_uint_eq(heap.count, left);
        qsort(model, left, sizeof(struct thing *), by_key_and_order);
        for (uint32_t i = 0; i < left; i++) {
            ck_assert_ptr_eq(pop(), model[i]);
        }
        free(model);
        unmake();
    }
END_TEST

START_TEST(a_thing_that_was_taken_out_can_go_in_again)
    {
        make(4);
        for (int i = 0; i < 4; i++) {
            push(&things[i], 10 * i);
        }
        ci_heap_remove(&heap, &things[0].node);
        push(&things[0], 25);
        ck_assert_ptr_eq(pop(), &things[1]);
        ck_assert_ptr_eq(pop(), &things[2]);
        ck_assert_ptr_eq(pop(), &things[0]);
        ck_assert_ptr_eq(pop(), &things[3]);
        unmake();
    }
END_TEST

START_TEST(a_popped_thing_keeps_its_note_and_its_slot_until_it_is_forgotten)
    {
        uint32_t note;

        make(4);
        for (int i = 0; i < 4; i++) {
            push(&things[i], i);
        }
        for (uint32_t i = 0; i < 2; i++) {
            ck_assert(!ci_heap_popped(&heap, &things[i].node, &note));
            ck_assert_ptr_eq(ci_heap_pop(&heap, i), &things[i].node); /* a note that is some entry's index as well */
        }
        ck_assert(ci_heap_full(&heap));
        for (uint32_t i = 0; i < 4; i++) {
            ck_assert_int_eq(ci_heap_popped(&heap, &things[i].node, &note), i < 2);
            ck_assert(i >= 2 || note == i);
        }
        ci_heap_forget(&heap, &things[0].node);
        ck_assert(!ci_heap_full(&heap));
        push(&things[0], 5);
        ck_assert_uint_ne(things[0].node.slot, things[1].node.slot);
        ck_assert(ci_heap_popped(&heap, &things[1].node, &note));
        ci_heap_forget(&heap, &things[1].node);
        ck_assert_ptr_eq(pop(), &things[2]);
        ck_assert_ptr_eq(pop(), &things[3]);
        ck_assert_ptr_eq(pop(), &things[0]);
        ck_assert_uint_eq(heap.slots_out, 0);
        unmake();
    }
END_TEST

Suite *heap_suite(void)
{
    Suite *suite = suite_create("heap");
    TCase *tc = tcase_create("heap");

    tcase_add_test(tc, a_heap_keeps_everything_when_its_arrays_grow);
    tcase_add_test(tc, equal_keys_keep_their_order_when_the_sequence_wraps);
    tcase_add_test(tc, keys_come_out_in_ascending_order);
    tcase_add_test(tc, equal_keys_come_out_in_the_order_in_which_they_went_in);
    tcase_add_test(tc, the_extremes_are_keys_like_any_other);
    tcase_add_test(tc, one_can_be_taken_out_of_the_middle);
    tcase_add_test(tc, random_use_agrees_with_a_sorted_model);
    tcase_add_test(tc, a_hundred_thousand_of_which_a_third_is_taken_out_come_in_order);
    tcase_add_test(tc, a_thing_that_was_taken_out_can_go_in_again);
    tcase_add_test(tc, a_popped_thing_keeps_its_note_and_its_slot_until_it_is_forgotten);
    suite_add_tcase(suite, tc);
    return suite;
}
