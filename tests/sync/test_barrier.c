/* The barrier: rounds, who comes while one ends, breaking and mending. */
#include <limits.h>

#include "clients.h"
#include "suites.h"

static int barrier_client(void *arg)
{
    struct client *client = arg;
    int rc = coil_barrier_wait(client->object);

    client_is_through(client, rc);
    if (rc == -EPIPE) {
        say("?");
    }
    return rc;
}

TASK_TEST(the_last_to_come_lets_all_through)
{
    coil_barrier barrier = COIL_BARRIER_INIT(3);
    struct client clients[2] = {{0}};

    ck_assert_uint_eq(coil_barrier_parties(&barrier), 3);
    start_clients(clients, 2, barrier_client, &barrier);
    assert_said("");
    ck_assert_uint_eq(coil_barrier_waiting(&barrier), 2);
    trigger(NULL);
    ck_assert_int_eq(coil_barrier_wait(&barrier), 2);
    ck_assert_int_eq(hops(), 0);
    ck_assert_uint_eq(coil_barrier_waiting(&barrier), 0);
    join_clients(clients, 2);
    assert_said("AB");
    ck_assert_int_eq(clients[0].rc, 0);
    ck_assert_int_eq(clients[1].rc, 1);
    ck_assert_int_eq(clients[0].hops, 1);
    return 0;
}

static coil_barrier static_barrier = COIL_BARRIER_INIT(2);

TASK_TEST(static_and_initialised_barriers_are_the_same_and_of_zero_bytes_there_is_none)
{
    coil_barrier made, zero;
    coil_barrier *const barriers[] = {&static_barrier, &made};

    memset(&made, 0xff, sizeof(made));
    ck_assert_int_eq(coil_barrier_init(&made, 2), 0);
    for (int i = 0; i < 2; i++) {
        struct client client = {0};
        start_clients(&client, 1, barrier_client, barriers[i]);
        ck_assert_int_eq(coil_barrier_wait(barriers[i]), 1);
        join_clients(&client, 1);
        assert_said("A");
    }
    memset(&zero, 0, sizeof(zero));
    ck_assert_int_eq(coil_barrier_wait(&zero), -EINVAL);
    ck_assert_int_eq(coil_barrier_reset(&zero), -EINVAL);
    return 0;
}

TASK_TEST(no_parties_or_too_many_are_refused)
{
    coil_barrier barrier;

    ck_assert_int_eq(coil_barrier_init(&barrier, 0), -EINVAL);
    ck_assert_int_eq(coil_barrier_init(&barrier, (size_t)INT_MAX + 1), -EINVAL);
    ck_assert_int_eq(coil_barrier_init(&barrier, INT_MAX), 0);
    return 0;
}

TASK_TEST(a_barrier_of_one_never_waits)
{
    coil_barrier barrier = COIL_BARRIER_INIT(1);

    trigger(NULL);
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(coil_barrier_wait(&barrier), 0);
    }
    ck_assert_int_eq(hops(), 0);
    return 0;
}

enum { PARTIES = 4, LAPS = 50 };

static int laps_of[PARTIES];

static int run_laps(void *arg)
{
    struct client *client = arg;
    static unsigned indices[LAPS];

    for (int lap = 0; lap < LAPS; lap++) {
        for (int i = 0; i < PARTIES; i++) {
            ck_assert_int_ge(laps_of[i], lap); /* nobody is a lap behind */
            ck_assert_int_le(laps_of[i], lap + 1);
        }
        laps_of[client->item]++;
        int index = coil_barrier_wait(client->object);
        ck_assert_int_ge(index, 0);
        ck_assert_int_lt(index, PARTIES);
        ck_assert_uint_eq(indices[lap] & 1U << index, 0); /* another for each */
        indices[lap] |= 1U << index;
        let_pass(client->item);
    }
    return 0;
}

TASK_TEST(it_serves_again_and_again)
{
    coil_barrier barrier = COIL_BARRIER_INIT(PARTIES);
    struct client clients[PARTIES] = {{.item = 0}, {.item = 1}, {.item = 2}, {.item = 3}};

    start_clients(clients, PARTIES, run_laps, &barrier);
    join_clients(clients, PARTIES);
    ck_assert_int_eq(laps_of[3], LAPS);
    return 0;
}

TASK_TEST(who_comes_while_others_leave_waits_for_the_next_round)
{
    coil_barrier barrier = COIL_BARRIER_INIT(2);
    struct client clients[3] = {{0}};

    start_clients(&clients[0], 1, barrier_client, &barrier);
    ck_assert_int_eq(coil_barrier_wait(&barrier), 1);
    clients[1] = (struct client){.object = &barrier, .name = "B"};
    clients[1].task = coil_create_task(barrier_client, &clients[1], .eager_start = true);
    ck_assert_uint_eq(coil_barrier_waiting(&barrier), 0); /* it is outside */
    let_pass(3);
    assert_said("A");
    ck_assert_uint_eq(coil_barrier_waiting(&barrier), 1);
    clients[2] = (struct client){.object = &barrier, .name = "C"};
    clients[2].task = spawn(barrier_client, &clients[2]);
    join_clients(clients, 3);
    assert_said("CB");
    return 0;
}

TASK_TEST(reset_sends_away_who_waits_and_it_can_be_used_again)
{
    coil_barrier barrier = COIL_BARRIER_INIT(3);
    struct client clients[2] = {{0}};

    start_clients(clients, 2, barrier_client, &barrier);
    ck_assert_int_eq(coil_barrier_reset(&barrier), 0);
    join_clients(clients, 2);
    assert_said("A?B?");
    ck_assert(!coil_barrier_broken(&barrier));
    start_clients(clients, 2, barrier_client, &barrier);
    ck_assert_int_eq(coil_barrier_wait(&barrier), 2);
    join_clients(clients, 2);
    assert_said("AB");
    return 0;
}

TASK_TEST(resetting_an_empty_one_does_nothing)
{
    coil_barrier barrier = COIL_BARRIER_INIT(2);
    struct client client = {0};

    ck_assert_int_eq(coil_barrier_reset(&barrier), 0);
    start_clients(&client, 1, barrier_client, &barrier);
    ck_assert_int_eq(coil_barrier_wait(&barrier), 1);
    join_clients(&client, 1);
    assert_said("A");
    return 0;
}

TASK_TEST(abort_breaks_it_until_a_reset)
{
    coil_barrier barrier = COIL_BARRIER_INIT(3);
    struct client clients[2] = {{0}};

    start_clients(clients, 2, barrier_client, &barrier);
    ck_assert_int_eq(coil_barrier_abort(&barrier), 0);
    ck_assert(coil_barrier_broken(&barrier));
    ck_assert_int_eq(coil_barrier_wait(&barrier), -EPIPE);
    join_clients(clients, 2);
    assert_said("A?B?");
    ck_assert_uint_eq(coil_barrier_waiting(&barrier), 0);
    ck_assert_int_eq(coil_barrier_reset(&barrier), 0);
    ck_assert(!coil_barrier_broken(&barrier));
    start_clients(clients, 2, barrier_client, &barrier);
    ck_assert_int_eq(coil_barrier_wait(&barrier), 2);
    join_clients(clients, 2);
    assert_said("AB");
    return 0;
}

TASK_TEST(a_cancelled_waiter_just_leaves)
{
    coil_barrier barrier = COIL_BARRIER_INIT(3);
    struct client clients[2] = {{0}};

    start_clients(clients, 2, barrier_client, &barrier);
    cancel_client(&clients[0]);
    let_pass(3);
    assert_said("A!");
    ck_assert_uint_eq(coil_barrier_waiting(&barrier), 1);
    ck_assert(!coil_barrier_broken(&barrier));
    clients[0].task = (coil_unref(clients[0].task), spawn(barrier_client, &clients[0]));
    let_pass(2);
    ck_assert_int_eq(coil_barrier_wait(&barrier), 2);
    join_clients(clients, 2);
    assert_said("BA");
    return 0;
}

TASK_TEST(a_cancelled_waiter_outside_leaves_too)
{
    coil_barrier barrier = COIL_BARRIER_INIT(2);
    struct client clients[2] = {{0}};

    start_clients(&clients[0], 1, barrier_client, &barrier);
    ck_assert_int_eq(coil_barrier_wait(&barrier), 1);
    clients[1] = (struct client){.object = &barrier, .name = "B"};
    clients[1].task = coil_create_task(barrier_client, &clients[1], .eager_start = true);
    cancel_client(&clients[1]);
    join_clients(clients, 2);
    assert_said("AB!");
    ck_assert_uint_eq(coil_barrier_waiting(&barrier), 0);
    return 0;
}

Suite *barrier_suite(void)
{
    Suite *suite = suite_create("barrier");
    TCase *tests = tcase_create("barrier");

    tcase_add_checked_fixture(tests, setup_clients, teardown);
    tcase_add_test(tests, the_last_to_come_lets_all_through);
    tcase_add_test(tests, static_and_initialised_barriers_are_the_same_and_of_zero_bytes_there_is_none);
    tcase_add_test(tests, no_parties_or_too_many_are_refused);
    tcase_add_test(tests, a_barrier_of_one_never_waits);
    tcase_add_test(tests, it_serves_again_and_again);
    tcase_add_test(tests, who_comes_while_others_leave_waits_for_the_next_round);
    tcase_add_test(tests, reset_sends_away_who_waits_and_it_can_be_used_again);
    tcase_add_test(tests, resetting_an_empty_one_does_nothing);
    tcase_add_test(tests, abort_breaks_it_until_a_reset);
    tcase_add_test(tests, a_cancelled_waiter_just_leaves);
    tcase_add_test(tests, a_cancelled_waiter_outside_leaves_too);
    suite_add_tcase(suite, tests);
    return suite;
}
