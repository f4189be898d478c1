/* One suite per topic; main.c runs them all. */
#ifndef TESTS_SYS_SUITES_H
#define TESTS_SYS_SUITES_H

#include <check.h>

Suite *alloc_suite(void);
Suite *fault_suite(void);
Suite *facts_suite(void);

#endif
