/* What is said of locks and their like: who waits for what in a deadlock, and what debug mode finds. */
#include <pthread.h>
#include <stdio.h>

#include "clients.h"
#include "suites.h"

/* ---- deadlocks ------------------------------------------------------------------------------------------------------- */

static coil_lock lock = COIL_LOCK_INIT;
static coil_event event = COIL_EVENT_INIT;
static coil_semaphore semaphore = COIL_SEMAPHORE_INIT(0);
static coil_condition condition = COIL_CONDITION_INIT;
static coil_barrier barrier = COIL_BARRIER_INIT(3);
static coil_queue *queue;

/* The detail of the report about the task of that name must be the format, with the object's address in place of %p. */
static void must_wait_for(const char *task, const char *format, const void *object)
{
    char expected[REPORT_TEXT];

    (void)snprintf(expected, sizeof(expected), format, object);
    for (int i = 0; i < reports_heard; i++) {
        if (strcmp(reports[i].task, task) == 0) {
            ck_assert_int_eq(reports[i].kind, COIL_REPORT_DEADLOCK);
            ck_assert_str_eq(reports[i].detail, expected);
            reports_taken++;
            return;
        }
    }
    ck_abort_msg("no report about %s", task);
}

static int acquire_lock(void *unused)
{
    (void)unused;
    return coil_lock_acquire(&lock);
}

static int hold_lock_and_wait(void *unused)
{
    (void)unused;
    ck_assert_int_eq(coil_lock_acquire(&lock), 0);
    return coil_event_wait(&event);
}

static int lock_main(void *unused)
{
    coil_group group;

    (void)unused;
    coil_group_begin(&group);
    ck_assert_int_eq(coil_group_spawn(&group, hold_lock_and_wait, NULL, .name = "holder"), 0);
    ck_assert_int_eq(coil_group_spawn(&group, acquire_lock, NULL, .name = "waiter"), 0);
    return coil_group_end(&group, 0);
}

START_TEST(a_deadlock_names_the_lock_and_the_task_that_holds_it)
    {
        ck_assert_int_eq(run(lock_main), -EDEADLK);
        must_wait_for("waiter", "waits for a lock at %p, which the task holder holds", &lock);
        must_wait_for("holder", "waits for an event at %p", &event);
        reports_taken = reports_heard;
    }
END_TEST

static int end_with_lock_main(void *unused)
{
    (void)unused;
    ck_assert_int_eq(coil_join(coil_create_task(acquire_lock, NULL)), 0);
    ck_assert_int_eq(coil_task_set_name(coil_current_task(), "main"), 0);
    return coil_lock_acquire(&lock);
}

START_TEST(a_lock_that_nobody_will_release_is_told_of)
    {
        ck_assert_int_eq(run(end_with_lock_main), -EDEADLK);
        must_wait_for("main", "waits for a lock at %p, which a task that has ended did not release", &lock);
    }
END_TEST

static int wait_for_semaphore(void *unused)
{
    (void)unused;
    return coil_semaphore_acquire(&semaphore);
}

static int wait_for_condition(void *unused)
{
    (void)unused;
    ck_assert_int_eq(coil_condition_acquire(&condition), 0);
    return coil_condition_wait(&condition);
}

static int wait_at_barrier(void *unused)
{
    (void)unused;
    return coil_barrier_wait(&barrier);
}

static int wait_for_item(void *unused)
{
    int item;

    (void)unused;
    return coil_queue_get(queue, &item);
}

static int others_main(void *unused)
{
    static const struct {
        coil_fn *fn;
        const char *name;
    } tasks[] = {{wait_for_semaphore, "semaphore"},
                 {wait_for_condition, "condition"},
                 {wait_at_barrier, "barrier 1"},
                 {wait_at_barrier, "barrier 2"},
                 {wait_for_item, "item"}};
    coil_group group;

    (void)unused;
    queue = coil_queue_new(1, 0);
    coil_group_begin(&group);
    for (size_t i = 0; i < sizeof(tasks) / sizeof(tasks[0]); i++) {
        ck_assert_int_eq(coil_group_spawn(&group, tasks[i].fn, NULL, .name = tasks[i].name), 0);
    }
    int rc = coil_group_end(&group, 0);
    coil_queue_unref(queue);
    return rc;
}

START_TEST(a_deadlock_says_what_each_waits_for)
    {
        ck_assert_int_eq(run(others_main), -EDEADLK);
        must_wait_for("semaphore", "waits for a semaphore at %p, whose value is 0", &semaphore);
        must_wait_for("condition", "waits for a condition at %p", &condition);
        must_wait_for("barrier 1", "waits at a barrier at %p, where 2 of 3 are", &barrier);
        must_wait_for("barrier 2", "waits at a barrier at %p, where 2 of 3 are", &barrier);
        must_wait_for("item", "waits for an item of a queue at %p", queue);
        reports_taken = reports_heard;
    }
END_TEST

static int put_too_much(void *unused)
{
    (void)unused;
    return coil_queue_put(queue, "a");
}

static int wait_for_joining(void *unused)
{
    (void)unused;
    return coil_queue_join(queue);
}

static int full_main(void *unused)
{
    coil_group group;

    (void)unused;
    queue = coil_queue_new(1, 2);
    ck_assert_int_eq(coil_queue_put(queue, "a"), 0);
    ck_assert_int_eq(coil_queue_put(queue, "b"), 0);
    coil_group_begin(&group);
    ck_assert_int_eq(coil_group_spawn(&group, put_too_much, NULL, .name = "putter"), 0);
    ck_assert_int_eq(coil_group_spawn(&group, wait_for_joining, NULL, .name = "joiner"), 0);
    int rc = coil_group_end(&group, 0);
    coil_queue_unref(queue);
    return rc;
}

START_TEST(a_deadlock_says_how_full_a_queue_is_and_what_is_left_to_do)
    {
        ck_assert_int_eq(run(full_main), -EDEADLK);
        must_wait_for("putter", "waits for room in a queue at %p, which has all of its 2 items", queue);
        must_wait_for("joiner", "waits for the items of a queue at %p to be dealt with, of which 2 are not", queue);
        reports_taken = reports_heard;
    }
END_TEST

/* Each of the tasks waits for a lock that main holds; that none of the reports looks at all the others shows in the time. */
static int crowd_main(void *arg)
{
    int n = *(int *)arg;

    ck_assert_int_eq(coil_lock_acquire(&lock), 0);
    for (int i = 0; i < n; i++) {
        coil_unref(spawn(acquire_lock, NULL));
    }
    return coil_event_wait(&event);
}

static int holders_named;

static void count_holders(coil_loop *loop, const struct coil_report *report, void *userdata)
{
    (void)loop;
    (void)userdata;
    holders_named += report->detail != NULL && strstr(report->detail, "which the task Task-1 holds") != NULL;
}

static int crowd_listening(void *arg)
{
    coil_loop_set_exception_handler(coil_get_running_loop(), count_holders, NULL);
    return crowd_main(arg);
}

START_TEST(a_crowd_that_waits_for_one_lock_is_told_of_one_by_one)
    {
        int n = CI_WITH_ASAN ? 1000 : MANY_TASKS;

        ck_assert_int_eq(coil_run(crowd_listening, &n, .clock = COIL_CLOCK_VIRTUAL), -EDEADLK);
        ck_assert_int_eq(holders_named, n);
    }
END_TEST

/* ---- debug mode ------------------------------------------------------------------------------------------------------ */

static void hear_misuse(coil_loop *loop, const struct coil_report *report, void *userdata)
{
    if (report->kind == COIL_REPORT_MISUSE || report->kind == COIL_REPORT_WRONG_THREAD) {
        hear(loop, report, userdata);
    }
}

static coil_fn *debug_fn;

static int debug_listening(void *arg)
{
    coil_loop_set_exception_handler(coil_get_running_loop(), hear_misuse, NULL);
    return debug_fn(arg);
}

static int run_debug(coil_fn *fn)
{
    debug_fn = fn;
    return coil_run(debug_listening, NULL, .clock = COIL_CLOCK_VIRTUAL, .debug = true);
}

/* Runs fn as a task that comes to wait, then anew, which must be reported as that of function. */
static coil_fn *waits;
static void (*made_anew)(void);

static int anew_main(void *unused)
{
    coil_task *task = coil_create_task(waits, NULL, .name = "waiter");

    (void)unused;
    let_pass(2);
    coil_cancel(task);
    made_anew(); /* before the waiter has left */
    (void)coil_join(task);
    made_anew();
    return 0;
}

static void must_report_anew(coil_fn *fn, void (*anew)(void), const char *function)
{
    waits = fn;
    made_anew = anew;
    ck_assert_int_eq(run_debug(anew_main), 0);
    const struct heard *report = take_report(COIL_REPORT_MISUSE);
    ck_assert_int_eq(report->error, -EBUSY);
    ck_assert_str_eq(report->task, "waiter");
    ck_assert_str_eq(report->detail, function);
    assert_no_reports();
}

static void lock_anew(void)
{
    coil_lock_init(&lock);
}

static int take_lock_twice(void *unused)
{
    (void)unused;
    ck_assert_int_eq(coil_lock_acquire(&lock), 0);
    return coil_lock_acquire(&lock);
}

static void event_anew(void)
{
    coil_event_init(&event);
}

static int wait_for_event(void *unused)
{
    (void)unused;
    return coil_event_wait(&event);
}

static void semaphore_anew(void)
{
    ck_assert_int_eq(coil_semaphore_init(&semaphore, 0), 0);
}

static void bounded_anew(void)
{
    ck_assert_int_eq(coil_bounded_semaphore_init(&semaphore, 0), 0);
}

static void condition_anew(void)
{
    coil_condition_init(&condition, NULL);
}

static int take_condition_twice(void *unused)
{
    (void)unused;
    ck_assert_int_eq(coil_condition_acquire(&condition), 0);
    return coil_condition_acquire(&condition);
}

static void barrier_anew(void)
{
    ck_assert_int_eq(coil_barrier_init(&barrier, 2), 0);
}

START_TEST(what_is_made_anew_under_a_waiter_is_reported)
    {
        must_report_anew(take_lock_twice, lock_anew, "coil_lock_init");
        must_report_anew(wait_for_event, event_anew, "coil_event_init");
        must_report_anew(wait_for_semaphore, semaphore_anew, "coil_semaphore_init");
        must_report_anew(wait_for_semaphore, bounded_anew, "coil_bounded_semaphore_init");
        must_report_anew(take_condition_twice, condition_anew, "coil_condition_init");
        must_report_anew(wait_at_barrier, barrier_anew, "coil_barrier_init");
    }
END_TEST

static int use_again_main(void *unused)
{
    struct {
        coil_lock lock;
        coil_event event;
    } frame;

    (void)unused;
    for (int i = 0; i < 3; i++) {
        coil_lock_init(&frame.lock);
        coil_event_init(&frame.event);
        ck_assert_int_eq(coil_lock_acquire(&frame.lock), 0);
    }
    return 0;
}

START_TEST(what_nobody_waits_on_may_be_made_anew)
    {
        ck_assert_int_eq(run_debug(use_again_main), 0);
        assert_no_reports();
    }
END_TEST

static void *set_from_thread(void *unused)
{
    coil_event_set(&event);
    return unused;
}

/* The loop stands still meanwhile, so nothing bad comes of it here. */
static int wrong_thread_main(void *unused)
{
    pthread_t thread;
    coil_task *task = spawn(wait_for_event, NULL);

    (void)unused;
    let_pass(2);
    ck_assert_int_eq(pthread_create(&thread, NULL, set_from_thread, NULL), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    return coil_join(task);
}

START_TEST(waking_from_another_thread_is_reported)
    {
        ck_assert_int_eq(run_debug(wrong_thread_main), 0);
        (void)take_report(COIL_REPORT_WRONG_THREAD);
    }
END_TEST

static void setup_objects(void)
{
    setup_clients();
    coil_lock_init(&lock);
    coil_event_init(&event);
    ck_assert_int_eq(coil_semaphore_init(&semaphore, 0), 0);
    coil_condition_init(&condition, NULL);
    ck_assert_int_eq(coil_barrier_init(&barrier, 3), 0);
    reports_heard = reports_taken = 0;
}

Suite *sync_report_suite(void)
{
    Suite *suite = suite_create("sync_report");
    TCase *tests = tcase_create("sync_report");

    tcase_add_checked_fixture(tests, setup_objects, teardown);
    tcase_add_test(tests, a_deadlock_names_the_lock_and_the_task_that_holds_it);
    tcase_add_test(tests, a_lock_that_nobody_will_release_is_told_of);
    tcase_add_test(tests, a_deadlock_says_what_each_waits_for);
    tcase_add_test(tests, a_deadlock_says_how_full_a_queue_is_and_what_is_left_to_do);
    tcase_add_test(tests, a_crowd_that_waits_for_one_lock_is_told_of_one_by_one);
    tcase_add_test(tests, what_is_made_anew_under_a_waiter_is_reported);
    tcase_add_test(tests, what_nobody_waits_on_may_be_made_anew);
    tcase_add_test(tests, waking_from_another_thread_is_reported);
    suite_add_tcase(suite, tests);
    return suite;
}
