/* Which tasks have swallowed a cancellation, and which have only dealt with one. */
#include <errno.h>
#include <string.h>

#include "collect.h"
#include "suites.h"

static int swallow(void *arg)
{
    (void)arg;
    coil_sleep(1000);
    return 7;
}

static int take_back(void *arg)
{
    (void)arg;
    if (coil_sleep(1000) == -ECANCELED) {
        coil_uncancel(coil_current_task());
    }
    return 7;
}

static int obey(void *arg)
{
    (void)arg;
    return coil_sleep(1000);
}

static int fail_instead(void *arg)
{
    (void)arg;
    coil_sleep(1000);
    return -EIO;
}

static int await_child_that_somebody_cancels(void *arg)
{
    coil_task *child = coil_create_task(obey, NULL);

    (void)arg;
    coil_cancel(child);
    int rc = coil_join(child);
    return rc == -ECANCELED ? 7 : -EINVAL;
}

static int limit_the_time(void *arg)
{
    coil_timeout timeout;

    (void)arg;
    coil_timeout_begin(&timeout, 0.5);
    int rc = coil_timeout_end(&timeout, coil_sleep(1000));
    return rc == -ETIMEDOUT ? 7 : -EINVAL;
}

struct scene {
    coil_fn *fn;
    int result;
};

/* Cancels a task in the middle of its work, and awaits its end. */
static int cancel_it(void *arg)
{
    const struct scene *scene = arg;
    coil_task *task = coil_create_task(scene->fn, NULL, .name = "it");

    coil_sleep(0);
    coil_cancel(task);
    ck_assert_int_eq(coil_join(task), scene->result);
    return 0;
}

static int let_it_be(void *arg)
{
    const struct scene *scene = arg;

    return coil_join(coil_create_task(scene->fn, NULL)) == scene->result ? 0 : -EINVAL;
}

START_TEST(who_ends_with_a_result_has_swallowed_it)
    {
        ck_assert_int_eq(run_virtual(cancel_it, &((struct scene){swallow, 7})), 0);
        ck_assert_uint_eq(count_reports(0), 1);
        const struct kept *report = report_of(COIL_REPORT_CANCEL_SWALLOWED, 0);
        ck_assert_str_eq(report->task_name, "it");
        ck_assert_str_eq(report->created.function, "cancel_it");
        must_begin_with(report->created_by, "cancel_it");
    }
END_TEST

START_TEST(who_takes_it_back_has_not)
    {
        ck_assert_int_eq(run_virtual(cancel_it, &((struct scene){take_back, 7})), 0);
        only_reports_of(0);
    }
END_TEST

START_TEST(who_passes_it_on_has_not)
    {
        ck_assert_int_eq(run_virtual(cancel_it, &((struct scene){obey, -ECANCELED})), 0);
        only_reports_of(0);
    }
END_TEST

START_TEST(who_fails_has_not)
    {
        ck_assert_int_eq(run_virtual(cancel_it, &((struct scene){fail_instead, -EIO})), 0);
        only_reports_of(0);
    }
END_TEST

START_TEST(who_hears_of_a_childs_cancellation_has_not)
    {
        ck_assert_int_eq(run_virtual(let_it_be, &((struct scene){await_child_that_somebody_cancels, 7})), 0);
        only_reports_of(0);
    }
END_TEST

START_TEST(who_ran_out_of_time_has_not)
    {
        ck_assert_int_eq(run_virtual(let_it_be, &((struct scene){limit_the_time, 7})), 0);
        only_reports_of(0);
    }
END_TEST

static int leave_it_running(void *arg)
{
    coil_unref(coil_create_task(swallow, arg, .name = "left"));
    return coil_sleep(0);
}

START_TEST(at_the_end_of_the_run_it_counts_as_well)
    {
        ck_assert_int_eq(run_virtual(leave_it_running, NULL), 0);
        ck_assert_uint_eq(count_reports(0), 1);
        ck_assert_str_eq(report_of(COIL_REPORT_CANCEL_SWALLOWED, 0)->task_name, "left");
    }
END_TEST

static int fail_in_group(void *arg)
{
    (void)arg;
    return -EIO;
}

static int group_with_error(void *arg)
{
    coil_group group;

    (void)arg;
    coil_group_begin(&group);
    coil_group_create_task(&group, fail_in_group, NULL);
    coil_group_create_task(&group, obey, NULL);
    return coil_group_end(&group, coil_sleep(1000)) == -EIO ? 7 : -EINVAL;
}

START_TEST(a_group_that_cancels_its_own_task_is_none)
    {
        ck_assert_int_eq(run_virtual(let_it_be, &((struct scene){group_with_error, 7})), 0);
        only_reports_of(0);
    }
END_TEST

Suite *cancel_suite(void)
{
    Suite *suite = suite_create("cancel");
    TCase *tcase = tcase_create("cancel");

    tcase_add_test(tcase, who_ends_with_a_result_has_swallowed_it);
    tcase_add_test(tcase, who_takes_it_back_has_not);
    tcase_add_test(tcase, who_passes_it_on_has_not);
    tcase_add_test(tcase, who_fails_has_not);
    tcase_add_test(tcase, who_hears_of_a_childs_cancellation_has_not);
    tcase_add_test(tcase, who_ran_out_of_time_has_not);
    tcase_add_test(tcase, at_the_end_of_the_run_it_counts_as_well);
    tcase_add_test(tcase, a_group_that_cancels_its_own_task_is_none);
    suite_add_tcase(suite, tcase);
    return suite;
}
