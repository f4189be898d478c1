/*
 * What the tests of tasks share: TASK_TEST, whose body is the main coroutine of a run on the virtual clock; a log; iterations to
 * count hops with; and an ear for reports. After each test nothing may be left in memory and no
 * report unheard.
 */
#ifndef TESTS_TASK_HARNESS_H
#define TESTS_TASK_HARNESS_H

#include <check.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <coil.h>

#include "loop/loop.h"
#include "task/task.h"
#include "tests/support/log.h"
#include "tests/support/setup.h"

/*
 * A test whose body is a coroutine, run by coil_run on the virtual clock; it returns 0.
 */
#define TASK_TEST(name)                            \
    static int name##_main(void *unused);          \
    START_TEST(name)                               \
        {                                          \
            ck_assert_int_eq(run(name##_main), 0); \
        }                                          \
    END_TEST                                       \
    static int name##_main(__attribute__((unused)) void *unused)

/* How many tasks are many: tools that keep a shadow of each stack get fewer. */
#define MANY_TASKS (CI_WITH_TSAN || RUNNING_ON_VALGRIND ? 1000 : CI_WITH_ASAN ? 10000 : 100000)

/* ---- the log --------------------------------------------------------------------------------------------------------- */

static inline void say_rc(int rc)
{
    say(rc < 0 ? (char *)(uintptr_t)coil_errname(rc) : "ok");
    say(" ");
}

/* ---- iterations ------------------------------------------------------------------------------------------------------ */

static uint64_t triggered;

static inline uint64_t iteration(void)
{
    return coil_get_running_loop()->iteration;
}

/* Notes the iteration from which hops() counts; fits coil_callback too. */
static inline void trigger(void *unused)
{
    (void)unused;
    triggered = iteration();
}

static inline int hops(void)
{
    return (int)(iteration() - triggered);
}

/* ---- coroutines that many tests use ---------------------------------------------------------------------------------- */

/* Ends at once with the int that arg points to, or 0. */
static inline int give(void *arg)
{
    return arg == NULL ? 0 : *(int *)arg;
}

/* Sleeps for the seconds that arg points to. */
static inline int sleep_for(void *arg)
{
    return coil_sleep(*(double *)arg);
}

/* Waits for ever. */
static inline int hang(void *unused)
{
    (void)unused;
    return coil_sleep(INFINITY);
}

/* Awaits the future that arg points to. */
static inline int await_it(void *arg)
{
    return coil_await(arg);
}

/* Notes the trigger and ends with the int that arg points to. */
static inline int trigger_and_give(void *arg)
{
    trigger(NULL);
    return give(arg);
}

/* Lets so many iterations pass. */
static inline void let_pass(int iterations)
{
    for (int i = 0; i < iterations; i++) {
        ck_assert_int_eq(coil_sleep(0), 0);
    }
}

#define A_FUTURE(name)                     \
    coil_future *name = coil_future_new(); \
    ck_assert_ptr_nonnull(name)

static inline coil_task *spawn(coil_fn *fn, void *arg)
{
    coil_task *task = coil_create_task(fn, arg);

    ck_assert_ptr_nonnull(task);
    return task;
}

/* ---- reports --------------------------------------------------------------------------------------------------------- */

enum { REPORTS = 32, REPORT_TEXT = 300 };

struct heard {
    enum coil_report_kind kind;
    int error;
    char message[REPORT_TEXT];
    char detail[REPORT_TEXT];
    char task[REPORT_TEXT];
    char function[64];
};

static struct heard reports[REPORTS];
static int reports_heard;
static int reports_taken;

static inline void keep_text(char *out, size_t size, const char *text)
{
    strncpy(out, text == NULL ? "" : text, size - 1);
}

static inline void hear(coil_loop *loop, const struct coil_report *report, void *userdata)
{
    struct heard *heard = &reports[reports_heard];

    (void)loop;
    (void)userdata;
    ck_assert_int_lt(reports_heard, REPORTS);
    reports_heard++;
    heard->kind = report->kind;
    heard->error = report->error;
    keep_text(heard->message, REPORT_TEXT, report->message);
    keep_text(heard->detail, REPORT_TEXT, report->detail);
    keep_text(heard->task, REPORT_TEXT, report->task_name);
    keep_text(heard->function, sizeof(heard->function), report->created.function);
}

/* The next report, which must be of this kind. */
static inline const struct heard *take_report(enum coil_report_kind kind)
{
    ck_assert_msg(reports_taken < reports_heard, "there is no report, but one of kind %d was expected", (int)kind);
    ck_assert_int_eq(reports[reports_taken].kind, kind);
    return &reports[reports_taken++];
}

static inline void assert_no_reports(void)
{
    ck_assert_msg(reports_taken == reports_heard, "an unexpected report: %s (%s)", reports[reports_taken].message,
                  reports[reports_taken].detail);
}

/* ---- running --------------------------------------------------------------------------------------------------------- */

static inline void setup(void)
{
    prepare();
}

static inline void teardown(void)
{
    assert_no_reports();
    ck_assert_int_eq(live_blocks, 0);
}

static coil_fn *run_fn;

static inline int run_listening(void *arg)
{
    coil_loop_set_exception_handler(coil_get_running_loop(), hear, NULL);
    return run_fn(arg);
}

/* Runs fn on the virtual clock, with an ear for reports. */
static inline int run(coil_fn *fn)
{
    run_fn = fn;
    return coil_run(run_listening, NULL, .clock = COIL_CLOCK_VIRTUAL);
}

#endif
