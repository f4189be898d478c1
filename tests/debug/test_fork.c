/*
 * fork() in a coroutine of a loop in debug mode. The child has none of debug mode's threads; whatever those were doing, it comes to
 * its end, and may run a loop of its own in debug mode.
 */
#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collect.h"
#include "coro/sanitizer.h"
#include "debug/backtrace.h"
#include "debug/symbols.h"
#include "suites.h"

/* When the child comes: while the watchdog sleeps until an entry begins, sleeps for a time, or has reported. */
enum moment { PARKED, WATCHING, REPORTED, MOMENTS };

struct plan {
    enum moment moment;
    int (*in_child)(void);
    bool is_child;
};

static void reach(enum moment moment)
{
    if (moment == PARKED) {
        ck_assert_int_eq(coil_sleep(0.2), 0);
    }
    for (int i = 0; i < 20 || (moment == REPORTED && i < 20000 && count_reports(COIL_REPORT_BLOCKED) == 0); i++) {
        usleep(1000);
    }
}

static int fork_then(void *arg)
{
    struct plan *plan = arg;
    int status = 0;

    keep_reports();
    reach(plan->moment);
    pid_t child = fork();
    if (child == 0) {
        alarm(20);
        plan->is_child = true;
        int rc = plan->in_child();
        if (rc != 3 || CI_WITH_TSAN) { /* which takes this coroutine for a thread that is not in the child */
            _exit(rc);
        }
        return rc; /* its loop does not go on */
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 200;
}

/* Runs the plan. The child leaves with 3 if all was right. */
static int run_plan(enum moment moment, int (*in_child)(void))
{
    struct plan plan = {.moment = moment, .in_child = in_child};
    int rc = coil_run(fork_then, &plan, .debug = true, .slow_callback_duration = 0.05);

    if (plan.is_child) {
        _exit(rc == -ECHILD ? 3 : 100);
    }
    return rc;
}

static int do_nothing(void)
{
    return 3;
}

START_TEST(the_child_comes_to_its_end)
    {
        ck_assert_int_eq(run_plan((enum moment)_i, do_nothing), 3);
    }
END_TEST

__attribute__((noinline)) static bool finds_this_name(void)
{
    void *addresses[CI_BACKTRACE_MAX];
    struct ci_frame frames[CI_BACKTRACE_MAX];
    size_t depth = ci_backtrace_capture(addresses, CI_BACKTRACE_MAX, 0);
    size_t count = ci_symbols_find(addresses, depth, frames, CI_BACKTRACE_MAX);

    for (size_t i = 0; i < count; i++) {
        if (frames[i].function != NULL && strcmp(frames[i].function, "finds_this_name") == 0) {
            return true;
        }
    }
    return false;
}

static int name_things(void *arg)
{
    (void)arg;
    return finds_this_name() || !HAVE_NAMES ? 3 : 4;
}

static int run_a_loop(void)
{
    return coil_run(name_things, NULL, .debug = true);
}

START_TEST(a_loop_of_the_childs_reports_with_names)
    {
        if (CI_WITH_TSAN) {
            return; /* it lets no child of several threads start one */
        }
        ck_assert_int_eq(run_plan((enum moment)_i, run_a_loop), 3);
    }
END_TEST

Suite *fork_suite(void)
{
    Suite *suite = suite_create("fork");
    TCase *tcase = tcase_create("children");

    tcase_add_loop_test(tcase, the_child_comes_to_its_end, 0, MOMENTS);
    tcase_add_loop_test(tcase, a_loop_of_the_childs_reports_with_names, 0, MOMENTS);
    suite_add_tcase(suite, tcase);
    return suite;
}
