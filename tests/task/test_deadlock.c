/*
 * Deadlock: a program in which nothing can ever happen any more ends with -EDEADLK and says who waits for what; one that a thread of
 * the program's could still wake does not.
 */
#include <pthread.h>
#include <semaphore.h>

#include "harness.h"
#include "suites.h"

static int await_future(void *unused)
{
    A_FUTURE(future);

    (void)unused;
    return coil_join(future);
}

START_TEST(awaiting_what_never_comes_is_a_deadlock)
    {
        ck_assert_int_eq(run(await_future), -EDEADLK);
        const struct heard *report = take_report(COIL_REPORT_DEADLOCK);
        ck_assert_int_eq(report->error, -EDEADLK);
        ck_assert_str_eq(report->task, "Task-1");
        ck_assert_ptr_nonnull(strstr(report->detail, "waits for a Future made by await_future at "));
        ck_assert_ptr_nonnull(strstr(report->detail, "test_deadlock.c:"));
    }
END_TEST

START_TEST(an_endless_sleep_is_no_timer)
    {
        ck_assert_int_eq(run(hang), -EDEADLK);
        ck_assert_str_eq(take_report(COIL_REPORT_DEADLOCK)->detail, "waits for sleep");
    }
END_TEST

static int group_main(void *unused)
{
    coil_group group;

    (void)unused;
    coil_group_begin(&group);
    coil_group_create_task(&group, hang, NULL, .name = "in the group");
    return coil_group_end(&group, 0);
}

static int wait_many_main(void *future)
{
    coil_future *futures[] = {future, future};

    return coil_wait(futures, 2);
}

static int next_main(void *future)
{
    coil_as_completed_iter iter;
    coil_future *one = future;
    coil_future *next;

    ck_assert_int_eq(coil_as_completed(&iter, &one, 1), 0);
    int rc = coil_as_completed_next(&iter, &next);
    coil_as_completed_close(&iter);
    return rc;
}

static int all_kinds(void *unused)
{
    A_FUTURE(future);
    coil_task *tasks[5];
    coil_future *all = coil_gather(&future, 1);

    (void)unused;
    tasks[0] = coil_create_task(wait_many_main, future, .name = "wait");
    tasks[1] = coil_create_task(next_main, future, .name = "next");
    tasks[2] = coil_create_task(await_it, all, .name = "gather");
    tasks[3] = coil_create_task(group_main, NULL, .name = "group");
    tasks[4] = coil_create_task(await_it, tasks[3], .name = "task");
    int rc = coil_join(tasks[4]); /* -ECANCELED, when the deadlock is being resolved */
    for (int i = 0; i < 4; i++) {
        (void)coil_await(tasks[i]);
        coil_unref(tasks[i]);
    }
    (void)coil_await(all);
    coil_unref(all);
    coil_unref(future);
    return rc;
}

static void assert_waits(const char *task, const char *detail)
{
    const struct heard *report = take_report(COIL_REPORT_DEADLOCK);

    ck_assert_str_eq(report->task, task);
    ck_assert_msg(strncmp(report->detail, detail, strlen(detail)) == 0, "%s: %s", task, report->detail);
}

START_TEST(every_waiting_task_is_reported_with_what_it_waits_for)
    {
        ck_assert_int_eq(run(all_kinds), -EDEADLK);
        assert_waits("Task-1", "waits for the task task");
        assert_waits("wait", "waits for futures in coil_wait (2)");
        assert_waits("next", "waits for the next future of coil_as_completed");
        assert_waits("gather", "waits for a gather made by all_kinds at ");
        assert_waits("group", "waits for the tasks of its group");
        assert_waits("task", "waits for the task group");
        assert_waits("in the group", "waits for sleep");
    }
END_TEST

static int await_each_other(void *task)
{
    coil_future *other = *(coil_future **)task;
    int rc = coil_wait(&other, 1); /* a circle that no await can see */

    return rc < 0 ? rc : coil_result(other);
}

static int circle_main(void *unused)
{
    coil_task *a = NULL;
    coil_task *b = NULL;

    (void)unused;
    a = coil_create_task(await_each_other, &b, .name = "a");
    b = coil_create_task(await_each_other, &a, .name = "b");
    int rc = coil_join(a);
    coil_join(b);
    return rc;
}

START_TEST(a_circle_that_awaits_cannot_see_is_found_in_the_end)
    {
        ck_assert_int_eq(run(circle_main), -EDEADLK);
        assert_waits("Task-1", "waits for the task a");
        assert_waits("a", "waits for futures in coil_wait (1)");
        assert_waits("b", "waits for futures in coil_wait (1)");
    }
END_TEST

static int refuse_to_end(void *unused)
{
    (void)unused;
    while (coil_sleep(INFINITY) < 0) {
    }
    return 0;
}

static int leave_a_refuser(void *unused)
{
    (void)unused;
    coil_unref(coil_create_task(refuse_to_end, NULL, .name = "stubborn"));
    coil_sleep(1);
    return 3;
}

START_TEST(a_task_that_cannot_be_cancelled_at_the_end_is_a_deadlock)
    {
        ck_assert_int_eq(run(leave_a_refuser), -EDEADLK);
        assert_waits("stubborn", "waits for sleep");
        ck_assert_str_eq(take_report(COIL_REPORT_DESTROYED_PENDING)->task, "stubborn");
    }
END_TEST

static int clean_up_on_cancel(void *unused)
{
    A_FUTURE(future);

    (void)unused;
    ck_assert_int_eq(coil_join(future), -ECANCELED);
    ck_assert_int_eq(coil_sleep(1), 0); /* there is time to clean up */
    say("cleaned up");
    return 0;
}

START_TEST(a_deadlocked_program_is_cancelled_and_can_clean_up)
    {
        ck_assert_int_eq(run(clean_up_on_cancel), -EDEADLK);
        take_report(COIL_REPORT_DEADLOCK);
        assert_said("cleaned up");
    }
END_TEST

START_TEST(the_low_level_finds_deadlocks_too)
    {
        coil_loop *loop = coil_loop_new();
        coil_future *future = coil_loop_create_future(loop);

        coil_loop_set_exception_handler(loop, hear, NULL);
        ck_assert_int_eq(coil_loop_run_until_complete(loop, future), -EDEADLK);
        ck_assert_int_eq(coil_loop_run_forever(loop), -EDEADLK);
        coil_unref(future);
        ck_assert_int_eq(coil_loop_close(loop), 0);
    }
END_TEST

/* ---- another thread -------------------------------------------------------------------------------------------------- */

static coil_loop *loop_to_wake;
static sem_t future_is_awaited;

static void complete(void *future)
{
    coil_future_set_result(future, 6);
}

static void let_thread_go(void *unused)
{
    (void)unused;
    sem_post(&future_is_awaited);
}

static void *complete_from_afar(void *future)
{
    while (sem_wait(&future_is_awaited) != 0) {
    }
    if (coil_call_soon_threadsafe(loop_to_wake, complete, future) == NULL) {
        abort();
    }
    return NULL;
}

static int await_thread(void *unused)
{
    A_FUTURE(future);
    pthread_t thread;

    (void)unused;
    loop_to_wake = coil_get_running_loop();
    ck_assert_int_eq(sem_init(&future_is_awaited, 0, 0), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, complete_from_afar, future), 0);
    coil_call_soon(let_thread_go, NULL);
    int rc = coil_join(future);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    return rc;
}

START_TEST(with_another_thread_about_no_deadlock_is_declared)
    {
        ck_assert_int_eq(run(await_thread), 6);
        ck_assert_int_eq(coil_run(await_thread, NULL), 6);
    }
END_TEST

static void *cancel_from_afar(void *task)
{
    while (sem_wait(&future_is_awaited) != 0) {
    }
    if (coil_cancel_threadsafe(task) != 0) {
        abort();
    }
    return NULL;
}

static int be_cancelled_by_thread(void *unused)
{
    pthread_t thread;

    (void)unused;
    ck_assert_int_eq(sem_init(&future_is_awaited, 0, 0), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, cancel_from_afar, coil_current_task()), 0);
    coil_call_soon(let_thread_go, NULL);
    ck_assert_int_eq(coil_sleep(INFINITY), -ECANCELED);
    ck_assert_int_eq(coil_uncancel(coil_current_task()), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    return 0;
}

START_TEST(another_thread_may_cancel)
    {
        ck_assert_int_eq(run(be_cancelled_by_thread), 0);
        ck_assert_int_eq(coil_run(be_cancelled_by_thread, NULL), 0);
        ck_assert_int_eq(coil_cancel_threadsafe(NULL), -EINVAL);
    }
END_TEST

Suite *deadlock_suite(void)
{
    Suite *suite = suite_create("deadlock");
    TCase *tc = tcase_create("deadlock");
    TCase *threads = tcase_create("deadlock_threads");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, awaiting_what_never_comes_is_a_deadlock);
    tcase_add_test(tc, an_endless_sleep_is_no_timer);
    tcase_add_test(tc, every_waiting_task_is_reported_with_what_it_waits_for);
    tcase_add_test(tc, a_circle_that_awaits_cannot_see_is_found_in_the_end);
    tcase_add_test(tc, a_task_that_cannot_be_cancelled_at_the_end_is_a_deadlock);
    tcase_add_test(tc, a_deadlocked_program_is_cancelled_and_can_clean_up);
    tcase_add_test(tc, the_low_level_finds_deadlocks_too);
    suite_add_tcase(suite, tc);

    tcase_add_checked_fixture(threads, setup, teardown);
    tcase_add_test(threads, with_another_thread_about_no_deadlock_is_declared);
    tcase_add_test(threads, another_thread_may_cancel);
    suite_add_tcase(suite, threads);
    return suite;
}
