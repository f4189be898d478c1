/* One suite per topic; main.c runs them all. */
#ifndef TESTS_THREAD_SUITES_H
#define TESTS_THREAD_SUITES_H

#include <check.h>

Suite *to_thread_suite(void);
Suite *to_thread_cancel_suite(void);
Suite *pool_suite(void);
Suite *executor_suite(void);
Suite *concurrent_suite(void);
Suite *concurrent_end_suite(void);
Suite *threadsafe_queue_suite(void);
Suite *sharded_suite(void);
Suite *thread_stress_suite(void);
Suite *thread_fault_suite(void);

#endif
