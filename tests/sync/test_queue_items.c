/* What is in a queue: the three orders, against a model; items of every size; growing, and failing to. */
#include "clients.h"
#include "suites.h"
#include "sys/fault.h"

static uint32_t seed = 1;

static unsigned random_below(unsigned n)
{
    seed = seed * UINT32_C(1664525) + UINT32_C(1013904223);
    return (seed >> 8) % n;
}

/* ---- against a model ------------------------------------------------------------------------------------------------- */

struct entry {
    int priority;
    int number;
};

static int by_priority(const void *a, const void *b)
{
    const struct entry *x = a;
    const struct entry *y = b;

    return (x->priority > y->priority) - (x->priority < y->priority);
}

enum { MODEL_ENTRIES = 4000 };

static struct entry model[MODEL_ENTRIES];
static size_t model_count;

/* Where the item is that must come out next: a search through everything, which cannot be wrong. */
static size_t model_next(enum coil_queue_order order)
{
    size_t next = order == COIL_LIFO ? model_count - 1 : 0;

    for (size_t i = 1; order == COIL_PRIORITY && i < model_count; i++) {
        next = by_priority(&model[i], &model[next]) < 0 ? i : next;
    }
    return next;
}

static void take_one(coil_queue *queue, enum coil_queue_order order)
{
    struct entry item;

    if (model_count == 0) {
        ck_assert_int_eq(coil_queue_get_nowait(queue, &item), -EAGAIN);
        return;
    }
    size_t next = model_next(order);
    ck_assert_int_eq(coil_queue_get_nowait(queue, &item), 0);
    ck_assert_int_eq(item.number, model[next].number);
    ck_assert_int_eq(item.priority, model[next].priority);
    model_count--;
    memmove(&model[next], &model[next + 1], (model_count - next) * sizeof(model[0]));
}

static void put_one(coil_queue *queue, size_t maxsize, int number)
{
    struct entry item = {.priority = (int)random_below(10), .number = number};
    bool fits = maxsize == 0 || model_count < maxsize;

    ck_assert_int_eq(coil_queue_put_nowait(queue, &item), fits ? 0 : -EAGAIN);
    if (fits) {
        model[model_count++] = item;
    }
}

static void compare_with_model(enum coil_queue_order order, size_t maxsize)
{
    coil_queue *queue = coil_queue_new(sizeof(struct entry), maxsize, .order = order, .compare = by_priority);

    ck_assert_ptr_nonnull(queue);
    model_count = 0;
    for (int i = 0; i < 2 * MODEL_ENTRIES; i++) {
        /* Waves: it fills for a while, then it empties. */
        if (random_below(100) < (i / 500 % 2 == 0 ? 70U : 30U)) {
            put_one(queue, maxsize, i);
        } else {
            take_one(queue, order);
        }
        ck_assert_uint_eq(coil_queue_size(queue), model_count);
    }
    while (model_count > 0) {
        take_one(queue, order);
    }
    coil_queue_unref(queue);
}

TASK_TEST(items_come_out_in_the_order_of_arrival)
{
    compare_with_model(COIL_FIFO, 0);
    compare_with_model(COIL_FIFO, 1);
    compare_with_model(COIL_FIFO, 37);
    compare_with_model(COIL_FIFO, 1500);
    return 0;
}

TASK_TEST(items_come_out_last_in_first_out)
{
    compare_with_model(COIL_LIFO, 0);
    compare_with_model(COIL_LIFO, 1);
    compare_with_model(COIL_LIFO, 37);
    compare_with_model(COIL_LIFO, 1500);
    return 0;
}

TASK_TEST(items_come_out_by_priority_and_equal_ones_keep_their_order)
{
    compare_with_model(COIL_PRIORITY, 0);
    compare_with_model(COIL_PRIORITY, 1);
    compare_with_model(COIL_PRIORITY, 37);
    compare_with_model(COIL_PRIORITY, 1500);
    return 0;
}

/* ---- sizes ----------------------------------------------------------------------------------------------------------- */

enum { LARGEST_ITEM = 4096 };

static size_t compared_size;
static size_t compared_alignment;

static int by_first_byte(const void *a, const void *b)
{
    ck_assert_uint_eq((uintptr_t)a % compared_alignment, 0);
    ck_assert_uint_eq((uintptr_t)b % compared_alignment, 0);
    return *(const unsigned char *)a - *(const unsigned char *)b;
}

static void fill(unsigned char *item, size_t size, unsigned number)
{
    for (size_t i = 0; i < size; i++) {
        item[i] = (unsigned char)(number + i * 7);
    }
}

static void pass_items_of(size_t size, enum coil_queue_order order)
{
    enum { COUNT = 20 };
    unsigned char item[LARGEST_ITEM + 1], expected[LARGEST_ITEM];
    coil_queue *queue = coil_queue_new(size, 0, .order = order, .compare = by_first_byte);

    ck_assert_ptr_nonnull(queue);
    compared_size = size;
    compared_alignment = size % 16 == 0 ? 16 : size & -size;
    for (unsigned i = 0; i < COUNT; i++) {
        fill(item, size, order == COIL_PRIORITY ? COUNT - i : i);
        ck_assert_int_eq(coil_queue_put(queue, item), 0);
    }
    for (unsigned i = 0; i < COUNT; i++) {
        item[size] = 0xa5;
        ck_assert_int_eq(coil_queue_get(queue, item), 0);
        ck_assert_uint_eq(item[size], 0xa5); /* not a byte more than the item */
        fill(expected, size, order == COIL_LIFO ? COUNT - 1 - i : order == COIL_PRIORITY ? i + 1 : i);
        ck_assert_mem_eq(item, expected, size);
    }
    coil_queue_unref(queue);
}

TASK_TEST(items_of_any_size_pass_whole_and_aligned)
{
    for (size_t size = 1; size <= LARGEST_ITEM; size += size < 70 ? 1 : size / 3) {
        pass_items_of(size, COIL_FIFO);
        pass_items_of(size, COIL_LIFO);
        pass_items_of(size, COIL_PRIORITY);
    }
    pass_items_of(LARGEST_ITEM, COIL_FIFO);
    pass_items_of(LARGEST_ITEM, COIL_PRIORITY);
    return 0;
}

TASK_TEST(the_ring_wraps_while_it_grows)
{
    coil_queue *queue = coil_queue_new(sizeof(int), 0);
    int in = 0, out = 0, item;

    for (int round = 0; round < 200; round++) {
        for (int i = 0; i < round % 60 + 3; i++, in++) {
            ck_assert_int_eq(coil_queue_put_nowait(queue, &in), 0);
        }
        for (int i = 0; i < round % 50 + 2 && out < in; i++, out++) {
            ck_assert_int_eq(coil_queue_get_nowait(queue, &item), 0);
            ck_assert_int_eq(item, out);
        }
    }
    for (; out < in; out++) {
        ck_assert_int_eq(coil_queue_get_nowait(queue, &item), 0);
        ck_assert_int_eq(item, out);
    }
    coil_queue_unref(queue);
    return 0;
}

/* ---- creation -------------------------------------------------------------------------------------------------------- */

TASK_TEST(what_makes_no_sense_is_refused)
{
    const struct coil_queue_options order = {.size = sizeof(order), .item_size = 1, .order = (enum coil_queue_order)7};

    ck_assert_ptr_null(coil_queue_new(0, 0));
    ck_assert_int_eq(coil_creation_error(), -EINVAL);
    ck_assert_ptr_null(coil_queue_new(sizeof(int), 0, .order = COIL_PRIORITY));
    ck_assert_int_eq(coil_creation_error(), -EINVAL);
    ck_assert_ptr_null(coil_queue_new_with(&order));
    ck_assert_int_eq(coil_creation_error(), -EINVAL);
    ck_assert_ptr_null(coil_queue_new_with(NULL));
    ck_assert_int_eq(coil_creation_error(), -EINVAL);
    ck_assert_ptr_null(coil_queue_new(SIZE_MAX, 0));
    ck_assert_int_eq(coil_creation_error(), -ENOMEM);
    ck_assert_ptr_null(coil_queue_new(SIZE_MAX, 0, .order = COIL_PRIORITY, .compare = by_priority));
    ck_assert_int_eq(coil_creation_error(), -ENOMEM);
    ck_assert_ptr_null(coil_queue_new(SIZE_MAX / 16, 1000));
    ck_assert_int_eq(coil_creation_error(), -ENOMEM);
    return 0;
}

TASK_TEST(a_smaller_struct_of_options_is_an_older_one)
{
    struct coil_queue_options options = {.item_size = 4, .maxsize = 3, .order = COIL_LIFO, .compare = by_priority};

    options.size = offsetof(struct coil_queue_options, order);
    coil_queue *queue = coil_queue_new_with(&options);
    ck_assert_ptr_nonnull(queue);
    ck_assert_uint_eq(coil_queue_maxsize(queue), 3);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(coil_queue_put_nowait(queue, &i), 0);
    }
    int item;
    ck_assert_int_eq(coil_queue_get_nowait(queue, &item), 0);
    ck_assert_int_eq(item, 0); /* first in, first out: the order is not among what it has */
    coil_queue_unref(queue);
    return 0;
}

/* ---- memory ---------------------------------------------------------------------------------------------------------- */

static bool out_of_memory;

static int refuse_memory(const char *call)
{
    return out_of_memory && (strcmp(call, "malloc") == 0 || strcmp(call, "realloc") == 0) ? -ENOMEM : 0;
}

static void setup_faults(void)
{
    setup_clients();
    ci_fault_hook = refuse_memory;
}

static void teardown_faults(void)
{
    ci_fault_hook = NULL;
    teardown();
}

static void fail_to_grow(enum coil_queue_order order)
{
    coil_queue *queue = coil_queue_new(sizeof(struct entry), 0, .order = order, .compare = by_priority);
    int number = 0;
    struct entry item;

    model_count = 0;
    while (model_count < 5 || random_below(30) > 0) {
        put_one(queue, 0, number++);
    }
    out_of_memory = true;
    int refused = 0;
    for (int i = 0; i < 5000 && refused == 0; i++) {
        item = (struct entry){.priority = (int)random_below(10), .number = number++};
        int rc = coil_queue_put_nowait(queue, &item);
        ck_assert(rc == 0 || rc == -ENOMEM);
        refused += rc == -ENOMEM;
        if (rc == 0) {
            model[model_count++] = item;
        }
    }
    ck_assert_int_eq(refused, 1);
    ck_assert_int_eq(coil_queue_put(queue, &item), -ENOMEM);
    ck_assert_uint_eq(coil_queue_size(queue), model_count);
    for (int i = 0; i < 3; i++) {
        take_one(queue, order);
    }
    put_one(queue, 0, number++); /* there is room without memory */
    out_of_memory = false;
    for (int i = 0; i < 100; i++) {
        put_one(queue, 0, number++);
    }
    while (model_count > 0) {
        take_one(queue, order);
    }
    coil_queue_unref(queue);
}

TASK_TEST(a_queue_that_cannot_grow_is_as_it_was)
{
    fail_to_grow(COIL_FIFO);
    fail_to_grow(COIL_LIFO);
    fail_to_grow(COIL_PRIORITY);
    return 0;
}

TASK_TEST(a_queue_of_up_to_1024_items_never_needs_memory)
{
    coil_queue *queue = coil_queue_new(sizeof(int), 1024);

    out_of_memory = true;
    for (int i = 0; i < 1024; i++) {
        ck_assert_int_eq(coil_queue_put_nowait(queue, &i), 0);
    }
    ck_assert_int_eq(coil_queue_put_nowait(queue, &(int){0}), -EAGAIN);
    out_of_memory = false;
    coil_queue_unref(queue);
    return 0;
}

TASK_TEST(creation_without_memory_says_so)
{
    out_of_memory = true;
    ck_assert_ptr_null(coil_queue_new(sizeof(int), 0));
    ck_assert_int_eq(coil_creation_error(), -ENOMEM);
    ck_assert_int_eq(coil_queue_put(coil_queue_new(sizeof(int), 0), &(int){0}), -ENOMEM);
    out_of_memory = false;
    return 0;
}

Suite *queue_items_suite(void)
{
    Suite *suite = suite_create("queue_items");
    TCase *tests = tcase_create("queue_items");
    TCase *memory = tcase_create("queue_memory");

    tcase_add_checked_fixture(tests, setup_clients, teardown);
    tcase_add_test(tests, items_come_out_in_the_order_of_arrival);
    tcase_add_test(tests, items_come_out_last_in_first_out);
    tcase_add_test(tests, items_come_out_by_priority_and_equal_ones_keep_their_order);
    tcase_add_test(tests, items_of_any_size_pass_whole_and_aligned);
    tcase_add_test(tests, the_ring_wraps_while_it_grows);
    tcase_add_test(tests, what_makes_no_sense_is_refused);
    tcase_add_test(tests, a_smaller_struct_of_options_is_an_older_one);
    suite_add_tcase(suite, tests);
    tcase_add_checked_fixture(memory, setup_faults, teardown_faults);
    tcase_add_test(memory, a_queue_that_cannot_grow_is_as_it_was);
    tcase_add_test(memory, a_queue_of_up_to_1024_items_never_needs_memory);
    tcase_add_test(memory, creation_without_memory_says_so);
    suite_add_tcase(suite, memory);
    return suite;
}
