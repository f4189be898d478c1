/* The lock: rule by rule, the order in which it is handed on, and what a cancelled waiter leaves to the others. */
#include "clients.h"
#include "suites.h"

static int lock_client(void *arg)
{
    struct client *client = arg;
    coil_lock *lock = client->object;
    int rc = coil_lock_acquire(lock);

    client_is_through(client, rc);
    if (rc == 0 && client->holds >= 0) {
        let_pass(client->holds);
        ck_assert_int_eq(coil_lock_release(lock), 0);
    }
    return rc;
}

TASK_TEST(a_free_lock_is_taken_at_once)
{
    coil_lock lock = COIL_LOCK_INIT;

    ck_assert(!coil_lock_locked(&lock));
    trigger(NULL);
    ck_assert_int_eq(coil_lock_acquire(&lock), 0);
    ck_assert_int_eq(hops(), 0);
    ck_assert(coil_lock_locked(&lock));
    ck_assert_int_eq(coil_lock_release(&lock), 0);
    ck_assert(!coil_lock_locked(&lock));
    return 0;
}

static coil_lock static_lock = COIL_LOCK_INIT;

TASK_TEST(static_zero_and_initialised_locks_are_the_same)
{
    coil_lock made, zero, local = COIL_LOCK_INIT;
    coil_lock *const locks[] = {&static_lock, &made, &zero, &local};

    memset(&made, 0xff, sizeof(made));
    coil_lock_init(&made);
    memset(&zero, 0, sizeof(zero));
    for (int i = 0; i < 4; i++) {
        struct client clients[2] = {{.holds = 0}};
        ck_assert_int_eq(coil_lock_acquire(locks[i]), 0);
        start_clients(clients, 2, lock_client, locks[i]);
        ck_assert_int_eq(coil_lock_release(locks[i]), 0);
        join_clients(clients, 2);
        assert_said("AB");
        ck_assert(!coil_lock_locked(locks[i]));
    }
    return 0;
}

TASK_TEST(who_waits_first_is_served_first)
{
    coil_lock lock = COIL_LOCK_INIT;
    struct client clients[6] = {{.holds = 2}, {.holds = 0}, {.holds = 1}, {.holds = 0}, {.holds = 3}, {.holds = 0}};

    ck_assert_int_eq(coil_lock_acquire(&lock), 0);
    start_clients(clients, 6, lock_client, &lock);
    assert_said("");
    ck_assert_int_eq(coil_lock_release(&lock), 0);
    join_clients(clients, 6);
    assert_said("ABCDEF");
    return 0;
}

TASK_TEST(it_is_free_between_the_release_and_the_waiters_step)
{
    coil_lock lock = COIL_LOCK_INIT;
    struct client client = {.holds = 1};

    ck_assert_int_eq(coil_lock_acquire(&lock), 0);
    start_clients(&client, 1, lock_client, &lock);
    ck_assert_int_eq(coil_lock_release(&lock), 0);
    ck_assert(!coil_lock_locked(&lock));
    ck_assert_int_eq(coil_lock_release(&lock), -EPERM);
    let_pass(1);
    ck_assert(coil_lock_locked(&lock));
    join_clients(&client, 1);
    return 0;
}

TASK_TEST(nobody_barges_into_that_gap)
{
    coil_lock lock = COIL_LOCK_INIT;
    struct client clients[2] = {{.holds = 0}, {.holds = 0}};

    ck_assert_int_eq(coil_lock_acquire(&lock), 0);
    start_clients(clients, 2, lock_client, &lock);
    ck_assert_int_eq(coil_lock_release(&lock), 0);
    trigger(NULL);
    ck_assert_int_eq(coil_lock_acquire(&lock), 0);
    assert_said("AB");
    ck_assert_int_eq(hops(), 3);
    ck_assert_int_eq(coil_lock_release(&lock), 0);
    join_clients(clients, 2);
    return 0;
}

TASK_TEST(a_cancelled_waiter_leaves_the_line)
{
    coil_lock lock = COIL_LOCK_INIT;
    struct client clients[3] = {{.holds = 0}};

    ck_assert_int_eq(coil_lock_acquire(&lock), 0);
    start_clients(clients, 3, lock_client, &lock);
    cancel_client(&clients[1]);
    trigger(NULL);
    let_pass(1);
    ck_assert_int_eq(clients[1].hops, 1);
    ck_assert_int_eq(clients[1].rc, -ECANCELED);
    ck_assert_int_eq(coil_lock_release(&lock), 0);
    join_clients(clients, 3);
    assert_said("B!AC");
    return 0;
}

TASK_TEST(a_woken_waiter_that_is_cancelled_wakes_the_next)
{
    coil_lock lock = COIL_LOCK_INIT;
    struct client clients[3] = {{.holds = 0}};

    ck_assert_int_eq(coil_lock_acquire(&lock), 0);
    start_clients(clients, 3, lock_client, &lock);
    ck_assert_int_eq(coil_lock_release(&lock), 0);
    trigger(NULL);
    cancel_client(&clients[0]);
    join_clients(clients, 3);
    assert_said("A!BC");
    ck_assert_int_eq(clients[0].hops, 1);
    ck_assert_int_eq(clients[1].hops, 2);
    ck_assert(!coil_lock_locked(&lock));
    return 0;
}

TASK_TEST(a_release_that_finds_the_first_cancelled_leaves_the_waking_to_it)
{
    coil_lock lock = COIL_LOCK_INIT;
    struct client clients[2] = {{.holds = 0}};

    ck_assert_int_eq(coil_lock_acquire(&lock), 0);
    start_clients(clients, 2, lock_client, &lock);
    cancel_client(&clients[0]);
    ck_assert_int_eq(coil_lock_release(&lock), 0);
    trigger(NULL);
    join_clients(clients, 2);
    assert_said("A!B");
    ck_assert_int_eq(clients[1].hops, 2);
    return 0;
}

TASK_TEST(where_all_waiters_are_cancelled_one_need_not_wait)
{
    coil_lock lock = COIL_LOCK_INIT;
    struct client clients[2] = {{.holds = 0}};

    ck_assert_int_eq(coil_lock_acquire(&lock), 0);
    start_clients(clients, 2, lock_client, &lock);
    cancel_client(&clients[0]);
    cancel_client(&clients[1]);
    ck_assert_int_eq(coil_lock_release(&lock), 0);
    trigger(NULL);
    ck_assert_int_eq(coil_lock_acquire(&lock), 0);
    ck_assert_int_eq(hops(), 0);
    join_clients(clients, 2);
    assert_said("A!B!");
    ck_assert(coil_lock_locked(&lock));
    ck_assert_int_eq(coil_lock_release(&lock), 0);
    return 0;
}

static void release_from_callback(void *lock)
{
    ck_assert_int_eq(coil_lock_release(lock), 0);
}

TASK_TEST(another_task_or_a_callback_may_release_it)
{
    coil_lock lock = COIL_LOCK_INIT;
    struct client clients[2] = {{.holds = -1}, {.holds = -1}};

    start_clients(clients, 2, lock_client, &lock);
    assert_said("A");
    ck_assert_int_eq(coil_lock_release(&lock), 0);
    let_pass(1);
    assert_said("B");
    ck_assert_ptr_nonnull(coil_call_soon(release_from_callback, &lock));
    let_pass(1);
    ck_assert(!coil_lock_locked(&lock));
    join_clients(clients, 2);
    return 0;
}

TASK_TEST(a_request_to_cancel_waits_until_an_acquire_has_to_wait)
{
    coil_lock lock = COIL_LOCK_INIT;

    ck_assert_int_eq(coil_cancel(coil_current_task()), 1);
    ck_assert_int_eq(coil_lock_acquire(&lock), 0);
    ck_assert_int_eq(coil_lock_acquire(&lock), -ECANCELED);
    ck_assert(coil_lock_locked(&lock));
    ck_assert_int_eq(coil_uncancel(coil_current_task()), 0);
    ck_assert_int_eq(coil_lock_release(&lock), 0);
    return 0;
}

TASK_TEST(a_cancelled_acquire_can_be_repeated)
{
    coil_lock lock = COIL_LOCK_INIT;
    struct client client = {.holds = 3};

    start_clients(&client, 1, lock_client, &lock);
    ck_assert_int_eq(coil_cancel(coil_current_task()), 1);
    ck_assert_int_eq(coil_lock_acquire(&lock), -ECANCELED);
    ck_assert_int_eq(coil_uncancel(coil_current_task()), 0);
    ck_assert_int_eq(coil_lock_acquire(&lock), 0);
    ck_assert_int_eq(coil_lock_release(&lock), 0);
    join_clients(&client, 1);
    assert_said("A");
    return 0;
}

TASK_TEST(wait_for_gives_up_a_lock_in_time)
{
    coil_lock lock = COIL_LOCK_INIT;
    struct client client = {.object = &lock};

    ck_assert_int_eq(coil_lock_acquire(&lock), 0);
    ck_assert_int_eq(coil_wait_for_coroutine(lock_client, &client, 2), -ETIMEDOUT);
    ck_assert_double_eq(coil_time(), 2);
    ck_assert_int_eq(coil_lock_release(&lock), 0);
    ck_assert_int_eq(coil_wait_for_coroutine(lock_client, &client, 2), 0);
    return 0;
}

TASK_TEST(many_waiters_are_served_in_order)
{
    enum { MANY = 2000 };
    static struct client clients[MANY];
    coil_lock lock = COIL_LOCK_INIT;

    ck_assert_int_eq(coil_lock_acquire(&lock), 0);
    start_clients(clients, MANY, lock_client, &lock);
    for (int i = 0; i < MANY; i += 3) {
        cancel_client(&clients[i]);
    }
    ck_assert_int_eq(coil_lock_release(&lock), 0);
    trigger(NULL);
    join_clients(clients, MANY);
    for (int i = 0, last = 0; i < MANY; i++) {
        ck_assert_int_eq(clients[i].rc, i % 3 == 0 ? -ECANCELED : 0);
        if (clients[i].rc == 0) {
            ck_assert_int_gt(clients[i].hops, last);
            last = clients[i].hops;
        }
    }
    forget_log();
    return 0;
}

Suite *lock_suite(void)
{
    Suite *suite = suite_create("lock");
    TCase *tests = tcase_create("lock");

    tcase_add_checked_fixture(tests, setup_clients, teardown);
    tcase_add_test(tests, a_free_lock_is_taken_at_once);
    tcase_add_test(tests, static_zero_and_initialised_locks_are_the_same);
    tcase_add_test(tests, who_waits_first_is_served_first);
    tcase_add_test(tests, it_is_free_between_the_release_and_the_waiters_step);
    tcase_add_test(tests, nobody_barges_into_that_gap);
    tcase_add_test(tests, a_cancelled_waiter_leaves_the_line);
    tcase_add_test(tests, a_woken_waiter_that_is_cancelled_wakes_the_next);
    tcase_add_test(tests, a_release_that_finds_the_first_cancelled_leaves_the_waking_to_it);
    tcase_add_test(tests, where_all_waiters_are_cancelled_one_need_not_wait);
    tcase_add_test(tests, another_task_or_a_callback_may_release_it);
    tcase_add_test(tests, a_request_to_cancel_waits_until_an_acquire_has_to_wait);
    tcase_add_test(tests, a_cancelled_acquire_can_be_repeated);
    tcase_add_test(tests, wait_for_gives_up_a_lock_in_time);
    tcase_add_test(tests, many_waiters_are_served_in_order);
    suite_add_tcase(suite, tests);
    return suite;
}
