/* How queues end: shutting down, at once or when they are empty, and waiting until all is dealt with. */
#include "clients.h"
#include "suites.h"

static int joiner(void *arg)
{
    struct client *client = arg;
    int rc = coil_queue_join(client->object);

    client_is_through(client, rc);
    return rc;
}

static coil_queue *queue_with(size_t maxsize, int items)
{
    coil_queue *queue = coil_queue_new(sizeof(int), maxsize);

    ck_assert_ptr_nonnull(queue);
    for (int i = 0; i < items; i++) {
        ck_assert_int_eq(coil_queue_put_nowait(queue, &i), 0);
    }
    return queue;
}

/* ---- task_done, join ------------------------------------------------------------------------------------------------- */

TASK_TEST(join_of_what_is_dealt_with_does_not_wait)
{
    coil_queue *queue = queue_with(0, 0);

    trigger(NULL);
    ck_assert_int_eq(coil_queue_join(queue), 0);
    ck_assert_int_eq(hops(), 0);
    coil_queue_unref(queue);
    return 0;
}

TASK_TEST(join_waits_for_as_many_task_dones_as_there_were_puts)
{
    coil_queue *queue = queue_with(0, 2);
    struct client clients[2] = {{0}};
    int item;

    start_clients(clients, 2, joiner, queue);
    ck_assert_int_eq(coil_queue_task_done(queue), 0);
    ck_assert_int_eq(coil_queue_get(queue, &item), 0);
    ck_assert_int_eq(coil_queue_get(queue, &item), 0);
    let_pass(2);
    assert_said(""); /* taken, but not dealt with */
    ck_assert_int_eq(coil_queue_task_done(queue), 0);
    trigger(NULL);
    join_clients(clients, 2);
    assert_said("AB");
    ck_assert_int_eq(clients[0].hops, 1);
    coil_queue_unref(queue);
    return 0;
}

TASK_TEST(one_task_done_too_many_is_an_error)
{
    coil_queue *queue = queue_with(0, 1);

    ck_assert_int_eq(coil_queue_task_done(queue), 0);
    ck_assert_int_eq(coil_queue_task_done(queue), -EINVAL);
    coil_queue_unref(queue);
    return 0;
}

TASK_TEST(a_joiner_that_was_woken_returns_although_more_was_put_in)
{
    coil_queue *queue = queue_with(0, 1);
    struct client client = {0};
    int item = 0;

    start_clients(&client, 1, joiner, queue);
    ck_assert_int_eq(coil_queue_task_done(queue), 0);
    ck_assert_int_eq(coil_queue_put_nowait(queue, &item), 0);
    join_clients(&client, 1);
    assert_said("A");
    coil_queue_unref(queue);
    return 0;
}

TASK_TEST(a_cancelled_joiner_leaves_the_others)
{
    coil_queue *queue = queue_with(0, 1);
    struct client clients[2] = {{0}};

    start_clients(clients, 2, joiner, queue);
    cancel_client(&clients[0]);
    let_pass(1);
    ck_assert_int_eq(coil_queue_task_done(queue), 0);
    coil_queue_unref(queue);
    join_clients(clients, 2);
    assert_said("A!B");
    return 0;
}

/* ---- shutdown -------------------------------------------------------------------------------------------------------- */

TASK_TEST(after_a_shutdown_nothing_goes_in_and_what_is_in_comes_out)
{
    coil_queue *queue = queue_with(0, 2);
    int item;

    ck_assert_int_eq(coil_queue_shutdown(queue, false), 0);
    ck_assert_int_eq(coil_queue_put(queue, &item), -ESHUTDOWN);
    ck_assert_int_eq(coil_queue_put_nowait(queue, &item), -ESHUTDOWN);
    ck_assert_uint_eq(coil_queue_size(queue), 2);
    ck_assert_int_eq(coil_queue_get(queue, &item), 0);
    ck_assert_int_eq(item, 0);
    ck_assert_int_eq(coil_queue_get_nowait(queue, &item), 0);
    ck_assert_int_eq(item, 1);
    ck_assert_int_eq(coil_queue_get(queue, &item), -ESHUTDOWN);
    ck_assert_int_eq(coil_queue_get_nowait(queue, &item), -ESHUTDOWN);
    coil_queue_unref(queue);
    return 0;
}

TASK_TEST(an_immediate_shutdown_drops_what_is_in)
{
    coil_queue *queue = queue_with(0, 3);
    int item = -1;

    ck_assert_int_eq(coil_queue_shutdown(queue, true), 0);
    ck_assert_uint_eq(coil_queue_size(queue), 0);
    ck_assert_int_eq(coil_queue_get(queue, &item), -ESHUTDOWN);
    ck_assert_int_eq(item, -1);
    ck_assert_int_eq(coil_queue_join(queue), 0); /* the dropped count as dealt with */
    ck_assert_int_eq(coil_queue_task_done(queue), -EINVAL);
    coil_queue_unref(queue);
    return 0;
}

TASK_TEST(a_full_queue_that_is_shut_down_says_so)
{
    coil_queue *queue = queue_with(1, 1);
    int item = 0;

    ck_assert_int_eq(coil_queue_shutdown(queue, false), 0);
    ck_assert_int_eq(coil_queue_put(queue, &item), -ESHUTDOWN);
    ck_assert_int_eq(coil_queue_put_nowait(queue, &item), -ESHUTDOWN);
    coil_queue_unref(queue);
    return 0;
}

TASK_TEST(shutdown_wakes_all_getters)
{
    coil_queue *queue = queue_with(0, 0);
    struct client clients[3] = {{0}};

    start_clients(clients, 3, getter, queue);
    ck_assert_int_eq(coil_queue_shutdown(queue, false), 0);
    trigger(NULL);
    join_clients(clients, 3);
    assert_said("ABC");
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(clients[i].rc, -ESHUTDOWN);
        ck_assert_int_eq(clients[i].hops, 1);
    }
    coil_queue_unref(queue);
    return 0;
}

TASK_TEST(shutdown_wakes_all_putters)
{
    coil_queue *queue = queue_with(1, 1);
    struct client clients[3] = {{0}};

    start_clients(clients, 3, putter, queue);
    ck_assert_int_eq(coil_queue_shutdown(queue, false), 0);
    join_clients(clients, 3);
    assert_said("ABC");
    ck_assert_int_eq(clients[2].rc, -ESHUTDOWN);
    ck_assert_uint_eq(coil_queue_size(queue), 1);
    coil_queue_unref(queue);
    return 0;
}

TASK_TEST(a_putter_that_room_was_made_for_learns_of_a_shutdown)
{
    coil_queue *queue = queue_with(1, 1);
    struct client client = {.item = 5};
    int item;

    start_clients(&client, 1, putter, queue);
    ck_assert_int_eq(coil_queue_get_nowait(queue, &item), 0);
    ck_assert_int_eq(coil_queue_shutdown(queue, false), 0);
    join_clients(&client, 1);
    ck_assert_int_eq(client.rc, -ESHUTDOWN);
    ck_assert(coil_queue_empty(queue));
    coil_queue_unref(queue);
    forget_log();
    return 0;
}

TASK_TEST(a_getter_that_an_item_was_put_for_still_gets_it)
{
    coil_queue *queue = queue_with(1, 0);
    struct client clients[2] = {{0}};
    int item = 8;

    start_clients(clients, 2, getter, queue);
    ck_assert_int_eq(coil_queue_put_nowait(queue, &item), 0);
    ck_assert_int_eq(coil_queue_shutdown(queue, false), 0);
    join_clients(clients, 2);
    ck_assert_int_eq(clients[0].rc, 0);
    ck_assert_int_eq(clients[0].item, 8);
    ck_assert_int_eq(clients[1].rc, -ESHUTDOWN);
    coil_queue_unref(queue);
    forget_log();
    return 0;
}

TASK_TEST(an_immediate_shutdown_ends_a_join_unless_something_is_still_in_hand)
{
    coil_queue *queue = queue_with(0, 3);
    struct client client = {0};
    int item;

    start_clients(&client, 1, joiner, queue);
    ck_assert_int_eq(coil_queue_get_nowait(queue, &item), 0);
    ck_assert_int_eq(coil_queue_shutdown(queue, true), 0);
    let_pass(3);
    assert_said("");
    ck_assert_int_eq(coil_queue_task_done(queue), 0);
    join_clients(&client, 1);
    assert_said("A");
    coil_queue_unref(queue);
    return 0;
}

TASK_TEST(shutting_down_again_can_become_immediate)
{
    coil_queue *queue = queue_with(0, 3);

    ck_assert_int_eq(coil_queue_shutdown(queue, false), 0);
    ck_assert_int_eq(coil_queue_shutdown(queue, true), 0);
    ck_assert(coil_queue_empty(queue));
    ck_assert_int_eq(coil_queue_shutdown(queue, false), 0);
    coil_queue_unref(queue);
    return 0;
}

static int work(void *arg)
{
    coil_queue *queue = arg;
    int item, done = 0, rc;

    while ((rc = coil_queue_get(queue, &item)) == 0) {
        ck_assert_int_eq(coil_sleep(1), 0);
        ck_assert_int_eq(coil_queue_task_done(queue), 0);
        done++;
    }
    ck_assert_int_eq(rc, -ESHUTDOWN);
    return done;
}

TASK_TEST(workers_finish_what_is_there_and_go)
{
    coil_queue *queue = queue_with(0, 30);
    coil_task *workers[3];
    int done = 0;

    for (int i = 0; i < 3; i++) {
        workers[i] = spawn(work, queue);
    }
    ck_assert_int_eq(coil_queue_shutdown(queue, false), 0);
    ck_assert_int_eq(coil_queue_join(queue), 0);
    ck_assert_double_eq(coil_time(), 10);
    for (int i = 0; i < 3; i++) {
        done += coil_join(workers[i]);
    }
    ck_assert_int_eq(done, 30);
    coil_queue_unref(queue);
    return 0;
}

Suite *queue_end_suite(void)
{
    Suite *suite = suite_create("queue_end");
    TCase *tests = tcase_create("queue_end");

    tcase_add_checked_fixture(tests, setup_clients, teardown);
    tcase_add_test(tests, join_of_what_is_dealt_with_does_not_wait);
    tcase_add_test(tests, join_waits_for_as_many_task_dones_as_there_were_puts);
    tcase_add_test(tests, one_task_done_too_many_is_an_error);
    tcase_add_test(tests, a_joiner_that_was_woken_returns_although_more_was_put_in);
    tcase_add_test(tests, a_cancelled_joiner_leaves_the_others);
    tcase_add_test(tests, after_a_shutdown_nothing_goes_in_and_what_is_in_comes_out);
    tcase_add_test(tests, an_immediate_shutdown_drops_what_is_in);
    tcase_add_test(tests, a_full_queue_that_is_shut_down_says_so);
    tcase_add_test(tests, shutdown_wakes_all_getters);
    tcase_add_test(tests, shutdown_wakes_all_putters);
    tcase_add_test(tests, a_putter_that_room_was_made_for_learns_of_a_shutdown);
    tcase_add_test(tests, a_getter_that_an_item_was_put_for_still_gets_it);
    tcase_add_test(tests, an_immediate_shutdown_ends_a_join_unless_something_is_still_in_hand);
    tcase_add_test(tests, shutting_down_again_can_become_immediate);
    tcase_add_test(tests, workers_finish_what_is_there_and_go);
    suite_add_tcase(suite, tests);
    return suite;
}
