/*
 * The pool itself: how many threads there are, in which order they take jobs, when they end, what becomes of it all
 * at the end.
 */
#include "gate.h"
#include "suites.h"
#include "sys/fault.h"

static struct gate gate;

static void configure(size_t max_workers, double idle_time)
{
    coil_loop *loop = coil_get_running_loop();

    ck_assert_int_eq(coil_loop_set_default_executor(loop, .max_workers = max_workers, .idle_time = idle_time), 0);
}

TASK_TEST(one_call_after_the_other_needs_one_thread)
{
    ck_assert_uint_eq(threads(), 0);
    for (int i = 0; i < 20; i++) {
        ck_assert_int_eq(coil_to_thread(return_at_once, NULL), 0);
        usleep(i % 2 == 0 ? 0 : 1000);
    }
    ck_assert_uint_le(pool()->threads_made, 20); /* a thread that has told of its end may not be idle yet */
    ck_assert_uint_le(threads(), 2);
    return 0;
}

TASK_TEST(there_are_as_many_threads_as_calls_up_to_the_limit)
{
    coil_task *tasks[5];

    gate_init(&gate);
    configure(3, 0);
    for (int i = 0; i < 5; i++) {
        tasks[i] = spawn(pass_gate_in_thread, &gate);
        let_pass(1);
        ck_assert_int_eq((int)threads(), i < 3 ? i + 1 : 3);
    }
    await_entered(&gate, 3);
    usleep(10000);
    ck_assert_int_eq(gate.entered, 3);
    gate_open(&gate, 5);
    for (int i = 0; i < 5; i++) {
        ck_assert_int_ge(coil_join(tasks[i]), 0);
    }
    ck_assert_uint_eq(pool()->threads_made, 3);
    return 0;
}

static int order[50];
static atomic_int taken;

static int note_turn(void *arg)
{
    order[atomic_fetch_add(&taken, 1)] = *(int *)arg;
    return 0;
}

static int note_turn_in_thread(void *arg)
{
    return coil_to_thread(note_turn, arg);
}

TASK_TEST(functions_begin_in_the_order_of_the_calls)
{
    coil_task *tasks[50];

    configure(1, 0);
    for (int i = 0; i < 50; i++) {
        tasks[i] = coil_create_task(note_turn_in_thread, &i, .arg_size = sizeof i);
    }
    for (int i = 0; i < 50; i++) {
        ck_assert_int_eq(coil_join(tasks[i]), 0);
        ck_assert_int_eq(order[i], i);
    }
    return 0;
}

TASK_TEST(an_idle_thread_ends_and_a_new_one_starts_when_it_is_needed)
{
    configure(4, 0.001);
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_int_eq(coil_to_thread(return_at_once, NULL), 0);
        await_threads(0);
    }
    ck_assert_uint_eq(pool()->threads_made, 3);
    let_pass(3);
    ck_assert(ci_list_empty(&pool()->workers));
    return 0;
}

TASK_TEST(with_a_negative_idle_time_a_thread_ends_at_once)
{
    configure(4, -1);
    ck_assert_int_eq(coil_to_thread(return_at_once, NULL), 0);
    await_threads(0);
    return 0;
}

TASK_TEST(a_smaller_limit_ends_threads_that_are_too_many)
{
    coil_task *tasks[3];

    gate_init(&gate);
    configure(3, INFINITY);
    for (int i = 0; i < 3; i++) {
        tasks[i] = spawn(pass_gate_in_thread, &gate);
    }
    await_entered(&gate, 3);
    configure(1, INFINITY);
    gate_open(&gate, 3);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_ge(coil_join(tasks[i]), 0);
    }
    await_threads(1);
    ck_assert_int_eq(coil_to_thread(return_at_once, NULL), 0);
    return 0;
}

static int read_name(void *arg)
{
    return -pthread_getname_np(pthread_self(), arg, CI_THREAD_NAME_BYTES);
}

TASK_TEST(threads_are_called_by_the_prefix_and_a_number)
{
    char name[CI_THREAD_NAME_BYTES];
    coil_loop *loop = coil_get_running_loop();

    ck_assert_int_eq(coil_to_thread(read_name, name), 0);
    ck_assert_str_eq(name, "coil-pool-0");
    ck_assert_int_eq(coil_loop_set_default_executor(loop, .idle_time = -1), 0);
    ck_assert_int_eq(coil_to_thread(return_at_once, NULL), 0);
    await_threads(0);
    ck_assert_int_eq(coil_loop_set_default_executor(loop, .thread_name_prefix = "a-very-long-prefix"), 0);
    ck_assert_int_eq(coil_to_thread(read_name, name), 0);
    ck_assert_int_eq(strncmp(name, "a-very-long-p-", 13), 0);
    ck_assert_uint_eq(strlen(name), 15);
    return 0;
}

/* ---- threads that cannot be started ---------------------------------------------------------------------------------- */

static int no_threads(const char *call)
{
    return strcmp(call, "pthread_create") == 0 ? -EAGAIN : 0;
}

TASK_TEST(no_thread_at_all_is_the_callers_error)
{
    ci_fault_hook = no_threads;
    ck_assert_int_eq(coil_to_thread(return_at_once, NULL), -EAGAIN);
    ci_fault_hook = NULL;
    ck_assert_int_eq(coil_to_thread(return_at_once, NULL), 0);
    return 0;
}

TASK_TEST(no_further_thread_means_waiting_for_one_of_those_there_are)
{
    gate_init(&gate);
    coil_task *first = spawn(pass_gate_in_thread, &gate);
    await_entered(&gate, 1);
    ci_fault_hook = no_threads;
    coil_task *second = spawn(pass_gate_in_thread, &gate);
    let_pass(3);
    ci_fault_hook = NULL;
    ck_assert_uint_eq(threads(), 1);
    gate_open(&gate, 2);
    ck_assert_int_eq(coil_join(first), 0);
    ck_assert_int_eq(coil_join(second), 1);
    return 0;
}

/* ---- a loop that is closed under its jobs ---------------------------------------------------------------------------- */

static void *open_after_a_while(void *unused)
{
    (void)unused;
    usleep(20000);
    gate_open(&gate, 1);
    return NULL;
}

static void stop_loop(void *unused)
{
    (void)unused;
    coil_loop_stop(coil_get_running_loop());
}

static int occupy_then_stop(void *unused)
{
    (void)unused;
    configure(1, 0);
    coil_unref(spawn(pass_gate_in_thread, &gate));
    coil_unref(spawn(pass_gate_in_thread, &gate));
    await_entered(&gate, 1);
    stop_loop(NULL);
    return 0;
}

START_TEST(closing_waits_for_what_runs_and_drops_what_waits)
    {
        pthread_t opener;
        coil_loop *loop = coil_loop_new();

        gate_init(&gate);
        coil_loop_set_exception_handler(loop, hear, NULL);
        coil_unref(coil_loop_create_task(loop, occupy_then_stop, NULL));
        ck_assert_int_eq(coil_loop_run_forever(loop), 0);
        ck_assert_int_eq(pthread_create(&opener, NULL, open_after_a_while, NULL), 0);
        ck_assert_int_eq(coil_loop_close(loop), 0);
        ck_assert_int_eq(gate.entered, 1);
        ck_assert_int_eq(gate.left, 1);
        ck_assert_int_eq(pthread_join(opener, NULL), 0);
        (void)take_report(COIL_REPORT_DESTROYED_PENDING);
        (void)take_report(COIL_REPORT_DESTROYED_PENDING);
        ck_assert_int_eq(atomic_load(&ci_sys_own_threads), CI_WITH_TSAN);
    }
END_TEST

/* The thread has told the loop of its end, and the loop is closed before it has heard of it. */
static int end_a_thread_unheard(void *unused)
{
    (void)unused;
    configure(1, 0.05); /* time enough for this task to run before it ends; on a busy machine, perhaps not */
    ck_assert_int_eq(coil_to_thread(return_at_once, NULL), 0);
    stop_loop(NULL);
    while (atomic_load(&ci_sys_own_threads) > CI_WITH_TSAN &&
           atomic_load_explicit(&coil_get_running_loop()->remote, memory_order_acquire) == NULL) {
        usleep(100);
    }
    return 0;
}

START_TEST(a_thread_whose_end_nobody_has_noticed_is_joined_by_the_close)
    {
        coil_loop *loop = coil_loop_new();

        coil_unref(coil_loop_create_task(loop, end_a_thread_unheard, NULL));
        ck_assert_int_eq(coil_loop_run_forever(loop), 0);
        ck_assert_int_eq(coil_loop_close(loop), 0);
        ck_assert_int_eq(atomic_load(&ci_sys_own_threads), CI_WITH_TSAN);
    }
END_TEST

/* ---- many ------------------------------------------------------------------------------------------------------------ */

enum { MANY = CI_WITH_TSAN || CI_WITH_ASAN ? 2000 : 20000 };

static atomic_int called;

static int count_call(void *unused)
{
    (void)unused;
    atomic_fetch_add(&called, 1);
    return 0;
}

static int count_in_thread(void *unused)
{
    (void)unused;
    return coil_to_thread(count_call, NULL);
}

TASK_TEST(many_calls_of_which_some_are_cancelled_are_all_accounted_for)
{
    static coil_task *tasks[MANY];
    int ran = 0;

    configure(4, 0);
    for (int i = 0; i < MANY; i++) {
        tasks[i] = spawn(count_in_thread, NULL);
    }
    let_pass(1);
    for (int i = 0; i < MANY; i += 3) {
        coil_cancel(tasks[i]);
    }
    for (int i = 0; i < MANY; i++) {
        int rc = coil_join(tasks[i]);
        ck_assert(rc == 0 || (rc == -ECANCELED && i % 3 == 0));
        ran += rc == 0;
    }
    ck_assert_int_ge(called, ran);
    ck_assert_int_ge(ran, MANY - MANY / 3 - 1);
    ck_assert_uint_eq(coil_get_running_loop()->external, 0);
    ck_assert_uint_le(pool()->threads_made, 4);
    return 0;
}

Suite *pool_suite(void)
{
    Suite *suite = suite_create("pool");
    TCase *tests = tcase_create("pool");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, one_call_after_the_other_needs_one_thread);
    tcase_add_test(tests, there_are_as_many_threads_as_calls_up_to_the_limit);
    tcase_add_test(tests, functions_begin_in_the_order_of_the_calls);
    tcase_add_test(tests, an_idle_thread_ends_and_a_new_one_starts_when_it_is_needed);
    tcase_add_test(tests, with_a_negative_idle_time_a_thread_ends_at_once);
    tcase_add_test(tests, a_smaller_limit_ends_threads_that_are_too_many);
    tcase_add_test(tests, threads_are_called_by_the_prefix_and_a_number);
    tcase_add_test(tests, no_thread_at_all_is_the_callers_error);
    tcase_add_test(tests, no_further_thread_means_waiting_for_one_of_those_there_are);
    tcase_add_test(tests, closing_waits_for_what_runs_and_drops_what_waits);
    tcase_add_test(tests, a_thread_whose_end_nobody_has_noticed_is_joined_by_the_close);
    tcase_add_test(tests, many_calls_of_which_some_are_cancelled_are_all_accounted_for);
    suite_add_tcase(suite, tests);
    return suite;
}
