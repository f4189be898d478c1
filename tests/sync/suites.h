/* One suite per topic; main.c runs them all. */
#ifndef TESTS_SYNC_SUITES_H
#define TESTS_SYNC_SUITES_H

#include <check.h>

Suite *lock_suite(void);
Suite *event_suite(void);
Suite *semaphore_suite(void);
Suite *condition_suite(void);
Suite *barrier_suite(void);
Suite *queue_suite(void);
Suite *queue_end_suite(void);
Suite *queue_items_suite(void);
Suite *hops_suite(void);
Suite *stress_suite(void);
Suite *sync_report_suite(void);
Suite *sync_misuse_suite(void);
Suite *sync_fault_suite(void);
Suite *local_suite(void);

#endif
