/* The words that travel with an error: how they chain, when they are dropped, and where they can be read. */
#include "harness.h"
#include "suites.h"

static int open_it(void *name)
{
    coil_sleep(0);
    return coil_fail(-ENOENT, "opening %s", (char *)name);
}

static int load_it(void *name)
{
    int rc = coil_join(coil_create_task(open_it, name));

    return coil_fail(rc, "loading the settings (%d)", 42);
}

TASK_TEST(words_travel_with_the_error)
{
    coil_task *task = spawn(open_it, "a.conf");

    ck_assert_str_eq(coil_error_message(task), "");
    ck_assert_int_eq(coil_await(task), -ENOENT);
    ck_assert_str_eq(coil_error_message(task), "opening a.conf: No such file or directory");
    coil_unref(task);
    return 0;
}

TASK_TEST(words_chain_the_outermost_first)
{
    coil_task *task = spawn(load_it, "a.conf");

    ck_assert_int_eq(coil_await(task), -ENOENT);
    ck_assert_str_eq(coil_error_message(task), "loading the settings (42): opening a.conf: No such file or directory");
    ck_assert_str_eq(coil_error_message(task), coil_error_message(task));
    coil_unref(task);
    return 0;
}

static int load_in_this_task(void *name)
{
    int rc = open_it(name);

    return coil_fail(rc, "starting");
}

TASK_TEST(words_chain_within_a_task)
{
    coil_task *task = spawn(load_in_this_task, "b");

    ck_assert_int_eq(coil_await(task), -ENOENT);
    ck_assert_str_eq(coil_error_message(task), "starting: opening b: No such file or directory");
    coil_unref(task);
    return 0;
}

static int fail_differently(void *name)
{
    int rc = open_it(name);

    ck_assert_int_eq(rc, -ENOENT);
    return coil_fail(-EIO, "something else");
}

TASK_TEST(words_about_another_error_are_dropped)
{
    coil_task *task = spawn(fail_differently, "c");

    ck_assert_int_eq(coil_await(task), -EIO);
    ck_assert_str_eq(coil_error_message(task), "something else: Input/output error");
    coil_unref(task);
    return 0;
}

static int translate(void *name)
{
    int rc = open_it(name);

    return rc == -ENOENT ? -EINVAL : rc;
}

TASK_TEST(an_error_that_was_translated_has_no_words)
{
    coil_task *task = spawn(translate, "d");

    ck_assert_int_eq(coil_await(task), -EINVAL);
    ck_assert_str_eq(coil_error_message(task), "Invalid argument");
    coil_unref(task);
    return 0;
}

static int succeed(void *name)
{
    (void)open_it(name);
    return coil_fail(5, "this is no error");
}

TASK_TEST(what_is_no_error_has_no_words)
{
    coil_task *task = spawn(succeed, "e");
    A_FUTURE(future);

    ck_assert_int_eq(coil_await(task), 5);
    ck_assert_str_eq(coil_error_message(task), "");
    ck_assert_str_eq(coil_error_message(NULL), "");
    coil_future_set_error(future, -EIO);
    ck_assert_str_eq(coil_error_message(future), "Input/output error");
    (void)coil_result(future);
    coil_unref(task);
    coil_unref(future);
    return 0;
}

static int pass_on(void *future)
{
    int rc = coil_await(future);

    return coil_fail(rc, "passing on");
}

TASK_TEST(words_come_through_gather_shield_and_wait_for)
{
    coil_task *failing = spawn(open_it, "f");
    coil_future *all = coil_gather(&failing, 1);
    coil_future *shield = coil_shield(all);
    coil_task *task = spawn(pass_on, shield);

    ck_assert_int_eq(coil_wait_for(task, 1), -ENOENT);
    ck_assert_str_eq(coil_error_message(task), "passing on: opening f: No such file or directory");
    ck_assert_str_eq(coil_error_message(all), "opening f: No such file or directory");
    ck_assert_str_eq(coil_error_message(shield), "opening f: No such file or directory");
    coil_unref(failing);
    coil_unref(all);
    coil_unref(shield);
    coil_unref(task);
    return 0;
}

static int fail_at_length(void *length)
{
    return coil_fail(-EIO, "%*s", *(int *)length, "x");
}

TASK_TEST(words_may_be_long)
{
    static const int lengths[] = {1, 100, 255, 256, 5000, 100000};

    for (int i = 0; i < 6; i++) {
        int length = lengths[i];
        coil_task *task = spawn(fail_at_length, &length);
        ck_assert_int_eq(coil_await(task), -EIO);
        ck_assert_uint_eq(strlen(coil_error_message(task)), (size_t)length + strlen(": Input/output error"));
        coil_unref(task);
    }
    return 0;
}

static int fail_many_times(void *unused)
{
    int rc = -EIO;

    (void)unused;
    for (int i = 0; i < CI_NOTES_MAX; i++) {
        rc = coil_fail(rc, "%d", i % 10);
    }
    return rc;
}

TASK_TEST(words_may_be_many)
{
    coil_task *task = spawn(fail_many_times, NULL);

    ck_assert_int_eq(coil_await(task), -EIO);
    ck_assert_uint_eq(strlen(coil_error_message(task)), 3 * CI_NOTES_MAX - 2 + strlen(": Input/output error"));
    ck_assert(strncmp(coil_error_message(task), "3: 2: 1: 0: 9: ", 15) == 0);
    coil_unref(task);
    return 0;
}

/* Who tries again and again what fails each time must not fill the memory with it. */
TASK_TEST(an_error_that_comes_again_and_again_does_not_pile_up)
{
    long most = 0;

    for (int i = 0; i < 100000; i++) {
        ck_assert_int_eq(coil_fail(-EIO, "the %dth attempt", i), -EIO);
        if (i == 1000) {
            most = live_blocks;
        }
        ck_assert(i < 1000 || live_blocks <= most);
    }
    return 0;
}

static void fail_in_callback(void *unused)
{
    (void)unused;
    ck_assert_int_eq(coil_fail(-EIO, "nobody hears %s", "this"), -EIO);
}

TASK_TEST(outside_of_a_task_only_the_number_travels)
{
    coil_call_soon(fail_in_callback, NULL);
    coil_sleep(0);
    return 0;
}

START_TEST(outside_of_a_loop_only_the_number_travels)
    {
        ck_assert_int_eq(coil_fail(-EIO, "nobody hears %s", "this"), -EIO);
        ck_assert_int_eq(coil_fail(0, "nothing"), 0);
        ck_assert_int_eq(coil_fail(7, "nothing"), 7);
    }
END_TEST

static int fail_unseen(void *unused)
{
    (void)unused;
    coil_unref(spawn(load_it, "g"));
    return coil_sleep(1);
}

START_TEST(reports_show_the_words)
    {
        ck_assert_int_eq(run(fail_unseen), 0);
        ck_assert_str_eq(take_report(COIL_REPORT_NEVER_RETRIEVED)->detail, "loading the settings (42): opening g");
    }
END_TEST

Suite *note_suite(void)
{
    Suite *suite = suite_create("note");
    TCase *tc = tcase_create("note");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, words_travel_with_the_error);
    tcase_add_test(tc, words_chain_the_outermost_first);
    tcase_add_test(tc, words_chain_within_a_task);
    tcase_add_test(tc, words_about_another_error_are_dropped);
    tcase_add_test(tc, an_error_that_was_translated_has_no_words);
    tcase_add_test(tc, what_is_no_error_has_no_words);
    tcase_add_test(tc, words_come_through_gather_shield_and_wait_for);
    tcase_add_test(tc, words_may_be_long);
    tcase_add_test(tc, words_may_be_many);
    tcase_add_test(tc, an_error_that_comes_again_and_again_does_not_pile_up);
    tcase_add_test(tc, outside_of_a_task_only_the_number_travels);
    tcase_add_test(tc, outside_of_a_loop_only_the_number_travels);
    tcase_add_test(tc, reports_show_the_words);
    suite_add_tcase(suite, tc);
    return suite;
}
