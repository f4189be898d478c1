/* Tasks that start eagerly: they run on behalf of their creator until they first wait. */
#include "harness.h"
#include "suites.h"

static int step_twice(void *text)
{
    say(text);
    coil_sleep(0);
    say(text);
    return 1;
}

TASK_TEST(an_eager_task_runs_at_once_until_it_first_waits)
{
    coil_task *main = coil_current_task();

    trigger(NULL);
    say("(");
    coil_task *task = coil_create_task(step_twice, "e", .eager_start = true);
    say(")");
    ck_assert_int_eq(hops(), 0);
    ck_assert_ptr_eq(coil_current_task(), main);
    ck_assert(!coil_done(task));
    coil_call_soon(say, "s");
    ck_assert_int_eq(coil_join(task), 1);
    assert_said("(e)es");
    ck_assert_int_eq(hops(), 2);
    return 0;
}

TASK_TEST(an_eager_task_that_does_not_wait_is_done_when_it_is_there)
{
    coil_task *task = coil_create_task(give, &(int){7}, .eager_start = true);

    trigger(NULL);
    ck_assert(coil_done(task));
    ck_assert_int_eq(coil_join(task), 7);
    ck_assert_int_eq(hops(), 0);
    return 0;
}

TASK_TEST(an_eager_task_that_fails_at_once_fails_its_awaiter)
{
    coil_task *task = coil_create_task(give, &(int){-EIO}, .eager_start = true);

    ck_assert(coil_done(task));
    ck_assert_int_eq(coil_join(task), -EIO);
    return 0;
}

static int fail_eagerly(void *unused)
{
    (void)unused;
    coil_unref(coil_create_task(give, &(int){-EIO}, .eager_start = true));
    return 0;
}

START_TEST(an_eager_failure_that_nobody_looks_at_is_reported)
    {
        ck_assert_int_eq(run(fail_eagerly), 0);
        ck_assert_int_eq(take_report(COIL_REPORT_NEVER_RETRIEVED)->error, -EIO);
    }
END_TEST

static int nest(void *arg)
{
    int depth = *(int *)arg;
    coil_task *self = coil_current_task();

    if (depth == 0) {
        say("bottom ");
        ck_assert_int_eq(coil_sleep(0), 0);
        return 0;
    }
    depth--;
    coil_task *child = coil_create_task(nest, &depth, .eager_start = true, .arg_size = sizeof(depth));
    ck_assert_ptr_nonnull(child);
    ck_assert_ptr_eq(coil_current_task(), self);
    return coil_join(child) + 1;
}

TASK_TEST(eager_tasks_nest)
{
    int depth = 300;
    coil_task *task = coil_create_task(nest, &depth, .eager_start = true, .arg_size = sizeof(depth));

    say("back ");
    ck_assert_int_eq(coil_join(task), 300);
    assert_said("bottom back ");
    return 0;
}

static int nest_and_end(void *arg)
{
    int depth = *(int *)arg - 1;

    return depth < 0 ? 0 : coil_join(coil_create_task(nest_and_end, &depth, .eager_start = true)) + 1;
}

TASK_TEST(eager_tasks_that_all_end_at_once_take_no_iteration)
{
    trigger(NULL);
    ck_assert_int_eq(nest_and_end(&(int){100}), 100);
    ck_assert_int_eq(hops(), 0);
    return 0;
}

static coil_task *made;

static void make_eagerly(void *unused)
{
    (void)unused;
    made = coil_create_task(step_twice, "c", .eager_start = true);
    ck_assert_ptr_null(coil_current_task());
    coil_unref(coil_create_task(give, NULL, .eager_start = true));
    ck_assert_ptr_null(coil_current_task());
    say("|");
}

TASK_TEST(a_callback_may_start_tasks_eagerly)
{
    coil_call_soon(make_eagerly, NULL);
    coil_sleep(0);
    assert_said("c|");
    ck_assert_int_eq(coil_join(made), 1);
    assert_said("c");
    return 0;
}

TASK_TEST(an_eager_task_is_one_of_all_tasks_while_it_runs)
{
    coil_task *all[3];
    coil_task *task = coil_create_task(step_twice, "", .eager_start = true);

    ck_assert_uint_eq(coil_all_tasks(all, 3), 2);
    ck_assert_ptr_eq(all[1], task);
    coil_join(task);
    ck_assert_uint_eq(coil_all_tasks(NULL, 0), 1);
    return 0;
}

TASK_TEST(an_eager_task_is_cancelled_where_it_waits)
{
    coil_task *task = coil_create_task(hang, NULL, .eager_start = true);

    trigger(NULL);
    ck_assert_int_eq(coil_cancel(task), 1);
    ck_assert_int_eq(coil_await(task), -ECANCELED);
    ck_assert_int_eq(hops(), 2);
    ck_assert(coil_cancelled(task));
    coil_unref(task);
    return 0;
}

static int cancel_creator(void *creator)
{
    coil_cancel(creator);
    return coil_sleep(0);
}

TASK_TEST(an_eager_task_may_cancel_its_creator)
{
    coil_task *task = coil_create_task(cancel_creator, coil_current_task(), .eager_start = true);

    ck_assert_int_eq(coil_cancelling(coil_current_task()), 1);
    ck_assert_int_eq(coil_sleep(1), -ECANCELED);
    ck_assert_int_eq(coil_uncancel(coil_current_task()), 0);
    ck_assert_int_eq(coil_join(task), 0);
    return 0;
}

static int use_everything_eagerly(void *unused)
{
    (void)unused;
    coil_group group;
    coil_group_begin(&group);
    coil_task *first = coil_group_create_task(&group, give, &(int){1}, .eager_start = true);
    coil_task *second = coil_group_create_task(&group, step_twice, "g", .eager_start = true);
    ck_assert(coil_done(first));
    ck_assert(!coil_done(second));
    ck_assert_int_eq(coil_group_spawn(&group, give, &(int){2}, .eager_start = true), 0);
    int rc = coil_group_end(&group, 0);
    assert_said("gg");
    return rc;
}

TASK_TEST(groups_start_tasks_eagerly_too)
{
    ck_assert_int_eq(use_everything_eagerly(NULL), 0);
    ck_assert_int_eq(coil_join(coil_create_task(use_everything_eagerly, NULL, .eager_start = true)), 0);
    return 0;
}

TASK_TEST(an_eager_failure_in_a_group_aborts_it_only_when_its_turn_comes)
{
    coil_group group;
    coil_group_begin(&group);
    coil_task *failing = coil_group_create_task(&group, give, &(int){-EIO}, .eager_start = true);
    coil_task *other = coil_group_create_task(&group, hang, NULL);

    ck_assert(coil_done(failing));
    ck_assert_ptr_nonnull(other); /* not refused: nobody has looked yet */
    int rc = coil_sleep(INFINITY);
    ck_assert_int_eq(rc, -ECANCELED);
    ck_assert_int_eq(coil_group_end(&group, rc), -EIO);
    ck_assert_int_eq(coil_cancelling(coil_current_task()), 0);
    return 0;
}

START_TEST(in_a_loop_that_does_not_run_an_eager_task_waits_for_it)
    {
        coil_loop *loop = coil_loop_new();
        const struct coil_task_options options = {.size = sizeof(options), .arg = "x", .eager_start = true};
        coil_task *task = coil_loop_create_task(loop, step_twice, &options);

        assert_said("");
        ck_assert_int_eq(coil_loop_run_until_complete(loop, task), 1);
        assert_said("xx");
        coil_unref(task);
        ck_assert_int_eq(coil_loop_close(loop), 0);
    }
END_TEST

static int mix(void *unused)
{
    (void)unused;
    for (int i = 0; i < 200; i++) {
        coil_task *a = coil_create_task(give, &(int){1}, .eager_start = i % 2 == 0);
        coil_task *b = coil_create_task(step_twice, "", .eager_start = i % 3 == 0);
        if (i % 5 == 0) {
            coil_unref(a);
            coil_unref(b);
        } else {
            ck_assert_int_eq(coil_join(a), 1);
            ck_assert_int_eq(coil_join(b), 1);
        }
    }
    return 0;
}

START_TEST(eager_tasks_work_with_and_without_the_loop_between_tasks)
    {
        ck_assert_int_eq(coil_run(mix, NULL), 0);
        ck_assert_int_eq(coil_run(mix, NULL, .clock = COIL_CLOCK_VIRTUAL), 0);
        ck_assert_int_eq(coil_run(mix, NULL, .seed = 11), 0);
    }
END_TEST

Suite *eager_suite(void)
{
    Suite *suite = suite_create("eager");
    TCase *tc = tcase_create("eager");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, an_eager_task_runs_at_once_until_it_first_waits);
    tcase_add_test(tc, an_eager_task_that_does_not_wait_is_done_when_it_is_there);
    tcase_add_test(tc, an_eager_task_that_fails_at_once_fails_its_awaiter);
    tcase_add_test(tc, an_eager_failure_that_nobody_looks_at_is_reported);
    tcase_add_test(tc, eager_tasks_nest);
    tcase_add_test(tc, eager_tasks_that_all_end_at_once_take_no_iteration);
    tcase_add_test(tc, a_callback_may_start_tasks_eagerly);
    tcase_add_test(tc, an_eager_task_is_one_of_all_tasks_while_it_runs);
    tcase_add_test(tc, an_eager_task_is_cancelled_where_it_waits);
    tcase_add_test(tc, an_eager_task_may_cancel_its_creator);
    tcase_add_test(tc, groups_start_tasks_eagerly_too);
    tcase_add_test(tc, an_eager_failure_in_a_group_aborts_it_only_when_its_turn_comes);
    tcase_add_test(tc, in_a_loop_that_does_not_run_an_eager_task_waits_for_it);
    tcase_add_test(tc, eager_tasks_work_with_and_without_the_loop_between_tasks);
    suite_add_tcase(suite, tc);
    return suite;
}
