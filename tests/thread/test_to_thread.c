/* Functions in threads: what they are given, where they run, and how what they return comes back. */
#include <signal.h>

#include "gate.h"
#include "suites.h"

TASK_TEST(what_the_function_returns_comes_back)
{
    int number = 42;

    ck_assert_int_eq(coil_to_thread(give, &number), 42);
    ck_assert_int_eq(coil_to_thread(give, NULL), 0);
    number = -EIO;
    ck_assert_int_eq(coil_to_thread(give, &number), -EIO);
    return 0;
}

static int look_around(void *arg)
{
    *(pthread_t *)arg = pthread_self();
    ck_assert_ptr_null(coil_get_running_loop());
    ck_assert_ptr_null(coil_current_task());
    ck_assert_int_eq(coil_sleep(0), -EPERM);
    ck_assert_int_eq(coil_to_thread(give, NULL), -EPERM);
    ck_assert_ptr_null(coil_create_task(give, NULL));
    ck_assert_ptr_null(coil_future_new());
    ck_assert_int_eq(coil_creation_error(), -EPERM);
    return coil_fail(-EDOM, "nobody hears this");
}

TASK_TEST(the_function_runs_in_another_thread_and_outside_of_any_loop)
{
    pthread_t thread = pthread_self();

    ck_assert_int_eq(coil_to_thread(look_around, &thread), -EDOM);
    ck_assert(!pthread_equal(thread, pthread_self()));
    return 0;
}

static int fail_with_a_note(void *unused)
{
    (void)unused;
    return coil_fail(-EDOM, "an earlier failure");
}

static int fail_later_in_a_thread(void *arg)
{
    int number = -EDOM;

    ck_assert_int_eq(coil_join(coil_create_task(fail_with_a_note, NULL)), -EDOM);
    int rc = coil_to_thread(give, &number);
    (void)arg;
    return coil_fail(rc, "a later one");
}

TASK_TEST(an_error_from_a_thread_does_not_carry_notes_of_an_earlier_one)
{
    coil_task *task = spawn(fail_later_in_a_thread, NULL);

    ck_assert_int_eq(coil_await(task), -EDOM);
    ck_assert_str_eq(coil_error_message(task), "a later one: Numerical argument out of domain");
    coil_unref(task);
    return 0;
}

static int sleep_in_a_loop_of_its_own(void *arg)
{
    return coil_sleep(1) < 0 ? -EIO : give(arg);
}

static int run_a_loop(void *arg)
{
    return coil_run(sleep_in_a_loop_of_its_own, arg, .clock = COIL_CLOCK_VIRTUAL);
}

TASK_TEST(a_function_may_run_a_loop_of_its_own)
{
    int number = 5;

    ck_assert_int_eq(coil_to_thread(run_a_loop, &number), 5);
    return 0;
}

static int look_at_signals(void *arg)
{
    return pthread_sigmask(SIG_SETMASK, NULL, arg);
}

TASK_TEST(the_programs_signals_do_not_go_to_the_threads)
{
    sigset_t mask;

    ck_assert_int_eq(coil_to_thread(look_at_signals, &mask), 0);
    ck_assert(sigismember(&mask, SIGINT));
    ck_assert(sigismember(&mask, SIGCHLD));
    return 0;
}

START_TEST(there_must_be_a_task_and_a_function)
    {
        ck_assert_int_eq(coil_to_thread(give, NULL), -EPERM);
        ck_assert_int_eq(coil_to_thread(NULL, NULL), -EINVAL);
    }
END_TEST

static struct gate gate;

static int wait_for_thread(void *unused)
{
    (void)unused;
    int rc = coil_to_thread(pass_gate, &gate);
    say("awake ");
    return rc;
}

/* asyncio: the completion arrives as a callback of this iteration, and the task goes on in the next. */
static void note_and_open(void *unused)
{
    (void)unused;
    gate_open(&gate, 1);
    while (atomic_load_explicit(&coil_get_running_loop()->remote, memory_order_acquire) == NULL) {
        usleep(100);
    }
    trigger(NULL);
}

TASK_TEST(the_task_goes_on_one_iteration_after_the_end_arrived)
{
    gate_init(&gate);
    coil_task *task = spawn(wait_for_thread, NULL);
    await_entered(&gate, 1);
    coil_call_soon(note_and_open, NULL);
    ck_assert_int_eq(coil_await(task), 0);
    ck_assert_int_eq(hops(), 3); /* it arrived in the 1st, its task ended in the 2nd */
    coil_unref(task);
    assert_said("awake ");
    return 0;
}

/* ---- the clock and deadlocks ----------------------------------------------------------------------------------------- */

static int take_some_time(void *unused)
{
    (void)unused;
    usleep(20000);
    return 7;
}

static int sleep_for_an_hour(void *unused)
{
    (void)unused;
    say("sleeps ");
    int rc = coil_sleep(3600);
    say("slept ");
    return rc;
}

TASK_TEST(virtual_time_does_not_pass_while_a_function_runs)
{
    coil_task *task = spawn(sleep_for_an_hour, NULL);
    double before = coil_time();

    ck_assert_int_eq(coil_to_thread(take_some_time, NULL), 7);
    ck_assert_double_eq(coil_time(), before);
    ck_assert_int_eq(coil_join(task), 0);
    ck_assert_double_eq(coil_time(), before + 3600);
    assert_said("sleeps slept ");
    return 0;
}

static int use_a_thread_then_hang(void *unused)
{
    (void)unused;
    ck_assert_int_eq(coil_to_thread(take_some_time, NULL), 7);
    return coil_sleep(INFINITY);
}

START_TEST(the_executors_threads_do_not_hide_a_deadlock)
    {
        if (CI_WITH_TSAN) {
            return; /* it starts a thread of its own beside ours, of which coil cannot know that it wakes nobody */
        }
        ck_assert_int_eq(run(use_a_thread_then_hang), -EDEADLK);
        (void)take_report(COIL_REPORT_DEADLOCK);
    }
END_TEST

static int use_a_thread_that_ends_then_hang(void *unused)
{
    (void)unused;
    coil_loop_set_default_executor(coil_get_running_loop(), .idle_time = 0.01);
    ck_assert_int_eq(coil_to_thread(take_some_time, NULL), 7);
    return coil_sleep(INFINITY);
}

START_TEST(nor_do_those_that_have_ended)
    {
        if (CI_WITH_TSAN) {
            return; /* it starts a thread of its own beside ours, of which coil cannot know that it wakes nobody */
        }
        ck_assert_int_eq(run(use_a_thread_that_ends_then_hang), -EDEADLK);
        (void)take_report(COIL_REPORT_DEADLOCK);
        ck_assert_int_eq(atomic_load(&ci_sys_own_threads), CI_WITH_TSAN);
    }
END_TEST

static int describe_wait(void *unused)
{
    char words[100];
    struct ci_task *task = ci_task_of(spawn(pass_gate_in_thread, &gate));

    (void)unused;
    await_entered(&gate, 1);
    task->wait->describe(task->wait, words, sizeof words);
    ck_assert_str_eq(words, "waits for pass_gate in a thread");
    gate_open(&gate, 1);
    return coil_join(&task->future);
}

START_TEST(reports_say_what_the_task_waits_for)
    {
        gate_init(&gate);
        ck_assert_int_eq(run(describe_wait), 0);
    }
END_TEST

/* ---- several loops --------------------------------------------------------------------------------------------------- */

enum { LOOPS = 4, ROUNDS = 200 };

static int count(void *arg)
{
    return ++*(int *)arg;
}

static int count_in_threads(void *arg)
{
    for (int i = 0; i < ROUNDS; i++) {
        ck_assert_int_eq(coil_to_thread(count, arg), i + 1);
    }
    return 0;
}

static void *run_counting(void *unused)
{
    int number = 0;

    (void)unused;
    ck_assert_int_eq(coil_run(count_in_threads, &number), 0);
    ck_assert_int_eq(number, ROUNDS);
    return NULL;
}

START_TEST(loops_in_several_threads_each_have_their_own)
    {
        pthread_t threads_[LOOPS];

        for (int i = 0; i < LOOPS; i++) {
            ck_assert_int_eq(pthread_create(&threads_[i], NULL, run_counting, NULL), 0);
        }
        for (int i = 0; i < LOOPS; i++) {
            ck_assert_int_eq(pthread_join(threads_[i], NULL), 0);
        }
    }
END_TEST

Suite *to_thread_suite(void)
{
    Suite *suite = suite_create("to_thread");
    TCase *tests = tcase_create("to_thread");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, what_the_function_returns_comes_back);
    tcase_add_test(tests, the_function_runs_in_another_thread_and_outside_of_any_loop);
    tcase_add_test(tests, an_error_from_a_thread_does_not_carry_notes_of_an_earlier_one);
    tcase_add_test(tests, a_function_may_run_a_loop_of_its_own);
    tcase_add_test(tests, the_programs_signals_do_not_go_to_the_threads);
    tcase_add_test(tests, there_must_be_a_task_and_a_function);
    tcase_add_test(tests, the_task_goes_on_one_iteration_after_the_end_arrived);
    tcase_add_test(tests, virtual_time_does_not_pass_while_a_function_runs);
    tcase_add_test(tests, the_executors_threads_do_not_hide_a_deadlock);
    tcase_add_test(tests, nor_do_those_that_have_ended);
    tcase_add_test(tests, reports_say_what_the_task_waits_for);
    tcase_add_test(tests, loops_in_several_threads_each_have_their_own);
    suite_add_tcase(suite, tests);
    return suite;
}
