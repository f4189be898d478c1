/* Signals: callbacks and waits, what is in force before and after, several loops, storms. */
#include <pthread.h>

#include "harness.h"
#include "suites.h"

static int counts[NSIG];

static void count(void *number)
{
    counts[*(int *)number]++;
}

static int usr1 = SIGUSR1;
static int usr2 = SIGUSR2;
static int alarm_signal = SIGALRM;
static int interrupt_signal = SIGINT;

/* ---- callbacks ------------------------------------------------------------------------------------------------------- */

PROCESS_TEST(a_callback_hears_its_signal)
{
    ck_assert_int_eq(coil_add_signal_handler(SIGUSR1, count, &usr1), 0);
    ck_assert_int_eq(coil_add_signal_handler(SIGUSR2, count, &usr2), 0);
    for (int i = 1; i <= 5; i++) {
        raise(SIGUSR1);
        ck_assert_int_eq(counts[SIGUSR1], i - 1); /* not in the handler */
        settle();
        ck_assert_int_eq(counts[SIGUSR1], i);
    }
    ck_assert_int_eq(counts[SIGUSR2], 0);
    return 0;
}

static uint64_t called_at;

static void note_iteration(void *unused)
{
    (void)unused;
    called_at = coil_get_running_loop()->iteration;
}

PROCESS_TEST(it_runs_one_iteration_after_the_loop_has_seen_the_signal)
{
    ck_assert_int_eq(coil_add_signal_handler(SIGUSR1, note_iteration, NULL), 0);
    uint64_t now = coil_get_running_loop()->iteration;
    raise(SIGUSR1);
    settle();
    ck_assert_uint_eq(called_at, now + 2); /* seen as the next one begins */
    return 0;
}

PROCESS_TEST(a_signal_ends_a_sleep_of_the_loop_but_no_wait)
{
    ck_assert_int_eq(coil_add_signal_handler(SIGALRM, count, &alarm_signal), 0);
    double start = coil_time();
    ck_assert_uint_eq(alarm(1), 0);
    ck_assert_int_eq(coil_sleep(1.2), 0);
    ck_assert_double_ge(coil_time() - start, 1.2);
    ck_assert_int_eq(counts[SIGALRM], 1);
    return 0;
}

PROCESS_TEST(a_second_callback_takes_the_place_of_the_first)
{
    ck_assert_int_eq(coil_add_signal_handler(SIGUSR1, count, &usr1), 0);
    ck_assert_int_eq(coil_add_signal_handler(SIGUSR1, count, &usr2), 0);
    raise(SIGUSR1);
    settle();
    ck_assert_int_eq(counts[SIGUSR1], 0);
    ck_assert_int_eq(counts[SIGUSR2], 1);
    ck_assert_int_eq(coil_remove_signal_handler(SIGUSR1), 1);
    ck_assert_int_eq(coil_remove_signal_handler(SIGUSR1), 0);
    return 0;
}

PROCESS_TEST(a_callback_is_called_for_every_delivery)
{
    int realtime = SIGRTMIN + 1;

    ck_assert_int_eq(coil_add_signal_handler(realtime, count, &realtime), 0);
    for (int i = 0; i < 100; i++) {
        raise(realtime); /* these are not merged by the kernel */
    }
    settle();
    ck_assert_int_eq(counts[realtime], 100);
    return 0;
}

static void remove_itself(void *number)
{
    count(number);
    ck_assert_int_eq(coil_remove_signal_handler(*(int *)number), 1);
}

PROCESS_TEST(a_callback_may_remove_itself)
{
    ck_assert_int_eq(coil_add_signal_handler(SIGUSR1, remove_itself, &usr1), 0);
    raise(SIGUSR1);
    raise(SIGUSR1);
    settle();
    ck_assert_int_eq(counts[SIGUSR1], 1); /* the second went with the handler, as a handle that was cancelled does */
    ck_assert(disposition(SIGUSR1) == SIG_DFL);
    return 0;
}

PROCESS_TEST(a_callback_that_is_removed_in_time_is_not_called)
{
    for (int iterations = 0; iterations < 4; iterations++) {
        counts[SIGUSR1] = 0;
        ck_assert_int_eq(coil_add_signal_handler(SIGUSR1, count, &usr1), 0);
        raise(SIGUSR1);
        for (int i = 0; i < iterations; i++) {
            ck_assert_int_eq(coil_sleep(0), 0);
        }
        ck_assert_int_eq(coil_remove_signal_handler(SIGUSR1), 1);
        settle();
        ck_assert_int_eq(counts[SIGUSR1], iterations < 3 ? 0 : 1);
    }
    return 0;
}

/* ---- what is in force ------------------------------------------------------------------------------------------------ */

static volatile sig_atomic_t handled;

static void own_handler(int signo)
{
    (void)signo;
    handled++;
}

PROCESS_TEST(what_was_in_force_is_again_after_the_removal)
{
    sighandler_t before[] = {SIG_DFL, SIG_IGN, own_handler};

    for (int i = 0; i < 3; i++) {
        ck_assert_ptr_ne((void *)signal(SIGUSR1, before[i]), (void *)SIG_ERR);
        ck_assert_int_eq(coil_add_signal_handler(SIGUSR1, count, &usr1), 0);
        ck_assert(disposition(SIGUSR1) != before[i]);
        raise(SIGUSR1);
        settle();
        ck_assert_int_eq(counts[SIGUSR1], i + 1);
        ck_assert_int_eq(coil_remove_signal_handler(SIGUSR1), 1);
        ck_assert(disposition(SIGUSR1) == before[i]);
    }
    ck_assert_int_eq(handled, 0);
    return 0;
}

static int leave_signals(void *unused)
{
    (void)unused;
    ck_assert_int_eq(coil_add_signal_handler(SIGUSR1, count, &usr1), 0);
    ck_assert_int_eq(coil_add_signal_handler(SIGUSR2, count, &usr2), 0);
    raise(SIGUSR2); /* on its way when the loop closes */
    return 0;
}

START_TEST(it_is_also_after_the_end_of_the_loop)
    {
        for (int i = 0; i < 10; i++) {
            ck_assert_int_eq(coil_run(leave_signals, NULL), 0);
            ck_assert(disposition(SIGUSR1) == SIG_DFL);
            ck_assert(disposition(SIGUSR2) == SIG_DFL);
        }
        coil_loop *loop = coil_loop_new();
        coil_task *task = coil_loop_create_task(loop, leave_signals, NULL);
        ck_assert_int_eq(coil_loop_run_until_complete(loop, task), 0);
        raise(SIGUSR1);
        coil_unref(task);
        ck_assert_int_eq(coil_loop_close(loop), 0);
        ck_assert(disposition(SIGUSR1) == SIG_DFL);
    }
END_TEST

PROCESS_TEST(a_handler_that_the_program_sets_meanwhile_stays)
{
    ck_assert_int_eq(coil_add_signal_handler(SIGUSR1, count, &usr1), 0);
    ck_assert_ptr_ne((void *)signal(SIGUSR1, own_handler), (void *)SIG_ERR);
    ck_assert_int_eq(coil_remove_signal_handler(SIGUSR1), 1);
    ck_assert(disposition(SIGUSR1) == own_handler);
    return 0;
}

static int use_signals(void *unused)
{
    (void)unused;
    ck_assert_int_eq(coil_add_signal_handler(SIGUSR1, count, &usr1), 0);
    return 0;
}

START_TEST(sigchld_is_left_alone)
    {
        ck_assert_int_eq(coil_run(use_signals, NULL), 0);
        ck_assert(disposition(SIGCHLD) == SIG_DFL);
    }
END_TEST

PROCESS_TEST(system_calls_go_on_after_a_signal)
{
    struct sigaction action;

    ck_assert_int_eq(coil_add_signal_handler(SIGUSR1, count, &usr1), 0);
    ck_assert_int_eq(sigaction(SIGUSR1, NULL, &action), 0);
    ck_assert(action.sa_flags & SA_RESTART);
    ck_assert(action.sa_flags & SA_ONSTACK);
    return 0;
}

PROCESS_TEST(what_cannot_be_handled_is_refused)
{
    int refused[] = {SIGKILL, SIGSTOP, SIGSEGV, SIGBUS, SIGFPE, SIGILL, 0, -1, NSIG, 1000000};

    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        ck_assert_int_eq(coil_add_signal_handler(refused[i], count, &usr1), -EINVAL);
        ck_assert_int_eq(coil_signal_wait(refused[i]), -EINVAL);
        ck_assert_int_eq(coil_remove_signal_handler(refused[i]), 0);
    }
    ck_assert_int_eq(coil_add_signal_handler(SIGUSR1, NULL, NULL), -EINVAL);
    ck_assert_int_eq(coil_remove_signal_handler(SIGUSR1), 0);
    return 0;
}

static void wait_in_callback(void *unused)
{
    (void)unused;
    ck_assert_int_eq(coil_signal_wait(SIGUSR1), -EPERM);
}

PROCESS_TEST(only_a_task_may_wait)
{
    ck_assert_ptr_nonnull(coil_call_soon(wait_in_callback, NULL));
    settle();
    return 0;
}

START_TEST(outside_of_a_loop_there_are_no_handlers)
    {
        ck_assert_int_eq(coil_add_signal_handler(SIGUSR1, count, &usr1), -EPERM);
        ck_assert_int_eq(coil_remove_signal_handler(SIGUSR1), -EPERM);
        ck_assert_int_eq(coil_signal_wait(SIGUSR1), -EPERM);
    }
END_TEST

/* ---- waiting --------------------------------------------------------------------------------------------------------- */

static int wait_for_it(void *number)
{
    return coil_signal_wait(*(int *)number);
}

PROCESS_TEST(every_task_that_waits_is_woken)
{
    coil_task *tasks[3];

    for (int i = 0; i < 3; i++) {
        tasks[i] = spawn(wait_for_it, &usr1);
    }
    settle();
    raise(SIGUSR1);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(coil_join(tasks[i]), SIGUSR1);
    }
    return 0;
}

PROCESS_TEST(a_signal_between_two_waits_is_kept_once)
{
    coil_task *task = spawn(wait_for_it, &usr1);

    settle();
    raise(SIGUSR1);
    ck_assert_int_eq(coil_join(task), SIGUSR1);
    raise(SIGUSR1);
    settle();
    raise(SIGUSR1);
    settle();
    ck_assert_int_eq(coil_signal_wait(SIGUSR1), SIGUSR1);
    ck_assert_int_eq(coil_wait_for_coroutine(wait_for_it, &usr1, 0.01), -ETIMEDOUT);
    ck_assert_int_eq(coil_remove_signal_handler(SIGUSR1), 1);
    ck_assert(disposition(SIGUSR1) == SIG_DFL);
    return 0;
}

PROCESS_TEST(callbacks_and_waits_share_a_signal)
{
    ck_assert_int_eq(coil_add_signal_handler(SIGUSR1, count, &usr1), 0);
    coil_task *task = spawn(wait_for_it, &usr1);
    settle();
    raise(SIGUSR1);
    ck_assert_int_eq(coil_join(task), SIGUSR1);
    ck_assert_int_eq(counts[SIGUSR1], 1);
    raise(SIGUSR1); /* the callback takes notice: it is not kept for those who wait later */
    settle();
    ck_assert_int_eq(coil_wait_for_coroutine(wait_for_it, &usr1, 0.01), -ETIMEDOUT);
    return 0;
}

PROCESS_TEST(a_wait_outlasts_the_removal)
{
    coil_task *task = spawn(wait_for_it, &usr1);

    settle();
    ck_assert_int_eq(coil_remove_signal_handler(SIGUSR1), 1);
    ck_assert(disposition(SIGUSR1) != SIG_DFL);
    raise(SIGUSR1);
    ck_assert_int_eq(coil_join(task), SIGUSR1);
    ck_assert(disposition(SIGUSR1) == SIG_DFL);
    return 0;
}

PROCESS_TEST(a_wait_can_be_cancelled)
{
    coil_task *task = spawn(wait_for_it, &usr1);

    settle();
    coil_cancel(task);
    ck_assert_int_eq(coil_join(task), -ECANCELED);
    raise(SIGUSR1);
    settle();
    ck_assert_int_eq(coil_signal_wait(SIGUSR1), SIGUSR1);
    return 0;
}

static int after;

static int wait_then_sleep(void *number)
{
    int rc = coil_signal_wait(*(int *)number);

    after = coil_sleep(0);
    return rc;
}

PROCESS_TEST(a_signal_that_was_faster_than_the_cancellation_is_not_lost)
{
    coil_task *task = spawn(wait_then_sleep, &usr1);

    settle();
    raise(SIGUSR1);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(coil_sleep(0), 0); /* until the task has been woken and has not run */
    }
    coil_cancel(task);
    ck_assert_int_eq(coil_join(task), SIGUSR1);
    ck_assert_int_eq(after, -ECANCELED);
    return 0;
}

/* ---- deadlocks, the virtual clock ------------------------------------------------------------------------------------ */

static int raise_from_outside(void *unused)
{
    (void)unused;
    ck_assert_uint_eq(alarm(1), 0);
    return coil_signal_wait(SIGALRM) == SIGALRM ? 7 : -EIO;
}

START_TEST(a_task_that_waits_for_a_signal_is_not_stuck)
    {
        ck_assert_int_eq(coil_run(raise_from_outside, NULL), 7);
        ck_assert_int_eq(coil_run(raise_from_outside, NULL, .clock = COIL_CLOCK_VIRTUAL), 7);
    }
END_TEST

static void quiet(coil_loop *loop, const struct coil_report *report, void *unused)
{
    (void)loop;
    (void)unused;
    ck_assert_int_eq(report->kind, COIL_REPORT_DEADLOCK);
}

static int hang_with_a_spent_handler(void *unused)
{
    (void)unused;
    coil_loop_set_exception_handler(coil_get_running_loop(), quiet, NULL);
    raise(SIGUSR1);
    ck_assert_int_eq(coil_add_signal_handler(SIGUSR2, count, &usr2), 0);
    ck_assert_int_eq(coil_remove_signal_handler(SIGUSR2), 1);
    ck_assert_int_eq(coil_wait_for_coroutine(wait_for_it, &usr1, 0.01), -ETIMEDOUT); /* taken, but nobody waits */
    return coil_sleep(INFINITY);
}

START_TEST(a_signal_that_nobody_waits_for_hides_no_deadlock)
    {
        ck_assert_ptr_ne((void *)signal(SIGUSR1, SIG_IGN), (void *)SIG_ERR);
        ck_assert_int_eq(coil_run(hang_with_a_spent_handler, NULL), -EDEADLK);
    }
END_TEST

/* ---- SIGINT ---------------------------------------------------------------------------------------------------------- */

static int handle_sigint_itself(void *unused)
{
    (void)unused;
    ck_assert_int_eq(coil_add_signal_handler(SIGINT, count, &interrupt_signal), 0);
    for (int i = 1; i <= 3; i++) {
        raise(SIGINT); /* the second would kill */
        settle();
        ck_assert_int_eq(counts[SIGINT], i);
    }
    ck_assert_int_eq(coil_remove_signal_handler(SIGINT), 1);
    raise(SIGINT);
    return coil_sleep(10);
}

START_TEST(a_callback_for_sigint_takes_the_place_of_the_runs)
    {
        sighandler_t before = disposition(SIGINT);

        ck_assert_int_eq(coil_run(handle_sigint_itself, NULL, .handle_sigint = true), -EINTR);
        ck_assert(disposition(SIGINT) == before);
    }
END_TEST

/* ---- several loops, storms ------------------------------------------------------------------------------------------- */

enum { LOOPS = 4 };

static atomic_int waiting;
static atomic_int heard;

static int hear_once(void *unused)
{
    (void)unused;
    coil_task *task = spawn(wait_for_it, &usr1);
    settle();
    atomic_fetch_add(&waiting, 1);
    int rc = coil_join(task);
    atomic_fetch_add(&heard, rc == SIGUSR1);
    return 0;
}

static void *run_hearer(void *unused)
{
    ck_assert_int_eq(coil_run(hear_once, unused), 0);
    return NULL;
}

START_TEST(every_loop_that_asked_is_told)
    {
        pthread_t threads[LOOPS];

        for (int i = 0; i < LOOPS; i++) {
            ck_assert_int_eq(pthread_create(&threads[i], NULL, run_hearer, NULL), 0);
        }
        while (atomic_load(&waiting) < LOOPS) {
            usleep(1000);
        }
        ck_assert_int_eq(kill(getpid(), SIGUSR1), 0);
        for (int i = 0; i < LOOPS; i++) {
            ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        }
        ck_assert_int_eq(heard, LOOPS);
        ck_assert(disposition(SIGUSR1) == SIG_DFL);
    }
END_TEST

static atomic_bool over;
static atomic_int sent;

static void *send_storm(void *unused)
{
    while (!atomic_load(&over)) {
        (void)kill(getpid(), SIGUSR1);
        (void)kill(getpid(), SIGUSR2);
        atomic_fetch_add(&sent, 2);
    }
    return unused;
}

static void count_atomically(void *counter)
{
    atomic_fetch_add((atomic_int *)counter, 1);
}

/* Takes and gives back signals all the time, and waits for them. */
static int take_and_give(void *counter)
{
    for (int i = 0; i < (CI_WITH_TSAN || RUNNING_ON_VALGRIND ? 100 : 1000); i++) {
        ck_assert_int_eq(coil_add_signal_handler(SIGUSR1, count_atomically, counter), 0);
        ck_assert_int_eq(coil_add_signal_handler(SIGUSR2, count_atomically, counter), 0);
        ck_assert_int_eq(coil_sleep(i % 10 == 0 ? 0.0002 : 0), 0);
        ck_assert_int_eq(coil_remove_signal_handler(i % 2 ? SIGUSR1 : SIGUSR2), 1);
        if (i % 20 == 0) {
            ck_assert_int_eq(coil_signal_wait(i % 2 ? SIGUSR2 : SIGUSR1), i % 2 ? SIGUSR2 : SIGUSR1);
        }
    }
    return 0;
}

static void *run_taker(void *counter)
{
    ck_assert_int_eq(coil_run(take_and_give, counter), 0);
    return NULL;
}

START_TEST(handlers_come_and_go_in_a_storm)
    {
        pthread_t sender;
        pthread_t threads[LOOPS];
        atomic_int counters[LOOPS] = {0};

        ck_assert_ptr_ne((void *)signal(SIGUSR1, SIG_IGN), (void *)SIG_ERR);
        ck_assert_ptr_ne((void *)signal(SIGUSR2, SIG_IGN), (void *)SIG_ERR);
        ck_assert_int_eq(pthread_create(&sender, NULL, send_storm, NULL), 0);
        for (int i = 0; i < LOOPS; i++) {
            ck_assert_int_eq(pthread_create(&threads[i], NULL, run_taker, &counters[i]), 0);
        }
        for (int i = 0; i < LOOPS; i++) {
            ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
            ck_assert_int_gt(counters[i], 0);
        }
        atomic_store(&over, true);
        ck_assert_int_eq(pthread_join(sender, NULL), 0);
        ck_assert(disposition(SIGUSR1) == SIG_IGN);
        ck_assert(disposition(SIGUSR2) == SIG_IGN);
    }
END_TEST

static int listen_until_quiet(void *counter)
{
    ck_assert_int_eq(coil_add_signal_handler(SIGRTMIN, count_atomically, counter), 0);
    atomic_fetch_add(&waiting, 1);
    while (!atomic_load(&over)) {
        ck_assert_int_eq(coil_sleep(0.001), 0);
    }
    return 0;
}

static void *run_listener(void *counter)
{
    ck_assert_int_eq(coil_run(listen_until_quiet, counter), 0);
    return NULL;
}

static bool have_all(atomic_int *counters, int number)
{
    bool all = true;

    for (int i = 0; i < LOOPS; i++) {
        all = all && atomic_load(&counters[i]) >= number;
    }
    return all;
}

START_TEST(no_delivery_is_lost_or_doubled)
    {
        pthread_t threads[LOOPS];
        atomic_int counters[LOOPS] = {0};
        int signals = 2000;

        for (int i = 0; i < LOOPS; i++) {
            ck_assert_int_eq(pthread_create(&threads[i], NULL, run_listener, &counters[i]), 0);
        }
        while (atomic_load(&waiting) < LOOPS) {
            usleep(1000);
        }
        for (int i = 0; i < signals; i++) {
            while (kill(getpid(), SIGRTMIN) < 0) {
                usleep(100); /* the queue of the kernel is full */
            }
        }
        for (int i = 0; i < 10000 && !have_all(counters, signals); i++) {
            usleep(1000);
        }
        atomic_store(&over, true);
        for (int i = 0; i < LOOPS; i++) {
            ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
            ck_assert_int_eq(counters[i], signals);
        }
    }
END_TEST

/* Tests may share a process. */
static void begin_afresh(void)
{
    setup();
    memset(counts, 0, sizeof counts);
    handled = 0;
    atomic_store(&waiting, 0);
    atomic_store(&heard, 0);
    atomic_store(&over, false);
    (void)signal(SIGUSR1, SIG_DFL);
    (void)signal(SIGUSR2, SIG_DFL);
}

Suite *signal_suite(void)
{
    Suite *suite = suite_create("signal");
    TCase *callbacks = tcase_create("signal_callbacks");
    TCase *in_force = tcase_create("signal_dispositions");
    TCase *waits = tcase_create("signal_waits");
    TCase *loops = tcase_create("signal_loops");

    tcase_add_checked_fixture(callbacks, begin_afresh, teardown);
    tcase_add_test(callbacks, a_callback_hears_its_signal);
    tcase_add_test(callbacks, it_runs_one_iteration_after_the_loop_has_seen_the_signal);
    tcase_add_test(callbacks, a_signal_ends_a_sleep_of_the_loop_but_no_wait);
    tcase_add_test(callbacks, a_second_callback_takes_the_place_of_the_first);
    tcase_add_test(callbacks, a_callback_is_called_for_every_delivery);
    tcase_add_test(callbacks, a_callback_may_remove_itself);
    tcase_add_test(callbacks, a_callback_that_is_removed_in_time_is_not_called);
    suite_add_tcase(suite, callbacks);

    tcase_add_checked_fixture(in_force, begin_afresh, teardown);
    tcase_add_test(in_force, what_was_in_force_is_again_after_the_removal);
    tcase_add_test(in_force, it_is_also_after_the_end_of_the_loop);
    tcase_add_test(in_force, a_handler_that_the_program_sets_meanwhile_stays);
    tcase_add_test(in_force, sigchld_is_left_alone);
    tcase_add_test(in_force, system_calls_go_on_after_a_signal);
    tcase_add_test(in_force, what_cannot_be_handled_is_refused);
    tcase_add_test(in_force, only_a_task_may_wait);
    tcase_add_test(in_force, outside_of_a_loop_there_are_no_handlers);
    suite_add_tcase(suite, in_force);

    tcase_add_checked_fixture(waits, begin_afresh, teardown);
    tcase_add_test(waits, every_task_that_waits_is_woken);
    tcase_add_test(waits, a_signal_between_two_waits_is_kept_once);
    tcase_add_test(waits, callbacks_and_waits_share_a_signal);
    tcase_add_test(waits, a_wait_outlasts_the_removal);
    tcase_add_test(waits, a_wait_can_be_cancelled);
    tcase_add_test(waits, a_signal_that_was_faster_than_the_cancellation_is_not_lost);
    tcase_add_test(waits, a_task_that_waits_for_a_signal_is_not_stuck);
    tcase_add_test(waits, a_signal_that_nobody_waits_for_hides_no_deadlock);
    tcase_add_test(waits, a_callback_for_sigint_takes_the_place_of_the_runs);
    suite_add_tcase(suite, waits);

    tcase_add_checked_fixture(loops, begin_afresh, teardown);
    tcase_add_test(loops, every_loop_that_asked_is_told);
    tcase_add_test(loops, handlers_come_and_go_in_a_storm);
    tcase_add_test(loops, no_delivery_is_lost_or_doubled);
    suite_add_tcase(suite, loops);
    return suite;
}
