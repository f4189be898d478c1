/* One suite per topic; main.c runs them all. */
#ifndef TESTS_DEBUG_SUITES_H
#define TESTS_DEBUG_SUITES_H

#include <check.h>

Suite *census_suite(void);
Suite *symbols_suite(void);
Suite *slow_suite(void);
Suite *blocked_suite(void);
Suite *idle_suite(void);
Suite *signal_suite(void);
Suite *cancel_suite(void);
Suite *ending_suite(void);
Suite *threads_suite(void);
Suite *print_suite(void);
Suite *command_suite(void);
Suite *fork_suite(void);
Suite *fault_suite(void);

#endif
