/*
 * Plain threads against a loop: every kind of call that crosses threads, all at once, and counted. Nothing is lost or
 * doubled.
 */
#include "gate.h"
#include "suites.h"

enum { THREADS = 8, ROUNDS = CI_WITH_TSAN || CI_WITH_ASAN ? 200 : 1000, KINDS = 6 };

static coil_loop *loop;
static coil_queue *to_loop;
static coil_queue *to_threads;

/* What a thread did, and on the loop's side what came of it. */
static struct caller {
    pthread_t thread;
    int index;
    unsigned random;
    int calls_made;
    int coroutines_asked;
    int coroutines_ended;
    int cancelled;
    long put;
    long got;
    int calls_run;        /* the loop's */
    int coroutines_begun; /* the loop's */
} callers[THREADS];

static void run_call(void *arg)
{
    ((struct caller *)arg)->calls_run++;
}

static int run_coroutine(void *arg)
{
    struct caller *caller = arg;

    caller->coroutines_begun++;
    (void)coil_sleep(0); /* however it ends, it was begun */
    return caller->index;
}

static unsigned draw(struct caller *caller, unsigned limit)
{
    caller->random = caller->random * 1103515245 + 12345;
    return caller->random / 65536 % limit;
}

static void call_soon(struct caller *caller)
{
    caller->calls_made += coil_call_soon_threadsafe(loop, run_call, caller) != NULL;
}

static void ask_for_coroutine(struct caller *caller, bool cancels)
{
    coil_concurrent_future *future = coil_run_coroutine_threadsafe(loop, run_coroutine, caller);

    caller->coroutines_asked++;
    if (cancels) {
        caller->cancelled += coil_concurrent_future_cancel(future);
    }
    int rc = coil_concurrent_future_result(future, INFINITY);
    ck_assert(rc == caller->index || (cancels && rc == -ECANCELED));
    caller->coroutines_ended++;
    coil_concurrent_future_unref(future);
}

/*
 * Does not wait: the loop does not look at the future after the call that follows, in which the reference is given
 * back.
 */
static void unref_in_loop(void *arg)
{
    coil_unref(arg);
}

static int sleep_long(void *unused)
{
    (void)unused;
    return coil_sleep(INFINITY);
}

static int hand_out_a_task(void *arg)
{
    *(coil_task **)arg = coil_create_task(sleep_long, NULL);
    return 0;
}

static void cancel_a_task(struct caller *caller)
{
    coil_task *task = NULL;
    coil_concurrent_future *future = coil_run_coroutine_threadsafe(loop, hand_out_a_task, &task);

    ck_assert_int_eq(coil_concurrent_future_result(future, INFINITY), 0);
    coil_concurrent_future_unref(future);
    ck_assert_int_eq(coil_cancel_threadsafe(task), 0);
    ck_assert_ptr_nonnull(coil_call_soon_threadsafe(loop, unref_in_loop, task));
    call_soon(caller);
}

static void put(struct caller *caller, int round)
{
    int item = round + 1;
    int rc = coil_queue_put_threadsafe(loop, to_loop, &item, draw(caller, 4) == 0 ? 0.00001 : (double)INFINITY);

    ck_assert(rc == 0 || rc == -ETIMEDOUT);
    caller->put += rc == 0 ? item : 0;
}

static void get(struct caller *caller)
{
    int item = 0;
    int rc = coil_queue_get_threadsafe(loop, to_threads, &item, draw(caller, 2) == 0 ? 0.00001 : 0.01);

    ck_assert(rc == 0 || (rc == -ETIMEDOUT && item == 0));
    caller->got += item;
}

static void *call_all(void *arg)
{
    struct caller *caller = arg;

    for (int round = 0; round < ROUNDS; round++) {
        switch (draw(caller, KINDS)) {
        case 0:
            ask_for_coroutine(caller, false);
            break;
        case 1:
            ask_for_coroutine(caller, true);
            break;
        case 2:
            cancel_a_task(caller);
            break;
        case 3:
            put(caller, round);
            break;
        case 4:
            get(caller);
            break;
        default:
            call_soon(caller);
        }
    }
    return NULL;
}

/* ---- the loop's side ------------------------------------------------------------------------------------------------- */

/* Then a cancellation comes after a task's first step, as in asyncio. */
static bool in_order = true;

static long taken_by_loop;
static long given_by_loop;

static int take_items(void *unused)
{
    int item;

    (void)unused;
    while (coil_queue_get(to_loop, &item) == 0) {
        taken_by_loop += item;
    }
    return 0;
}

static int give_items(void *unused)
{
    (void)unused;
    for (int item = 1;; item++) {
        int rc = coil_queue_put(to_threads, &item);
        if (rc < 0) {
            return 0;
        }
        given_by_loop += item;
        (void)coil_sleep(item % 8 == 0 ? 0.0001 : 0);
    }
}

static int join_all(void *unused)
{
    (void)unused;
    for (int i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_join(callers[i].thread, NULL), 0);
    }
    return 0;
}

static void start_callers(void)
{
    for (int i = 0; i < THREADS; i++) {
        callers[i] = (struct caller){.index = i, .random = 17 * (unsigned)i + 1};
        ck_assert_int_eq(pthread_create(&callers[i].thread, NULL, call_all, &callers[i]), 0);
    }
}

static void count_everything(void)
{
    long put_by_threads = 0, got_by_threads = 0, left = 0;
    int item;

    while (coil_queue_get_nowait(to_threads, &item) == 0) {
        left += item;
    }
    for (int i = 0; i < THREADS; i++) {
        struct caller *caller = &callers[i];
        ck_assert_int_eq(caller->calls_run, caller->calls_made);
        ck_assert_int_eq(caller->coroutines_ended, caller->coroutines_asked);
        ck_assert_int_ge(caller->coroutines_begun, caller->coroutines_asked - (in_order ? 0 : caller->cancelled));
        ck_assert_int_le(caller->coroutines_begun, caller->coroutines_asked);
        put_by_threads += caller->put;
        got_by_threads += caller->got;
    }
    ck_assert_int_eq(put_by_threads, taken_by_loop);
    ck_assert_int_eq(got_by_threads + left, given_by_loop);
    ck_assert_int_gt(taken_by_loop, 0);
    ck_assert_int_gt(got_by_threads, 0);
}

static int stress(void *unused)
{
    coil_group group;

    (void)unused;
    coil_loop_set_exception_handler(coil_get_running_loop(), hear, NULL);
    loop = coil_get_running_loop();
    to_loop = coil_queue_new(sizeof(int), 2);
    to_threads = coil_queue_new(sizeof(int), 2);
    coil_group_begin(&group);
    ck_assert_int_eq(coil_group_spawn(&group, take_items, NULL), 0);
    ck_assert_int_eq(coil_group_spawn(&group, give_items, NULL), 0);
    start_callers();
    ck_assert_int_eq(coil_to_thread(join_all, NULL), 0);
    coil_queue_shutdown(to_loop, false);
    coil_queue_shutdown(to_threads, false);
    ck_assert_int_eq(coil_group_end(&group, 0), 0);
    let_pass(10);
    ck_assert_uint_eq(coil_all_tasks(NULL, 0), 1);
    count_everything();
    coil_queue_unref(to_loop);
    coil_queue_unref(to_threads);
    return 0;
}

START_TEST(nothing_that_threads_ask_of_a_loop_is_lost_or_doubled)
    {
        ck_assert_int_eq(coil_run(stress, NULL), 0);
    }
END_TEST

START_TEST(nor_in_a_random_order)
    {
        in_order = false;
        ck_assert_int_eq(coil_run(stress, NULL, .seed = 7), 0);
    }
END_TEST

Suite *thread_stress_suite(void)
{
    Suite *suite = suite_create("thread_stress");
    TCase *tests = tcase_create("thread_stress");

    tcase_set_timeout(tests, 240);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, nothing_that_threads_ask_of_a_loop_is_lost_or_doubled);
    tcase_add_test(tests, nor_in_a_random_order);
    suite_add_tcase(suite, tests);
    return suite;
}
