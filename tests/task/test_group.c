/* Groups of tasks: what the end waits for, how an error spreads, how cancellations from inside and outside are told apart. */
#include "harness.h"
#include "suites.h"

static int say_and_give(void *arg)
{
    int number = *(int *)arg;

    coil_sleep(1);
    say((char[]){(char)('0' + number % 10), '\0'});
    return number;
}

static int say_when_cancelled(void *text)
{
    int rc = coil_sleep(INFINITY);

    say(text);
    return rc;
}

/* ---- ending well ----------------------------------------------------------------------------------------------------- */

TASK_TEST(the_end_waits_for_every_task)
{
    coil_group group;
    coil_group_begin(&group);
    for (int i = 0; i < 10; i++) {
        ck_assert_ptr_nonnull(coil_group_create_task(&group, say_and_give, &i, .arg_size = sizeof(i)));
    }
    ck_assert_int_eq(coil_group_end(&group, 7), 7);
    assert_said("0123456789");
    ck_assert_int_eq(coil_group_error(&group, 0), 0);
    return 0;
}

TASK_TEST(the_end_of_the_last_task_ends_the_group_in_two_iterations)
{
    coil_group group;

    coil_group_begin(&group);
    coil_group_create_task(&group, give, NULL);
    coil_group_create_task(&group, trigger_and_give, NULL);
    ck_assert_int_eq(coil_group_end(&group, 0), 0);
    ck_assert_int_eq(hops(), 2);
    return 0;
}

TASK_TEST(a_group_with_nothing_left_ends_at_once)
{
    coil_group group;

    coil_group_begin(&group);
    trigger(NULL);
    ck_assert_int_eq(coil_group_end(&group, 3), 3);
    ck_assert_int_eq(hops(), 0);
    coil_group_begin(&group);
    coil_group_create_task(&group, give, NULL);
    let_pass(3);
    trigger(NULL);
    ck_assert_int_eq(coil_group_end(&group, 0), 0);
    ck_assert_int_eq(hops(), 0);
    return 0;
}

TASK_TEST(the_results_are_in_the_handles)
{
    coil_group group;
    coil_task *tasks[3];
    static int results[] = {5, 6, 7};

    coil_group_begin(&group);
    for (int i = 0; i < 3; i++) {
        tasks[i] = coil_ref(coil_group_create_task(&group, give, &results[i]));
    }
    ck_assert_int_eq(coil_group_end(&group, 0), 0);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(coil_join(tasks[i]), results[i]);
    }
    return 0;
}

static int spawn_more(void *arg)
{
    coil_group *group = arg;

    coil_sleep(1);
    return coil_group_spawn(group, give, NULL);
}

TASK_TEST(tasks_of_a_group_may_add_others_to_it_while_it_ends)
{
    coil_group group;

    coil_group_begin(&group);
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(coil_group_spawn(&group, spawn_more, &group), 0);
    }
    ck_assert_int_eq(coil_group_end(&group, 0), 0);
    return 0;
}

TASK_TEST(many_tasks_fit_into_a_group)
{
    int count = MANY_TASKS;
    coil_group group;
    double second = 1;

    coil_group_begin(&group);
    for (int i = 0; i < count; i++) {
        ck_assert_int_eq(coil_group_spawn(&group, sleep_for, &second), 0);
    }
    ck_assert_int_eq(coil_group_end(&group, 0), 0);
    ck_assert_double_eq(coil_time(), 1);
    return 0;
}

TASK_TEST(groups_nest)
{
    coil_group outer;
    coil_group inner;

    coil_group_begin(&outer);
    coil_group_spawn(&outer, say_and_give, &(int){1});
    coil_group_begin(&inner);
    coil_group_spawn(&inner, say_and_give, &(int){2});
    ck_assert_int_eq(coil_group_end(&inner, 0), 0);
    coil_group_spawn(&outer, say_and_give, &(int){3});
    ck_assert_int_eq(coil_group_end(&outer, 0), 0);
    assert_said("123");
    return 0;
}

/* ---- errors ---------------------------------------------------------------------------------------------------------- */

TASK_TEST(an_error_reaches_the_body_two_iterations_later_as_a_cancellation)
{
    coil_group group;

    coil_group_begin(&group);
    coil_group_create_task(&group, trigger_and_give, &(int){-EIO});
    int rc = coil_sleep(100);
    ck_assert_int_eq(hops(), 2);
    ck_assert_int_eq(rc, -ECANCELED);
    ck_assert_int_eq(coil_group_end(&group, rc), -EIO);
    ck_assert_int_eq(coil_group_error(&group, 0), -EIO);
    ck_assert_int_eq(coil_group_error(&group, 1), 0);
    ck_assert_int_eq(coil_cancelling(coil_current_task()), 0);
    ck_assert_int_eq(coil_sleep(0), 0);
    return 0;
}

TASK_TEST(the_first_error_cancels_the_other_tasks)
{
    coil_group group;

    coil_group_begin(&group);
    coil_group_spawn(&group, say_when_cancelled, "a");
    coil_group_spawn(&group, say_when_cancelled, "b");
    coil_group_spawn(&group, give, &(int){-EIO});
    coil_group_spawn(&group, say_when_cancelled, "c");
    ck_assert_int_eq(coil_group_end(&group, 0), -EIO);
    assert_said("abc");
    ck_assert_int_eq(coil_group_error(&group, 1), 0); /* cancelled tasks are no errors */
    return 0;
}

static int fail_when_cancelled(void *error)
{
    (void)coil_sleep(INFINITY);
    return *(int *)error;
}

TASK_TEST(all_errors_are_kept_in_their_order_and_the_bodys_comes_last)
{
    coil_group group;

    coil_group_begin(&group);
    coil_group_spawn(&group, fail_when_cancelled, &(int){-EPIPE});
    coil_group_spawn(&group, give, &(int){-EIO});
    coil_group_spawn(&group, fail_when_cancelled, &(int){-ENOENT});
    int rc = coil_sleep(INFINITY);
    ck_assert_int_eq(rc, -ECANCELED);
    ck_assert_int_eq(coil_group_end(&group, -EBADF), -EIO);
    ck_assert_int_eq(coil_group_error(&group, 0), -EIO);
    ck_assert_int_eq(coil_group_error(&group, 1), -EPIPE);
    ck_assert_int_eq(coil_group_error(&group, 2), -ENOENT);
    ck_assert_int_eq(coil_group_error(&group, 3), -EBADF);
    ck_assert_int_eq(coil_group_error(&group, 4), 0);
    ck_assert_int_eq(coil_group_error(&group, 4000), 0);
    return 0;
}

TASK_TEST(the_bodys_error_cancels_the_tasks_and_is_the_groups)
{
    coil_group group;

    coil_group_begin(&group);
    coil_group_spawn(&group, say_when_cancelled, "a");
    coil_sleep(1);
    ck_assert_int_eq(coil_group_end(&group, -EIO), -EIO);
    assert_said("a");
    ck_assert_int_eq(coil_group_error(&group, 0), -EIO);
    return 0;
}

TASK_TEST(more_errors_than_fit_inside_are_kept_too)
{
    enum { COUNT = 200 };
    static int errors[COUNT];
    coil_group group;

    coil_group_begin(&group);
    for (int i = 0; i < COUNT; i++) {
        errors[i] = -1000 - i;
        coil_group_spawn(&group, i == 0 ? give : fail_when_cancelled, &errors[i]);
    }
    ck_assert_int_eq(coil_group_end(&group, 0), -1000);
    for (int i = 0; i < COUNT; i++) {
        ck_assert_int_eq(coil_group_error(&group, (size_t)i), -1000 - i);
    }
    ck_assert_int_eq(coil_group_error(&group, COUNT), 0);
    return 0;
}

TASK_TEST(the_errors_of_nested_groups_do_not_mix)
{
    enum { COUNT = 20 };
    static int errors[COUNT];
    coil_group groups[2];

    coil_group_begin(&groups[0]);
    for (int k = 1; k >= 0; k--) {
        if (k == 1) {
            coil_group_begin(&groups[1]);
        }
        for (int i = 0; i < COUNT; i++) {
            errors[i] = -1000 - i;
            coil_group_spawn(&groups[k], i == 0 ? give : fail_when_cancelled, &errors[i]);
        }
        ck_assert_int_eq(coil_group_end(&groups[k], 0), -1000);
        for (int i = 0; i < COUNT; i++) {
            ck_assert_int_eq(coil_group_error(&groups[k], (size_t)i), -1000 - i);
        }
    }
    return 0;
}

static int cancel_self(void *unused)
{
    (void)unused;
    return -ECANCELED;
}

TASK_TEST(a_task_that_is_cancelled_alone_disturbs_nobody)
{
    coil_group group;

    coil_group_begin(&group);
    coil_group_spawn(&group, cancel_self, NULL);
    coil_cancel(coil_group_create_task(&group, hang, NULL));
    coil_group_spawn(&group, say_and_give, &(int){5});
    ck_assert_int_eq(coil_group_end(&group, 0), 0);
    assert_said("5");
    return 0;
}

static int fail_with_words(void *unused)
{
    (void)unused;
    return coil_fail(-EIO, "the disk is %s", "gone");
}

static int group_with_words(void *unused)
{
    coil_group group;

    (void)unused;
    coil_group_begin(&group);
    coil_group_spawn(&group, fail_with_words, NULL);
    int rc = coil_group_end(&group, 0);
    return coil_fail(rc, "working together");
}

TASK_TEST(the_words_of_the_first_error_come_with_it)
{
    coil_task *task = spawn(group_with_words, NULL);

    ck_assert_int_eq(coil_await(task), -EIO);
    ck_assert_str_eq(coil_error_message(task), "working together: the disk is gone: Input/output error");
    coil_unref(task);
    return 0;
}

/* ---- cancellation from outside --------------------------------------------------------------------------------------- */

static int group_of_sleepers(void *unused)
{
    coil_group group;

    (void)unused;
    coil_group_begin(&group);
    coil_group_spawn(&group, say_when_cancelled, "a");
    coil_group_spawn(&group, say_when_cancelled, "b");
    return coil_group_end(&group, 0);
}

TASK_TEST(cancelling_who_waits_for_the_end_cancels_the_tasks)
{
    coil_task *task = spawn(group_of_sleepers, NULL);

    coil_sleep(1);
    coil_cancel_msg(task, "stop");
    ck_assert_int_eq(coil_await(task), -ECANCELED);
    assert_said("ab");
    ck_assert(coil_cancelled(task));
    ck_assert_str_eq(coil_cancel_message(task), "stop");
    coil_unref(task);
    return 0;
}

static int group_with_a_long_body(void *unused)
{
    coil_group group;

    (void)unused;
    coil_group_begin(&group);
    coil_group_spawn(&group, say_when_cancelled, "a");
    int rc = coil_sleep(INFINITY);
    say("b");
    return coil_group_end(&group, rc);
}

TASK_TEST(cancelling_the_body_cancels_the_tasks)
{
    coil_task *task = spawn(group_with_a_long_body, NULL);

    coil_sleep(1);
    coil_cancel(task);
    ck_assert_int_eq(coil_join(task), -ECANCELED);
    assert_said("ba");
    return 0;
}

static int take_a_second_to_end(void *text)
{
    (void)coil_sleep(INFINITY);
    while (coil_sleep(1) < 0) {
    }
    say(text);
    return 0;
}

static int group_that_takes_its_time(void *unused)
{
    coil_group group;

    (void)unused;
    coil_group_begin(&group);
    coil_group_spawn(&group, take_a_second_to_end, "t");
    return coil_group_end(&group, 0);
}

TASK_TEST(the_end_waits_however_often_it_is_cancelled)
{
    coil_task *task = spawn(group_that_takes_its_time, NULL);

    coil_sleep(1);
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(coil_cancel(task), 1);
        coil_sleep(0.1);
        ck_assert(!coil_done(task));
    }
    ck_assert_int_eq(coil_await(task), -ECANCELED);
    assert_said("t");
    ck_assert_int_eq(coil_cancelling(task), 5);
    coil_unref(task);
    return 0;
}

static int fail_in_a_second(void *error)
{
    (void)coil_sleep(1);
    return *(int *)error;
}

static int group_that_fails(void *unused)
{
    coil_group group;

    (void)unused;
    coil_group_begin(&group);
    coil_group_spawn(&group, fail_in_a_second, &(int){-EIO});
    coil_group_spawn(&group, take_a_second_to_end, "t");
    int rc = coil_group_end(&group, 0);
    ck_assert_int_eq(rc, -EIO);
    ck_assert_int_eq(coil_cancelling(coil_current_task()), 1);
    /* The request from outside was not forgotten, and is delivered again. */
    ck_assert_int_eq(coil_sleep(0), -ECANCELED);
    ck_assert_int_eq(coil_sleep(0), 0);
    return rc;
}

TASK_TEST(errors_come_before_a_cancellation_from_outside_which_stays)
{
    coil_task *task = spawn(group_that_fails, NULL);

    coil_sleep(1.5);
    coil_cancel(task);
    ck_assert_int_eq(coil_join(task), -EIO);
    assert_said("t");
    return 0;
}

TASK_TEST(a_group_in_a_timeout_times_out)
{
    coil_timeout timeout;
    coil_group group;

    coil_timeout_begin(&timeout, 5);
    coil_group_begin(&group);
    coil_group_spawn(&group, say_when_cancelled, "a");
    int rc = coil_group_end(&group, 0);
    ck_assert_int_eq(rc, -ECANCELED);
    ck_assert_int_eq(coil_timeout_end(&timeout, rc), -ETIMEDOUT);
    ck_assert_double_eq(coil_time(), 5);
    assert_said("a");
    return 0;
}

TASK_TEST(a_timeout_in_a_group_is_an_error_of_the_body)
{
    coil_timeout timeout;
    coil_group group;

    coil_group_begin(&group);
    coil_group_spawn(&group, say_when_cancelled, "a");
    coil_timeout_begin(&timeout, 1);
    int rc = coil_timeout_end(&timeout, coil_sleep(10));
    ck_assert_int_eq(coil_group_end(&group, rc), -ETIMEDOUT);
    assert_said("a");
    ck_assert_int_eq(coil_cancelling(coil_current_task()), 0);
    return 0;
}

/* ---- misuse ---------------------------------------------------------------------------------------------------------- */

TASK_TEST(an_aborting_group_takes_no_more_tasks)
{
    coil_group group;

    coil_group_begin(&group);
    coil_group_spawn(&group, give, &(int){-EIO});
    ck_assert_int_eq(coil_sleep(10), -ECANCELED);
    ck_assert_ptr_null(coil_group_create_task(&group, hang, NULL));
    ck_assert_int_eq(coil_creation_error(), -ECANCELED);
    ck_assert_int_eq(coil_group_spawn(&group, hang, NULL), -ECANCELED);
    ck_assert_int_eq(coil_group_end(&group, 0), -EIO);
    return 0;
}

TASK_TEST(a_group_that_has_ended_takes_no_more_tasks_and_ends_once)
{
    coil_group group;

    coil_group_begin(&group);
    ck_assert_int_eq(coil_group_end(&group, 0), 0);
    ck_assert_ptr_null(coil_group_create_task(&group, hang, NULL));
    ck_assert_int_eq(coil_creation_error(), -EINVAL);
    ck_assert_int_eq(coil_group_spawn(&group, hang, NULL), -EINVAL);
    ck_assert_int_eq(coil_group_end(&group, 0), -EINVAL);
    return 0;
}

TASK_TEST(a_group_that_was_not_begun_is_refused)
{
    coil_group group = {0};

    ck_assert_ptr_null(coil_group_create_task(&group, hang, NULL));
    ck_assert_int_eq(coil_creation_error(), -EINVAL);
    ck_assert_int_eq(coil_group_spawn(NULL, hang, NULL), -EINVAL);
    ck_assert_ptr_null(coil_group_create_task(NULL, hang, NULL));
    coil_group_begin(&group);
    ck_assert_ptr_null(coil_group_create_task(&group, NULL, NULL));
    ck_assert_int_eq(coil_creation_error(), -EINVAL);
    ck_assert_int_eq(coil_group_end(&group, 0), 0);
    return 0;
}

static int end_anothers_group(void *group)
{
    return coil_group_end(group, 0);
}

TASK_TEST(only_the_task_that_began_a_group_may_end_it)
{
    coil_group group;

    coil_group_begin(&group);
    ck_assert_int_eq(coil_join(spawn(end_anothers_group, &group)), -EPERM);
    ck_assert_int_eq(coil_group_spawn(&group, give, NULL), 0);
    ck_assert_int_eq(coil_group_end(&group, 0), 0);
    return 0;
}

START_TEST(outside_of_a_task_there_are_no_groups)
    {
        coil_group group;

        coil_group_begin(&group);
        ck_assert_ptr_null(coil_group_create_task(&group, hang, NULL));
        ck_assert_int_eq(coil_creation_error(), -EPERM);
        ck_assert_int_eq(coil_group_end(&group, 0), -EPERM);
    }
END_TEST

static int fill_group(void *unused)
{
    coil_group group;

    (void)unused;
    coil_group_begin(&group);
    ck_assert_int_eq(coil_group_spawn(&group, give, NULL), 0);
    ck_assert_int_eq(coil_group_spawn(&group, give, NULL), -EAGAIN);
    ck_assert_ptr_null(coil_group_create_task(&group, give, NULL));
    ck_assert_int_eq(coil_creation_error(), -EAGAIN);
    return coil_group_end(&group, 0);
}

START_TEST(a_task_too_many_is_refused_and_the_group_goes_on)
    {
        ck_assert_int_eq(coil_run(fill_group, NULL, .max_tasks = 2), 0);
    }
END_TEST

Suite *group_suite(void)
{
    Suite *suite = suite_create("group");
    TCase *ending = tcase_create("group_ending");
    TCase *errors = tcase_create("group_errors");
    TCase *cancelling = tcase_create("group_cancelling");
    TCase *misuse = tcase_create("group_misuse");

    tcase_add_checked_fixture(ending, setup, teardown);
    tcase_add_test(ending, the_end_waits_for_every_task);
    tcase_add_test(ending, the_end_of_the_last_task_ends_the_group_in_two_iterations);
    tcase_add_test(ending, a_group_with_nothing_left_ends_at_once);
    tcase_add_test(ending, the_results_are_in_the_handles);
    tcase_add_test(ending, tasks_of_a_group_may_add_others_to_it_while_it_ends);
    tcase_add_test(ending, many_tasks_fit_into_a_group);
    tcase_add_test(ending, groups_nest);
    suite_add_tcase(suite, ending);

    tcase_add_checked_fixture(errors, setup, teardown);
    tcase_add_test(errors, an_error_reaches_the_body_two_iterations_later_as_a_cancellation);
    tcase_add_test(errors, the_first_error_cancels_the_other_tasks);
    tcase_add_test(errors, all_errors_are_kept_in_their_order_and_the_bodys_comes_last);
    tcase_add_test(errors, the_bodys_error_cancels_the_tasks_and_is_the_groups);
    tcase_add_test(errors, more_errors_than_fit_inside_are_kept_too);
    tcase_add_test(errors, the_errors_of_nested_groups_do_not_mix);
    tcase_add_test(errors, a_task_that_is_cancelled_alone_disturbs_nobody);
    tcase_add_test(errors, the_words_of_the_first_error_come_with_it);
    suite_add_tcase(suite, errors);

    tcase_add_checked_fixture(cancelling, setup, teardown);
    tcase_add_test(cancelling, cancelling_who_waits_for_the_end_cancels_the_tasks);
    tcase_add_test(cancelling, cancelling_the_body_cancels_the_tasks);
    tcase_add_test(cancelling, the_end_waits_however_often_it_is_cancelled);
    tcase_add_test(cancelling, errors_come_before_a_cancellation_from_outside_which_stays);
    tcase_add_test(cancelling, a_group_in_a_timeout_times_out);
    tcase_add_test(cancelling, a_timeout_in_a_group_is_an_error_of_the_body);
    suite_add_tcase(suite, cancelling);

    tcase_add_checked_fixture(misuse, setup, teardown);
    tcase_add_test(misuse, an_aborting_group_takes_no_more_tasks);
    tcase_add_test(misuse, a_group_that_has_ended_takes_no_more_tasks_and_ends_once);
    tcase_add_test(misuse, a_group_that_was_not_begun_is_refused);
    tcase_add_test(misuse, only_the_task_that_began_a_group_may_end_it);
    tcase_add_test(misuse, outside_of_a_task_there_are_no_groups);
    tcase_add_test(misuse, a_task_too_many_is_refused_and_the_group_goes_on);
    suite_add_tcase(suite, misuse);
    return suite;
}
