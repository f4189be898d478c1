/* Queues: waiting for room and for items, who is served when, and that nothing is lost when somebody is cancelled. */
#include "clients.h"
#include "suites.h"

#define A_QUEUE(name, ...)                                       \
    coil_queue *name = coil_queue_new(sizeof(int), __VA_ARGS__); \
    ck_assert_ptr_nonnull(name)

static void put(coil_queue *queue, int item)
{
    ck_assert_int_eq(coil_queue_put_nowait(queue, &item), 0);
}

static int get(coil_queue *queue)
{
    int item;

    ck_assert_int_eq(coil_queue_get_nowait(queue, &item), 0);
    return item;
}

TASK_TEST(items_come_out_as_they_went_in)
{
    A_QUEUE(queue, 0);

    ck_assert(coil_queue_empty(queue));
    for (int i = 0; i < 100; i++) {
        ck_assert_int_eq(coil_queue_put(queue, &i), 0);
        ck_assert_uint_eq(coil_queue_size(queue), (size_t)i + 1);
    }
    for (int i = 0; i < 100; i++) {
        int item = -1;
        ck_assert_int_eq(coil_queue_get(queue, &item), 0);
        ck_assert_int_eq(item, i);
    }
    ck_assert(coil_queue_empty(queue));
    coil_queue_unref(queue);
    return 0;
}

TASK_TEST(without_waiting_there_is_an_error_for_full_and_one_for_empty)
{
    A_QUEUE(queue, 2);
    int item = 5;

    ck_assert_uint_eq(coil_queue_maxsize(queue), 2);
    ck_assert_int_eq(coil_queue_get_nowait(queue, &item), -EAGAIN);
    put(queue, 1);
    ck_assert(!coil_queue_full(queue));
    put(queue, 2);
    ck_assert(coil_queue_full(queue));
    ck_assert_int_eq(coil_queue_put_nowait(queue, &item), -EAGAIN);
    ck_assert_int_eq(item, 5);
    ck_assert_int_eq(get(queue), 1);
    ck_assert_int_eq(get(queue), 2);
    coil_queue_unref(queue);
    return 0;
}

TASK_TEST(an_unbounded_queue_is_never_full)
{
    A_QUEUE(queue, 0);

    for (int i = 0; i < 100000; i++) {
        put(queue, i);
    }
    ck_assert(!coil_queue_full(queue));
    ck_assert_uint_eq(coil_queue_maxsize(queue), 0);
    for (int i = 0; i < 100000; i++) {
        ck_assert_int_eq(get(queue), i);
    }
    coil_queue_unref(queue);
    return 0;
}

TASK_TEST(getters_are_served_in_the_order_in_which_they_came)
{
    A_QUEUE(queue, 0);
    struct client clients[4] = {{0}};

    start_clients(clients, 4, getter, queue);
    trigger(NULL);
    for (int i = 1; i <= 4; i++) {
        put(queue, i);
    }
    join_clients(clients, 4);
    assert_said("ABCD");
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(clients[i].item, i + 1);
        ck_assert_int_eq(clients[i].hops, 1);
    }
    coil_queue_unref(queue);
    return 0;
}

TASK_TEST(putters_are_served_in_the_order_in_which_they_came)
{
    A_QUEUE(queue, 1);
    struct client clients[3] = {{.item = 1}, {.item = 2}, {.item = 3}};

    put(queue, 0);
    start_clients(clients, 3, putter, queue);
    assert_said("");
    trigger(NULL);
    ck_assert_int_eq(get(queue), 0);
    let_pass(1);
    ck_assert_int_eq(clients[0].hops, 1);
    assert_said("A");
    for (int i = 1; i <= 3; i++) {
        ck_assert_int_eq(get(queue), i);
        let_pass(1);
    }
    join_clients(clients, 3);
    assert_said("BC");
    coil_queue_unref(queue);
    return 0;
}

TASK_TEST(a_woken_getter_looks_again_because_others_may_barge)
{
    A_QUEUE(queue, 0);
    struct client client = {0};

    start_clients(&client, 1, getter, queue);
    put(queue, 1);
    ck_assert_int_eq(get(queue), 1); /* before the getter's step */
    let_pass(3);
    assert_said("");
    put(queue, 2);
    join_clients(&client, 1);
    ck_assert_int_eq(client.item, 2);
    coil_queue_unref(queue);
    forget_log();
    return 0;
}

TASK_TEST(a_woken_putter_looks_again_because_others_may_barge)
{
    A_QUEUE(queue, 1);
    struct client client = {.item = 3};

    put(queue, 1);
    start_clients(&client, 1, putter, queue);
    ck_assert_int_eq(get(queue), 1);
    put(queue, 2); /* before the putter's step */
    let_pass(3);
    assert_said("");
    ck_assert_int_eq(get(queue), 2);
    join_clients(&client, 1);
    ck_assert_int_eq(get(queue), 3);
    coil_queue_unref(queue);
    forget_log();
    return 0;
}

/* ---- cancellation ---------------------------------------------------------------------------------------------------- */

TASK_TEST(a_cancelled_getter_takes_nothing)
{
    A_QUEUE(queue, 0);
    struct client clients[2] = {{.item = -1}, {.item = -1}};

    start_clients(clients, 2, getter, queue);
    cancel_client(&clients[0]);
    put(queue, 1);
    join_clients(clients, 2);
    ck_assert_int_eq(clients[0].item, -1);
    ck_assert_int_eq(clients[1].item, 1);
    assert_said("A!B");
    coil_queue_unref(queue);
    return 0;
}

TASK_TEST(a_woken_getter_that_is_cancelled_wakes_the_next)
{
    A_QUEUE(queue, 0);
    struct client clients[2] = {{.item = -1}, {.item = -1}};

    start_clients(clients, 2, getter, queue);
    put(queue, 1);
    trigger(NULL);
    cancel_client(&clients[0]);
    join_clients(clients, 2);
    assert_said("A!B");
    ck_assert_int_eq(clients[0].item, -1);
    ck_assert_int_eq(clients[1].item, 1);
    ck_assert_int_eq(clients[1].hops, 2);
    coil_queue_unref(queue);
    return 0;
}

TASK_TEST(a_woken_getter_that_is_cancelled_alone_leaves_the_item)
{
    A_QUEUE(queue, 0);
    struct client client = {.item = -1};

    start_clients(&client, 1, getter, queue);
    put(queue, 1);
    cancel_client(&client);
    join_clients(&client, 1);
    assert_said("A!");
    ck_assert_int_eq(get(queue), 1);
    coil_queue_unref(queue);
    return 0;
}

TASK_TEST(a_cancelled_putter_puts_nothing)
{
    A_QUEUE(queue, 1);
    struct client clients[2] = {{.item = 1}, {.item = 2}};

    put(queue, 0);
    start_clients(clients, 2, putter, queue);
    cancel_client(&clients[0]);
    ck_assert_int_eq(get(queue), 0);
    join_clients(clients, 2);
    assert_said("A!B");
    ck_assert_int_eq(get(queue), 2);
    ck_assert(coil_queue_empty(queue));
    coil_queue_unref(queue);
    return 0;
}

TASK_TEST(a_woken_putter_that_is_cancelled_wakes_the_next)
{
    A_QUEUE(queue, 1);
    struct client clients[2] = {{.item = 1}, {.item = 2}};

    put(queue, 0);
    start_clients(clients, 2, putter, queue);
    ck_assert_int_eq(get(queue), 0);
    trigger(NULL);
    cancel_client(&clients[0]);
    join_clients(clients, 2);
    assert_said("A!B");
    ck_assert_int_eq(clients[1].hops, 2);
    ck_assert_int_eq(get(queue), 2);
    ck_assert(coil_queue_empty(queue));
    coil_queue_unref(queue);
    return 0;
}

TASK_TEST(wait_for_gives_up_a_get_without_losing_the_next_item)
{
    A_QUEUE(queue, 0);
    struct client client = {.object = queue, .item = -1};

    ck_assert_int_eq(coil_wait_for_coroutine(getter, &client, 3), -ETIMEDOUT);
    put(queue, 1);
    ck_assert_int_eq(coil_wait_for_coroutine(getter, &client, 3), 0);
    ck_assert_int_eq(client.item, 1);
    coil_queue_unref(queue);
    return 0;
}

/* ---- references ------------------------------------------------------------------------------------------------------ */

TASK_TEST(a_queue_lives_as_long_as_somebody_waits_in_it)
{
    A_QUEUE(queue, 1);
    struct client clients[2] = {{.item = 2}, {0}};

    put(queue, 1);
    start_clients(clients, 1, putter, queue);
    coil_queue_unref(queue);
    ck_assert_int_eq(get(queue), 1); /* the putter keeps it */
    join_clients(clients, 1);
    assert_said("A");
    return 0;
}

TASK_TEST(a_waiter_whose_queue_nobody_else_has_can_be_cancelled)
{
    A_QUEUE(queue, 0);
    struct client client = {0};

    start_clients(&client, 1, getter, queue);
    coil_queue_unref(queue);
    cancel_client(&client);
    join_clients(&client, 1);
    assert_said("A!");
    return 0;
}

TASK_TEST(references_are_counted)
{
    A_QUEUE(queue, 0);

    ck_assert_ptr_eq(coil_queue_ref(queue), queue);
    coil_queue_unref(queue);
    put(queue, 1);
    coil_queue_unref(queue); /* the item goes with it */
    coil_queue_unref(NULL);
    ck_assert_ptr_null(coil_queue_ref(NULL));
    return 0;
}

static void put_from_callback(void *queue)
{
    int item = 7;

    ck_assert_int_eq(coil_queue_put_nowait(queue, &item), 0);
    ck_assert_int_eq(coil_queue_put(queue, &item), -EPERM);
    ck_assert_int_eq(coil_queue_get(queue, &item), -EPERM);
    ck_assert_int_eq(coil_queue_join(queue), -EPERM);
}

TASK_TEST(a_callback_may_put_but_not_wait)
{
    A_QUEUE(queue, 1);
    int item = 0;

    ck_assert_ptr_nonnull(coil_call_later(4, put_from_callback, queue));
    ck_assert_int_eq(coil_queue_get(queue, &item), 0);
    ck_assert_int_eq(item, 7);
    ck_assert_double_eq(coil_time(), 4);
    coil_queue_unref(queue);
    return 0;
}

Suite *queue_suite(void)
{
    Suite *suite = suite_create("queue");
    TCase *tests = tcase_create("queue");

    tcase_add_checked_fixture(tests, setup_clients, teardown);
    tcase_add_test(tests, items_come_out_as_they_went_in);
    tcase_add_test(tests, without_waiting_there_is_an_error_for_full_and_one_for_empty);
    tcase_add_test(tests, an_unbounded_queue_is_never_full);
    tcase_add_test(tests, getters_are_served_in_the_order_in_which_they_came);
    tcase_add_test(tests, putters_are_served_in_the_order_in_which_they_came);
    tcase_add_test(tests, a_woken_getter_looks_again_because_others_may_barge);
    tcase_add_test(tests, a_woken_putter_looks_again_because_others_may_barge);
    tcase_add_test(tests, a_cancelled_getter_takes_nothing);
    tcase_add_test(tests, a_woken_getter_that_is_cancelled_wakes_the_next);
    tcase_add_test(tests, a_woken_getter_that_is_cancelled_alone_leaves_the_item);
    tcase_add_test(tests, a_cancelled_putter_puts_nothing);
    tcase_add_test(tests, a_woken_putter_that_is_cancelled_wakes_the_next);
    tcase_add_test(tests, wait_for_gives_up_a_get_without_losing_the_next_item);
    tcase_add_test(tests, a_queue_lives_as_long_as_somebody_waits_in_it);
    tcase_add_test(tests, a_waiter_whose_queue_nobody_else_has_can_be_cancelled);
    tcase_add_test(tests, references_are_counted);
    tcase_add_test(tests, a_callback_may_put_but_not_wait);
    suite_add_tcase(suite, tests);
    return suite;
}
