/* coil_run and the low level below it: results, clearing up, SIGINT, several loops, the options. */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "suites.h"
#include "sys/fault.h"

/* ---- results --------------------------------------------------------------------------------------------------------- */

START_TEST(mains_result_is_the_runs)
    {
        static int results[] = {0, 1, INT32_MAX, -EIO, -ECANCELED, -EINTR};

        for (int i = 0; i < 6; i++) {
            ck_assert_int_eq(coil_run(give, &results[i]), results[i]);
            ck_assert_int_eq(coil_run(give, &results[i], .clock = COIL_CLOCK_VIRTUAL, .handle_sigint = true),
                             results[i]);
        }
        ck_assert_ptr_null(coil_get_running_loop());
    }
END_TEST

static int cancel_self(void *unused)
{
    (void)unused;
    coil_cancel(coil_current_task());
    return coil_sleep(1);
}

START_TEST(a_main_that_is_cancelled_gives_that)
    {
        ck_assert_int_eq(coil_run(cancel_self, NULL, .clock = COIL_CLOCK_VIRTUAL), -ECANCELED);
        ck_assert_int_eq(coil_run(cancel_self, NULL, .clock = COIL_CLOCK_VIRTUAL, .handle_sigint = true), -ECANCELED);
    }
END_TEST

static int run_inside(void *unused)
{
    (void)unused;
    ck_assert_int_eq(coil_run(give, NULL), -EPERM);
    ck_assert_int_eq(coil_loop_run_until_complete(coil_get_running_loop(), coil_current_task()), -EPERM);
    return 4;
}

START_TEST(a_run_inside_a_run_is_refused)
    {
        ck_assert_int_eq(coil_run(run_inside, NULL), 4);
    }
END_TEST

START_TEST(a_run_that_makes_no_sense_is_refused)
    {
        ck_assert_int_eq(coil_run(NULL, NULL), -EINVAL);
        ck_assert_int_eq(coil_run(give, NULL, .slow_callback_duration = NAN), -EINVAL);
        ck_assert_int_eq(coil_run(give, NULL, .clock = (enum coil_clock)7), -EINVAL);
        ck_assert_int_eq(coil_run_with(give, NULL), 0);
    }
END_TEST

START_TEST(runs_follow_each_other)
    {
        for (int i = 0; i < 100; i++) {
            ck_assert_int_eq(coil_run(give, &i), i);
        }
    }
END_TEST

/* ---- clearing up ----------------------------------------------------------------------------------------------------- */

static int say_when_cancelled(void *text)
{
    int rc = coil_sleep(INFINITY);

    say(text);
    return rc;
}

static int leave_tasks(void *unused)
{
    (void)unused;
    coil_unref(spawn(say_when_cancelled, "a"));
    coil_unref(spawn(say_when_cancelled, "b"));
    coil_unref(spawn(say_when_cancelled, "c"));
    coil_sleep(1);
    coil_unref(spawn(say_when_cancelled, "d")); /* begins in the iteration in which the run stops */
    return 8;
}

START_TEST(tasks_that_are_left_are_cancelled_in_order_and_waited_for)
    {
        ck_assert_int_eq(run(leave_tasks), 8);
        assert_said("abcd");
    }
END_TEST

static int take_time_to_end(void *unused)
{
    (void)unused;
    ck_assert_int_eq(coil_sleep(INFINITY), -ECANCELED);
    ck_assert_int_eq(coil_sleep(5), 0);
    say("ended");
    return 3;
}

static int leave_slow_task(void *unused)
{
    (void)unused;
    coil_unref(spawn(take_time_to_end, NULL));
    return coil_sleep(1);
}

START_TEST(tasks_that_take_their_time_to_end_are_given_it)
    {
        ck_assert_int_eq(run(leave_slow_task), 0);
        assert_said("ended");
    }
END_TEST

static int fail_when_cancelled(void *unused)
{
    (void)unused;
    (void)coil_sleep(INFINITY);
    return coil_fail(-EIO, "while cleaning up");
}

static int leave_failing_task(void *unused)
{
    (void)unused;
    coil_unref(coil_create_task(fail_when_cancelled, NULL, .name = "leaver"));
    return coil_sleep(1);
}

START_TEST(tasks_that_fail_at_the_end_are_reported)
    {
        ck_assert_int_eq(run(leave_failing_task), 0);
        const struct heard *report = take_report(COIL_REPORT_SHUTDOWN_ERROR);
        ck_assert_int_eq(report->error, -EIO);
        ck_assert_str_eq(report->task, "leaver");
        ck_assert_str_eq(report->detail, "while cleaning up");
    }
END_TEST

static void call_when_it_is_too_late(void *unused)
{
    (void)unused;
    say("called");
}

static int leave_callbacks(void *unused)
{
    (void)unused;
    coil_call_soon(call_when_it_is_too_late, NULL);
    coil_call_later(1, call_when_it_is_too_late, NULL);
    return 0;
}

START_TEST(callbacks_that_are_left_are_dropped)
    {
        ck_assert_int_eq(run(leave_callbacks), 0);
        assert_said("called"); /* the one that was in the last iteration */
    }
END_TEST

/* ---- SIGINT ---------------------------------------------------------------------------------------------------------- */

static int interrupt_self(void *unused)
{
    (void)unused;
    ck_assert_int_eq(raise(SIGINT), 0);
    ck_assert_int_eq(coil_sleep(0), 0); /* it arrives as a call from elsewhere: not at once */
    int rc = coil_sleep(100);
    say_rc(rc);
    return rc;
}

START_TEST(the_first_sigint_cancels_main)
    {
        ck_assert_int_eq(coil_run(interrupt_self, NULL, .handle_sigint = true, .clock = COIL_CLOCK_VIRTUAL), -EINTR);
        assert_said("ECANCELED ");
    }
END_TEST

static int interrupt_and_go_on(void *unused)
{
    (void)unused;
    ck_assert_int_eq(raise(SIGINT), 0);
    ck_assert_int_eq(coil_sleep(100), -ECANCELED);
    ck_assert_int_eq(coil_sleep(1), 0);
    return 6;
}

START_TEST(main_may_catch_the_first_sigint)
    {
        ck_assert_int_eq(coil_run(interrupt_and_go_on, NULL, .handle_sigint = true, .clock = COIL_CLOCK_VIRTUAL), 6);
    }
END_TEST

static int interrupt_and_cancel(void *unused)
{
    (void)unused;
    ck_assert_int_eq(raise(SIGINT), 0);
    coil_cancel(coil_current_task());
    int rc = coil_sleep(100);
    return rc < 0 && coil_sleep(0) == 0 ? rc : -EBADF;
}

START_TEST(a_main_that_others_cancel_as_well_is_cancelled_and_not_interrupted)
    {
        int rc = coil_run(interrupt_and_cancel, NULL, .handle_sigint = true, .clock = COIL_CLOCK_VIRTUAL);

        ck_assert(rc == -ECANCELED || rc == -EBADF);
    }
END_TEST

static int interrupt_forever(void *unused)
{
    (void)unused;
    ck_assert_int_eq(raise(SIGINT), 0);
    return coil_sleep(INFINITY);
}

static volatile sig_atomic_t handled;

static void count_signal(int signo)
{
    (void)signo;
    handled++;
}

START_TEST(the_programs_own_handler_is_back_after_the_run)
    {
        struct sigaction action = {.sa_handler = count_signal};
        struct sigaction after;

        ck_assert_int_eq(sigaction(SIGINT, &action, NULL), 0);
        ck_assert_int_eq(coil_run(interrupt_forever, NULL, .handle_sigint = true), -EINTR);
        ck_assert_int_eq(handled, 0);
        ck_assert_int_eq(sigaction(SIGINT, NULL, &after), 0);
        ck_assert(after.sa_handler == count_signal);
        ck_assert_int_eq(raise(SIGINT), 0);
        ck_assert_int_eq(handled, 1);
    }
END_TEST

static int interrupt_with_own_handler(void *unused)
{
    (void)unused;
    ck_assert_int_eq(raise(SIGINT), 0);
    return coil_sleep(1);
}

START_TEST(without_handle_sigint_signals_are_the_programs)
    {
        struct sigaction action = {.sa_handler = count_signal};

        ck_assert_int_eq(sigaction(SIGINT, &action, NULL), 0);
        ck_assert_int_eq(coil_run(interrupt_with_own_handler, NULL, .clock = COIL_CLOCK_VIRTUAL), 0);
        ck_assert_int_eq(handled, 1);
    }
END_TEST

static int interrupt_twice(void *unused)
{
    (void)unused;
    ck_assert_int_eq(raise(SIGINT), 0);
    for (;;) {
        (void)coil_sleep(0.001);
        ck_assert_int_eq(raise(SIGINT), 0);
    }
}

START_TEST(the_second_sigint_kills)
    {
        int status = 0;
        pid_t child = fork();

        ck_assert_int_ge(child, 0);
        if (child == 0) {
            (void)coil_run(interrupt_twice, NULL, .handle_sigint = true);
            _exit(0);
        }
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert(WIFSIGNALED(status));
        ck_assert_int_eq(WTERMSIG(status), SIGINT);
    }
END_TEST

static int ready_pipe[2];

static int say_ready_and_hang(void *unused)
{
    (void)unused;
    if (write(ready_pipe[1], "x", 1) != 1) {
        return -EPIPE;
    }
    return coil_sleep(INFINITY);
}

/* A signal that comes from outside finds the loop asleep: that a run can be interrupted is reason enough not to call it dead. */
START_TEST(a_run_that_can_be_interrupted_is_no_deadlock)
    {
        int status = 0;
        char byte;

        ck_assert_int_eq(pipe(ready_pipe), 0);
        pid_t child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0) {
            _exit(coil_run(say_ready_and_hang, NULL, .handle_sigint = true) == -EINTR ? 42 : 1);
        }
        ck_assert_int_eq(read(ready_pipe[0], &byte, 1), 1);
        usleep(50000);
        ck_assert_int_eq(waitpid(child, &status, WNOHANG), 0); /* it waits, and is not told of a deadlock */
        ck_assert_int_eq(kill(child, SIGINT), 0);
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert_msg(WIFEXITED(status), "status %x", (unsigned)status);
        ck_assert_int_eq(WEXITSTATUS(status), 42);
    }
END_TEST

static void *run_beside(void *rc)
{
    *(int *)rc = coil_run(give, NULL, .handle_sigint = true);
    return NULL;
}

static int run_two_at_once(void *unused)
{
    pthread_t thread;
    int rc = 0;

    (void)unused;
    ck_assert_int_eq(pthread_create(&thread, NULL, run_beside, &rc), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    return rc;
}

START_TEST(one_run_of_the_process_handles_sigint_at_a_time)
    {
        ck_assert_int_eq(coil_run(run_two_at_once, NULL, .handle_sigint = true), -EBUSY);
        ck_assert_int_eq(coil_run(run_two_at_once, NULL), 0);
        ck_assert_int_eq(coil_run(give, NULL, .handle_sigint = true), 0);
    }
END_TEST

static int interrupt_unheard(void *unused)
{
    (void)unused;
    ck_assert_int_eq(raise(SIGINT), 0);
    ck_assert_int_eq(coil_sleep(1), 0);
    return 5;
}

static atomic_int outside;
static atomic_bool sending;

static void count_outside(int number)
{
    (void)number;
    outside++;
}

/* Sends one SIGINT for each run, to itself, at some time about the run's end. */
static void *interrupt_from_afar(void *unused)
{
    sigset_t mask;

    ck_assert_int_eq(sigemptyset(&mask), 0);
    ck_assert_int_eq(sigaddset(&mask, SIGINT), 0);
    ck_assert_int_eq(pthread_sigmask(SIG_UNBLOCK, &mask, NULL), 0);
    for (int spin = 0;; spin = (spin + 37) % 4000) {
        while (!atomic_load(&sending)) {
            (void)sched_yield();
            pthread_testcancel();
        }
        for (volatile int i = 0; i < spin; i++) {
        }
        ck_assert_int_eq(raise(SIGINT), 0);
        atomic_store(&sending, false);
    }
    return unused;
}

/* Whether it finds the run or the program's own handler, a SIGINT in another thread finds somebody, and nobody who has gone. */
START_TEST(a_sigint_in_another_thread_about_the_end_of_a_run_is_not_lost)
    {
        const struct sigaction action = {.sa_handler = count_outside};
        sigset_t mask;
        pthread_t thread;
        int inside = 0;
        int rounds = CI_WITH_TSAN || CI_WITH_ASAN || RUNNING_ON_VALGRIND ? 100 : 1000;

        ck_assert_int_eq(sigaction(SIGINT, &action, NULL), 0);
        ck_assert_int_eq(sigemptyset(&mask), 0);
        ck_assert_int_eq(sigaddset(&mask, SIGINT), 0);
        ck_assert_int_eq(pthread_sigmask(SIG_BLOCK, &mask, NULL), 0);
        ck_assert_int_eq(pthread_create(&thread, NULL, interrupt_from_afar, NULL), 0);
        for (int i = 0; i < rounds; i++) {
            atomic_store(&sending, true);
            inside += coil_run(give, NULL, .handle_sigint = true) == -EINTR;
            while (atomic_load(&sending)) {
                (void)sched_yield();
            }
        }
        ck_assert_int_eq(pthread_cancel(thread), 0);
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
        ck_assert_int_eq(inside + outside, rounds);
    }
END_TEST

START_TEST(a_sigint_that_the_program_ignores_stays_ignored)
    {
        struct sigaction ignore = {.sa_handler = SIG_IGN};
        struct sigaction after;

        ck_assert_int_eq(sigaction(SIGINT, &ignore, NULL), 0);
        ck_assert_int_eq(coil_run(interrupt_unheard, NULL, .handle_sigint = true, .clock = COIL_CLOCK_VIRTUAL), 5);
        ck_assert_int_eq(sigaction(SIGINT, NULL, &after), 0);
        ck_assert(after.sa_handler == SIG_IGN);
        run_fn = hang; /* nor does it keep a dead program alive */
        ck_assert_int_eq(coil_run(run_listening, NULL, .handle_sigint = true), -EDEADLK);
        take_report(COIL_REPORT_DEADLOCK);
    }
END_TEST

static int interrupt_and_return(void *unused)
{
    (void)unused;
    ck_assert_int_eq(raise(SIGINT), 0);
    return 5; /* before the loop has heard of it */
}

START_TEST(a_sigint_that_comes_too_late_to_cancel_main_is_not_lost)
    {
        ck_assert_int_eq(coil_run(interrupt_and_return, NULL, .handle_sigint = true), -EINTR);
    }
END_TEST

/* ---- the low level --------------------------------------------------------------------------------------------------- */

static void stop_loop(void *loop)
{
    coil_loop_stop(loop);
}

START_TEST(a_loop_runs_until_a_future_is_done)
    {
        coil_loop *loop = coil_loop_new(.clock = COIL_CLOCK_VIRTUAL);
        const struct coil_task_options options = {.size = sizeof(options), .arg = &(double){2}, .name = "sleeper"};
        coil_task *task = coil_loop_create_task(loop, sleep_for, &options);

        ck_assert_str_eq(coil_task_name(task), "sleeper");
        ck_assert_int_eq(coil_loop_run_until_complete(loop, task), 0);
        ck_assert_int_eq(coil_loop_run_until_complete(loop, task), 0); /* done already */
        coil_unref(task);
        ck_assert_int_eq(coil_loop_close(loop), 0);
    }
END_TEST

START_TEST(a_loop_that_is_stopped_first_says_that_the_future_is_not_done)
    {
        coil_loop *loop = coil_loop_new();
        coil_future *future = coil_loop_create_future(loop);

        ck_assert_ptr_nonnull(coil_call_soon_threadsafe(loop, stop_loop, loop));
        ck_assert_int_eq(coil_loop_run_until_complete(loop, future), -EINPROGRESS);
        ck_assert_int_eq(coil_future_set_result(future, 3), 0);
        ck_assert_int_eq(coil_loop_run_until_complete(loop, future), 3);
        coil_unref(future);
        ck_assert_int_eq(coil_loop_close(loop), 0);
    }
END_TEST

START_TEST(loops_and_futures_that_do_not_belong_together_are_refused)
    {
        coil_loop *loop = coil_loop_new();
        coil_loop *other = coil_loop_new();
        coil_future *future = coil_loop_create_future(other);

        ck_assert_int_eq(coil_loop_run_until_complete(loop, future), -EINVAL);
        ck_assert_int_eq(coil_loop_run_until_complete(NULL, future), -EINVAL);
        ck_assert_int_eq(coil_loop_run_until_complete(loop, NULL), -EINVAL);
        ck_assert_ptr_null(coil_loop_create_task(NULL, give, NULL));
        ck_assert_ptr_null(coil_loop_create_future(NULL));
        coil_unref(future);
        ck_assert_int_eq(coil_loop_close(loop), 0);
        ck_assert_int_eq(coil_loop_close(other), 0);
    }
END_TEST

START_TEST(what_remains_of_a_batch_runs_before_the_loop_stops)
    {
        coil_loop *loop = coil_loop_new();
        coil_task *task = coil_loop_create_task(loop, give, NULL);

        /* The stop comes one iteration after the end, and what is in that iteration runs with it. */
        uint64_t before = loop->iteration;
        ck_assert_int_eq(coil_loop_run_until_complete(loop, task), 0);
        ck_assert_uint_eq(loop->iteration - before, 2);
        coil_unref(task);
        ck_assert_int_eq(coil_loop_close(loop), 0);
    }
END_TEST

/* ---- several loops --------------------------------------------------------------------------------------------------- */

static int work(void *arg)
{
    int sum = 0;

    for (int i = 0; i < 500; i++) {
        sum += coil_join(coil_create_task(give, arg));
        ck_assert_int_eq(coil_sleep(i % 50 == 0 ? 0.0001 : 0), 0);
    }
    return sum;
}

static void *run_in_thread(void *arg)
{
    int *number = arg;

    *number = coil_run(work, number);
    return NULL;
}

START_TEST(loops_run_in_several_threads_at_the_same_time)
    {
        pthread_t threads[4];
        int numbers[4] = {1, 2, 3, 4};

        for (int i = 0; i < 4; i++) {
            ck_assert_int_eq(pthread_create(&threads[i], NULL, run_in_thread, &numbers[i]), 0);
        }
        ck_assert_int_eq(coil_run(work, &(int){5}), 2500);
        for (int i = 0; i < 4; i++) {
            ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
            ck_assert_int_eq(numbers[i], 500 * (i + 1));
        }
    }
END_TEST

START_TEST(every_seed_gives_the_same_result)
    {
        for (uint64_t seed = 0; seed < 30; seed++) {
            ck_assert_int_eq(coil_run(work, &(int){2}, .clock = COIL_CLOCK_VIRTUAL, .seed = seed), 1000);
        }
    }
END_TEST

Suite *run_suite(void)
{
    Suite *suite = suite_create("run");
    TCase *results = tcase_create("run_results");
    TCase *clearing = tcase_create("run_clearing_up");
    TCase *sigint = tcase_create("run_sigint");
    TCase *low = tcase_create("run_low_level");

    tcase_add_checked_fixture(results, setup, teardown);
    tcase_add_test(results, mains_result_is_the_runs);
    tcase_add_test(results, a_main_that_is_cancelled_gives_that);
    tcase_add_test(results, a_run_inside_a_run_is_refused);
    tcase_add_test(results, a_run_that_makes_no_sense_is_refused);
    tcase_add_test(results, runs_follow_each_other);
    suite_add_tcase(suite, results);

    tcase_add_checked_fixture(clearing, setup, teardown);
    tcase_add_test(clearing, tasks_that_are_left_are_cancelled_in_order_and_waited_for);
    tcase_add_test(clearing, tasks_that_take_their_time_to_end_are_given_it);
    tcase_add_test(clearing, tasks_that_fail_at_the_end_are_reported);
    tcase_add_test(clearing, callbacks_that_are_left_are_dropped);
    suite_add_tcase(suite, clearing);

    tcase_add_checked_fixture(sigint, setup, teardown);
    tcase_add_test(sigint, the_first_sigint_cancels_main);
    tcase_add_test(sigint, main_may_catch_the_first_sigint);
    tcase_add_test(sigint, a_main_that_others_cancel_as_well_is_cancelled_and_not_interrupted);
    tcase_add_test(sigint, the_programs_own_handler_is_back_after_the_run);
    tcase_add_test(sigint, without_handle_sigint_signals_are_the_programs);
    tcase_add_test(sigint, the_second_sigint_kills);
    tcase_add_test(sigint, a_run_that_can_be_interrupted_is_no_deadlock);
    tcase_add_test(sigint, one_run_of_the_process_handles_sigint_at_a_time);
    tcase_add_test(sigint, a_sigint_in_another_thread_about_the_end_of_a_run_is_not_lost);
    tcase_add_test(sigint, a_sigint_that_the_program_ignores_stays_ignored);
    tcase_add_test(sigint, a_sigint_that_comes_too_late_to_cancel_main_is_not_lost);
    suite_add_tcase(suite, sigint);

    tcase_add_checked_fixture(low, setup, teardown);
    tcase_add_test(low, a_loop_runs_until_a_future_is_done);
    tcase_add_test(low, a_loop_that_is_stopped_first_says_that_the_future_is_not_done);
    tcase_add_test(low, loops_and_futures_that_do_not_belong_together_are_refused);
    tcase_add_test(low, what_remains_of_a_batch_runs_before_the_loop_stops);
    tcase_add_test(low, loops_run_in_several_threads_at_the_same_time);
    tcase_add_test(low, every_seed_gives_the_same_result);
    suite_add_tcase(suite, low);
    return suite;
}
