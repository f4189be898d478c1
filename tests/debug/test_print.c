/*
 * What the default handler writes. stderr is a socket that keeps the borders of writes, so that one report
 * can be seen to be one.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <coil/task.h>

#include "collect.h"
#include "coro/sanitizer.h"
#include "suites.h"
#include "sys/fault.h"

enum { WRITES_KEPT = 16, WRITE_BYTES = 16384 };

static char writes[WRITES_KEPT][WRITE_BYTES];
static int write_count;

/* Runs program in a child process and keeps each of its writes to stderr. */
static void run_child(void (*program)(void))
{
    int ends[2];
    int status;

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        program();
        _exit(0);
    }
    close(ends[1]);
    while (write_count < WRITES_KEPT) {
        ssize_t length = recv(ends[0], writes[write_count], WRITE_BYTES - 1, 0);
        if (length <= 0) {
            break;
        }
        writes[write_count++][length] = '\0';
    }
    close(ends[0]);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
}

static void must_contain(int i, const char *text)
{
    ck_assert_msg(i < write_count && strstr(writes[i], text) != NULL, "\"%s\" is not in:\n%s", text, writes[i]);
}

/* ---- reports --------------------------------------------------------------------------------------------------------- */

static int refuse(void *arg)
{
    (void)arg;
    return coil_fail(-ECONNREFUSED, "connecting to %s", "there");
}

__attribute__((noinline)) static void start_failing(void)
{
    coil_unref(coil_create_task(refuse, NULL, .name = "fetch"));
}

static int lose_an_error(void *arg)
{
    (void)arg;
    start_failing();
    return coil_sleep(0);
}

static void lose_an_error_plainly(void)
{
    coil_run(lose_an_error, NULL);
}

START_TEST(a_report_says_what_happened_to_what_why_and_what_to_do)
    {
        run_child(lose_an_error_plainly);
        ck_assert_int_eq(write_count, 1);
        must_contain(0, "coil: a task failed and nobody looked at its error\n");
        must_contain(0, "  task:        fetch\n");
        must_contain(0, "  error:       connecting to there: Connection refused (ECONNREFUSED)\n");
        must_contain(0, "  created in:  start_failing (");
        must_contain(0, "test_print.c:");
        must_contain(0, "  what to do:  await or join it");
    }
END_TEST

static void lose_an_error_in_debug_mode(void)
{
    coil_run(lose_an_error, NULL, .debug = true);
}

START_TEST(in_debug_mode_it_has_the_backtrace_of_the_creation_in_the_same_write)
    {
        run_child(lose_an_error_in_debug_mode);
        ck_assert_int_eq(write_count, 1);
        must_contain(0, "  where it was created:\n    ");
        if (!HAVE_NAMES) {
            return;
        }
        must_contain(0, "\n    start_failing (");
        must_contain(0, "\n    lose_an_error (");
        ck_assert_msg(strstr(writes[0], "coil_create_task") == NULL && strstr(writes[0], "task_main") == NULL, "%s",
                      writes[0]);
    }
END_TEST

static void set_level(const char *level)
{
    setenv("COIL_DEBUG", level, 1);
}

static int nothing(void *arg)
{
    (void)arg;
    return 0;
}

static void do_nothing(void)
{
    coil_run(nothing, NULL);
}

START_TEST(a_program_without_fault_prints_nothing_in_debug_mode)
    {
        set_level("1");
        run_child(do_nothing);
        ck_assert_int_eq(write_count, 0);
    }
END_TEST

START_TEST(information_is_printed_at_level_2)
    {
        set_level("2");
        run_child(do_nothing);
        ck_assert_int_eq(write_count, 2);
        must_contain(0, "coil: the loop waits with ");
        must_contain(1, "coil: the task 'Task-1' used the most stack: ");
    }
END_TEST

START_TEST(level_0_is_no_debug_mode)
    {
        set_level("0");
        run_child(lose_an_error_plainly);
        ck_assert_int_eq(write_count, 1);
        ck_assert_ptr_null(strstr(writes[0], "where it was created"));
    }
END_TEST

static int await_itself_through_another(void *arg)
{
    coil_future *future = coil_future_new();

    (void)arg;
    return coil_join(future);
}

static void lock_up(void)
{
    coil_run(await_itself_through_another, NULL);
}

START_TEST(a_deadlock_says_what_each_task_waits_for)
    {
        if (CI_WITH_TSAN) {
            return; /* it has a thread of its own, of which coil cannot know that it wakes nobody */
        }
        run_child(lock_up);
        must_contain(0, "coil: deadlock: nothing can ever wake this task\n");
        must_contain(0, "  task:        Task-1\n");
        must_contain(0, "  state:       it waits for a Future made by await_itself_through_another at ");
    }
END_TEST

static void print_too(coil_loop *loop, const struct coil_report *report, void *userdata)
{
    (void)loop;
    (void)userdata;
    (void)!write(STDERR_FILENO, "mine\n", 5);
    coil_report_print(report);
}

static int lose_an_error_with_a_handler(void *arg)
{
    coil_loop_set_exception_handler(coil_get_running_loop(), print_too, NULL);
    return lose_an_error(arg);
}

static void handle_and_print(void)
{
    coil_run(lose_an_error_with_a_handler, NULL);
}

START_TEST(a_handler_can_add_to_what_is_printed)
    {
        run_child(handle_and_print);
        ck_assert_int_eq(write_count, 2);
        ck_assert_str_eq(writes[0], "mine\n");
        must_contain(1, "coil: a task failed");
    }
END_TEST

static int refuse_memory(const char *call)
{
    return strcmp(call, "malloc") == 0 || strcmp(call, "realloc") == 0 ? -ENOMEM : 0;
}

static char long_message[5000];

static int report_long_message(void *arg)
{
    if (arg != NULL) {
        ci_fault_hook = refuse_memory;
    }
    memset(long_message, 'x', sizeof(long_message) - 1);
    coil_loop_call_exception_handler(coil_get_running_loop(), long_message, -EIO);
    ci_fault_hook = NULL;
    return 0;
}

static void report_it(void)
{
    coil_run(report_long_message, NULL);
}

static void report_it_without_memory(void)
{
    coil_run(report_long_message, long_message);
}

START_TEST(a_long_report_is_whole)
    {
        run_child(report_it);
        ck_assert_int_eq(write_count, 1);
        must_contain(0, "xxx\n  error:       Input/output error (EIO)\n");
    }
END_TEST

START_TEST(without_memory_it_is_cut_and_not_lost)
    {
        run_child(report_it_without_memory);
        ck_assert_int_eq(write_count, 1);
        must_contain(0, "coil: xxxxxx");
        ck_assert_uint_lt(strlen(writes[0]), 2000);
    }
END_TEST

static void report_to_nobody(void)
{
    close(STDERR_FILENO);
    coil_run(report_long_message, NULL);
}

START_TEST(a_closed_stderr_does_no_harm)
    {
        run_child(report_to_nobody);
        ck_assert_int_eq(write_count, 0);
    }
END_TEST

Suite *print_suite(void)
{
    Suite *suite = suite_create("print");
    TCase *tcase = tcase_create("print");

    tcase_add_test(tcase, a_report_says_what_happened_to_what_why_and_what_to_do);
    tcase_add_test(tcase, in_debug_mode_it_has_the_backtrace_of_the_creation_in_the_same_write);
    tcase_add_test(tcase, a_program_without_fault_prints_nothing_in_debug_mode);
    tcase_add_test(tcase, information_is_printed_at_level_2);
    tcase_add_test(tcase, level_0_is_no_debug_mode);
    tcase_add_test(tcase, a_deadlock_says_what_each_task_waits_for);
    tcase_add_test(tcase, a_handler_can_add_to_what_is_printed);
    tcase_add_test(tcase, a_long_report_is_whole);
    tcase_add_test(tcase, without_memory_it_is_cut_and_not_lost);
    tcase_add_test(tcase, a_closed_stderr_does_no_harm);
    suite_add_tcase(suite, tcase);
    return suite;
}
