/* Who keeps what alive: references given back in every order, tasks that nobody holds, and the last reference in odd places. */
#include "harness.h"
#include "suites.h"

static int say_done(void *text)
{
    coil_sleep(1);
    say(text);
    return 0;
}

TASK_TEST(letting_go_of_a_task_before_it_starts_does_not_stop_it)
{
    coil_unref(spawn(say_done, "ran"));
    coil_sleep(2);
    assert_said("ran");
    return 0;
}

TASK_TEST(letting_go_of_a_task_while_it_sleeps_does_not_stop_it)
{
    coil_task *task = spawn(say_done, "ran");

    coil_sleep(0.5);
    coil_unref(task);
    coil_sleep(1);
    assert_said("ran");
    return 0;
}

TASK_TEST(letting_go_of_a_task_after_its_end_frees_it)
{
    coil_task *task = spawn(say_done, "ran");

    coil_sleep(2);
    ck_assert(coil_done(task));
    coil_unref(task);
    assert_said("ran");
    return 0;
}

TASK_TEST(join_gives_the_reference_back)
{
    long before = live_blocks;
    A_FUTURE(future);

    ck_assert_int_gt(live_blocks, before);
    coil_future_set_result(future, 6);
    ck_assert_int_eq(coil_join(future), 6);
    ck_assert_int_eq(live_blocks, before);
    return 0;
}

TASK_TEST(join_gives_the_reference_back_on_errors_too)
{
    long before = live_blocks;
    A_FUTURE(future);

    coil_cancel(coil_current_task());
    ck_assert_int_eq(coil_join(future), -ECANCELED);
    ck_assert_int_eq(live_blocks, before);
    coil_uncancel(coil_current_task());
    return 0;
}

TASK_TEST(every_reference_must_be_given_back)
{
    long before = live_blocks;
    A_FUTURE(future);

    ck_assert_ptr_eq(coil_ref(future), future);
    ck_assert_ptr_eq(coil_ref(future), future);
    coil_unref(future);
    coil_unref(future);
    ck_assert(!coil_done(future));
    coil_unref(future);
    ck_assert_int_eq(live_blocks, before);
    ck_assert_ptr_null(coil_ref(NULL));
    coil_unref(NULL);
    return 0;
}

static int let_go_of_oneself(void *arg)
{
    coil_unref(*(coil_task **)arg);
    say((char *)(uintptr_t)coil_task_name(coil_current_task()));
    coil_sleep(1);
    say("!");
    return 0;
}

TASK_TEST(a_task_may_give_back_its_own_last_reference_while_it_runs)
{
    coil_task *task;

    task = coil_create_task(let_go_of_oneself, &task, .name = "self");
    coil_sleep(2);
    assert_said("self!");
    return 0;
}

static int take_own_reference(void *arg)
{
    *(coil_task **)arg = coil_ref(coil_current_task());
    return 4;
}

TASK_TEST(a_task_may_hand_out_a_reference_to_itself)
{
    coil_task *task = NULL;

    coil_unref(spawn(take_own_reference, &task));
    coil_sleep(0);
    ck_assert_int_eq(coil_join(task), 4);
    return 0;
}

static int end_then_look(void *task)
{
    coil_sleep(1);
    coil_unref(task);
    return 0;
}

/* The stack of a task that ended without references is released by whoever runs next. */
TASK_TEST(many_tasks_that_nobody_holds_may_end_one_after_the_other)
{
    int count = 0;

    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 500; i++) {
            coil_unref(spawn(give, NULL));
            count++;
        }
        coil_sleep(0);
    }
    coil_unref(spawn(end_then_look, spawn(give, NULL)));
    coil_sleep(2);
    ck_assert_uint_eq(coil_all_tasks(NULL, 0), 1);
    return 0;
}

static int hold_nobody(void *unused)
{
    (void)unused;
    for (int i = 0; i < 1000; i++) {
        coil_unref(spawn(give, NULL));
        if (i % 7 == 0) {
            coil_sleep(0);
        }
    }
    return 0;
}

START_TEST(tasks_that_nobody_holds_end_well_where_tasks_switch_without_the_loop)
    {
        ck_assert_int_eq(coil_run(hold_nobody, NULL), 0);
        ck_assert_int_eq(coil_run(hold_nobody, NULL, .seed = 3), 0);
    }
END_TEST

TASK_TEST(a_gather_keeps_its_children)
{
    coil_future *children[2] = {coil_future_new(), spawn(say_done, "ran")};
    coil_future *all = coil_gather(children, 2);

    coil_future_set_result(children[0], 1);
    coil_unref(children[0]);
    coil_unref(children[1]);
    ck_assert_int_eq(coil_join(all), 0);
    assert_said("ran");
    return 0;
}

TASK_TEST(a_gather_that_nobody_wants_any_more_goes_with_its_last_child)
{
    A_FUTURE(future);

    coil_future *twice[] = {future, future};

    coil_unref(coil_gather(twice, 2));
    coil_future_set_result(future, 1);
    coil_unref(future);
    let_pass(2);
    return 0;
}

TASK_TEST(a_shield_keeps_what_it_shields)
{
    A_FUTURE(future);
    coil_future *shield = coil_shield(future);

    coil_unref(future);
    coil_cancel(shield);
    ck_assert_int_eq(coil_join(shield), -ECANCELED);
    let_pass(2);
    return 0;
}

TASK_TEST(a_shield_of_what_is_done_is_a_reference_to_it)
{
    A_FUTURE(future);

    coil_future_set_result(future, 2);
    coil_future *shield = coil_shield(future);
    ck_assert_ptr_eq(shield, future);
    coil_unref(future);
    ck_assert_int_eq(coil_join(shield), 2);
    return 0;
}

static int complete_later(void *future)
{
    coil_sleep(1);
    coil_future_set_result(future, 5);
    coil_unref(future);
    return 0;
}

TASK_TEST(waiting_keeps_the_futures_in_every_way_of_waiting)
{
    coil_future *futures[4];

    for (int i = 0; i < 4; i++) {
        futures[i] = coil_future_new();
        coil_unref(spawn(complete_later, futures[i])); /* which gives back the only reference */
    }
    ck_assert_int_eq(coil_wait(futures, 4), 4);
    futures[0] = coil_future_new();
    coil_unref(spawn(complete_later, futures[0]));
    ck_assert_int_eq(coil_wait_for(futures[0], 10), 5);
    futures[0] = coil_future_new();
    coil_unref(spawn(complete_later, futures[0]));
    ck_assert_int_eq(coil_await(futures[0]), 5);
    futures[0] = coil_future_new();
    coil_future *keeps = coil_ref(futures[0]);
    coil_unref(spawn(complete_later, futures[0]));
    coil_as_completed_iter iter;
    coil_future *next;
    ck_assert_int_eq(coil_as_completed(&iter, futures, 1), 0);
    coil_unref(keeps);
    ck_assert_int_eq(coil_as_completed_next(&iter, &next), 1);
    ck_assert_int_eq(coil_result(next), 5); /* borrowed from the iterator */
    ck_assert_int_eq(coil_as_completed_next(&iter, &next), 0);
    return 0;
}

TASK_TEST(a_groups_handles_are_good_until_its_end)
{
    coil_group group;
    coil_group_begin(&group);
    coil_task *task = coil_group_create_task(&group, give, &(int){11});
    coil_task *kept = coil_ref(coil_group_create_task(&group, give, &(int){12}));

    coil_sleep(1);
    ck_assert_int_eq(coil_result(task), 11);
    ck_assert_int_eq(coil_group_end(&group, 0), 0);
    ck_assert_int_eq(coil_join(kept), 12);
    return 0;
}

TASK_TEST(what_a_group_spawns_is_gone_when_it_ends)
{
    coil_group group;
    coil_group_begin(&group);
    for (int i = 0; i < 100; i++) {
        ck_assert_int_eq(coil_group_spawn(&group, give, NULL), 0);
    }
    coil_sleep(0);
    coil_sleep(0);
    ck_assert_uint_eq(coil_all_tasks(NULL, 0), 1);
    ck_assert_uint_eq(ci_runtime_of(coil_get_running_loop())->futures,
                      1); /* main's own: nothing waits for the group's end */
    ck_assert_int_eq(coil_group_end(&group, 0), 0);
    return 0;
}

/* Counts that would overflow stay where they are: who never gives back leaks, and nothing worse. */
TASK_TEST(references_beyond_all_counting_keep_the_future_for_good)
{
    A_FUTURE(future);

    future->references = INT32_MAX - 1;
    ck_assert_ptr_eq(coil_ref(future), future);
    ck_assert_ptr_eq(coil_ref(future), future);
    for (int i = 0; i < 5; i++) {
        coil_unref(future);
    }
    ck_assert_uint_eq(future->references, INT32_MAX);
    ck_assert_int_eq(coil_future_set_result(future, 3), 0);
    ck_assert_int_eq(coil_await(future), 3);
    future->references = 1;
    coil_unref(future);
    return 0;
}

TASK_TEST(requests_beyond_all_counting_are_still_delivered)
{
    coil_task *task = spawn(hang, NULL);

    coil_sleep(0);
    ci_task_of(task)->cancelling = INT32_MAX;
    ck_assert_int_eq(coil_cancel(task), 1);
    ck_assert_int_eq(coil_cancelling(task), INT32_MAX);
    ck_assert_int_eq(coil_join(task), -ECANCELED);
    return 0;
}

/* ---- what a report's handler may keep -------------------------------------------------------------------------------- */

static coil_future *rescued;

static void rescue(coil_loop *loop, const struct coil_report *report, void *userdata)
{
    hear(loop, report, userdata);
    rescued = coil_ref(report->future);
}

static int fail_unseen(void *unused)
{
    (void)unused;
    coil_loop_set_exception_handler(coil_get_running_loop(), rescue, NULL);
    coil_unref(spawn(give, &(int){-EIO}));
    let_pass(3);
    ck_assert_int_eq(take_report(COIL_REPORT_NEVER_RETRIEVED)->error, -EIO);
    ck_assert_ptr_nonnull(rescued);
    ck_assert_int_eq(coil_result(rescued), -EIO); /* it can be looked at for as long as one likes */
    coil_sleep(1);
    coil_future *future = coil_future_new();
    coil_future_set_error(future, -EPIPE);
    ck_assert_int_eq(coil_join(rescued), -EIO);
    coil_unref(future);
    ck_assert_int_eq(take_report(COIL_REPORT_NEVER_RETRIEVED)->error, -EPIPE);
    ck_assert_ptr_eq(rescued, future);
    coil_unref(rescued);
    return 0;
}

START_TEST(a_handler_may_keep_the_future_of_its_report)
    {
        ck_assert_int_eq(run(fail_unseen), 0);
    }
END_TEST

Suite *ownership_suite(void)
{
    Suite *suite = suite_create("ownership");
    TCase *tc = tcase_create("ownership");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, letting_go_of_a_task_before_it_starts_does_not_stop_it);
    tcase_add_test(tc, letting_go_of_a_task_while_it_sleeps_does_not_stop_it);
    tcase_add_test(tc, letting_go_of_a_task_after_its_end_frees_it);
    tcase_add_test(tc, join_gives_the_reference_back);
    tcase_add_test(tc, join_gives_the_reference_back_on_errors_too);
    tcase_add_test(tc, every_reference_must_be_given_back);
    tcase_add_test(tc, a_task_may_give_back_its_own_last_reference_while_it_runs);
    tcase_add_test(tc, a_task_may_hand_out_a_reference_to_itself);
    tcase_add_test(tc, many_tasks_that_nobody_holds_may_end_one_after_the_other);
    tcase_add_test(tc, tasks_that_nobody_holds_end_well_where_tasks_switch_without_the_loop);
    tcase_add_test(tc, a_gather_keeps_its_children);
    tcase_add_test(tc, a_gather_that_nobody_wants_any_more_goes_with_its_last_child);
    tcase_add_test(tc, a_shield_keeps_what_it_shields);
    tcase_add_test(tc, a_shield_of_what_is_done_is_a_reference_to_it);
    tcase_add_test(tc, waiting_keeps_the_futures_in_every_way_of_waiting);
    tcase_add_test(tc, a_groups_handles_are_good_until_its_end);
    tcase_add_test(tc, what_a_group_spawns_is_gone_when_it_ends);
    tcase_add_test(tc, references_beyond_all_counting_keep_the_future_for_good);
    tcase_add_test(tc, requests_beyond_all_counting_are_still_delivered);
    tcase_add_test(tc, a_handler_may_keep_the_future_of_its_report);
    suite_add_tcase(suite, tc);
    return suite;
}
