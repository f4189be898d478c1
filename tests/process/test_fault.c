/* Signals and children with the n-th allocation or system call failing, for every n: an error, no leak, no zombie, no hang. */
#include <stdio.h>

#include "children.h"
#include "process/process.h"
#include "suites.h"
#include "sys/fault.h"
#include "tests/support/fault_driver.h"

/* In the run there is no Check to tell: what is wrong ends the process, and the driver says at which call. */
#define MUST(condition)                                                        \
    do {                                                                       \
        if (!(condition)) {                                                    \
            fprintf(stderr, "test_fault.c:%d: not as it must be\n", __LINE__); \
            abort();                                                           \
        }                                                                      \
    } while (0)

static bool is_known_error(int rc)
{
    return rc == -ENOMEM || rc == -EIO || rc == -EAGAIN || rc == -ECANCELED || rc == -ETIMEDOUT || rc == -EBADF ||
           rc == -EINVAL;
}

static void quiet(coil_loop *loop, const struct coil_report *report, void *unused)
{
    (void)loop;
    (void)report;
    (void)unused;
}

/* ---- children -------------------------------------------------------------------------------------------------------- */

static void communicate_and_close(void)
{
    coil_process *process;
    coil_buffer output;
    coil_buffer errors;
    char *argv[] = {"cat", NULL};
    int rc =
        coil_create_subprocess_exec(&process, argv, .stdin_ = COIL_PIPE, .stdout_ = COIL_PIPE, .stderr_ = COIL_DEVNULL);

    MUST(rc == 0 || (is_known_error(rc) && process == NULL));
    if (rc < 0) {
        return;
    }
    rc = coil_process_communicate(process, "hello", 5, &output, &errors);
    MUST(rc == 0 || is_known_error(rc));
    MUST(rc < 0 || (output.size == 5 && memcmp(output.data, "hello", 5) == 0));
    MUST(rc == 0 || output.data == NULL);
    if (rc < 0) { /* nothing is lost: the same again, and then for good */
        rc = coil_process_communicate(process, "hello", 5, &output, &errors);
        MUST(rc == 0 || is_known_error(rc));
        MUST(rc < 0 || output.size == 5);
    }
    coil_buffer_free(&output);
    coil_buffer_free(&errors);
    rc = coil_process_close(process);
    MUST(rc == 0 || rc == 128 + SIGKILL || is_known_error(rc));
    coil_process_unref(process);
}

static void kill_and_wait(void)
{
    coil_process *process;
    int rc = coil_create_subprocess_shell(&process, "exec sleep 1000", .stderr_ = 1, .new_session = true, .cwd = "/");

    MUST(rc == 0 || is_known_error(rc));
    if (rc < 0) {
        return;
    }
    pid_t pid = coil_process_pid(process);
    rc = coil_process_terminate(process);
    if (rc < 0) {
        MUST(kill(pid, SIGTERM) == 0); /* it may be hers alone by now, but it is there */
    }
    coil_task *task = coil_create_task(wait_for_process, process);
    if (task != NULL) {
        rc = coil_join(task);
        MUST(rc == 128 + SIGTERM || is_known_error(rc));
    }
    coil_process_unref(process);
}

static void forget_one(void)
{
    coil_process *process;

    if (coil_create_subprocess_shell(&process, "exit 0") == 0) {
        coil_process_unref(process);
    }
}

static int use_children(void *unused)
{
    coil_loop_set_exception_handler(coil_get_running_loop(), quiet, unused);
    communicate_and_close();
    kill_and_wait();
    forget_one();
    return 0;
}

/* Whatever has failed: once the loop is closed and what it has left behind had its chance, there are no children. */
static void wait_for_orphans(void)
{
    siginfo_t info;

    while (waitid(P_ALL, 0, &info, WEXITED | WNOWAIT) == 0) {
        ci_orphans_reap();
    }
    MUST(errno == ECHILD);
}

static void children_scenario(void *unused)
{
    int rc = coil_run(use_children, unused);

    MUST(rc == 0 || is_known_error(rc));
    ci_fault_hook = NULL;
    wait_for_orphans();
}

START_TEST(no_failure_of_the_system_leaks_a_child)
    {
        const struct ci_fault_plan plan = {.scenario = children_scenario, .except = "thread_count"};

        ck_assert_int_gt(ci_fault_drive(&plan), 60);
    }
END_TEST

/* A poller that fails so often ends the loop under its tasks, which never give back what they hold. */
START_TEST(nor_do_three_in_a_row)
    {
        const struct ci_fault_plan plan = {
            .scenario = children_scenario, .except = "thread_count epoll_wait epoll_pwait2", .in_a_row = 3};

        ck_assert_int_gt(ci_fault_drive(&plan), 60);
    }
END_TEST

/* ---- signals --------------------------------------------------------------------------------------------------------- */

static int calls;

static void count(void *unused)
{
    (void)unused;
    calls++;
}

static int wait_for_usr2(void *unused)
{
    (void)unused;
    return coil_signal_wait(SIGUSR2);
}

static int use_signals(void *unused)
{
    coil_loop_set_exception_handler(coil_get_running_loop(), quiet, unused);
    int rc = coil_add_signal_handler(SIGUSR1, count, NULL);
    MUST(rc == 0 || is_known_error(rc));
    if (rc == 0) {
        calls = 0;
        raise(SIGUSR1);
        for (int i = 0; i < 100 && calls == 0; i++) {
            (void)coil_sleep(0.001);
        }
        MUST(calls == 1); /* late perhaps, but not lost */
    }
    coil_task *task = coil_create_task(wait_for_usr2, NULL);
    if (task != NULL) {
        (void)coil_sleep(0);
        raise(SIGUSR2);
        rc = coil_join(task);
        MUST(rc == SIGUSR2 || is_known_error(rc));
    }
    MUST(coil_remove_signal_handler(SIGUSR1) >= 0);
    return 0;
}

static void signals_scenario(void *unused)
{
    (void)signal(SIGUSR2, SIG_IGN); /* for when nobody asks for it */
    int rc = coil_run(use_signals, unused, .handle_sigint = true);

    MUST(rc == 0 || is_known_error(rc));
}

START_TEST(no_failure_of_the_system_loses_a_signal)
    {
        const struct ci_fault_plan plan = {.scenario = signals_scenario};

        ck_assert_int_gt(ci_fault_drive(&plan), 10);
    }
END_TEST

Suite *fault_suite(void)
{
    Suite *suite = suite_create("fault");
    TCase *tests = tcase_create("failing-calls");

    tcase_set_timeout(tests, 240);
    tcase_add_test(tests, no_failure_of_the_system_leaks_a_child);
    tcase_add_test(tests, nor_do_three_in_a_row);
    tcase_add_test(tests, no_failure_of_the_system_loses_a_signal);
    suite_add_tcase(suite, tests);
    return suite;
}
