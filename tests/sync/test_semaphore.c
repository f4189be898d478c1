/* Semaphores: units go to those who wait, in order, and none is ever lost or doubled. */
#include <limits.h>

#include "clients.h"
#include "suites.h"

static int semaphore_client(void *arg)
{
    struct client *client = arg;
    coil_semaphore *semaphore = client->object;
    int rc = coil_semaphore_acquire(semaphore);

    client_is_through(client, rc);
    if (rc == 0 && client->holds >= 0) {
        let_pass(client->holds);
        ck_assert_int_eq(coil_semaphore_release(semaphore), 0);
    }
    return rc;
}

TASK_TEST(units_are_taken_at_once_while_there_are_any)
{
    coil_semaphore semaphore = COIL_SEMAPHORE_INIT(2);

    trigger(NULL);
    ck_assert(!coil_semaphore_locked(&semaphore));
    ck_assert_int_eq(coil_semaphore_acquire(&semaphore), 0);
    ck_assert(!coil_semaphore_locked(&semaphore));
    ck_assert_int_eq(coil_semaphore_acquire(&semaphore), 0);
    ck_assert(coil_semaphore_locked(&semaphore));
    ck_assert_int_eq(hops(), 0);
    ck_assert_int_eq(coil_semaphore_release(&semaphore), 0);
    ck_assert(!coil_semaphore_locked(&semaphore));
    return 0;
}

static coil_semaphore static_semaphore = COIL_SEMAPHORE_INIT(1);
static coil_semaphore static_bounded = COIL_BOUNDED_SEMAPHORE_INIT(1);

TASK_TEST(static_and_initialised_semaphores_are_the_same)
{
    coil_semaphore made, bounded;
    coil_semaphore *const semaphores[] = {&static_semaphore, &made, &static_bounded, &bounded};

    memset(&made, 0xff, sizeof(made));
    ck_assert_int_eq(coil_semaphore_init(&made, 1), 0);
    memset(&bounded, 0xff, sizeof(bounded));
    ck_assert_int_eq(coil_bounded_semaphore_init(&bounded, 1), 0);
    for (int i = 0; i < 4; i++) {
        struct client clients[3] = {{0}};
        start_clients(clients, 3, semaphore_client, semaphores[i]);
        join_clients(clients, 3);
        assert_said("ABC");
        ck_assert_int_eq(coil_semaphore_release(semaphores[i]), i < 2 ? 0 : -EINVAL);
    }
    return 0;
}

TASK_TEST(of_zero_bytes_it_has_no_units_and_no_bound)
{
    coil_semaphore semaphore;
    struct client client = {.holds = 0};

    memset(&semaphore, 0, sizeof(semaphore));
    start_clients(&client, 1, semaphore_client, &semaphore);
    assert_said("");
    ck_assert_int_eq(coil_semaphore_release(&semaphore), 0);
    join_clients(&client, 1);
    assert_said("A");
    return 0;
}

TASK_TEST(who_waits_first_gets_the_first_unit)
{
    coil_semaphore semaphore = COIL_SEMAPHORE_INIT(0);
    struct client clients[4] = {{.holds = -1}, {.holds = -1}, {.holds = -1}, {.holds = -1}};

    start_clients(clients, 4, semaphore_client, &semaphore);
    ck_assert_int_eq(coil_semaphore_release(&semaphore), 0);
    ck_assert_int_eq(coil_semaphore_release(&semaphore), 0);
    trigger(NULL);
    let_pass(3);
    assert_said("AB");
    ck_assert_int_eq(clients[0].hops, 1);
    ck_assert_int_eq(clients[1].hops, 1);
    ck_assert_int_eq(coil_semaphore_release(&semaphore), 0);
    ck_assert_int_eq(coil_semaphore_release(&semaphore), 0);
    join_clients(clients, 4);
    assert_said("CD");
    return 0;
}

TASK_TEST(the_unit_is_gone_when_the_waiter_is_woken)
{
    coil_semaphore semaphore = COIL_SEMAPHORE_INIT(0);
    struct client client = {.holds = 0};

    start_clients(&client, 1, semaphore_client, &semaphore);
    ck_assert_int_eq(coil_semaphore_release(&semaphore), 0);
    ck_assert_int_eq(semaphore.value_, 0);
    ck_assert(coil_semaphore_locked(&semaphore));
    trigger(NULL);
    ck_assert_int_eq(coil_semaphore_acquire(&semaphore), 0);
    assert_said("A");
    ck_assert_int_eq(hops(), 2);
    join_clients(&client, 1);
    return 0;
}

TASK_TEST(nobody_overtakes_a_waiter_that_has_not_run_yet)
{
    coil_semaphore semaphore = COIL_SEMAPHORE_INIT(0);
    struct client client = {.holds = -1};

    start_clients(&client, 1, semaphore_client, &semaphore);
    ck_assert_int_eq(coil_semaphore_release(&semaphore), 0);
    ck_assert_int_eq(coil_semaphore_release(&semaphore), 0);
    ck_assert_int_eq(semaphore.value_, 1); /* a unit is there, and yet one has to wait */
    ck_assert(coil_semaphore_locked(&semaphore));
    trigger(NULL);
    ck_assert_int_eq(coil_semaphore_acquire(&semaphore), 0);
    assert_said("A");
    ck_assert_int_eq(hops(), 2); /* A, when it runs, wakes on */
    join_clients(&client, 1);
    return 0;
}

TASK_TEST(a_cancelled_waiter_leaves_the_line)
{
    coil_semaphore semaphore = COIL_SEMAPHORE_INIT(0);
    struct client clients[3] = {{.holds = -1}, {.holds = -1}, {.holds = -1}};

    start_clients(clients, 3, semaphore_client, &semaphore);
    cancel_client(&clients[0]);
    ck_assert_int_eq(coil_semaphore_release(&semaphore), 0);
    let_pass(2);
    assert_said("A!B");
    ck_assert_int_eq(coil_semaphore_release(&semaphore), 0);
    join_clients(clients, 3);
    assert_said("C");
    return 0;
}

TASK_TEST(a_woken_waiter_that_is_cancelled_hands_the_unit_on)
{
    coil_semaphore semaphore = COIL_SEMAPHORE_INIT(0);
    struct client clients[3] = {{.holds = -1}, {.holds = -1}, {.holds = -1}};

    start_clients(clients, 3, semaphore_client, &semaphore);
    ck_assert_int_eq(coil_semaphore_release(&semaphore), 0);
    cancel_client(&clients[0]);
    trigger(NULL);
    let_pass(3);
    assert_said("A!B");
    ck_assert_int_eq(clients[1].hops, 2);
    ck_assert_int_eq(semaphore.value_, 0);
    ck_assert_int_eq(coil_semaphore_release(&semaphore), 0);
    join_clients(clients, 3);
    assert_said("C");
    return 0;
}

TASK_TEST(a_woken_waiter_that_is_cancelled_with_nobody_behind_gives_the_unit_back)
{
    coil_semaphore semaphore = COIL_BOUNDED_SEMAPHORE_INIT(1);
    struct client client = {.holds = -1};

    ck_assert_int_eq(coil_semaphore_acquire(&semaphore), 0);
    start_clients(&client, 1, semaphore_client, &semaphore);
    ck_assert_int_eq(coil_semaphore_release(&semaphore), 0);
    cancel_client(&client);
    join_clients(&client, 1);
    assert_said("A!");
    ck_assert_int_eq(semaphore.value_, 1);
    ck_assert(!coil_semaphore_locked(&semaphore));
    return 0;
}

TASK_TEST(a_bounded_one_does_not_grow_beyond_its_first_value)
{
    coil_semaphore semaphore = COIL_BOUNDED_SEMAPHORE_INIT(2);

    ck_assert_int_eq(coil_semaphore_release(&semaphore), -EINVAL);
    ck_assert_int_eq(coil_semaphore_acquire(&semaphore), 0);
    ck_assert_int_eq(coil_semaphore_release(&semaphore), 0);
    ck_assert_int_eq(coil_semaphore_release(&semaphore), -EINVAL);
    ck_assert_int_eq(semaphore.value_, 2);
    return 0;
}

TASK_TEST(an_unbounded_one_grows_as_far_as_numbers_go)
{
    coil_semaphore semaphore = COIL_SEMAPHORE_INIT(0);

    ck_assert_int_eq(coil_semaphore_release(&semaphore), 0);
    ck_assert_int_eq(coil_semaphore_release(&semaphore), 0);
    ck_assert_int_eq(semaphore.value_, 2);
    ck_assert_int_eq(coil_semaphore_init(&semaphore, LONG_MAX), 0);
    ck_assert_int_eq(coil_semaphore_release(&semaphore), -EOVERFLOW);
    ck_assert_int_eq(coil_semaphore_acquire(&semaphore), 0);
    ck_assert_int_eq(coil_semaphore_release(&semaphore), 0);
    return 0;
}

TASK_TEST(a_negative_value_is_refused)
{
    coil_semaphore semaphore;

    ck_assert_int_eq(coil_semaphore_init(&semaphore, -1), -EINVAL);
    ck_assert_int_eq(coil_bounded_semaphore_init(&semaphore, -1), -EINVAL);
    return 0;
}

static int inside;
static int most_inside;

static int worker(void *arg)
{
    coil_semaphore *semaphore = arg;

    ck_assert_int_eq(coil_semaphore_acquire(semaphore), 0);
    inside++;
    most_inside = inside > most_inside ? inside : most_inside;
    ck_assert_int_eq(coil_sleep(1), 0);
    inside--;
    ck_assert_int_eq(coil_semaphore_release(semaphore), 0);
    return 0;
}

TASK_TEST(no_more_than_its_value_are_inside_at_a_time)
{
    coil_semaphore semaphore = COIL_BOUNDED_SEMAPHORE_INIT(7);
    coil_group group;

    coil_group_begin(&group);
    for (int i = 0; i < 100; i++) {
        ck_assert_int_eq(coil_group_spawn(&group, worker, &semaphore), 0);
    }
    ck_assert_int_eq(coil_group_end(&group, 0), 0);
    ck_assert_int_eq(most_inside, 7);
    ck_assert_double_eq(coil_time(), 15); /* 100 seconds of work, 7 at a time */
    return 0;
}

Suite *semaphore_suite(void)
{
    Suite *suite = suite_create("semaphore");
    TCase *tests = tcase_create("semaphore");

    tcase_add_checked_fixture(tests, setup_clients, teardown);
    tcase_add_test(tests, units_are_taken_at_once_while_there_are_any);
    tcase_add_test(tests, static_and_initialised_semaphores_are_the_same);
    tcase_add_test(tests, of_zero_bytes_it_has_no_units_and_no_bound);
    tcase_add_test(tests, who_waits_first_gets_the_first_unit);
    tcase_add_test(tests, the_unit_is_gone_when_the_waiter_is_woken);
    tcase_add_test(tests, nobody_overtakes_a_waiter_that_has_not_run_yet);
    tcase_add_test(tests, a_cancelled_waiter_leaves_the_line);
    tcase_add_test(tests, a_woken_waiter_that_is_cancelled_hands_the_unit_on);
    tcase_add_test(tests, a_woken_waiter_that_is_cancelled_with_nobody_behind_gives_the_unit_back);
    tcase_add_test(tests, a_bounded_one_does_not_grow_beyond_its_first_value);
    tcase_add_test(tests, an_unbounded_one_grows_as_far_as_numbers_go);
    tcase_add_test(tests, a_negative_value_is_refused);
    tcase_add_test(tests, no_more_than_its_value_are_inside_at_a_time);
    suite_add_tcase(suite, tests);
    return suite;
}
