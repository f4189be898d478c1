/*
 * Code that blocks the loop is reported while it does. It blocks here until its report has come, or for so
 * long that something is wrong; so what is tested is that it comes meanwhile, not that a busy machine is
 * fast.
 */
#include <errno.h>
#include <linux/aio_abi.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "collect.h"
#include "coro/sanitizer.h"
#include "suites.h"

enum { LONG_ENOUGH_S = 20 };

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Works until the loop has been reported to be blocked, and for at least 150 ms. Returns whether it was. */
__attribute__((noinline)) static bool work_until_reported(void)
{
    double begin = now();
    bool reported;

    do {
        reported = count_reports(COIL_REPORT_BLOCKED) > 0;
    } while (now() < begin + 0.15 || (!reported && now() < begin + LONG_ENOUGH_S));
    return reported;
}

__attribute__((noinline)) static int blocker(void *arg)
{
    *(bool *)arg = work_until_reported();
    return 0;
}

static int run_blocker(void *arg)
{
    return coil_join(coil_create_task(blocker, arg, .name = "blocker"));
}

START_TEST(a_blocking_coroutine_is_reported_meanwhile_with_where_it_is)
    {
        bool reported = false;

        ck_assert_int_eq(run_real(run_blocker, &reported, 0.05), 0);
        ck_assert(reported);
        const struct kept *report = report_of(COIL_REPORT_BLOCKED, 0);
        ck_assert_str_eq(report->task_name, "blocker");
        ck_assert_str_eq(report->created.function, "run_blocker");
        ck_assert_double_ge(report->seconds, 0.05);
        ck_assert(!report->from_loop);
        must_have(report->called_by, "work_until_reported");
        must_have(report->called_by, "blocker");
        must_begin_with(report->created_by, "run_blocker");
        ck_assert_ptr_nonnull(strstr(report->message, "the task 'blocker' has been blocking the loop for "));
    }
END_TEST

START_TEST(it_is_reported_once_and_as_slow_when_it_is_over)
    {
        bool reported = false;

        run_real(run_blocker, &reported, 0.05);
        ck_assert_uint_eq(count_reports(COIL_REPORT_BLOCKED), 1);
        ck_assert_double_ge(report_of(COIL_REPORT_SLOW_CALLBACK, 0)->seconds, 0.15);
    }
END_TEST

static bool callback_was_reported;

static void blocking_callback(void *arg)
{
    (void)arg;
    callback_was_reported = work_until_reported();
}

static int call_blocker(void *arg)
{
    (void)arg;
    coil_call_soon(blocking_callback, NULL);
    coil_sleep(0);
    return coil_sleep(0);
}

START_TEST(a_blocking_callback_is_reported_from_the_loops_own_stack)
    {
        run_real(call_blocker, NULL, 0.05);
        ck_assert(callback_was_reported);
        const struct kept *report = report_of(COIL_REPORT_BLOCKED, 0);
        must_have(report->called_by, "work_until_reported");
        must_have(report->called_by, "blocking_callback");
        ck_assert_str_eq(report->task_name, "");
        ck_assert_str_eq(report->created.function, "call_blocker");
        ck_assert_ptr_nonnull(
            strstr(report->message, HAVE_NAMES ? "a callback, blocking_callback, has been" : "a callback"));
    }
END_TEST

static int run_blocker_on_little_stack(void *arg)
{
    return coil_join(coil_create_task(blocker, arg, .stack_size = 16 << 10));
}

START_TEST(looking_at_it_needs_nothing_of_its_stack)
    {
        bool reported = false;

        run_real(run_blocker_on_little_stack, &reported, 0.05);
        ck_assert(reported);
        ck_assert_str_eq(report_of(COIL_REPORT_BLOCKED, 0)->task_name, "Task-2");
    }
END_TEST

static int run_blocker_eagerly(void *arg)
{
    return coil_join(coil_create_task(blocker, arg, .name = "eager", .eager_start = true));
}

START_TEST(an_eager_task_is_the_one_that_is_named)
    {
        bool reported = false;

        run_real(run_blocker_eagerly, &reported, 0.05);
        ck_assert(reported);
        ck_assert_str_eq(report_of(COIL_REPORT_BLOCKED, 0)->task_name, "eager");
    }
END_TEST

static int run_blocker_on_virtual_time(void *arg)
{
    keep_reports();
    return run_blocker(arg);
}

START_TEST(with_the_virtual_clock_the_watchdog_goes_by_the_real_one)
    {
        bool reported = false;

        coil_run(run_blocker_on_virtual_time, &reported, .debug = true, .clock = COIL_CLOCK_VIRTUAL,
                 .slow_callback_duration = 0.05);
        ck_assert(reported);
        ck_assert_uint_eq(count_reports(COIL_REPORT_SLOW_CALLBACK), 0);
    }
END_TEST

/* ---- code that sleeps in the kernel ---------------------------------------------------------------------------------- */

struct nap {
    double asked;
    double took;
    int result;
};

static int nap_in_nanosleep(void *arg)
{
    struct nap *nap = arg;
    struct timespec time = {.tv_nsec = (long)(nap->asked * 1e9)};
    double begin = now();

    nap->result = nanosleep(&time, &time);
    nap->took = now() - begin;
    return 0;
}

static int nap_in_usleep(void *arg)
{
    struct nap *nap = arg;
    double begin = now();

    nap->result = usleep((useconds_t)(nap->asked * 1e6));
    nap->took = now() - begin;
    return 0;
}

static int nap_in_poll(void *arg)
{
    struct nap *nap = arg;
    double begin = now();

    nap->result = poll(NULL, 0, (int)(nap->asked * 1e3));
    nap->took = now() - begin;
    return 0;
}

static int nap_in_select(void *arg)
{
    struct nap *nap = arg;
    double begin = now();
    struct timeval time = {.tv_usec = (long)(nap->asked * 1e6)};

    nap->result = select(0, NULL, NULL, NULL, &time);
    nap->took = now() - begin;
    return 0;
}

static int nap_in_io_getevents(void *arg)
{
    struct nap *nap = arg;
    struct timespec time = {.tv_nsec = (long)(nap->asked * 1e9)};
    aio_context_t context = 0;
    struct io_event event;

    if (syscall(SYS_io_setup, 1, &context) < 0) {
        return nap_in_nanosleep(arg); /* this kernel has no such thing */
    }
    double begin = now();
    nap->result = (int)syscall(SYS_io_getevents, context, 1L, 1L, &event, &time);
    nap->took = now() - begin;
    return syscall(SYS_io_destroy, context) < 0 ? -errno : 0;
}

static coil_fn *const naps[] = {nap_in_nanosleep, nap_in_usleep, nap_in_poll, nap_in_select, nap_in_io_getevents};

static const char *const nap_names[] = {"nap_in_nanosleep", "nap_in_usleep", "nap_in_poll", "nap_in_select",
                                        "nap_in_io_getevents"};

START_TEST(a_system_call_that_sleeps_is_not_cut_short)
    {
        struct nap nap = {.asked = 0.6};

        bool unseen_by_tsan = naps[_i] == nap_in_select || naps[_i] == nap_in_io_getevents;
        if (RUNNING_ON_VALGRIND || (CI_WITH_TSAN && unseen_by_tsan)) {
            return; /* the one has registers of its own, the other puts handlers off until such a call has ended */
        }
        ck_assert_int_eq(run_real(naps[_i], &nap, 0.05), 0);
        ck_assert_int_eq(nap.result, 0);
        ck_assert_double_ge(nap.took, nap.asked);
        ck_assert_uint_eq(count_reports(COIL_REPORT_BLOCKED), 1);
        const struct kept *report = report_of(COIL_REPORT_BLOCKED, 0);
        ck_assert_double_lt(report->seconds, nap.took);
        must_have(report->called_by, nap_names[_i]);
    }
END_TEST

static int read_from_pipe(void *arg)
{
    const int *fd = arg;
    char byte;

    return (int)read(*fd, &byte, 1);
}

static void *write_once_reported(void *arg)
{
    const int *fd = arg;
    double begin = now();

    while (count_reports(COIL_REPORT_BLOCKED) == 0 && now() < begin + LONG_ENOUGH_S) {
        usleep(1000);
    }
    return write(*fd, "x", 1) == 1 ? NULL : arg;
}

static int read_what_is_written_late(void *arg)
{
    pthread_t writer;
    int ends[2];

    (void)arg;
    if (pipe(ends) < 0) {
        return -errno;
    }
    pthread_create(&writer, NULL, write_once_reported, &ends[1]);
    int rc = coil_join(coil_create_task(read_from_pipe, &ends[0]));
    pthread_join(writer, NULL);
    return rc;
}

START_TEST(a_blocking_read_goes_on_after_it_was_looked_at)
    {
        ck_assert_int_eq(run_real(read_what_is_written_late, NULL, 0.05), 1);
        ck_assert_uint_eq(count_reports(COIL_REPORT_BLOCKED), 1);
        if (!CI_WITH_TSAN) { /* it puts the handler off until the call has ended */
            must_have(report_of(COIL_REPORT_BLOCKED, 0)->called_by, "read_from_pipe");
        }
    }
END_TEST

Suite *blocked_suite(void)
{
    Suite *suite = suite_create("blocked");
    TCase *tcase = tcase_create("blocked");

    tcase_add_test(tcase, a_blocking_coroutine_is_reported_meanwhile_with_where_it_is);
    tcase_add_test(tcase, it_is_reported_once_and_as_slow_when_it_is_over);
    tcase_add_test(tcase, a_blocking_callback_is_reported_from_the_loops_own_stack);
    tcase_add_test(tcase, looking_at_it_needs_nothing_of_its_stack);
    tcase_add_test(tcase, an_eager_task_is_the_one_that_is_named);
    tcase_add_test(tcase, with_the_virtual_clock_the_watchdog_goes_by_the_real_one);
    tcase_add_loop_test(tcase, a_system_call_that_sleeps_is_not_cut_short, 0, sizeof(naps) / sizeof(naps[0]));
    tcase_add_test(tcase, a_blocking_read_goes_on_after_it_was_looked_at);
    suite_add_tcase(suite, tcase);
    return suite;
}
