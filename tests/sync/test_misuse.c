/* What must not be done is refused with the error that the header says, and changes nothing. */
#include "clients.h"
#include "suites.h"

TASK_TEST(null_is_invalid)
{
    int item = 0;

    coil_lock_init(NULL);
    ck_assert_int_eq(coil_lock_acquire(NULL), -EINVAL);
    ck_assert_int_eq(coil_lock_release(NULL), -EINVAL);
    ck_assert(!coil_lock_locked(NULL));
    coil_event_init(NULL);
    coil_event_set(NULL);
    coil_event_clear(NULL);
    ck_assert_int_eq(coil_event_wait(NULL), -EINVAL);
    ck_assert(!coil_event_is_set(NULL));
    ck_assert_int_eq(coil_semaphore_init(NULL, 1), -EINVAL);
    ck_assert_int_eq(coil_bounded_semaphore_init(NULL, 1), -EINVAL);
    ck_assert_int_eq(coil_semaphore_acquire(NULL), -EINVAL);
    ck_assert_int_eq(coil_semaphore_release(NULL), -EINVAL);
    ck_assert(!coil_semaphore_locked(NULL));
    coil_condition_init(NULL, NULL);
    ck_assert_int_eq(coil_condition_acquire(NULL), -EINVAL);
    ck_assert_int_eq(coil_condition_release(NULL), -EINVAL);
    ck_assert_int_eq(coil_condition_wait(NULL), -EINVAL);
    ck_assert_int_eq(coil_condition_wait_for(NULL, NULL, NULL), -EINVAL);
    ck_assert_int_eq(coil_condition_wait_for(&(coil_condition)COIL_CONDITION_INIT, NULL, NULL), -EINVAL);
    ck_assert_int_eq(coil_condition_notify(NULL, 1), -EINVAL);
    ck_assert_int_eq(coil_condition_notify_all(NULL), -EINVAL);
    ck_assert(!coil_condition_locked(NULL));
    ck_assert_int_eq(coil_barrier_init(NULL, 1), -EINVAL);
    ck_assert_int_eq(coil_barrier_wait(NULL), -EINVAL);
    ck_assert_int_eq(coil_barrier_reset(NULL), -EINVAL);
    ck_assert_int_eq(coil_barrier_abort(NULL), -EINVAL);
    ck_assert_uint_eq(coil_barrier_parties(NULL), 0);
    ck_assert_uint_eq(coil_barrier_waiting(NULL), 0);
    ck_assert(!coil_barrier_broken(NULL));
    ck_assert_int_eq(coil_queue_put(NULL, &item), -EINVAL);
    ck_assert_int_eq(coil_queue_put_nowait(NULL, &item), -EINVAL);
    ck_assert_int_eq(coil_queue_get(NULL, &item), -EINVAL);
    ck_assert_int_eq(coil_queue_get_nowait(NULL, &item), -EINVAL);
    ck_assert_int_eq(coil_queue_task_done(NULL), -EINVAL);
    ck_assert_int_eq(coil_queue_join(NULL), -EINVAL);
    ck_assert_int_eq(coil_queue_shutdown(NULL, true), -EINVAL);
    ck_assert_uint_eq(coil_queue_size(NULL), 0);
    ck_assert_uint_eq(coil_queue_maxsize(NULL), 0);
    ck_assert(coil_queue_empty(NULL));
    ck_assert(!coil_queue_full(NULL));
    return 0;
}

TASK_TEST(an_item_that_is_null_is_invalid)
{
    coil_queue *queue = coil_queue_new(sizeof(int), 0);

    ck_assert_int_eq(coil_queue_put(queue, NULL), -EINVAL);
    ck_assert_int_eq(coil_queue_put_nowait(queue, NULL), -EINVAL);
    ck_assert_int_eq(coil_queue_put(queue, &(int){3}), 0);
    ck_assert_int_eq(coil_queue_get(queue, NULL), -EINVAL);
    ck_assert_int_eq(coil_queue_get_nowait(queue, NULL), -EINVAL);
    ck_assert_uint_eq(coil_queue_size(queue), 1);
    coil_queue_unref(queue);
    return 0;
}

/* Everything that awaits. */
static void must_refuse_to_await(void)
{
    coil_lock lock = COIL_LOCK_INIT;
    coil_event event = COIL_EVENT_INIT;
    coil_semaphore semaphore = COIL_SEMAPHORE_INIT(1);
    coil_condition condition = COIL_CONDITION_INIT;
    coil_barrier barrier = COIL_BARRIER_INIT(1);

    ck_assert_int_eq(coil_lock_acquire(&lock), -EPERM);
    ck_assert(!coil_lock_locked(&lock));
    ck_assert_int_eq(coil_event_wait(&event), -EPERM);
    ck_assert_int_eq(coil_semaphore_acquire(&semaphore), -EPERM);
    ck_assert(!coil_semaphore_locked(&semaphore));
    ck_assert_int_eq(coil_condition_acquire(&condition), -EPERM);
    ck_assert_int_eq(coil_condition_wait(&condition), -EPERM);
    ck_assert_int_eq(coil_barrier_wait(&barrier), -EPERM);
    ck_assert_int_eq(coil_barrier_reset(&barrier), -EPERM);
    ck_assert_int_eq(coil_barrier_abort(&barrier), -EPERM);
}

static void refuse_in_callback(void *event)
{
    must_refuse_to_await();
    coil_event_set(event);
}

TASK_TEST(in_a_callback_nothing_awaits)
{
    coil_event event = COIL_EVENT_INIT;

    ck_assert_ptr_nonnull(coil_call_soon(refuse_in_callback, &event));
    return coil_event_wait(&event);
}

START_TEST(without_a_loop_nothing_awaits_and_queues_can_still_be_filled)
    {
        int item = 1;

        must_refuse_to_await();
        coil_queue *queue = coil_queue_new(sizeof(int), 1);
        ck_assert_ptr_nonnull(queue);
        ck_assert_int_eq(coil_queue_put(queue, &item), -EPERM);
        ck_assert_int_eq(coil_queue_get(queue, &item), -EPERM);
        ck_assert_int_eq(coil_queue_join(queue), -EPERM);
        ck_assert_int_eq(coil_queue_put_nowait(queue, &item), 0);
        ck_assert_int_eq(coil_queue_put_nowait(queue, &item), -EAGAIN);
        ck_assert_int_eq(coil_queue_get_nowait(queue, &item), 0);
        coil_queue_unref(queue);
    }
END_TEST

TASK_TEST(what_is_not_held_cannot_be_released)
{
    coil_lock lock = COIL_LOCK_INIT;
    coil_semaphore semaphore = COIL_BOUNDED_SEMAPHORE_INIT(1);
    coil_queue *queue = coil_queue_new(1, 0);

    ck_assert_int_eq(coil_lock_release(&lock), -EPERM);
    ck_assert_int_eq(coil_semaphore_release(&semaphore), -EINVAL);
    ck_assert_int_eq(coil_queue_task_done(queue), -EINVAL);
    coil_queue_unref(queue);
    return 0;
}

/* A loop that is closed under those who wait leaves them where they are. */
static int wait_for_ever(void *lock)
{
    return coil_lock_acquire(lock);
}

START_TEST(a_loop_may_be_closed_under_those_who_wait)
    {
        coil_lock lock = COIL_LOCK_INIT;
        coil_loop *loop = coil_loop_new(.clock = COIL_CLOCK_VIRTUAL);
        const struct coil_task_options options = {.size = sizeof(options), .arg = &lock};

        coil_loop_set_exception_handler(loop, hear, NULL);
        coil_task *first = coil_loop_create_task(loop, wait_for_ever, &options);
        coil_task *second = coil_loop_create_task(loop, wait_for_ever, &options);
        ck_assert_int_eq(coil_loop_run_until_complete(loop, first), 0);
        ck_assert(coil_lock_locked(&lock));
        coil_unref(first);
        coil_unref(second);
        ck_assert_int_eq(coil_loop_close(loop), 0);
        (void)take_report(COIL_REPORT_DESTROYED_PENDING);
    }
END_TEST

static int get_for_ever(void *queue)
{
    int item;

    return coil_queue_get(queue, &item);
}

START_TEST(a_queue_lives_on_without_those_whose_loop_was_closed)
    {
        int item = 5;
        coil_queue *queue = coil_queue_new(sizeof(int), 0);
        coil_loop *loop = coil_loop_new(.clock = COIL_CLOCK_VIRTUAL);
        const struct coil_task_options getter = {.size = sizeof(getter), .arg = queue};
        const struct coil_task_options main = {.size = sizeof(main)};

        coil_loop_set_exception_handler(loop, hear, NULL);
        coil_unref(coil_loop_create_task(loop, get_for_ever, &getter));
        coil_task *task = coil_loop_create_task(loop, give, &main);
        ck_assert_int_eq(coil_loop_run_until_complete(loop, task), 0);
        coil_unref(task);
        ck_assert_int_eq(coil_loop_close(loop), 0);
        (void)take_report(COIL_REPORT_DESTROYED_PENDING);
        ck_assert_int_eq(coil_queue_put_nowait(queue, &item), 0);
        ck_assert_uint_eq(coil_queue_size(queue), 1);
        coil_queue_unref(queue);
    }
END_TEST

Suite *sync_misuse_suite(void)
{
    Suite *suite = suite_create("sync_misuse");
    TCase *tests = tcase_create("sync_misuse");

    tcase_add_checked_fixture(tests, setup_clients, teardown);
    tcase_add_test(tests, null_is_invalid);
    tcase_add_test(tests, an_item_that_is_null_is_invalid);
    tcase_add_test(tests, in_a_callback_nothing_awaits);
    tcase_add_test(tests, without_a_loop_nothing_awaits_and_queues_can_still_be_filled);
    tcase_add_test(tests, what_is_not_held_cannot_be_released);
    tcase_add_test(tests, a_loop_may_be_closed_under_those_who_wait);
    tcase_add_test(tests, a_queue_lives_on_without_those_whose_loop_was_closed);
    suite_add_tcase(suite, tests);
    return suite;
}
