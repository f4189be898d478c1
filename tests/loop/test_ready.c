/* The ready queue alone: order, places that are reserved, growth, and positions that go past 2^32. */
#include "loop/ready.h"

#include "harness.h"
#include "suites.h"
#include "sys/fault.h"

static struct ci_ready queue;

static void setup(void)
{
    ck_assert_int_eq(ci_ready_init(&queue), 0);
}

static void destroy(void)
{
    ci_ready_destroy(&queue);
}

/* Numbers, as addresses to push. */
static char numbers[100000];

static void push(uint32_t number)
{
    (void)ci_ready_push(&queue, say, &numbers[number]);
}

static uint32_t pop(void)
{
    ck_assert(!ci_ready_empty(&queue));
    struct ci_entry entry = queue.ring[queue.head++ & queue.mask];
    ck_assert(entry.run == say);
    return (uint32_t)((char *)entry.arg - numbers);
}

static void reserve(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        ck_assert_int_eq(ci_ready_reserve(&queue), 0);
    }
    ck_assert_uint_ge((uint64_t)queue.mask + 1, queue.reserved);
}

START_TEST(entries_come_out_in_the_order_in_which_they_went_in)
    {
        reserve(10);
        ck_assert(ci_ready_empty(&queue));
        for (uint32_t i = 0; i < 10; i++) {
            push(i);
        }
        for (uint32_t i = 0; i < 10; i++) {
            ck_assert_uint_eq(pop(), i);
        }
        ck_assert(ci_ready_empty(&queue));
    }
END_TEST

START_TEST(a_push_into_a_reserved_place_never_grows)
    {
        reserve(1000);
        struct ci_entry *ring = queue.ring;
        for (uint32_t round = 0; round < 100; round++) {
            for (uint32_t i = 0; i < 1000; i++) {
                push(i);
            }
            for (uint32_t i = 0; i < 1000; i++) {
                ck_assert_uint_eq(pop(), i);
            }
        }
        ck_assert_ptr_eq(queue.ring, ring);
    }
END_TEST

START_TEST(growing_keeps_the_order_where_the_ring_wraps_around)
    {
        reserve(64);
        for (uint32_t i = 0; i < 40; i++) {
            push(i);
            ck_assert_uint_eq(pop(), i);
        }
        for (uint32_t i = 0; i < 64; i++) {
            push(i); /* from the middle of the ring over its end */
        }
        reserve(5000);
        for (uint32_t i = 64; i < 5064; i++) {
            push(i);
        }
        for (uint32_t i = 0; i < 5064; i++) {
            ck_assert_uint_eq(pop(), i);
        }
    }
END_TEST

START_TEST(positions_stay_good_when_the_ring_grows)
    {
        reserve(64);
        uint32_t position = 0;
        for (uint32_t i = 0; i < 64; i++) {
            uint32_t at = ci_ready_push(&queue, say, &numbers[i]);
            position = i == 50 ? at : position;
        }
        reserve(200);
        ci_ready_blank(&queue, position);
        for (uint32_t i = 0; i < 64; i++) {
            struct ci_entry entry = queue.ring[queue.head++ & queue.mask];
            ck_assert(entry.run == (i == 50 ? ci_ready_nothing : say));
        }
    }
END_TEST

START_TEST(positions_may_pass_the_end_of_their_type)
    {
        queue.head = queue.tail = queue.batch_end = UINT32_MAX - 20;
        reserve(64);
        for (uint32_t i = 0; i < 64; i++) {
            push(i);
        }
        ck_assert_uint_lt(queue.tail, queue.head);
        reserve(100); /* grows across the end */
        for (uint32_t i = 64; i < 164; i++) {
            push(i);
        }
        for (uint32_t i = 0; i < 164; i++) {
            ck_assert_uint_eq(pop(), i);
        }
        ck_assert(ci_ready_empty(&queue));
    }
END_TEST

START_TEST(a_released_place_is_used_again)
    {
        reserve(64);
        struct ci_entry *ring = queue.ring;
        for (int i = 0; i < 1000; i++) {
            ci_ready_release(&queue);
            reserve(1);
        }
        ck_assert_ptr_eq(queue.ring, ring);
        ck_assert_uint_eq(queue.reserved, 64);
    }
END_TEST

static int refuse(const char *call)
{
    (void)call;
    return -ENOMEM;
}

START_TEST(a_place_that_cannot_be_reserved_changes_nothing)
    {
        reserve(64);
        for (uint32_t i = 0; i < 64; i++) {
            push(i);
        }
        ci_fault_hook = refuse;
        ck_assert_int_eq(ci_ready_reserve(&queue), -ENOMEM);
        ci_fault_hook = NULL;
        ck_assert_uint_eq(queue.reserved, 64);
        for (uint32_t i = 0; i < 64; i++) {
            ck_assert_uint_eq(pop(), i);
        }
        reserve(1);
    }
END_TEST

START_TEST(a_queue_beyond_its_numbers_is_out_of_memory)
    {
        ck_assert_int_eq(ci_ready_grow(&queue, UINT32_MAX), -ENOMEM);
    }
END_TEST

Suite *ready_suite(void)
{
    Suite *suite = suite_create("ready");
    TCase *tc = tcase_create("ready");

    tcase_add_checked_fixture(tc, setup, destroy);
    tcase_add_test(tc, entries_come_out_in_the_order_in_which_they_went_in);
    tcase_add_test(tc, a_push_into_a_reserved_place_never_grows);
    tcase_add_test(tc, growing_keeps_the_order_where_the_ring_wraps_around);
    tcase_add_test(tc, positions_stay_good_when_the_ring_grows);
    tcase_add_test(tc, positions_may_pass_the_end_of_their_type);
    tcase_add_test(tc, a_released_place_is_used_again);
    tcase_add_test(tc, a_place_that_cannot_be_reserved_changes_nothing);
    tcase_add_test(tc, a_queue_beyond_its_numbers_is_out_of_memory);
    suite_add_tcase(suite, tc);
    return suite;
}
