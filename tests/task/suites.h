/* One suite per topic; main.c runs them all. */
#ifndef TESTS_TASK_SUITES_H
#define TESTS_TASK_SUITES_H

#include <check.h>

Suite *future_suite(void);
Suite *task_suite(void);
Suite *ownership_suite(void);
Suite *eager_suite(void);
Suite *cancel_suite(void);
Suite *chain_suite(void);
Suite *timeout_suite(void);
Suite *wait_for_suite(void);
Suite *gather_suite(void);
Suite *wait_suite(void);
Suite *as_completed_suite(void);
Suite *shield_suite(void);
Suite *group_suite(void);
Suite *scope_suite(void);
Suite *remote_suite(void);
Suite *run_suite(void);
Suite *deadlock_suite(void);
Suite *report_suite(void);
Suite *note_suite(void);
Suite *close_suite(void);
Suite *misuse_suite(void);
Suite *overflow_suite(void);
Suite *part_suite(void);
Suite *fault_suite(void);

#endif
