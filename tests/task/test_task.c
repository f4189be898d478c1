/* Tasks: when they run, what they are given, what they are called, and how many there may be. */
#include <stdint.h>

#include "harness.h"
#include "suites.h"

/* ---- when ------------------------------------------------------------------------------------------------------------ */

static int assert_one_hop(void *unused)
{
    (void)unused;
    ck_assert_int_eq(hops(), 1);
    say("ran");
    return 5;
}

TASK_TEST(a_task_takes_its_first_step_in_the_next_iteration)
{
    trigger(NULL);
    coil_task *task = spawn(assert_one_hop, NULL);
    assert_said("");
    ck_assert(!coil_done(task));
    ck_assert_int_eq(coil_join(task), 5);
    assert_said("ran");
    return 0;
}

TASK_TEST(the_end_of_a_task_wakes_who_awaits_it_in_the_next_iteration)
{
    coil_task *task = spawn(trigger_and_give, &(int){3});

    ck_assert_int_eq(coil_await(task), 3);
    ck_assert_int_eq(hops(), 1);
    ck_assert(coil_done(task));
    ck_assert_int_eq(coil_result(task), 3);
    trigger(NULL);
    ck_assert_int_eq(coil_join(task), 3);
    ck_assert_int_eq(hops(), 0);
    return 0;
}

TASK_TEST(sleep_of_nothing_lets_one_iteration_pass)
{
    static const double nothing[] = {0, -0.0, -1, -INFINITY};

    for (int i = 0; i < 4; i++) {
        trigger(NULL);
        ck_assert_int_eq(coil_sleep(nothing[i]), 0);
        ck_assert_int_eq(hops(), 1);
        ck_assert_double_eq(coil_time(), 0);
    }
    return 0;
}

TASK_TEST(a_sleeper_runs_one_iteration_after_its_timer)
{
    coil_call_later(1.5, trigger, NULL); /* due with the sleeper's timer, which comes after it */
    ck_assert_int_eq(coil_sleep(1.5), 0);
    ck_assert_int_eq(hops(), 1);
    ck_assert_double_eq(coil_time(), 1.5);
    return 0;
}

static int say_name(void *unused)
{
    (void)unused;
    for (int i = 0; i < 3; i++) {
        say((char *)(uintptr_t)coil_task_name(coil_current_task()));
        coil_sleep(0);
    }
    return 0;
}

TASK_TEST(tasks_take_turns_in_the_order_in_which_they_were_made)
{
    coil_task *a = coil_create_task(say_name, NULL, .name = "a");
    coil_task *b = coil_create_task(say_name, NULL, .name = "b");
    coil_task *c = coil_create_task(say_name, NULL, .name = "c");

    coil_join(a);
    coil_join(b);
    coil_join(c);
    assert_said("abcabcabc");
    return 0;
}

static int sleep_and_say(void *arg)
{
    int number = *(int *)arg;

    coil_sleep(number / 8);
    say((char[]){(char)('0' + number), '\0'});
    return number;
}

TASK_TEST(sleepers_with_the_same_deadline_wake_in_the_order_in_which_they_went_to_sleep)
{
    coil_task *tasks[10];

    for (int i = 9; i >= 0; i--) {
        tasks[i] = coil_create_task(sleep_and_say, &i, .arg_size = sizeof(i));
    }
    for (int i = 0; i < 10; i++) {
        ck_assert_int_eq(coil_join(tasks[i]), i);
    }
    assert_said("7654321098");
    return 0;
}

static int count_steps(void *arg)
{
    for (int i = 0; i < 1000; i++) {
        ++*(long *)arg;
        coil_sleep(0);
    }
    return 0;
}

/* On the real clock, without timers and descriptors, tasks switch to each other without the loop between them. */
static int switch_a_lot(void *unused)
{
    coil_task *tasks[100];
    long counts[100] = {0};

    (void)unused;
    for (int i = 0; i < 100; i++) {
        tasks[i] = spawn(count_steps, &counts[i]);
    }
    uint64_t before = iteration();
    for (int i = 0; i < 100; i++) {
        ck_assert_int_eq(coil_join(tasks[i]), 0);
        ck_assert_int_eq(counts[i], 1000);
    }
    ck_assert_uint_eq(iteration() - before, 1002); /* counted as if the loop had been there: 1 to begin, 1 to end */
    return 0;
}

START_TEST(iterations_are_counted_where_tasks_switch_without_the_loop)
    {
        ck_assert_int_eq(coil_run(switch_a_lot, NULL), 0);
    }
END_TEST

/* ---- results --------------------------------------------------------------------------------------------------------- */

TASK_TEST(what_a_coroutine_returns_is_what_its_awaiter_gets)
{
    static int results[] = {0, 1, INT32_MAX, -EIO, -EPIPE, -EAGAIN};

    for (int i = 0; i < 6; i++) {
        coil_task *task = spawn(give, &results[i]);
        ck_assert_int_eq(coil_await(task), results[i]);
        ck_assert_int_eq(coil_result(task), results[i]);
        ck_assert_int_eq(coil_error(task), results[i] < 0 ? results[i] : 0);
        ck_assert(!coil_cancelled(task));
        coil_unref(task);
    }
    return 0;
}

TASK_TEST(a_coroutine_that_returns_a_cancellation_ends_cancelled)
{
    coil_task *task = spawn(give, &(int){-ECANCELED});

    ck_assert_int_eq(coil_await(task), -ECANCELED);
    ck_assert(coil_cancelled(task));
    ck_assert_int_eq(coil_cancelling(task), 0);
    coil_unref(task);
    return 0;
}

TASK_TEST(to_call_a_coroutine_is_to_await_it)
{
    trigger(NULL);
    ck_assert_int_eq(give(&(int){8}), 8);
    ck_assert_int_eq(hops(), 0);
    ck_assert_int_eq(sleep_for(&(double){2}), 0);
    ck_assert_double_eq(coil_time(), 2);
    return 0;
}

/* ---- arguments ------------------------------------------------------------------------------------------------------- */

TASK_TEST(a_copied_argument_outlives_the_original)
{
    coil_task *tasks[10];

    for (int i = 0; i < 10; i++) {
        int local = i * i;
        tasks[i] = coil_create_task(give, &local, .arg_size = sizeof(local));
        local = -1;
    }
    for (int i = 0; i < 10; i++) {
        ck_assert_int_eq(*(int *)coil_value(tasks[i]), i * i);
        ck_assert_int_eq(coil_join(tasks[i]), i * i);
    }
    return 0;
}

static int write_answer(void *arg)
{
    coil_sleep(1);
    strcpy(arg, "the answer");
    return 0;
}

TASK_TEST(a_tasks_value_is_its_argument_also_after_its_end)
{
    char question[100] = "the question";
    coil_task *copied = coil_create_task(write_answer, question, .arg_size = sizeof(question));
    coil_task *borrowed = spawn(give, question);

    ck_assert_ptr_eq(coil_value(borrowed), question);
    ck_assert_ptr_ne(coil_value(copied), question);
    ck_assert_int_eq(coil_await(copied), 0);
    ck_assert_str_eq(coil_value(copied), "the answer");
    ck_assert_str_eq(question, "the question");
    coil_unref(copied);
    (void)coil_await(borrowed);
    coil_unref(borrowed);
    return 0;
}

static int check_pattern(void *arg)
{
    const unsigned char *bytes = arg;

    ck_assert_uint_eq((uintptr_t)arg % 16, 0);
    char disturb[1000];
    memset(disturb, 1, sizeof(disturb));
    coil_sleep(0);
    for (int i = 0; i < 2048; i++) {
        ck_assert_uint_eq(bytes[i], (unsigned char)(i * 7));
    }
    return disturb[500];
}

TASK_TEST(an_argument_of_2048_bytes_is_copied_and_a_larger_one_refused)
{
    unsigned char block[2049];

    for (int i = 0; i < 2049; i++) {
        block[i] = (unsigned char)(i * 7);
    }
    ck_assert_int_eq(coil_join(coil_create_task(check_pattern, block, .arg_size = 2048)), 1);
    ck_assert_int_eq(coil_join(coil_create_task(check_pattern, block, .arg_size = 2048, .stack_size = 1)), 1);
    ck_assert_ptr_null(coil_create_task(check_pattern, block, .arg_size = 2049));
    ck_assert_int_eq(coil_creation_error(), -EINVAL);
    ck_assert_ptr_null(coil_create_task(check_pattern, NULL, .arg_size = 1));
    ck_assert_int_eq(coil_creation_error(), -EINVAL);
    return 0;
}

/* ---- names ----------------------------------------------------------------------------------------------------------- */

TASK_TEST(tasks_without_a_name_are_numbered)
{
    coil_task *a = spawn(give, NULL);
    coil_task *b = spawn(give, NULL);

    ck_assert_str_eq(coil_task_name(coil_current_task()), "Task-1");
    ck_assert_str_eq(coil_task_name(b), "Task-3");
    ck_assert_str_eq(coil_task_name(a), "Task-2");
    coil_join(a);
    coil_join(b);
    return 0;
}

TASK_TEST(names_of_every_length_are_copied)
{
    char name[300];

    for (size_t length = 1; length < sizeof(name); length += 1 + length / 8) {
        memset(name, 'x', length);
        name[length] = '\0';
        coil_task *task = coil_create_task(give, NULL, .name = name);
        name[0] = 'y';
        ck_assert_uint_eq(strlen(coil_task_name(task)), length);
        ck_assert_int_eq(coil_task_name(task)[0], 'x');
        ck_assert_int_eq(coil_task_set_name(task, name), 0);
        ck_assert_str_eq(coil_task_name(task), name);
        coil_join(task);
    }
    return 0;
}

TASK_TEST(a_name_can_be_changed_and_may_be_empty)
{
    coil_task *task = coil_create_task(give, NULL, .name = "first");

    ck_assert_int_eq(coil_task_set_name(task, "a second name that is longer than the first"), 0);
    ck_assert_str_eq(coil_task_name(task), "a second name that is longer than the first");
    ck_assert_int_eq(coil_task_set_name(task, "third"), 0);
    ck_assert_str_eq(coil_task_name(task), "third");
    ck_assert_int_eq(coil_task_set_name(task, ""), 0);
    ck_assert_str_eq(coil_task_name(task), "");
    ck_assert_int_eq(coil_task_set_name(task, coil_task_name(coil_current_task())), 0);
    ck_assert_str_eq(coil_task_name(task), "Task-1");
    ck_assert_int_eq(coil_task_set_name(task, NULL), -EINVAL);
    coil_join(task);
    return 0;
}

TASK_TEST(what_is_no_task_has_no_name)
{
    A_FUTURE(future);

    ck_assert_str_eq(coil_task_name(future), "");
    ck_assert_str_eq(coil_task_name(NULL), "");
    ck_assert_int_eq(coil_task_set_name(future, "x"), -EINVAL);
    ck_assert_int_eq(coil_task_set_name(NULL, "x"), -EINVAL);
    coil_unref(future);
    return 0;
}

/* ---- which tasks there are ------------------------------------------------------------------------------------------- */

static int check_current(void *task)
{
    ck_assert_ptr_eq(coil_current_task(), *(coil_task **)task);
    coil_sleep(0);
    ck_assert_ptr_eq(coil_current_task(), *(coil_task **)task);
    return 0;
}

static void check_no_current(void *unused)
{
    (void)unused;
    ck_assert_ptr_null(coil_current_task());
}

TASK_TEST(the_current_task_is_the_one_that_runs)
{
    coil_task *main = coil_current_task();
    coil_task *task = NULL;

    ck_assert_ptr_nonnull(main);
    task = spawn(check_current, &task);
    coil_call_soon(check_no_current, NULL);
    coil_sleep(0);
    ck_assert_ptr_eq(coil_current_task(), main);
    coil_join(task);
    ck_assert_ptr_eq(coil_current_task(), main);
    return 0;
}

TASK_TEST(all_tasks_are_those_that_are_not_done_oldest_first)
{
    coil_task *all[10];
    coil_task *a = spawn(hang, NULL);
    coil_task *b = spawn(give, NULL);
    coil_task *c = spawn(hang, NULL);

    ck_assert_uint_eq(coil_all_tasks(all, 10), 4);
    ck_assert_ptr_eq(all[0], coil_current_task());
    ck_assert_ptr_eq(all[1], a);
    ck_assert_ptr_eq(all[2], b);
    ck_assert_ptr_eq(all[3], c);
    coil_sleep(0);
    ck_assert_uint_eq(coil_all_tasks(all, 10), 3);
    ck_assert_ptr_eq(all[2], c);
    all[1] = NULL;
    ck_assert_uint_eq(coil_all_tasks(all, 1), 3);
    ck_assert_ptr_null(all[1]);
    ck_assert_uint_eq(coil_all_tasks(NULL, 0), 3);
    coil_cancel(a);
    coil_cancel(c);
    coil_join(a);
    coil_join(c);
    coil_unref(b);
    ck_assert_uint_eq(coil_all_tasks(NULL, 0), 1);
    return 0;
}

START_TEST(outside_of_a_loop_there_are_no_tasks)
    {
        coil_task *all[1];

        ck_assert_ptr_null(coil_current_task());
        ck_assert_uint_eq(coil_all_tasks(all, 1), 0);
    }
END_TEST

static int fill_up(void *unused)
{
    coil_task *tasks[4];

    (void)unused;
    for (int i = 0; i < 4; i++) {
        tasks[i] = spawn(give, NULL); /* with main, five */
    }
    ck_assert_ptr_null(coil_create_task(give, NULL));
    ck_assert_int_eq(coil_creation_error(), -EAGAIN);
    ck_assert_int_eq(coil_join(coil_create_task(give, NULL)), -EAGAIN);
    ck_assert_int_eq(coil_join(tasks[0]), 0);
    tasks[0] = spawn(give, NULL);
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(coil_join(tasks[i]), 0);
    }
    return 0;
}

START_TEST(more_tasks_than_allowed_at_the_same_time_are_refused)
    {
        ck_assert_int_eq(coil_run(fill_up, NULL, .max_tasks = 5), 0);
        ck_assert_int_eq(coil_run(give, &(int){4}, .max_tasks = 1), 4);
    }
END_TEST

TASK_TEST(many_tasks_can_be_there_at_the_same_time)
{
    int count = MANY_TASKS;
    coil_task **tasks = malloc((size_t)count * sizeof(coil_task *));
    double second = 1;

    for (int i = 0; i < count; i++) {
        tasks[i] = spawn(sleep_for, &second);
    }
    ck_assert_uint_eq(coil_all_tasks(NULL, 0), (size_t)count + 1);
    for (int i = 0; i < count; i++) {
        ck_assert_int_eq(coil_join(tasks[i]), 0);
    }
    ck_assert_double_eq(coil_time(), 1);
    free(tasks);
    return 0;
}

/* ---- stacks ---------------------------------------------------------------------------------------------------------- */

__attribute__((noinline)) static int use_stack(void *arg)
{
    size_t size = *(size_t *)arg;
    volatile char bytes[size];

    for (size_t i = 0; i < size; i += 512) {
        bytes[i] = (char)i;
    }
    coil_sleep(0);
    for (size_t i = 0; i < size; i += 512) {
        ck_assert_int_eq(bytes[i], (char)i);
    }
    return 0;
}

TASK_TEST(a_stack_is_as_large_as_was_asked_for)
{
    for (size_t kib = 16; kib <= 4096; kib *= 4) {
        size_t size = kib * 1024 - (CI_WITH_ASAN || CI_WITH_TSAN ? kib * 512 + 4096 : 6144);
        coil_task *a = coil_create_task(use_stack, &size, .stack_size = kib * 1024, .arg_size = sizeof(size));
        coil_task *b = coil_create_task(use_stack, &size, .stack_size = kib * 1024, .arg_size = sizeof(size));
        ck_assert_int_eq(coil_join(a), 0);
        ck_assert_int_eq(coil_join(b), 0);
    }
    return 0;
}

static int use_most_of_a_mebibyte(void *unused)
{
    size_t size = (size_t)(CI_WITH_ASAN || CI_WITH_TSAN ? 512 : 1000) * 1024;

    (void)unused;
    return coil_join(coil_create_task(use_stack, &size));
}

START_TEST(a_loop_may_say_how_large_stacks_are)
    {
        ck_assert_int_eq(coil_run(use_most_of_a_mebibyte, NULL, .stack_size = 1024 * 1024), 0);
        ck_assert_int_eq(coil_run(give, NULL, .stack_size = (size_t)2 << 30), -EINVAL);
    }
END_TEST

TASK_TEST(a_stack_beyond_reason_is_refused)
{
    ck_assert_ptr_null(coil_create_task(give, NULL, .stack_size = (size_t)2 << 30));
    ck_assert_int_eq(coil_creation_error(), -EINVAL);
    ck_assert_ptr_null(coil_create_task(give, NULL, .stack_size = SIZE_MAX));
    ck_assert_int_eq(coil_creation_error(), -EINVAL);
    ck_assert_uint_eq(coil_all_tasks(NULL, 0), 1);
    return 0;
}

Suite *task_suite(void)
{
    Suite *suite = suite_create("task");
    TCase *steps = tcase_create("task_steps");
    TCase *data = tcase_create("task_data");
    TCase *lists = tcase_create("task_lists");

    tcase_add_checked_fixture(steps, setup, teardown);
    tcase_add_test(steps, a_task_takes_its_first_step_in_the_next_iteration);
    tcase_add_test(steps, the_end_of_a_task_wakes_who_awaits_it_in_the_next_iteration);
    tcase_add_test(steps, sleep_of_nothing_lets_one_iteration_pass);
    tcase_add_test(steps, a_sleeper_runs_one_iteration_after_its_timer);
    tcase_add_test(steps, tasks_take_turns_in_the_order_in_which_they_were_made);
    tcase_add_test(steps, sleepers_with_the_same_deadline_wake_in_the_order_in_which_they_went_to_sleep);
    tcase_add_test(steps, iterations_are_counted_where_tasks_switch_without_the_loop);
    tcase_add_test(steps, what_a_coroutine_returns_is_what_its_awaiter_gets);
    tcase_add_test(steps, a_coroutine_that_returns_a_cancellation_ends_cancelled);
    tcase_add_test(steps, to_call_a_coroutine_is_to_await_it);
    suite_add_tcase(suite, steps);

    tcase_add_checked_fixture(data, setup, teardown);
    tcase_add_test(data, a_copied_argument_outlives_the_original);
    tcase_add_test(data, a_tasks_value_is_its_argument_also_after_its_end);
    tcase_add_test(data, an_argument_of_2048_bytes_is_copied_and_a_larger_one_refused);
    tcase_add_test(data, tasks_without_a_name_are_numbered);
    tcase_add_test(data, names_of_every_length_are_copied);
    tcase_add_test(data, a_name_can_be_changed_and_may_be_empty);
    tcase_add_test(data, what_is_no_task_has_no_name);
    tcase_add_test(data, a_stack_is_as_large_as_was_asked_for);
    tcase_add_test(data, a_loop_may_say_how_large_stacks_are);
    tcase_add_test(data, a_stack_beyond_reason_is_refused);
    suite_add_tcase(suite, data);

    tcase_add_checked_fixture(lists, setup, teardown);
    tcase_add_test(lists, the_current_task_is_the_one_that_runs);
    tcase_add_test(lists, all_tasks_are_those_that_are_not_done_oldest_first);
    tcase_add_test(lists, outside_of_a_loop_there_are_no_tasks);
    tcase_add_test(lists, more_tasks_than_allowed_at_the_same_time_are_refused);
    tcase_add_test(lists, many_tasks_can_be_there_at_the_same_time);
    suite_add_tcase(suite, lists);
    return suite;
}
