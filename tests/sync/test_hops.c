/* How many iterations lie between cause and effect: the numbers that CPython 3.14 gives for the same programs. */
#include "clients.h"
#include "suites.h"

/* What a case does: prepare makes the object ready to be waited on, wait waits on it, cause ends the wait. */
struct hop_case {
    const char *what;
    int expected;
    void (*prepare)(void);
    int (*wait)(void);
    void (*cause)(void);
};

static coil_lock lock;
static coil_event event;
static coil_semaphore semaphore;
static coil_condition condition;
static coil_barrier barrier;
static coil_queue *queue;
static int item;

static void nothing(void)
{
}

static void take_lock(void)
{
    ck_assert_int_eq(coil_lock_acquire(&lock), 0);
}

static int acquire_lock(void)
{
    return coil_lock_acquire(&lock);
}

static void release_lock(void)
{
    ck_assert_int_eq(coil_lock_release(&lock), 0);
}

static int wait_for_event(void)
{
    return coil_event_wait(&event);
}

static void set_event(void)
{
    coil_event_set(&event);
}

static int acquire_semaphore(void)
{
    return coil_semaphore_acquire(&semaphore);
}

static void release_semaphore(void)
{
    ck_assert_int_eq(coil_semaphore_release(&semaphore), 0);
}

static int wait_for_condition(void)
{
    ck_assert_int_eq(coil_condition_acquire(&condition), 0);
    return coil_condition_wait(&condition);
}

static void notify_and_release(void)
{
    ck_assert_int_eq(coil_condition_acquire(&condition), 0);
    ck_assert_int_eq(coil_condition_notify(&condition, 1), 0);
    ck_assert_int_eq(coil_condition_release(&condition), 0);
}

static int wait_at_barrier(void)
{
    return coil_barrier_wait(&barrier);
}

static void come_to_barrier(void)
{
    ck_assert_int_eq(coil_barrier_wait(&barrier), 1);
    ck_assert_int_eq(hops(), 0);
}

static int get_item(void)
{
    return coil_queue_get(queue, &item);
}

static void put_item(void)
{
    ck_assert_int_eq(coil_queue_put_nowait(queue, &item), 0);
}

static int put_late(void)
{
    return coil_queue_put(queue, &item);
}

static void take_item(void)
{
    ck_assert_int_eq(coil_queue_get_nowait(queue, &item), 0);
}

static int join_queue(void)
{
    return coil_queue_join(queue);
}

static void finish_item(void)
{
    ck_assert_int_eq(coil_queue_task_done(queue), 0);
}

static const struct hop_case cases[] = {
    {"Lock.release -> waiter", 1, take_lock, acquire_lock, release_lock},
    {"Event.set -> waiter", 1, nothing, wait_for_event, set_event},
    {"Semaphore.release -> waiter", 1, nothing, acquire_semaphore, release_semaphore},
    {"Condition.notify+release -> waiter", 1, nothing, wait_for_condition, notify_and_release},
    {"Barrier last arrival -> other", 1, nothing, wait_at_barrier, come_to_barrier},
    {"Queue.put_nowait -> getter", 1, nothing, get_item, put_item},
    {"Queue.get_nowait -> putter", 1, put_item, put_late, take_item},
    {"Queue.task_done -> join", 1, put_item, join_queue, finish_item},
};

enum { CASES = sizeof(cases) / sizeof(cases[0]) };

static int counted;

static int wait_and_count(void *arg)
{
    const struct hop_case *hop = arg;
    int rc = hop->wait();

    counted = hops();
    return rc;
}

static void make_objects(void)
{
    coil_lock_init(&lock);
    coil_event_init(&event);
    ck_assert_int_eq(coil_semaphore_init(&semaphore, 0), 0);
    coil_condition_init(&condition, NULL);
    ck_assert_int_eq(coil_barrier_init(&barrier, 2), 0);
    queue = coil_queue_new(sizeof(int), 1);
    ck_assert_ptr_nonnull(queue);
}

static int count_hops(void *arg)
{
    const struct hop_case *hop = &cases[*(int *)arg];

    make_objects();
    hop->prepare();
    coil_task *task = spawn(wait_and_count, (void *)(uintptr_t)hop);
    let_pass(3);
    trigger(NULL);
    hop->cause();
    ck_assert_int_ge(coil_join(task), 0);
    ck_assert_msg(counted == hop->expected, "%s: %d and not %d", hop->what, counted, hop->expected);
    coil_queue_unref(queue);
    return 0;
}

static int case_number;

static int count_hops_of_case(void *unused)
{
    (void)unused;
    return count_hops(&case_number);
}

START_TEST(from_cause_to_effect)
    {
        case_number = _i;
        ck_assert_int_eq(run(count_hops_of_case), 0);
    }
END_TEST

/* From a cancellation to its delivery it is one iteration, whatever is waited on. */
static int cancel_and_count(void *unused)
{
    const struct hop_case *hop = &cases[case_number];

    (void)unused;
    make_objects();
    hop->prepare();
    coil_task *task = spawn(wait_and_count, (void *)(uintptr_t)hop);
    let_pass(3);
    trigger(NULL);
    ck_assert_int_eq(coil_cancel(task), 1);
    ck_assert_int_eq(coil_join(task), -ECANCELED);
    ck_assert_msg(counted == 1, "%s: %d and not 1", hop->what, counted);
    coil_queue_unref(queue);
    return 0;
}

START_TEST(from_a_cancellation_to_its_delivery)
    {
        case_number = _i;
        ck_assert_int_eq(run(cancel_and_count), 0);
    }
END_TEST

Suite *hops_suite(void)
{
    Suite *suite = suite_create("sync_hops");
    TCase *tests = tcase_create("sync_hops");

    tcase_add_checked_fixture(tests, setup_clients, teardown);
    tcase_add_loop_test(tests, from_cause_to_effect, 0, CASES);
    tcase_add_loop_test(tests, from_a_cancellation_to_its_delivery, 0, CASES);
    suite_add_tcase(suite, tests);
    return suite;
}
