/* One suite per topic; main.c runs them all. */
#ifndef TESTS_BASE_SUITES_H
#define TESTS_BASE_SUITES_H

#include <check.h>

Suite *list_suite(void);
Suite *heap_suite(void);
Suite *duration_suite(void);
Suite *errors_suite(void);

#endif
