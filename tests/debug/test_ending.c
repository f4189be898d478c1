/*
 * What is said when futures and loops end: lost errors, tasks destroyed, references kept, how much stack
 * was used.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "collect.h"
#include "suites.h"

static int refuse(void *arg)
{
    (void)arg;
    return coil_fail(-ENOENT, "looking for %s", "it");
}

static int lose_its_error(void *arg)
{
    (void)arg;
    coil_unref(coil_create_task(refuse, NULL));
    return coil_sleep(0);
}

START_TEST(a_lost_error_comes_with_its_words_and_where_the_task_was_made)
    {
        run_virtual(lose_its_error, NULL);
        ck_assert_uint_eq(count_reports(0), 1);
        const struct kept *report = report_of(COIL_REPORT_NEVER_RETRIEVED, 0);
        ck_assert_int_eq(report->error, -ENOENT);
        ck_assert_str_eq(report->detail, "looking for it");
        must_begin_with(report->created_by, "lose_its_error");
    }
END_TEST

/* ---- references ------------------------------------------------------------------------------------------------------ */

static int succeed(void *arg)
{
    (void)arg;
    return 0;
}

static coil_future *kept_reference[300];

__attribute__((noinline)) static void keep_some(void)
{
    kept_reference[0] = coil_future_new();
    kept_reference[1] = coil_create_task(succeed, NULL, .name = "kept");
}

static int keep_references(void *arg)
{
    (void)arg;
    keep_some();
    return coil_sleep(0.01);
}

START_TEST(references_that_are_still_held_are_reported_with_where_each_was_made)
    {
        run_virtual(keep_references, NULL);
        ck_assert_uint_eq(count_reports(0), 2);
        const struct kept *future = report_of(COIL_REPORT_NOT_RELEASED, 0);
        const struct kept *task = report_of(COIL_REPORT_NOT_RELEASED, 1);
        ck_assert_str_eq(future->task_name, "");
        ck_assert_str_eq(task->task_name, "kept");
        ck_assert_str_eq(future->created.function, "keep_some");
        ck_assert_int_eq(task->created.line, future->created.line + 1);
        must_begin_with(future->created_by, "keep_some");
        coil_unref(kept_reference[0]);
        coil_unref(kept_reference[1]);
    }
END_TEST

static int keep_many(void *arg)
{
    (void)arg;
    for (size_t i = 0; i < 300; i++) {
        kept_reference[i] = coil_future_new();
    }
    return 0;
}

START_TEST(many_are_not_reported_one_by_one)
    {
        run_virtual(keep_many, NULL);
        ck_assert_uint_eq(count_reports(COIL_REPORT_NOT_RELEASED), 101);
        ck_assert_str_eq(report_of(COIL_REPORT_NOT_RELEASED, 100)->message,
                         "references to 200 more tasks and futures were still held");
        for (size_t i = 0; i < 300; i++) {
            coil_unref(kept_reference[i]);
        }
    }
END_TEST

static void give_back(coil_loop *loop, const struct coil_report *report, void *userdata)
{
    (void)loop;
    *(int *)userdata += report->kind == COIL_REPORT_NOT_RELEASED;
    for (size_t i = 0; report->kind == COIL_REPORT_NOT_RELEASED && i < 300; i++) {
        coil_unref(kept_reference[i]);
        kept_reference[i] = NULL;
    }
}

static int keep_many_for_the_handler(void *arg)
{
    coil_loop_set_exception_handler(coil_get_running_loop(), give_back, arg);
    return keep_many(NULL);
}

START_TEST(a_handler_may_give_them_all_back)
    {
        int reports = 0;

        coil_run(keep_many_for_the_handler, &reports, .debug = true, .clock = COIL_CLOCK_VIRTUAL);
        ck_assert_int_eq(reports, 1);
    }
END_TEST

/* ---- tasks that never end -------------------------------------------------------------------------------------------- */

static coil_loop *loop;
static coil_future *never;

static int await_never(void *arg)
{
    (void)arg;
    keep_reports();
    return coil_await(never);
}

static int stop(void *arg)
{
    (void)arg;
    never = coil_future_new();
    coil_unref(coil_create_task(await_never, NULL, .name = "unowned"));
    kept_reference[0] = coil_create_task(await_never, NULL, .name = "owned");
    return coil_sleep(0.01);
}

START_TEST(a_task_destroyed_while_pending_is_reported_once_and_so_is_nothing_that_it_holds)
    {
        loop = coil_loop_new(.debug = true, .clock = COIL_CLOCK_VIRTUAL);
        coil_task *task = coil_loop_create_task(loop, stop, NULL);
        ck_assert_int_eq(coil_loop_run_until_complete(loop, task), 0);
        coil_unref(task);
        coil_unref(never);
        coil_loop_close(loop);
        ck_assert_uint_eq(count_reports(0), 2);
        ck_assert_str_eq(report_of(COIL_REPORT_DESTROYED_PENDING, 0)->task_name, "unowned");
        ck_assert_str_eq(report_of(COIL_REPORT_DESTROYED_PENDING, 1)->task_name, "owned");
        coil_unref(kept_reference[0]);
    }
END_TEST

/* ---- stacks ---------------------------------------------------------------------------------------------------------- */

__attribute__((noinline)) static int use_stack(size_t bytes)
{
    volatile char block[1024];

    block[0] = 1;
    return bytes <= sizeof(block) ? block[0] : use_stack(bytes - sizeof(block)) + block[0];
}

static int use_20_kib(void *arg)
{
    (void)arg;
    return use_stack(20 << 10);
}

static int compare_stacks(void *arg)
{
    (void)arg;
    coil_join(coil_create_task(succeed, NULL, .name = "modest"));
    coil_join(coil_create_task(use_20_kib, NULL, .name = "hungry", .stack_size = 128 << 10));
    coil_join(coil_create_task(succeed, NULL, .name = "modest too"));
    return 0;
}

START_TEST(the_task_that_used_the_most_stack_is_named_at_the_end)
    {
        run_virtual(compare_stacks, NULL);
        only_reports_of(0);
        ck_assert_uint_eq(count_reports(COIL_REPORT_STACK_HIGH_WATER), 1);
        const struct kept *report = report_of(COIL_REPORT_STACK_HIGH_WATER, 0);
        ck_assert_str_eq(report->task_name, "hungry");
        ck_assert_uint_ge(report->stack_used, 20 << 10);
        ck_assert_uint_le(report->stack_used, 100 << 10);
        ck_assert_uint_le(report->stack_size, 128 << 10);
        ck_assert_uint_gt(report->stack_size, 64 << 10);
        ck_assert_str_eq(report->created.function, "compare_stacks");
    }
END_TEST

START_TEST(the_backend_is_told_once_to_the_programs_handler)
    {
        run_virtual(compare_stacks, NULL);
        ck_assert_uint_eq(count_reports(COIL_REPORT_BACKEND), 1);
        ck_assert_ptr_nonnull(strstr(report_of(COIL_REPORT_BACKEND, 0)->message, "the loop waits with "));
    }
END_TEST

Suite *ending_suite(void)
{
    Suite *suite = suite_create("ending");
    TCase *tcase = tcase_create("ending");

    tcase_add_test(tcase, a_lost_error_comes_with_its_words_and_where_the_task_was_made);
    tcase_add_test(tcase, references_that_are_still_held_are_reported_with_where_each_was_made);
    tcase_add_test(tcase, many_are_not_reported_one_by_one);
    tcase_add_test(tcase, a_handler_may_give_them_all_back);
    tcase_add_test(tcase, a_task_destroyed_while_pending_is_reported_once_and_so_is_nothing_that_it_holds);
    tcase_add_test(tcase, the_task_that_used_the_most_stack_is_named_at_the_end);
    tcase_add_test(tcase, the_backend_is_told_once_to_the_programs_handler);
    suite_add_tcase(suite, tcase);
    return suite;
}
