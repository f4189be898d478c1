/* SIGURG is the program's as much as the probe's: its handler is called, kept, and put back. */
#include <signal.h>
#include <string.h>
#include <time.h>

#include "collect.h"
#include "coro/sanitizer.h"
#include "suites.h"

static volatile sig_atomic_t received;

static void on_urgent(int signo)
{
    received += signo == SIGURG;
}

static void install(void)
{
    struct sigaction action = {.sa_handler = on_urgent, .sa_flags = SA_RESTART};

    ck_assert_int_eq(sigaction(SIGURG, &action, NULL), 0);
}

static sighandler_t handler_now(void)
{
    struct sigaction action;

    ck_assert_int_eq(sigaction(SIGURG, NULL, &action), 0);
    return action.sa_handler;
}

/*
 * Blocks for a little longer than the limit; how long that is depends on the machine, so reports are
 * optional here.
 */
static int block(void *arg)
{
    (void)arg;
    nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
    return 0;
}

static int raise_and_block(void *arg)
{
    raise(SIGURG);
    return block(arg);
}

START_TEST(a_handler_of_the_programs_gets_its_signals_and_none_of_the_probes)
    {
        install();
        ck_assert_int_eq(run_real(raise_and_block, NULL, 0.05), 0);
        ck_assert_uint_eq(count_reports(COIL_REPORT_BLOCKED), 1);
        ck_assert_uint_gt(report_of(COIL_REPORT_BLOCKED, 0)->depth, 1);
        ck_assert_int_eq(received, 1);
    }
END_TEST

START_TEST(it_is_in_force_again_afterwards)
    {
        install();
        run_real(block, NULL, 0.05);
        ck_assert(handler_now() == on_urgent);
    }
END_TEST

START_TEST(so_is_the_default)
    {
        run_real(block, NULL, 0.05);
        ck_assert(handler_now() == SIG_DFL);
    }
END_TEST

static int install_and_block(void *arg)
{
    install();
    return block(arg);
}

START_TEST(a_handler_that_comes_later_is_left_alone)
    {
        ck_assert_int_eq(run_real(install_and_block, NULL, 0.05), 0);
        const struct kept *report = report_of(COIL_REPORT_BLOCKED, 0);
        ck_assert_int_eq(received, 0);
        ck_assert_str_eq(report->detail,
                         "its thread does not answer the signal SIGURG, which the program uses or blocks");
        ck_assert_ptr_nonnull(strstr(report->message, "something has been blocking the loop for "));
        ck_assert(handler_now() == on_urgent);
    }
END_TEST

START_TEST(without_an_answer_the_system_call_is_told_where_there_is_one)
    {
        if (RUNNING_ON_VALGRIND) {
            return; /* what the kernel tells of is valgrind's */
        }
        run_real(install_and_block, NULL, 0.05);
        const struct kept *report = report_of(COIL_REPORT_BLOCKED, 0);
        ck_assert_uint_eq(report->depth, 1);
        ck_assert_msg(!HAVE_NAMES || strstr(report->called_by, "nanosleep") != NULL, "%s", report->called_by);
    }
END_TEST

static int mask_and_block(void *arg)
{
    sigset_t urgent;

    sigemptyset(&urgent);
    sigaddset(&urgent, SIGURG);
    sigprocmask(SIG_BLOCK, &urgent, NULL);
    nanosleep(&(struct timespec){.tv_nsec = 900000000}, NULL);
    sigprocmask(SIG_UNBLOCK, &urgent, NULL);
    return block(arg);
}

START_TEST(a_thread_that_blocks_the_signal_is_not_waited_for_long)
    {
        install();
        ck_assert_int_eq(run_real(mask_and_block, NULL, 0.05), 0);
        ck_assert_uint_eq(count_reports(COIL_REPORT_BLOCKED), 1);
        ck_assert_str_ne(report_of(COIL_REPORT_BLOCKED, 0)->detail, "");
        ck_assert_int_eq(received, 1); /* the late one was for nobody, and so for the program */
    }
END_TEST

Suite *signal_suite(void)
{
    Suite *suite = suite_create("signal");
    TCase *tcase = tcase_create("signal");

    tcase_add_test(tcase, a_handler_of_the_programs_gets_its_signals_and_none_of_the_probes);
    tcase_add_test(tcase, it_is_in_force_again_afterwards);
    tcase_add_test(tcase, so_is_the_default);
    tcase_add_test(tcase, a_handler_that_comes_later_is_left_alone);
    tcase_add_test(tcase, without_an_answer_the_system_call_is_told_where_there_is_one);
    tcase_add_test(tcase, a_thread_that_blocks_the_signal_is_not_waited_for_long);
    suite_add_tcase(suite, tcase);
    return suite;
}
