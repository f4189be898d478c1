/* One suite per topic; main.c runs them all. */
#ifndef TESTS_PROCESS_SUITES_H
#define TESTS_PROCESS_SUITES_H

#include <check.h>

Suite *signal_suite(void);
Suite *process_suite(void);
Suite *pipes_suite(void);
Suite *communicate_suite(void);
Suite *fork_suite(void);
Suite *fault_suite(void);
Suite *stress_suite(void);

#endif
