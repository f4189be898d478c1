/* One suite per topic; main.c runs them all. */
#ifndef TESTS_PROCESS_SUITES_H
#define TESTS_PROCESS_SUITES_H

#include <check.h>

Suite *process_suite(void);
Suite *signal_suite(void);

#endif
