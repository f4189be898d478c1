/* Values local to a task: whose they are, who inherits them and from when on, and when they are destroyed: once, and not too early. */
#include "clients.h"
#include "suites.h"
#include "sys/fault.h"

static int destroyed;
static void *destroyed_last;

static void note_destroyed(void *value)
{
    destroyed++;
    destroyed_last = value;
}

static const coil_local_key plain = COIL_LOCAL_KEY_INIT(NULL);
static const coil_local_key other = COIL_LOCAL_KEY_INIT(NULL);
static const coil_local_key owned = COIL_LOCAL_KEY_INIT(note_destroyed);

static char one[] = "one", two[] = "two", three[] = "three";

TASK_TEST(a_value_is_what_was_set_last)
{
    ck_assert_ptr_null(coil_local_get(&plain));
    ck_assert_int_eq(coil_local_set(&plain, one), 0);
    ck_assert_ptr_eq(coil_local_get(&plain), one);
    ck_assert_ptr_null(coil_local_get(&other));
    ck_assert_int_eq(coil_local_set(&other, two), 0);
    ck_assert_int_eq(coil_local_set(&plain, three), 0);
    ck_assert_ptr_eq(coil_local_get(&plain), three);
    ck_assert_ptr_eq(coil_local_get(&other), two);
    ck_assert_int_eq(coil_local_set(&plain, NULL), 0);
    ck_assert_ptr_null(coil_local_get(&plain));
    ck_assert_ptr_eq(coil_local_get(&other), two);
    ck_assert_int_eq(coil_local_set(&plain, NULL), 0);
    return 0;
}

static int set_and_look_again(void *value)
{
    ck_assert_int_eq(coil_local_set(&plain, value), 0);
    for (int i = 0; i < 5; i++) {
        let_pass(1);
        ck_assert_ptr_eq(coil_local_get(&plain), value);
    }
    return 0;
}

TASK_TEST(each_task_has_its_own)
{
    coil_task *a = spawn(set_and_look_again, one);
    coil_task *b = spawn(set_and_look_again, two);

    ck_assert_int_eq(coil_join(a), 0);
    ck_assert_int_eq(coil_join(b), 0);
    ck_assert_ptr_null(coil_local_get(&plain));
    return 0;
}

static int must_have(void *value)
{
    ck_assert_ptr_eq(coil_local_get(&plain), value);
    return 0;
}

static int inherit_and_change(void *value)
{
    ck_assert_ptr_eq(coil_local_get(&plain), value);
    ck_assert_int_eq(coil_local_set(&plain, two), 0);
    ck_assert_int_eq(coil_join(coil_create_task(must_have, two)), 0);
    let_pass(3);
    ck_assert_ptr_eq(coil_local_get(&plain), two);
    return 0;
}

TASK_TEST(a_task_begins_with_its_creators_values_of_that_moment)
{
    coil_group group;

    ck_assert_int_eq(coil_local_set(&plain, one), 0);
    coil_task *task = spawn(inherit_and_change, one);
    ck_assert_int_eq(coil_local_set(&plain, three), 0); /* before its first step, and yet too late for it */
    coil_task *eager = coil_create_task(inherit_and_change, three, .eager_start = true);
    coil_group_begin(&group);
    ck_assert_int_eq(coil_group_spawn(&group, inherit_and_change, three), 0);
    ck_assert_int_eq(coil_group_end(&group, 0), 0);
    ck_assert_int_eq(coil_wait_for_coroutine(must_have, three, 1), 0); /* no task of its own */
    ck_assert_int_eq(coil_join(task), 0);
    ck_assert_int_eq(coil_join(eager), 0);
    ck_assert_ptr_eq(coil_local_get(&plain), three);
    return 0;
}

static void have_none(void *event)
{
    ck_assert_ptr_null(coil_local_get(&plain));
    ck_assert_int_eq(coil_local_set(&plain, two), -EPERM);
    ck_assert_int_eq(coil_join(coil_create_task(must_have, NULL)), -EPERM);
    coil_event_set(event);
}

TASK_TEST(callbacks_have_none_and_neither_have_tasks_that_they_create)
{
    coil_event event = COIL_EVENT_INIT;

    ck_assert_int_eq(coil_local_set(&plain, one), 0);
    ck_assert_ptr_nonnull(coil_call_soon(have_none, &event));
    ck_assert_int_eq(coil_event_wait(&event), 0);
    let_pass(2);
    return 0;
}

START_TEST(without_a_loop_there_are_none)
    {
        ck_assert_ptr_null(coil_local_get(&plain));
        ck_assert_int_eq(coil_local_set(&plain, one), -EPERM);
    }
END_TEST

TASK_TEST(a_key_that_is_null_is_invalid)
{
    ck_assert_int_eq(coil_local_set(NULL, one), -EINVAL);
    ck_assert_ptr_null(coil_local_get(NULL));
    ck_assert_int_eq(coil_local_set(&plain, one), 0);
    ck_assert_ptr_null(coil_local_get(NULL));
    return 0;
}

/* ---- the end of values ----------------------------------------------------------------------------------------------- */

static int own(void *value)
{
    ck_assert_int_eq(coil_local_set(&owned, value), 0);
    return 0;
}

TASK_TEST(a_value_is_destroyed_when_its_task_ends)
{
    coil_task *task = spawn(own, one);

    ck_assert_int_eq(coil_await(task), 0);
    ck_assert_int_eq(destroyed, 1); /* however long somebody keeps the task */
    ck_assert_ptr_eq(destroyed_last, one);
    coil_unref(task);
    ck_assert_int_eq(destroyed, 1);
    return 0;
}

TASK_TEST(a_value_is_destroyed_when_another_is_set)
{
    ck_assert_int_eq(coil_local_set(&owned, one), 0);
    ck_assert_int_eq(coil_local_set(&owned, one), 0); /* the same: nothing changes */
    ck_assert_int_eq(destroyed, 0);
    ck_assert_int_eq(coil_local_set(&owned, two), 0);
    ck_assert_int_eq(destroyed, 1);
    ck_assert_ptr_eq(destroyed_last, one);
    ck_assert_int_eq(coil_local_set(&owned, NULL), 0);
    ck_assert_int_eq(destroyed, 2);
    ck_assert_ptr_eq(destroyed_last, two);
    return 0;
}

static int pass_some_time(void *iterations)
{
    let_pass(*(int *)iterations);
    return 0;
}

TASK_TEST(an_inherited_value_lives_as_long_as_any_task_that_has_it)
{
    int times[] = {2, 9, 5};
    coil_task *tasks[3];

    ck_assert_int_eq(coil_local_set(&owned, one), 0);
    for (int i = 0; i < 3; i++) {
        tasks[i] = spawn(pass_some_time, &times[i]);
    }
    ck_assert_int_eq(coil_local_set(&owned, two), 0);
    ck_assert_int_eq(coil_join(tasks[0]), 0);
    ck_assert_int_eq(coil_join(tasks[2]), 0);
    ck_assert_int_eq(destroyed, 0);
    ck_assert_int_eq(coil_join(tasks[1]), 0);
    ck_assert_int_eq(destroyed, 1);
    ck_assert_ptr_eq(destroyed_last, one);
    return 0;
}

TASK_TEST(setting_one_value_keeps_the_others_that_are_shared)
{
    ck_assert_int_eq(coil_local_set(&owned, one), 0);
    ck_assert_int_eq(coil_local_set(&plain, two), 0);
    ck_assert_int_eq(coil_join(coil_create_task(inherit_and_change, two)), 0);
    ck_assert_int_eq(destroyed, 0);
    ck_assert_ptr_eq(coil_local_get(&owned), one);
    return 0;
}

TASK_TEST(a_task_that_never_ran_gives_back_what_it_inherited)
{
    int times = 1;

    ck_assert_int_eq(coil_local_set(&owned, one), 0);
    coil_task *task = spawn(pass_some_time, &times);
    ck_assert_int_eq(coil_local_set(&owned, NULL), 0);
    ck_assert_int_eq(destroyed, 0);
    ck_assert_int_eq(coil_cancel(task), 1);
    ck_assert_int_eq(coil_join(task), -ECANCELED);
    ck_assert_int_eq(destroyed, 1);
    return 0;
}

START_TEST(values_of_tasks_that_a_closing_loop_leaves_are_destroyed)
    {
        coil_loop *loop = coil_loop_new(.clock = COIL_CLOCK_VIRTUAL);
        const struct coil_task_options options = {.size = sizeof(options), .arg = one};

        coil_loop_set_exception_handler(loop, hear, NULL);
        coil_task *task = coil_loop_create_task(loop, own, &options);
        ck_assert_int_eq(coil_loop_run_until_complete(loop, task), 0);
        ck_assert_int_eq(destroyed, 1);
        coil_unref(task);
        ck_assert_int_eq(coil_loop_close(loop), 0);
    }
END_TEST

static int own_and_hang(void *value)
{
    ck_assert_int_eq(coil_local_set(&owned, value), 0);
    return hang(NULL);
}

static int leave_one_behind(void *unused)
{
    (void)unused;
    coil_unref(spawn(own_and_hang, one));
    let_pass(2);
    return 0;
}

START_TEST(also_where_the_task_is_still_waiting)
    {
        coil_loop *loop = coil_loop_new(.clock = COIL_CLOCK_VIRTUAL);
        const struct coil_task_options options = {.size = sizeof(options)};

        coil_loop_set_exception_handler(loop, hear, NULL);
        coil_task *task = coil_loop_create_task(loop, leave_one_behind, &options);
        ck_assert_int_eq(coil_loop_run_until_complete(loop, task), 0);
        coil_unref(task);
        ck_assert_int_eq(destroyed, 0);
        ck_assert_int_eq(coil_loop_close(loop), 0);
        ck_assert_int_eq(destroyed, 1);
        (void)take_report(COIL_REPORT_DESTROYED_PENDING);
    }
END_TEST

static int set_in_destroy;

static void set_another(void *value)
{
    (void)value;
    set_in_destroy = coil_local_set(&plain, one);
    ck_assert_ptr_eq(coil_local_get(&plain), set_in_destroy == 0 ? one : NULL);
}

static const coil_local_key restless = COIL_LOCAL_KEY_INIT(set_another);

static int leave_restless(void *unused)
{
    (void)unused;
    return coil_local_set(&restless, two);
}

TASK_TEST(destroying_may_set_values_of_a_task_that_goes_on_and_not_of_one_that_ends)
{
    ck_assert_int_eq(coil_local_set(&restless, two), 0);
    ck_assert_int_eq(coil_local_set(&restless, three), 0);
    ck_assert_int_eq(set_in_destroy, 0);
    ck_assert_ptr_eq(coil_local_get(&plain), one);
    ck_assert_ptr_eq(coil_local_get(&restless), three);
    ck_assert_int_eq(coil_join(coil_create_task(leave_restless, NULL)), 0);
    ck_assert_int_eq(set_in_destroy, -EPERM);
    ck_assert_int_eq(coil_local_set(&restless, NULL), 0);
    return 0;
}

/* ---- many ------------------------------------------------------------------------------------------------------------ */

enum { MANY_KEYS = 300 };

static coil_local_key many[MANY_KEYS];
static int values[MANY_KEYS];

static int change_every_third(void *unused)
{
    (void)unused;
    for (int i = 0; i < MANY_KEYS; i += 3) {
        ck_assert_int_eq(coil_local_set(&many[i], i % 2 == 0 ? NULL : &values[0]), 0);
    }
    for (int i = 0; i < MANY_KEYS; i++) {
        ck_assert_ptr_eq(coil_local_get(&many[i]), i % 3 != 0 ? &values[i] : i % 2 == 0 ? NULL : &values[0]);
    }
    return 0;
}

TASK_TEST(there_may_be_many_keys)
{
    for (int i = 0; i < MANY_KEYS; i++) {
        int at = i * 7 % MANY_KEYS; /* in no order */
        many[at].destroy = note_destroyed;
        ck_assert_int_eq(coil_local_set(&many[at], &values[at]), 0);
    }
    ck_assert_int_eq(coil_join(coil_create_task(change_every_third, NULL)), 0);
    ck_assert_int_eq(destroyed, MANY_KEYS / 6);
    for (int i = 0; i < MANY_KEYS; i++) {
        ck_assert_ptr_eq(coil_local_get(&many[i]), &values[i]);
    }
    return 0;
}

/* ---- memory ---------------------------------------------------------------------------------------------------------- */

static int until_refusal;

static int refuse_memory(const char *call)
{
    if (until_refusal == 0 || strcmp(call, "malloc") != 0) {
        return 0;
    }
    return --until_refusal == 0 ? -ENOMEM : 0;
}

static void set_without_memory(const coil_local_key *key, void *value)
{
    void *before = coil_local_get(key);
    int rc;

    for (int n = 1;; n++) {
        until_refusal = n;
        rc = coil_local_set(key, value);
        if (rc == 0) {
            break;
        }
        ck_assert_int_eq(rc, -ENOMEM);
        ck_assert_ptr_eq(coil_local_get(key), before);
    }
    until_refusal = 0;
    ck_assert_ptr_eq(coil_local_get(key), value);
}

static int change_without_memory(void *unused)
{
    (void)unused;
    set_without_memory(&owned, two);
    set_without_memory(&plain, one);
    set_without_memory(&plain, NULL);
    return 0;
}

TASK_TEST(without_memory_everything_stays_as_it_was)
{
    ci_fault_hook = refuse_memory;
    set_without_memory(&owned, one);
    set_without_memory(&plain, two);
    ck_assert_int_eq(coil_join(coil_create_task(change_without_memory, NULL)), 0);
    ck_assert_ptr_eq(coil_local_get(&owned), one);
    ck_assert_ptr_eq(coil_local_get(&plain), two);
    ck_assert_int_eq(destroyed, 1);
    ci_fault_hook = NULL;
    return 0;
}

/* What a task that has no values costs: nothing is allocated for them, nor for sharing them. */
TASK_TEST(sharing_values_allocates_nothing)
{
    ck_assert_int_eq(coil_local_set(&plain, one), 0);
    let_pass(1);
    long before = live_blocks;
    coil_task *task = spawn(must_have, one);
    ck_assert_int_eq(live_blocks, before);
    ck_assert_int_eq(coil_join(task), 0);
    ck_assert_int_eq(live_blocks, before);
    return 0;
}

static void setup_local(void)
{
    destroyed = 0;
    setup_clients();
}

Suite *local_suite(void)
{
    Suite *suite = suite_create("local");
    TCase *tests = tcase_create("local");

    tcase_add_checked_fixture(tests, setup_local, teardown);
    tcase_add_test(tests, a_value_is_what_was_set_last);
    tcase_add_test(tests, each_task_has_its_own);
    tcase_add_test(tests, a_task_begins_with_its_creators_values_of_that_moment);
    tcase_add_test(tests, callbacks_have_none_and_neither_have_tasks_that_they_create);
    tcase_add_test(tests, without_a_loop_there_are_none);
    tcase_add_test(tests, a_key_that_is_null_is_invalid);
    tcase_add_test(tests, a_value_is_destroyed_when_its_task_ends);
    tcase_add_test(tests, a_value_is_destroyed_when_another_is_set);
    tcase_add_test(tests, an_inherited_value_lives_as_long_as_any_task_that_has_it);
    tcase_add_test(tests, setting_one_value_keeps_the_others_that_are_shared);
    tcase_add_test(tests, a_task_that_never_ran_gives_back_what_it_inherited);
    tcase_add_test(tests, values_of_tasks_that_a_closing_loop_leaves_are_destroyed);
    tcase_add_test(tests, also_where_the_task_is_still_waiting);
    tcase_add_test(tests, destroying_may_set_values_of_a_task_that_goes_on_and_not_of_one_that_ends);
    tcase_add_test(tests, there_may_be_many_keys);
    tcase_add_test(tests, without_memory_everything_stays_as_it_was);
    tcase_add_test(tests, sharing_values_allocates_nothing);
    suite_add_tcase(suite, tests);
    return suite;
}
