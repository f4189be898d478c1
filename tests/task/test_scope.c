/*
 * Scopes that are left without their end, as an early return does: they are reported and closed when an outer one ends or the
 * task does, and nothing that is still on its way touches the frame they were in.
 */
#include "harness.h"
#include "suites.h"

/* A function that returns early out of a scope. What the frame held is overwritten by the caller's next calls. */
__attribute__((noinline)) static void leave_timeout(double seconds)
{
    coil_timeout timeout;

    coil_timeout_begin(&timeout, seconds);
}

__attribute__((noinline)) static void leave_group(coil_fn *fn, void *arg, int count)
{
    coil_group group;

    coil_group_begin(&group);
    for (int i = 0; i < count; i++) {
        ck_assert_ptr_nonnull(coil_group_create_task(&group, fn, arg));
    }
}

__attribute__((noinline)) static void overwrite_frames(void)
{
    volatile char bytes[2048];

    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (char)0xA5;
    }
}

static void assert_misuse(const char *message)
{
    const struct heard *report = take_report(COIL_REPORT_MISUSE);

    ck_assert_int_eq(report->error, -EINVAL);
    ck_assert_str_eq(report->message, message);
}

static const char no_timeout_end[] = "a scope was left without coil_timeout_end";
static const char no_group_end[] = "a scope was left without coil_group_end";

/* ---- timeouts -------------------------------------------------------------------------------------------------------- */

static int end_in_timeout(void *unused)
{
    (void)unused;
    leave_timeout(1);
    overwrite_frames();
    return coil_sleep(0.5);
}

TASK_TEST(a_timeout_left_open_is_closed_with_its_task)
{
    ck_assert_int_eq(coil_join(coil_create_task(end_in_timeout, NULL, .name = "early")), 0);
    ck_assert_str_eq(reports[0].task, "early");
    assert_misuse(no_timeout_end);
    ck_assert_int_eq(coil_sleep(5), 0); /* it strikes nobody */
    ck_assert_uint_eq(coil_get_running_loop()->timers.count, 0);
    return 0;
}

TASK_TEST(a_timeout_left_open_is_closed_with_the_scope_around_it)
{
    coil_timeout outer;

    coil_timeout_begin(&outer, 10);
    leave_timeout(1);
    leave_timeout(2);
    overwrite_frames();
    ck_assert_int_eq(coil_timeout_end(&outer, 5), 5);
    assert_misuse(no_timeout_end);
    assert_misuse(no_timeout_end);
    ck_assert_int_eq(coil_sleep(5), 0);
    ck_assert_int_eq(coil_cancelling(coil_current_task()), 0);
    return 0;
}

TASK_TEST(what_a_timeout_left_open_has_requested_is_taken_back)
{
    coil_timeout outer;

    coil_timeout_begin(&outer, 10);
    leave_timeout(1);
    ck_assert_int_eq(coil_sleep(5), -ECANCELED);
    ck_assert_int_eq(coil_timeout_end(&outer, 0), 0);
    assert_misuse(no_timeout_end);
    ck_assert_int_eq(coil_cancelling(coil_current_task()), 0);
    ck_assert_int_eq(coil_sleep(1), 0);
    return 0;
}

TASK_TEST(timeouts_ended_in_the_wrong_order_do_no_harm)
{
    coil_timeout outer;
    coil_timeout inner;

    coil_timeout_begin(&outer, 10);
    coil_timeout_begin(&inner, 1);
    ck_assert_int_eq(coil_timeout_end(&outer, 1), 1);
    assert_misuse(no_timeout_end);
    ck_assert_int_eq(coil_timeout_end(&inner, 2), -EINVAL);
    ck_assert_int_eq(coil_sleep(20), 0);
    return 0;
}

static int end_anothers_timeout(void *timeout)
{
    return coil_timeout_end(timeout, 0);
}

TASK_TEST(a_timeout_is_ended_by_the_task_that_began_it)
{
    coil_timeout timeout;

    coil_timeout_begin(&timeout, 10);
    ck_assert_int_eq(coil_join(spawn(end_anothers_timeout, &timeout)), -EPERM);
    ck_assert_int_eq(coil_timeout_end(&timeout, coil_sleep(20)), -ETIMEDOUT);
    return 0;
}

/* The record of the one that was closed serves the next: who still has the old struct must not get at that. */
TASK_TEST(a_timeout_that_was_closed_is_not_the_next_one)
{
    coil_timeout outer;
    coil_timeout stale;
    coil_timeout next;

    coil_timeout_begin(&outer, 10);
    coil_timeout_begin(&stale, 1);
    ck_assert_int_eq(coil_timeout_end(&outer, 0), 0);
    assert_misuse(no_timeout_end);
    ck_assert_int_eq(coil_timeout_reschedule(&stale, 5), -EINVAL);
    coil_timeout_begin(&next, 1);
    ck_assert_int_eq(coil_timeout_reschedule(&stale, 50), -EINVAL);
    ck_assert(isinf(coil_timeout_when(&stale)));
    ck_assert_int_eq(coil_timeout_end(&stale, 0), -EINVAL);
    ck_assert_int_eq(coil_sleep(5), -ECANCELED);
    ck_assert(coil_timeout_expired(&next));
    ck_assert(!coil_timeout_expired(&stale));
    ck_assert_int_eq(coil_timeout_end(&next, -ECANCELED), -ETIMEDOUT);
    return 0;
}

/* ---- groups ---------------------------------------------------------------------------------------------------------- */

static int say_when_cancelled(void *text)
{
    int rc = coil_sleep(INFINITY);

    say(text);
    return rc;
}

static int end_in_group(void *arg)
{
    leave_group(arg == NULL ? say_when_cancelled : give, arg == NULL ? "x" : arg, 3);
    overwrite_frames();
    return coil_sleep(0.5);
}

TASK_TEST(the_tasks_of_a_group_left_open_are_cancelled_with_their_parents_end)
{
    ck_assert_int_eq(coil_join(spawn(end_in_group, NULL)), 0);
    assert_misuse(no_group_end);
    coil_sleep(1);
    assert_said("xxx");
    ck_assert_uint_eq(coil_all_tasks(NULL, 0), 1);
    return 0;
}

TASK_TEST(a_group_left_open_whose_tasks_are_done_is_just_closed)
{
    ck_assert_int_eq(coil_join(spawn(end_in_group, &(int){2})), 0);
    assert_misuse(no_group_end);
    coil_sleep(1);
    return 0;
}

static int fail_when_cancelled(void *error)
{
    (void)coil_sleep(INFINITY);
    return *(int *)error;
}

static int end_in_failing_group(void *unused)
{
    static int error = -EIO;

    (void)unused;
    leave_group(fail_when_cancelled, &error, 1);
    coil_sleep(1);
    return 0;
}

TASK_TEST(an_error_after_the_group_was_left_is_reported)
{
    ck_assert_int_eq(coil_join(spawn(end_in_failing_group, NULL)), 0);
    assert_misuse(no_group_end);
    coil_sleep(1);
    ck_assert_int_eq(take_report(COIL_REPORT_GROUP_PARENT_DONE)->error, -EIO);
    return 0;
}

TASK_TEST(a_group_left_open_in_another_is_closed_with_it)
{
    coil_group outer;

    coil_group_begin(&outer);
    leave_group(say_when_cancelled, "i", 2);
    coil_sleep(0);
    ck_assert_int_eq(coil_group_spawn(&outer, give, NULL), 0);
    ck_assert_int_eq(coil_group_end(&outer, 4), 4);
    assert_misuse(no_group_end);
    coil_sleep(1);
    assert_said("ii");
    return 0;
}

static int fail_at_once_in_group(void *unused)
{
    (void)unused;
    leave_group(give, &(int){-EIO}, 1);
    ck_assert_int_eq(coil_sleep(1), -ECANCELED); /* the group is still open, and aborts */
    return 5;
}

TASK_TEST(the_request_of_a_group_left_open_is_taken_back)
{
    coil_task *task = spawn(fail_at_once_in_group, NULL);

    ck_assert_int_eq(coil_await(task), 5);
    ck_assert_int_eq(coil_cancelling(task), 0);
    assert_misuse(no_group_end);
    coil_unref(task);
    return 0;
}

static int end_anothers_group(void *group)
{
    ck_assert_int_eq(coil_group_spawn(group, give, NULL), 0); /* anybody may add to it */
    return coil_group_end(group, 0);
}

TASK_TEST(a_group_is_ended_by_the_task_that_began_it)
{
    coil_group group;

    coil_group_begin(&group);
    ck_assert_int_eq(coil_join(spawn(end_anothers_group, &group)), -EPERM);
    ck_assert_int_eq(coil_group_end(&group, 3), 3);
    return 0;
}

/* Whether its tasks are done or not: a group that was closed takes no more, and is not the next one. */
TASK_TEST(a_group_that_was_closed_takes_nothing_more)
{
    for (int busy = 0; busy < 2; busy++) {
        coil_timeout outer;
        coil_group stale;
        coil_group next;
        coil_timeout_begin(&outer, 10);
        coil_group_begin(&stale);
        if (busy) {
            ck_assert_int_eq(coil_group_spawn(&stale, hang, NULL), 0);
        }
        ck_assert_int_eq(coil_timeout_end(&outer, 0), 0);
        assert_misuse(no_group_end);
        coil_group_begin(&next);
        ck_assert_ptr_null(coil_group_create_task(&stale, give, NULL));
        ck_assert_int_eq(coil_creation_error(), -EINVAL);
        ck_assert_int_eq(coil_group_spawn(&stale, give, NULL), -EINVAL);
        ck_assert_int_eq(coil_group_end(&stale, 0), -EINVAL);
        ck_assert_int_eq(coil_group_error(&stale, 0), 0);
        ck_assert_int_eq(coil_group_spawn(&next, give, NULL), 0);
        ck_assert_int_eq(coil_group_end(&next, 0), 0);
        let_pass(3);
        ck_assert_uint_eq(coil_all_tasks(NULL, 0), 1);
    }
    return 0;
}

static void fail_in_group(coil_group *group, int count)
{
    static int error = -EIO;

    coil_group_begin(group);
    for (int i = 0; i < count; i++) {
        ck_assert_int_eq(coil_group_spawn(group, fail_when_cancelled, &error), 0);
    }
    coil_sleep(0);
    ck_assert_int_eq(coil_group_end(group, -EPIPE), -EIO);
}

TASK_TEST(the_errors_of_an_earlier_group_are_not_looked_for_in_a_later_one)
{
    coil_group groups[3];

    for (int i = 0; i < 3; i++) {
        fail_in_group(&groups[i], i == 0 ? 100 : 1);
    }
    ck_assert_int_eq(coil_group_error(&groups[0], 0), -EIO);
    ck_assert_int_eq(coil_group_error(&groups[0], 50), 0);
    ck_assert_int_eq(coil_group_error(&groups[2], 1), -EPIPE);
    return 0;
}

/* ---- the loop closes ------------------------------------------------------------------------------------------------- */

static int hang_in_scopes(void *unused)
{
    coil_timeout timeout;
    coil_group group;

    (void)unused;
    coil_timeout_begin(&timeout, 1000);
    coil_group_begin(&group);
    coil_group_spawn(&group, hang, NULL);
    coil_group_create_task(&group, give, NULL);
    coil_group_create_task(&group, hang, NULL);
    int rc = coil_group_end(&group, coil_sleep(INFINITY));
    return coil_timeout_end(&timeout, rc);
}

static void stop(void *loop)
{
    coil_loop_stop(loop);
}

START_TEST(scopes_of_tasks_that_the_loop_leaves_are_freed_with_it)
    {
        coil_loop *loop = coil_loop_new();

        coil_loop_set_exception_handler(loop, hear, NULL);
        coil_unref(coil_loop_create_task(loop, hang_in_scopes, NULL));
        ck_assert_ptr_nonnull(coil_call_soon_threadsafe(loop, stop, loop));
        ck_assert_int_eq(coil_loop_run_forever(loop), 0);
        coil_loop_stop(loop);
        ck_assert_int_eq(coil_loop_run_forever(loop), 0);
        ck_assert_int_eq(coil_loop_close(loop), 0);
        for (int i = 0; i < 3; i++) {
            take_report(COIL_REPORT_DESTROYED_PENDING);
        }
    }
END_TEST

Suite *scope_suite(void)
{
    Suite *suite = suite_create("scope");
    TCase *tc = tcase_create("scope");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_timeout_left_open_is_closed_with_its_task);
    tcase_add_test(tc, a_timeout_left_open_is_closed_with_the_scope_around_it);
    tcase_add_test(tc, what_a_timeout_left_open_has_requested_is_taken_back);
    tcase_add_test(tc, timeouts_ended_in_the_wrong_order_do_no_harm);
    tcase_add_test(tc, a_timeout_is_ended_by_the_task_that_began_it);
    tcase_add_test(tc, a_timeout_that_was_closed_is_not_the_next_one);
    tcase_add_test(tc, a_group_is_ended_by_the_task_that_began_it);
    tcase_add_test(tc, a_group_that_was_closed_takes_nothing_more);
    tcase_add_test(tc, the_errors_of_an_earlier_group_are_not_looked_for_in_a_later_one);
    tcase_add_test(tc, the_tasks_of_a_group_left_open_are_cancelled_with_their_parents_end);
    tcase_add_test(tc, a_group_left_open_whose_tasks_are_done_is_just_closed);
    tcase_add_test(tc, an_error_after_the_group_was_left_is_reported);
    tcase_add_test(tc, a_group_left_open_in_another_is_closed_with_it);
    tcase_add_test(tc, the_request_of_a_group_left_open_is_taken_back);
    tcase_add_test(tc, scopes_of_tasks_that_the_loop_leaves_are_freed_with_it);
    suite_add_tcase(suite, tc);
    return suite;
}
