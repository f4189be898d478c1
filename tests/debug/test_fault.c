/*
 * Every call that debug mode makes is made to fail once, the n-th, for every n: then the loop is not made,
 * or works.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <coil/task.h>

#include "suites.h"
#include "sys/fault.h"
#include "sys/thread.h"

static int countdown; /* calls until the one that fails */
static char failed[64];

static int fail_nth(const char *call)
{
    if (--countdown != 0) {
        return 0;
    }
    snprintf(failed, sizeof(failed), "%s", call);
    return -ENOMEM;
}

static int child(void *arg)
{
    (void)arg;
    return coil_sleep(0.01);
}

static int fail_quietly(void *arg)
{
    (void)arg;
    return -EIO;
}

static void ignore(coil_loop *loop, const struct coil_report *report, void *userdata)
{
    (void)loop;
    *(int *)userdata += report->kind == COIL_REPORT_NEVER_RETRIEVED;
}

static int main_(void *arg)
{
    coil_loop_set_exception_handler(coil_get_running_loop(), ignore, arg);
    coil_unref(coil_create_task(fail_quietly, NULL));
    return coil_join(coil_create_task(child, NULL));
}

START_TEST(each_call_may_fail)
    {
        int reports_at_first = 0;
        int n = 1;

        ck_assert_int_eq(coil_run(main_, &reports_at_first, .debug = true, .clock = COIL_CLOCK_VIRTUAL), 0);
        ck_assert_int_eq(reports_at_first, 1);
        int threads = ci_sys_thread_count(); /* a sanitizer's has started by now, should there be one */
        do {
            int reports = 0;
            failed[0] = '\0';
            countdown = n;
            ci_fault_hook = fail_nth;
            int rc = coil_run(main_, &reports, .debug = true, .clock = COIL_CLOCK_VIRTUAL);
            ci_fault_hook = NULL;
            ck_assert_msg(rc == 0 || rc == -ENOMEM, "the %d-th call, %s: %d", n, failed, rc);
            ck_assert_int_eq(ci_sys_thread_count(), threads);
            ck_assert_int_eq(ci_sys_own_threads, 0);
            n++;
        } while (failed[0] != '\0');
        ck_assert_int_gt(n, 10);
    }
END_TEST

Suite *fault_suite(void)
{
    Suite *suite = suite_create("fault");
    TCase *tcase = tcase_create("fault");

    tcase_add_test(tcase, each_call_may_fail);
    suite_add_tcase(suite, tcase);
    return suite;
}
