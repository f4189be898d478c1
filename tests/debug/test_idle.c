/* The watchdog costs nothing while the loop is idle, and a program that does nothing wrong hears nothing. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "collect.h"
#include "suites.h"
#include "sys/thread.h"

/* How often that thread has gone to sleep so far, by the kernel's count; -1 if it is not the watchdog. */
static long count_naps(const char *id)
{
    char path[300];
    char line[128];
    bool is_watchdog = false;
    long naps = -1;

    snprintf(path, sizeof(path), "/proc/self/task/%s/status", id);
    FILE *status = fopen(path, "re");
    ck_assert_ptr_nonnull(status);
    while (fgets(line, sizeof(line), status) != NULL) {
        is_watchdog = is_watchdog || strcmp(line, "Name:\tcoil-watchdog\n") == 0;
        if (is_watchdog && sscanf(line, "voluntary_ctxt_switches: %ld", &naps) == 1) {
            break;
        }
    }
    fclose(status);
    return naps;
}

static long count_naps_of_watchdog(void)
{
    DIR *tasks = opendir("/proc/self/task");
    struct dirent *entry;
    long naps = -1;

    ck_assert_ptr_nonnull(tasks);
    while (naps < 0 && (entry = readdir(tasks)) != NULL) {
        naps = entry->d_name[0] == '.' ? -1 : count_naps(entry->d_name);
    }
    closedir(tasks);
    ck_assert_int_ge(naps, 0);
    return naps;
}

static int idle(void *arg)
{
    long *naps = arg;

    coil_sleep(0.2); /* the watchdog notices that nothing happens */
    naps[0] = count_naps_of_watchdog();
    coil_sleep(1);
    naps[1] = count_naps_of_watchdog();
    return 0;
}

/*
 * The step between the two sleeps wakes it, and makes it look again when it is over: a few times, not
 * twenty.
 */
START_TEST(the_watchdog_sleeps_while_the_loop_does)
    {
        long naps[2];

        ck_assert_int_eq(run_real(idle, naps, 0.05), 0);
        ck_assert_int_le(naps[1] - naps[0], 6);
        only_reports_of(0);
    }
END_TEST

static int child(void *arg)
{
    return coil_sleep(*(double *)arg);
}

static int parent(void *arg)
{
    static double times[] = {0.01, 0.02, 0.03};
    coil_group group;
    int rc = 0;

    (void)arg;
    for (int i = 0; i < 3; i++) {
        coil_task *task = coil_create_task(child, &times[i]);
        rc = coil_wait_for(task, i == 2 ? 0.001 : 1);
        coil_unref(task);
    }
    ck_assert_int_eq(rc, -ETIMEDOUT);
    coil_group_begin(&group);
    for (int i = 0; i < 3; i++) {
        coil_group_create_task(&group, child, &times[i]);
    }
    rc = coil_group_end(&group, 0);
    return rc;
}

static int clean(void *arg)
{
    coil_task *tasks[20];

    (void)arg;
    for (int i = 0; i < 20; i++) {
        tasks[i] = coil_create_task(child, &(double){0.001 * i}, .arg_size = sizeof(double));
    }
    coil_future *all = coil_gather(tasks, 20);
    for (int i = 0; i < 20; i++) {
        coil_unref(tasks[i]);
    }
    int rc = coil_join(all);
    coil_unref(coil_create_task(child, &(double){100}, .arg_size = sizeof(double))); /* coil_run cancels it */
    return rc;
}

START_TEST(a_program_that_does_nothing_wrong_hears_nothing)
    {
        ck_assert_int_eq(run_virtual(clean, NULL), 0);
        only_reports_of(0);
    }
END_TEST

START_TEST(nor_does_it_on_the_real_clock)
    {
        ck_assert_int_eq(run_real(clean, NULL, 5), 0);
        only_reports_of(0);
    }
END_TEST

START_TEST(timeouts_and_groups_are_no_swallowing)
    {
        ck_assert_int_eq(run_virtual(parent, NULL), 0);
        only_reports_of(0);
    }
END_TEST

START_TEST(debug_mode_leaves_no_thread_behind)
    {
        ck_assert_int_eq(run_virtual(clean, NULL),
                         0); /* a sanitizer's thread, should there be one, starts with the first */
        int threads = ci_sys_thread_count();

        for (int i = 0; i < 50; i++) {
            ck_assert_int_eq(run_virtual(clean, NULL), 0);
            ck_assert_int_eq(ci_sys_thread_count(), threads);
            ck_assert_int_eq(ci_sys_own_threads, 0);
        }
    }
END_TEST

Suite *idle_suite(void)
{
    Suite *suite = suite_create("idle");
    TCase *tcase = tcase_create("idle");

    tcase_add_test(tcase, the_watchdog_sleeps_while_the_loop_does);
    tcase_add_test(tcase, a_program_that_does_nothing_wrong_hears_nothing);
    tcase_add_test(tcase, nor_does_it_on_the_real_clock);
    tcase_add_test(tcase, timeouts_and_groups_are_no_swallowing);
    tcase_add_test(tcase, debug_mode_leaves_no_thread_behind);
    suite_add_tcase(suite, tcase);
    return suite;
}
