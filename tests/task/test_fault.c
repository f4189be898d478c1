/*
 * Every feature of the task room with the n-th allocation or system call failing, for every n. A feature must come to its own end,
 * or to an error that the failure explains; nothing may be lost, left over, or waited for in vain.
 */
#include <stdio.h>

#include "harness.h"
#include "suites.h"
#include "tests/support/fault_driver.h"

/* ---- what may come of a feature -------------------------------------------------------------------------------------- */

static bool is_explained(int rc)
{
    return rc == -ENOMEM || rc == -EIO || rc == -EAGAIN;
}

/* In the run there is no Check to tell: what is wrong ends the process, and the driver says at which call. */
static void must(bool condition, int line)
{
    if (!condition) {
        fprintf(stderr, "test_fault.c:%d: not as it must be\n", line);
        abort();
    }
}

#define MUST(condition)         must((condition), __LINE__)
#define MUST_GIVE(rc, expected) must_give((rc), (expected), __LINE__)

static void must_give(int rc, int expected, int line)
{
    if (rc != expected && !is_explained(rc)) {
        fprintf(stderr, "test_fault.c:%d: %s instead of %d\n", line, coil_errname(rc), expected);
        abort();
    }
}

static const double moment = 1e-5;

static int doze(void *arg)
{
    int rc = coil_sleep(moment);

    return rc < 0 ? rc : give(arg);
}

static int fail_with_words(void *unused)
{
    int rc = coil_sleep(0);

    (void)unused;
    return rc < 0 ? rc : coil_fail(coil_fail(-EIO, "inner %d", 1), "outer %s", "words");
}

/* Cancels task, which may be missing, and waits for its end. */
static void end_task(coil_task *task)
{
    coil_cancel(task);
    (void)coil_join(task);
}

/* ---- features -------------------------------------------------------------------------------------------------------- */

static void use_tasks(void)
{
    static char long_name[] = "a name that does not fit into the task and has to be allocated";
    int local = 7;

    MUST_GIVE(coil_join(coil_create_task(give, &local)), 7);
    MUST_GIVE(coil_join(coil_create_task(doze, &local, .arg_size = sizeof(local), .name = long_name)), 7);
    MUST_GIVE(coil_join(coil_create_task(give, &local, .eager_start = true)), 7);
    MUST_GIVE(coil_join(coil_create_task(doze, &local, .eager_start = true, .stack_size = 1 << 18)), 7);
    coil_unref(coil_create_task(doze, NULL));
    coil_task *task = coil_create_task(hang, NULL);
    if (task != NULL) {
        MUST_GIVE(coil_task_set_name(task, long_name), 0);
        (void)coil_cancel_msg(task, "a reason");
        MUST_GIVE(coil_join(task), -ECANCELED);
    }
    coil_task *tasks[100];
    for (int i = 0; i < 100; i++) {
        tasks[i] = coil_create_task(doze, NULL); /* more than the ready queue has places for at first */
    }
    for (int i = 0; i < 100; i++) {
        MUST_GIVE(coil_join(tasks[i]), 0);
    }
}

static int callbacks_run;

static void count_done(coil_future *future, void *unused)
{
    (void)unused;
    MUST(coil_done(future));
    callbacks_run++;
}

static void count_call(void *unused)
{
    (void)unused;
    callbacks_run++;
}

static void use_futures(void)
{
    coil_future *future = coil_future_new();
    int registered = 0;

    if (future == NULL) {
        MUST(coil_creation_error() == -ENOMEM);
        return;
    }
    callbacks_run = 0;
    for (int i = 0; i < 3; i++) {
        int rc = coil_add_done_callback(future, count_done, &registered);
        MUST(rc == 0 || rc == -ENOMEM);
        registered += rc == 0;
    }
    coil_task *waiter = coil_create_task(await_it, future);
    (void)coil_sleep(0);
    MUST(coil_future_set_result(future, 5) == 0);
    if (waiter != NULL) {
        MUST_GIVE(coil_join(waiter), 5);
    }
    MUST_GIVE(coil_await(future), 5);
    (void)coil_sleep(0);
    MUST(callbacks_run == registered);
    coil_unref(future);
}

static void use_callbacks(void)
{
    int asked = 0;

    callbacks_run = 0;
    asked += coil_call_soon(count_call, NULL) != NULL;
    asked += coil_call_later(moment, count_call, NULL) != NULL;
    asked += coil_call_at(coil_time(), count_call, NULL) != NULL;
    asked += coil_call_soon_threadsafe(coil_get_running_loop(), count_call, NULL) != NULL;
    coil_handle *handle = coil_handle_ref(coil_call_later(moment, count_call, NULL));
    coil_handle_cancel(handle);
    coil_handle_unref(handle);
    for (int i = 0; i < 4; i++) {
        (void)coil_sleep(2 * moment);
        (void)coil_sleep(0);
    }
    if (coil_sleep(2 * moment) == 0) {
        MUST(callbacks_run == asked);
    }
}

static void use_time_limits(void)
{
    coil_timeout outer;
    coil_timeout inner;

    coil_task *task = coil_create_task(hang, NULL);
    MUST_GIVE(coil_wait_for(task, moment), -ETIMEDOUT);
    end_task(task);
    task = coil_create_task(hang, NULL);
    (void)coil_sleep(0);
    MUST_GIVE(coil_wait_for(task, 0), -ETIMEDOUT);
    end_task(task);
    MUST_GIVE(coil_wait_for_coroutine(doze, NULL, 100), 0);
    MUST_GIVE(coil_wait_for_coroutine(hang, NULL, moment), -ETIMEDOUT);
    MUST_GIVE(coil_wait_for_coroutine(hang, NULL, 0), -ETIMEDOUT);
    coil_timeout_begin(&outer, 1000);
    coil_timeout_begin(&inner, moment);
    int rc = coil_sleep(2000);
    rc = coil_timeout_end(&inner, rc);
    MUST(rc == -ETIMEDOUT || rc == -ECANCELED || is_explained(rc));
    rc = coil_timeout_end(&outer, rc);
    MUST(rc == -ETIMEDOUT || is_explained(rc));
    coil_timeout_begin(&outer, 1000);
    if (coil_timeout_reschedule(&outer, coil_time() + moment) == 0) {
        rc = coil_timeout_end(&outer, coil_sleep(2000));
        MUST(rc == -ETIMEDOUT || is_explained(rc));
    } else {
        rc = coil_timeout_end(&outer, coil_sleep(0));
        MUST(rc == 0 || is_explained(rc));
    }
    MUST(coil_cancelling(coil_current_task()) == 0);
}

static int make_tasks(coil_task **tasks, int count, coil_fn *fn)
{
    int made = 0;

    while (made < count && (tasks[made] = coil_create_task(fn, NULL)) != NULL) {
        made++;
    }
    return made;
}

static void end_tasks(coil_task **tasks, int count)
{
    for (int i = 0; i < count; i++) {
        end_task(tasks[i]);
    }
}

static void use_gathers(void)
{
    coil_task *tasks[22];
    int made = make_tasks(tasks, 20, doze);

    tasks[made] = tasks[0];
    coil_future *all = coil_gather(tasks, (size_t)made + (made > 0));
    MUST_GIVE(coil_join(all), 0);
    end_tasks(tasks, made);

    made = make_tasks(tasks, 3, hang);
    all = coil_gather(tasks, (size_t)made, .return_errors = true);
    (void)coil_sleep(0);
    if (made > 0 && all != NULL) {
        coil_cancel_msg(all, "enough");
        MUST_GIVE(coil_join(all), -ECANCELED);
    } else {
        coil_unref(all);
    }
    end_tasks(tasks, made);

    tasks[0] = coil_create_task(fail_with_words, NULL);
    MUST_GIVE(coil_join(coil_gather(tasks, 1)), -EIO);
    if (tasks[0] != NULL) {
        (void)coil_error_message(tasks[0]);
        (void)coil_join(tasks[0]);
    }
}

static void use_waits(void)
{
    coil_task *tasks[40];
    static const int counts[] = {3, 40};

    for (int k = 0; k < 2; k++) {
        int made = make_tasks(tasks, counts[k], doze);
        if (made > 0) {
            int rc = coil_wait(tasks, (size_t)made, .return_when = COIL_FIRST_COMPLETED, .timeout = 10);
            MUST((rc >= 1 && rc <= made) || is_explained(rc));
            rc = coil_wait(tasks, (size_t)made);
            MUST(rc == made || is_explained(rc));
        }
        end_tasks(tasks, made);
    }
}

static void use_as_completed(void)
{
    coil_as_completed_iter iter;
    coil_future *next;
    coil_task *tasks[6];
    int made = make_tasks(tasks, 5, doze);
    int got = 0;

    tasks[made] = coil_create_task(hang, NULL);
    made += tasks[made] != NULL;
    if (coil_as_completed(&iter, tasks, (size_t)made, .timeout = 100 * moment) == 0) {
        int rc;
        while ((rc = coil_as_completed_next(&iter, &next)) != 0) {
            MUST(rc == 1 || rc == -ETIMEDOUT);
            got++;
        }
        MUST(got == made);
    }
    if (coil_as_completed(&iter, tasks, (size_t)made, .timeout = 1000) == 0) {
        coil_as_completed_close(&iter);
    }
    end_tasks(tasks, made);
}

static void use_shields(void)
{
    coil_task *inner = coil_create_task(fail_with_words, NULL);
    coil_future *shield = coil_shield(inner);

    (void)coil_sleep(0);
    coil_cancel(shield);
    (void)coil_sleep(0);
    coil_unref(shield);
    (void)coil_sleep(moment);
    (void)coil_join(inner);
    inner = coil_create_task(doze, &(int){4});
    shield = coil_shield(inner);
    MUST_GIVE(coil_join(shield), 4);
    MUST_GIVE(coil_join(inner), 4);
}

static int fail_when_cancelled(void *unused)
{
    int rc = coil_sleep(INFINITY);

    (void)unused;
    return rc == -ECANCELED ? -EPIPE : rc;
}

static void use_groups(void)
{
    coil_group group;
    int made = 0;

    coil_group_begin(&group);
    for (int i = 0; i < 5; i++) {
        made += coil_group_create_task(&group, doze, NULL) != NULL;
        made += coil_group_spawn(&group, doze, NULL) == 0;
    }
    MUST_GIVE(coil_group_end(&group, 0), 0);

    coil_group_begin(&group);
    for (int i = 0; i < 20; i++) {
        (void)coil_group_spawn(&group, fail_when_cancelled, NULL);
    }
    int rc = coil_group_spawn(&group, fail_with_words, NULL);
    rc = coil_group_end(&group, rc);
    MUST(rc == -EPIPE || is_explained(rc));
    for (size_t i = 0; coil_group_error(&group, i) != 0; i++) {
        MUST(coil_group_error(&group, i) < 0);
    }
    MUST(coil_cancelling(coil_current_task()) == 0);
    (void)made;
}

static int be_cancelled_threadsafe(void *unused)
{
    (void)unused;
    if (coil_cancel_threadsafe(coil_current_task()) < 0) {
        return -ECANCELED;
    }
    return coil_sleep(INFINITY);
}

static void use_remote_calls(void)
{
    MUST_GIVE(coil_join(coil_create_task(be_cancelled_threadsafe, NULL)), -ECANCELED);
}

static void hear_nothing(coil_loop *loop, const struct coil_report *report, void *unused)
{
    (void)loop;
    (void)unused;
    MUST(report->kind != COIL_REPORT_DEADLOCK);
    MUST(report->kind != COIL_REPORT_DESTROYED_PENDING);
    MUST(report->kind != COIL_REPORT_MISUSE);
}

static int use_everything(void *unused)
{
    (void)unused;
    coil_loop_set_exception_handler(coil_get_running_loop(), hear_nothing, NULL);
    use_tasks();
    use_futures();
    use_callbacks();
    use_time_limits();
    use_gathers();
    use_waits();
    use_as_completed();
    use_shields();
    use_groups();
    use_remote_calls();
    coil_unref(coil_create_task(hang, NULL)); /* for coil_run to cancel */
    coil_unref(coil_create_task(fail_when_cancelled, NULL));
    (void)coil_sleep(0);
    return 9;
}

static void run_everything(void *options)
{
    int rc = coil_run_with(use_everything, options);

    MUST(rc == 9 || is_explained(rc));
}

/* ---- failures -------------------------------------------------------------------------------------------------------- */

static struct coil_run_options virtual_clock = {.size = sizeof(virtual_clock), .clock = COIL_CLOCK_VIRTUAL};
static struct coil_run_options real_clock = {.size = sizeof(real_clock), .handle_sigint = true};
static const char waiting[] = "epoll_wait epoll_pwait2 ppoll io_uring_enter";
static struct coil_run_options seeded = {.size = sizeof(seeded), .clock = COIL_CLOCK_VIRTUAL, .seed = 77};

START_TEST(one_failing_call_is_survived_wherever_it_is)
    {
        const struct ci_fault_plan plan = {.scenario = run_everything, .arg = &virtual_clock};

        ck_assert_int_gt(ci_fault_drive(&plan), 40);
    }
END_TEST

START_TEST(one_failing_call_is_survived_on_the_real_clock)
    {
        const struct ci_fault_plan plan = {.scenario = run_everything, .arg = &real_clock, .except = waiting};

        ck_assert_int_gt(ci_fault_drive(&plan), 40);
    }
END_TEST

static int doze_longer(void *unused)
{
    (void)unused;
    return coil_sleep(0.01);
}

static int use_a_broken_poller(void *unused)
{
    coil_task *tasks[20];

    (void)unused;
    coil_loop_set_exception_handler(coil_get_running_loop(), hear_nothing, NULL);
    for (int i = 0; i < 5; i++) {
        int made = make_tasks(tasks, 20, doze_longer);
        int rc = made == 0 ? 0 : coil_wait(tasks, (size_t)made, .timeout = 1);
        end_tasks(tasks, made);
        if (rc < 0) {
            return rc;
        }
    }
    return 9;
}

static void run_with_a_broken_poller(void *options)
{
    int rc = coil_run_with(use_a_broken_poller, options);

    MUST(rc == 9 || rc == -EIO);
}

/* A poller that breaks ends the run: main and all the others are cancelled, and end. */
START_TEST(a_poller_that_breaks_once_is_survived)
    {
        const struct ci_fault_plan plan = {.scenario = run_with_a_broken_poller, .arg = &real_clock, .calls = waiting};

        ck_assert_int_ge(ci_fault_drive(&plan), 3);
    }
END_TEST

START_TEST(one_failing_call_is_survived_in_a_random_order)
    {
        const struct ci_fault_plan plan = {.scenario = run_everything, .arg = &seeded};

        ck_assert_int_gt(ci_fault_drive(&plan), 40);
    }
END_TEST

START_TEST(five_failing_calls_in_a_row_are_survived)
    {
        const struct ci_fault_plan plan = {.scenario = run_everything, .arg = &virtual_clock, .in_a_row = 5};

        ck_assert_int_gt(ci_fault_drive(&plan), 40);
    }
END_TEST

START_TEST(memory_that_runs_out_for_good_is_survived)
    {
        const struct ci_fault_plan plan = {
            .scenario = run_everything, .arg = &virtual_clock, .calls = "malloc realloc mmap", .in_a_row = -1};

        ck_assert_int_gt(ci_fault_drive(&plan), 40);
    }
END_TEST

Suite *fault_suite(void)
{
    Suite *suite = suite_create("fault");
    TCase *tc = tcase_create("fault");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 250);
    tcase_add_test(tc, one_failing_call_is_survived_wherever_it_is);
    tcase_add_test(tc, a_poller_that_breaks_once_is_survived);
    if (!RUNNING_ON_VALGRIND) { /* a process for each call is much there, and the others differ little from these */
        tcase_add_test(tc, one_failing_call_is_survived_on_the_real_clock);
        tcase_add_test(tc, one_failing_call_is_survived_in_a_random_order);
        tcase_add_test(tc, five_failing_calls_in_a_row_are_survived);
        tcase_add_test(tc, memory_that_runs_out_for_good_is_survived);
    }
    suite_add_tcase(suite, tc);
    return suite;
}
