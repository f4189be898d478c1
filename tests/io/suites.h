/* One suite per topic; main.c runs them all. */
#ifndef TESTS_IO_SUITES_H
#define TESTS_IO_SUITES_H

#include <check.h>

Suite *calls_suite(void);
Suite *cancel_suite(void);
Suite *poll_suite(void);
Suite *traffic_suite(void);
Suite *budget_suite(void);
Suite *vector_suite(void);
Suite *file_suite(void);
Suite *fault_suite(void);

#endif
