/* The event: who is woken, when, and that nobody is forgotten. */
#include "clients.h"
#include "suites.h"

static int event_client(void *arg)
{
    struct client *client = arg;
    int rc = coil_event_wait(client->object);

    client_is_through(client, rc);
    return rc;
}

TASK_TEST(a_set_event_lets_everybody_through_at_once)
{
    coil_event event = COIL_EVENT_INIT;

    ck_assert(!coil_event_is_set(&event));
    coil_event_set(&event);
    ck_assert(coil_event_is_set(&event));
    trigger(NULL);
    ck_assert_int_eq(coil_event_wait(&event), 0);
    ck_assert_int_eq(coil_event_wait(&event), 0);
    ck_assert_int_eq(hops(), 0);
    return 0;
}

static coil_event static_event = COIL_EVENT_INIT;

TASK_TEST(static_zero_and_initialised_events_are_the_same)
{
    coil_event made, zero;
    coil_event *const events[] = {&static_event, &made, &zero};

    memset(&made, 0xff, sizeof(made));
    coil_event_init(&made);
    memset(&zero, 0, sizeof(zero));
    for (int i = 0; i < 3; i++) {
        struct client clients[2] = {{0}};
        start_clients(clients, 2, event_client, events[i]);
        assert_said("");
        coil_event_set(events[i]);
        join_clients(clients, 2);
        assert_said("AB");
    }
    return 0;
}

TASK_TEST(set_wakes_all_in_the_order_in_which_they_came)
{
    coil_event event = COIL_EVENT_INIT;
    struct client clients[5] = {{0}};

    start_clients(clients, 5, event_client, &event);
    coil_event_set(&event);
    trigger(NULL);
    join_clients(clients, 5);
    assert_said("ABCDE");
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(clients[i].hops, 1);
    }
    return 0;
}

TASK_TEST(who_was_woken_returns_although_the_event_was_cleared_since)
{
    coil_event event = COIL_EVENT_INIT;
    struct client clients[3] = {{0}};

    start_clients(clients, 2, event_client, &event);
    coil_event_set(&event);
    coil_event_clear(&event);
    struct client late = {.object = &event, .name = "late"};
    late.task = spawn(event_client, &late);
    join_clients(clients, 2);
    let_pass(3);
    assert_said("AB");
    coil_event_set(&event);
    (void)coil_join(late.task);
    assert_said("late");
    return 0;
}

TASK_TEST(setting_it_twice_wakes_nobody_twice)
{
    coil_event event = COIL_EVENT_INIT;
    struct client clients[2] = {{0}};

    start_clients(clients, 2, event_client, &event);
    coil_event_set(&event);
    coil_event_set(&event);
    coil_event_clear(&event);
    coil_event_set(&event);
    join_clients(clients, 2);
    assert_said("AB");
    return 0;
}

TASK_TEST(a_cancelled_waiter_leaves_the_others_waiting)
{
    coil_event event = COIL_EVENT_INIT;
    struct client clients[3] = {{0}};

    start_clients(clients, 3, event_client, &event);
    cancel_client(&clients[1]);
    let_pass(1);
    assert_said("B!");
    coil_event_set(&event);
    join_clients(clients, 3);
    assert_said("AC");
    return 0;
}

TASK_TEST(a_woken_waiter_that_is_cancelled_is_cancelled_and_the_others_go_on)
{
    coil_event event = COIL_EVENT_INIT;
    struct client clients[3] = {{0}};

    start_clients(clients, 3, event_client, &event);
    coil_event_set(&event);
    cancel_client(&clients[0]);
    join_clients(clients, 3);
    assert_said("A!BC");
    return 0;
}

static void set_from_callback(void *event)
{
    coil_event_set(event);
}

TASK_TEST(a_callback_may_set_it)
{
    coil_event event = COIL_EVENT_INIT;

    ck_assert_ptr_nonnull(coil_call_later(5, set_from_callback, &event));
    ck_assert_int_eq(coil_event_wait(&event), 0);
    ck_assert_double_eq(coil_time(), 5);
    return 0;
}

Suite *event_suite(void)
{
    Suite *suite = suite_create("event");
    TCase *tests = tcase_create("event");

    tcase_add_checked_fixture(tests, setup_clients, teardown);
    tcase_add_test(tests, a_set_event_lets_everybody_through_at_once);
    tcase_add_test(tests, static_zero_and_initialised_events_are_the_same);
    tcase_add_test(tests, set_wakes_all_in_the_order_in_which_they_came);
    tcase_add_test(tests, who_was_woken_returns_although_the_event_was_cleared_since);
    tcase_add_test(tests, setting_it_twice_wakes_nobody_twice);
    tcase_add_test(tests, a_cancelled_waiter_leaves_the_others_waiting);
    tcase_add_test(tests, a_woken_waiter_that_is_cancelled_is_cancelled_and_the_others_go_on);
    tcase_add_test(tests, a_callback_may_set_it);
    suite_add_tcase(suite, tests);
    return suite;
}
