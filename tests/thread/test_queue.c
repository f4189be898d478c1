/* Queues between plain threads and a loop. */
#include "gate.h"
#include "suites.h"

static coil_loop *loop;
static coil_queue *queue;

static void *put_some(void *arg)
{
    int rc = 0;

    for (int i = 0; i < 100 && rc == 0; i++) {
        rc = coil_queue_put_threadsafe(loop, queue, &i, INFINITY);
    }
    *(int *)arg = rc;
    return NULL;
}

static void *get_some(void *arg)
{
    int item, rc = 0;

    for (int i = 0; i < 100 && rc == 0; i++) {
        rc = coil_queue_get_threadsafe(loop, queue, &item, INFINITY);
        rc = rc == 0 && item != i ? -EBADMSG : rc;
    }
    *(int *)arg = rc;
    return NULL;
}

/* A function for a thread: waits for the end of another one. */
static int join_thread(void *arg)
{
    return -pthread_join(*(pthread_t *)arg, NULL);
}

static int get_one(void *unused)
{
    int item;

    (void)unused;
    int rc = coil_queue_get(queue, &item);
    return rc < 0 ? rc : item;
}

static void make_queue(size_t maxsize)
{
    loop = coil_get_running_loop();
    queue = coil_queue_new(sizeof(int), maxsize);
    ck_assert_ptr_nonnull(queue);
}

TASK_TEST(items_of_a_thread_come_to_the_loop_in_order)
{
    pthread_t thread;
    int rc = 1;

    make_queue(3);
    ck_assert_int_eq(pthread_create(&thread, NULL, put_some, &rc), 0);
    for (int i = 0; i < 100; i++) {
        int item;
        ck_assert_int_eq(coil_queue_get(queue, &item), 0);
        ck_assert_int_eq(item, i);
        ck_assert_uint_le(coil_queue_size(queue), 3);
    }
    ck_assert_int_eq(coil_to_thread(join_thread, &thread), 0);
    ck_assert_int_eq(rc, 0);
    coil_queue_unref(queue);
    return 0;
}

TASK_TEST(items_of_the_loop_come_to_a_thread_in_order)
{
    pthread_t thread;
    int rc = 1;

    make_queue(3);
    ck_assert_int_eq(pthread_create(&thread, NULL, get_some, &rc), 0);
    for (int i = 0; i < 100; i++) {
        ck_assert_int_eq(coil_queue_put(queue, &i), 0);
    }
    ck_assert_int_eq(coil_to_thread(join_thread, &thread), 0);
    ck_assert_int_eq(rc, 0);
    coil_queue_unref(queue);
    return 0;
}

/* ---- in functions of the executor, which are as good as any thread ---------------------------------------------------- */

struct call {
    int item;
    double timeout;
};

static int put_item(void *arg)
{
    struct call *call = arg;

    return coil_queue_put_threadsafe(loop, queue, &call->item, call->timeout);
}

static int get_item(void *arg)
{
    struct call *call = arg;

    return coil_queue_get_threadsafe(loop, queue, &call->item, call->timeout);
}

static int put_in_thread(void *arg)
{
    int rc = coil_to_thread(put_item, arg);

    say_rc(rc);
    return rc;
}

static int get_in_thread(void *arg)
{
    int rc = coil_to_thread(get_item, arg);

    say_rc(rc);
    return rc;
}

static int at_once_and_late(void *unused)
{
    struct call call = {.item = 1, .timeout = 0};
    int item;

    (void)unused;
    make_queue(1);
    ck_assert_int_eq(coil_to_thread(get_item, &call), -ETIMEDOUT);
    ck_assert_int_eq(coil_to_thread(put_item, &call), 0);
    ck_assert_int_eq(coil_to_thread(put_item, &call), -ETIMEDOUT);
    call.timeout = 0.01;
    ck_assert_int_eq(coil_to_thread(put_item, &call), -ETIMEDOUT);
    ck_assert_uint_eq(coil_queue_size(queue), 1);
    call.timeout = -1;
    ck_assert_int_eq(coil_to_thread(get_item, &call), 0);
    call.timeout = 0.01;
    ck_assert_int_eq(coil_to_thread(get_item, &call), -ETIMEDOUT);
    ck_assert_int_eq(coil_queue_put_nowait(queue, &call.item), 0);
    ck_assert_int_eq(coil_queue_get_nowait(queue, &item), 0); /* the thread that gave up takes nothing */
    coil_queue_unref(queue);
    return 0;
}

START_TEST(a_timeout_leaves_everything_as_it_was)
    {
        ck_assert_int_eq(coil_run(at_once_and_late, NULL), 0);
    }
END_TEST

/* Waits until the thread's task stands in line. */
static void await_in_line(size_t tasks)
{
    while (coil_all_tasks(NULL, 0) < tasks) {
        ck_assert_int_eq(coil_sleep(0), 0);
        usleep(100);
    }
    let_pass(2);
}

TASK_TEST(a_thread_stands_in_line_among_the_tasks)
{
    struct call call = {.timeout = INFINITY};
    int items[] = {1, 2};

    make_queue(0);
    coil_task *task = spawn(get_in_thread, &call);
    await_in_line(3);
    coil_task *other = spawn(get_one, queue);
    let_pass(1);
    ck_assert_int_eq(coil_queue_put_nowait(queue, &items[0]), 0);
    ck_assert_int_eq(coil_queue_put_nowait(queue, &items[1]), 0);
    ck_assert_int_eq(coil_join(other), 2);
    ck_assert_int_eq(coil_join(task), 0);
    ck_assert_int_eq(call.item, 1);
    coil_queue_unref(queue);
    assert_said("ok ");
    return 0;
}

TASK_TEST(a_shutdown_wakes_the_threads)
{
    struct call call = {.timeout = INFINITY};

    make_queue(0);
    coil_task *task = spawn(get_in_thread, &call);
    await_in_line(3);
    coil_queue_shutdown(queue, false);
    ck_assert_int_eq(coil_join(task), -ESHUTDOWN);
    ck_assert_int_eq(coil_join(spawn(put_in_thread, &call)), -ESHUTDOWN);
    coil_queue_unref(queue);
    assert_said("ESHUTDOWN ESHUTDOWN ");
    return 0;
}

/*
 * main ends: the task that stands in line for the thread is cancelled, and so the thread comes back, and the task
 * that waits for it.
 */
static int leave_a_thread_waiting(void *call)
{
    make_queue(0);
    coil_unref(spawn(get_in_thread, call));
    await_in_line(3);
    return 0;
}

START_TEST(the_end_of_run_wakes_the_threads)
    {
        struct call call = {.timeout = INFINITY};

        ck_assert_int_eq(coil_run(leave_a_thread_waiting, &call), 0);
        coil_queue_unref(queue);
        assert_said("ECANCELED ");
    }
END_TEST

static void *wait_for_an_item(void *arg)
{
    int item;

    *(int *)arg = coil_queue_get_threadsafe(loop, queue, &item, INFINITY);
    return NULL;
}

static void stop_loop(void *unused)
{
    (void)unused;
    coil_loop_stop(loop);
}

START_TEST(a_loop_that_closes_wakes_the_threads)
    {
        for (int iterations = 1; iterations < 5; iterations++) {
            pthread_t thread;
            int rc = 1;
            loop = coil_loop_new();
            coil_loop_set_exception_handler(loop, hear, NULL);
            queue = coil_queue_new(sizeof(int), 0);
            ck_assert_int_eq(pthread_create(&thread, NULL, wait_for_an_item, &rc), 0);
            while (atomic_load_explicit(&loop->remote, memory_order_acquire) == NULL) {
                usleep(100);
            }
            for (int i = 1; i < iterations; i++) {
                ck_assert_ptr_nonnull(coil_call_soon_threadsafe(loop, stop_loop, NULL));
                ck_assert_int_eq(coil_loop_run_forever(loop), 0);
            }
            ck_assert_int_eq(coil_loop_close(loop), 0);
            ck_assert_int_eq(pthread_join(thread, NULL), 0);
            ck_assert_int_eq(rc, -ECANCELED);
            coil_queue_unref(queue);
            reports_taken = reports_heard; /* of a task destroyed while it waited, if it was there already */
        }
    }
END_TEST

TASK_TEST(nonsense_is_refused)
{
    struct call call = {.timeout = NAN};
    int item = 0;

    make_queue(0);
    ck_assert_int_eq(coil_queue_put_threadsafe(loop, queue, &item, 1), -EDEADLK);
    ck_assert_int_eq(coil_queue_get_threadsafe(loop, queue, &item, 1), -EDEADLK);
    ck_assert_int_eq(coil_queue_put_threadsafe(NULL, queue, &item, 1), -EINVAL);
    ck_assert_int_eq(coil_queue_put_threadsafe(loop, NULL, &item, 1), -EINVAL);
    ck_assert_int_eq(coil_queue_put_threadsafe(loop, queue, NULL, 1), -EINVAL);
    ck_assert_int_eq(coil_queue_get_threadsafe(loop, queue, NULL, 1), -EINVAL);
    ck_assert_int_eq(coil_to_thread(put_item, &call), -EINVAL);
    ck_assert_int_eq(coil_to_thread(get_item, &call), -EINVAL);
    coil_queue_unref(queue);
    return 0;
}

Suite *threadsafe_queue_suite(void)
{
    Suite *suite = suite_create("threadsafe_queue");
    TCase *tests = tcase_create("threadsafe_queue");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, items_of_a_thread_come_to_the_loop_in_order);
    tcase_add_test(tests, items_of_the_loop_come_to_a_thread_in_order);
    tcase_add_test(tests, a_timeout_leaves_everything_as_it_was);
    tcase_add_test(tests, a_thread_stands_in_line_among_the_tasks);
    tcase_add_test(tests, a_shutdown_wakes_the_threads);
    tcase_add_test(tests, the_end_of_run_wakes_the_threads);
    tcase_add_test(tests, a_loop_that_closes_wakes_the_threads);
    tcase_add_test(tests, nonsense_is_refused);
    suite_add_tcase(suite, tests);
    return suite;
}
