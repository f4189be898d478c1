/* Conditions: the lock that a wait gives up and takes back, notifications that are never lost, and cancellation in all its places. */
#include "clients.h"
#include "suites.h"

/* Acquires, waits, says its name, and releases after as many iterations as it holds. */
static int condition_client(void *arg)
{
    struct client *client = arg;
    coil_condition *condition = client->object;

    ck_assert_int_eq(coil_condition_acquire(condition), 0);
    int rc = coil_condition_wait(condition);
    ck_assert(coil_condition_locked(condition));
    client_is_through(client, rc);
    let_pass(client->holds);
    ck_assert_int_eq(coil_condition_release(condition), 0);
    return rc;
}

static void notify(coil_condition *condition, size_t n)
{
    ck_assert_int_eq(coil_condition_acquire(condition), 0);
    ck_assert_int_eq(coil_condition_notify(condition, n), 0);
    ck_assert_int_eq(coil_condition_release(condition), 0);
}

TASK_TEST(waiting_gives_the_lock_up)
{
    coil_condition condition = COIL_CONDITION_INIT;
    struct client client = {0};

    start_clients(&client, 1, condition_client, &condition);
    ck_assert(!coil_condition_locked(&condition));
    notify(&condition, 1);
    join_clients(&client, 1);
    assert_said("A");
    ck_assert(!coil_condition_locked(&condition));
    return 0;
}

static coil_condition static_condition = COIL_CONDITION_INIT;

TASK_TEST(static_zero_and_initialised_conditions_are_the_same)
{
    coil_condition made, zero;
    coil_condition *const conditions[] = {&static_condition, &made, &zero};

    memset(&made, 0xff, sizeof(made));
    coil_condition_init(&made, NULL);
    memset(&zero, 0, sizeof(zero));
    for (int i = 0; i < 3; i++) {
        struct client clients[2] = {{0}};
        start_clients(clients, 2, condition_client, conditions[i]);
        notify(conditions[i], 2);
        join_clients(clients, 2);
        assert_said("AB");
    }
    return 0;
}

TASK_TEST(notify_wakes_as_many_as_it_says_in_order)
{
    coil_condition condition = COIL_CONDITION_INIT;
    struct client clients[5] = {{0}};

    start_clients(clients, 5, condition_client, &condition);
    notify(&condition, 0);
    let_pass(3);
    assert_said("");
    notify(&condition, 2);
    let_pass(5);
    assert_said("AB");
    notify(&condition, 1);
    let_pass(5);
    assert_said("C");
    notify(&condition, 100);
    join_clients(clients, 5);
    assert_said("DE");
    return 0;
}

TASK_TEST(notify_all_wakes_all_one_after_the_other)
{
    coil_condition condition = COIL_CONDITION_INIT;
    struct client clients[4] = {{0}, {.holds = 2}, {0}, {0}};

    start_clients(clients, 4, condition_client, &condition);
    ck_assert_int_eq(coil_condition_acquire(&condition), 0);
    ck_assert_int_eq(coil_condition_notify_all(&condition), 0);
    let_pass(3);
    assert_said(""); /* they go on when they have the lock */
    ck_assert_int_eq(coil_condition_release(&condition), 0);
    join_clients(clients, 4);
    assert_said("ABCD");
    return 0;
}

TASK_TEST(a_notification_for_nobody_is_forgotten)
{
    coil_condition condition = COIL_CONDITION_INIT;
    struct client client = {0};

    notify(&condition, 1);
    start_clients(&client, 1, condition_client, &condition);
    let_pass(3);
    assert_said("");
    notify(&condition, 1);
    join_clients(&client, 1);
    assert_said("A");
    return 0;
}

TASK_TEST(without_the_lock_there_is_no_waiting_and_no_notifying)
{
    coil_condition condition = COIL_CONDITION_INIT;

    ck_assert_int_eq(coil_condition_wait(&condition), -EPERM);
    ck_assert_int_eq(coil_condition_notify(&condition, 1), -EPERM);
    ck_assert_int_eq(coil_condition_notify_all(&condition), -EPERM);
    ck_assert_int_eq(coil_condition_release(&condition), -EPERM);
    return 0;
}

TASK_TEST(two_conditions_can_share_a_lock)
{
    coil_lock lock = COIL_LOCK_INIT;
    coil_condition full, empty;
    struct client clients[2] = {{0}};

    coil_condition_init(&full, &lock);
    coil_condition_init(&empty, &lock);
    start_clients(&clients[0], 1, condition_client, &full);
    start_clients(&clients[1], 1, condition_client, &empty);
    clients[1].name = "B";
    ck_assert_int_eq(coil_condition_acquire(&full), 0);
    ck_assert(coil_lock_locked(&lock));
    ck_assert(coil_condition_locked(&empty));
    ck_assert_int_eq(coil_condition_notify_all(&empty), 0);
    ck_assert_int_eq(coil_lock_release(&lock), 0);
    let_pass(4);
    assert_said("B");
    notify(&full, 1);
    join_clients(clients, 2);
    assert_said("A");
    return 0;
}

/* ---- cancellation ---------------------------------------------------------------------------------------------------- */

TASK_TEST(a_cancelled_wait_returns_with_the_lock)
{
    coil_condition condition = COIL_CONDITION_INIT;
    struct client clients[2] = {{0}};

    start_clients(clients, 2, condition_client, &condition);
    cancel_client(&clients[0]);
    let_pass(1);
    assert_said("A!");
    /* which has notified the next, because it cannot know whether it had been notified itself */
    join_clients(clients, 2);
    assert_said("B");
    return 0;
}

TASK_TEST(a_cancellation_waits_while_the_lock_is_being_taken_back)
{
    coil_condition condition = COIL_CONDITION_INIT;
    struct client client = {0};

    start_clients(&client, 1, condition_client, &condition);
    ck_assert_int_eq(coil_condition_acquire(&condition), 0);
    cancel_client(&client);
    let_pass(5);
    assert_said("");
    ck_assert_int_eq(coil_condition_release(&condition), 0);
    trigger(NULL);
    join_clients(&client, 1);
    assert_said("A!");
    ck_assert_int_eq(client.hops, 1);
    return 0;
}

static char reason[32];

static int note_reason(void *arg)
{
    coil_condition *condition = arg;

    ck_assert_int_eq(coil_condition_acquire(condition), 0);
    int rc = coil_condition_wait(condition);
    const char *why = coil_cancel_message(coil_current_task());
    strncpy(reason, why == NULL ? "none" : why, sizeof(reason) - 1);
    ck_assert_int_eq(coil_condition_release(condition), 0);
    return rc;
}

TASK_TEST(of_several_cancellations_the_last_is_reported)
{
    coil_condition condition = COIL_CONDITION_INIT;
    coil_task *task = spawn(note_reason, &condition);

    let_pass(2);
    ck_assert_int_eq(coil_condition_acquire(&condition), 0);
    ck_assert_int_eq(coil_condition_notify(&condition, 1), 0);
    let_pass(1); /* it wants the lock back */
    ck_assert_int_eq(coil_cancel_msg(task, "first"), 1);
    let_pass(2);
    ck_assert_int_eq(coil_cancel_msg(task, "second"), 1);
    let_pass(2);
    ck_assert_int_eq(coil_cancel_msg(task, "third"), 1);
    let_pass(2);
    ck_assert_str_eq(reason, "");
    ck_assert_int_eq(coil_condition_release(&condition), 0);
    ck_assert_int_eq(coil_join(task), -ECANCELED);
    ck_assert_str_eq(reason, "third");
    return 0;
}

TASK_TEST(a_notified_waiter_that_is_cancelled_notifies_the_next)
{
    coil_condition condition = COIL_CONDITION_INIT;
    struct client clients[3] = {{0}};

    start_clients(clients, 3, condition_client, &condition);
    notify(&condition, 1);
    cancel_client(&clients[0]);
    let_pass(6);
    assert_said("A!B");
    notify(&condition, 1);
    join_clients(clients, 3);
    assert_said("C");
    return 0;
}

TASK_TEST(hence_a_wait_may_return_without_a_notification)
{
    coil_condition condition = COIL_CONDITION_INIT;
    struct client clients[2] = {{0}};

    start_clients(clients, 2, condition_client, &condition);
    cancel_client(&clients[0]);
    join_clients(clients, 2);
    assert_said("A!B");
    return 0;
}

/* ---- predicates ------------------------------------------------------------------------------------------------------ */

static int variable;
static int looks;

static bool is_two(void *arg)
{
    ck_assert_ptr_eq(arg, &variable);
    looks++;
    return variable == 2;
}

static int wait_for_two(void *arg)
{
    struct client *client = arg;

    ck_assert_int_eq(coil_condition_acquire(client->object), 0);
    int rc = coil_condition_wait_for(client->object, is_two, &variable);
    client_is_through(client, rc);
    ck_assert_int_eq(coil_condition_release(client->object), 0);
    return rc;
}

TASK_TEST(wait_for_looks_at_its_predicate_after_each_notification)
{
    coil_condition condition = COIL_CONDITION_INIT;
    struct client client = {0};

    variable = looks = 0;
    start_clients(&client, 1, wait_for_two, &condition);
    ck_assert_int_eq(looks, 1);
    notify(&condition, 1);
    let_pass(3);
    ck_assert_int_eq(looks, 2);
    variable = 2;
    let_pass(3);
    assert_said("");
    notify(&condition, 1);
    join_clients(&client, 1);
    assert_said("A");
    ck_assert_int_eq(looks, 3);
    return 0;
}

TASK_TEST(wait_for_what_is_true_does_not_wait)
{
    coil_condition condition = COIL_CONDITION_INIT;

    variable = 2;
    trigger(NULL);
    ck_assert_int_eq(coil_condition_acquire(&condition), 0);
    ck_assert_int_eq(coil_condition_wait_for(&condition, is_two, &variable), 0);
    ck_assert_int_eq(hops(), 0);
    ck_assert_int_eq(coil_condition_release(&condition), 0);
    ck_assert_int_eq(coil_condition_wait_for(&condition, is_two, &variable), 0); /* as in asyncio */
    return 0;
}

TASK_TEST(wait_for_ends_with_an_error_of_the_wait)
{
    coil_condition condition = COIL_CONDITION_INIT;
    struct client client = {0};

    variable = 0;
    ck_assert_int_eq(coil_condition_wait_for(&condition, is_two, &variable), -EPERM);
    start_clients(&client, 1, wait_for_two, &condition);
    cancel_client(&client);
    join_clients(&client, 1);
    assert_said("A!");
    return 0;
}

Suite *condition_suite(void)
{
    Suite *suite = suite_create("condition");
    TCase *tests = tcase_create("condition");

    tcase_add_checked_fixture(tests, setup_clients, teardown);
    tcase_add_test(tests, waiting_gives_the_lock_up);
    tcase_add_test(tests, static_zero_and_initialised_conditions_are_the_same);
    tcase_add_test(tests, notify_wakes_as_many_as_it_says_in_order);
    tcase_add_test(tests, notify_all_wakes_all_one_after_the_other);
    tcase_add_test(tests, a_notification_for_nobody_is_forgotten);
    tcase_add_test(tests, without_the_lock_there_is_no_waiting_and_no_notifying);
    tcase_add_test(tests, two_conditions_can_share_a_lock);
    tcase_add_test(tests, a_cancelled_wait_returns_with_the_lock);
    tcase_add_test(tests, a_cancellation_waits_while_the_lock_is_being_taken_back);
    tcase_add_test(tests, of_several_cancellations_the_last_is_reported);
    tcase_add_test(tests, a_notified_waiter_that_is_cancelled_notifies_the_next);
    tcase_add_test(tests, hence_a_wait_may_return_without_a_notification);
    tcase_add_test(tests, wait_for_looks_at_its_predicate_after_each_notification);
    tcase_add_test(tests, wait_for_what_is_true_does_not_wait);
    tcase_add_test(tests, wait_for_ends_with_an_error_of_the_wait);
    suite_add_tcase(suite, tests);
    return suite;
}
