/* One suite per topic; main.c runs them all. */
#ifndef TESTS_POLL_SUITES_H
#define TESTS_POLL_SUITES_H

#include <check.h>

Suite *stream_suite(void);
Suite *pipe_suite(void);
Suite *connection_suite(void);
Suite *waiters_suite(void);
Suite *reuse_suite(void);
Suite *sleep_suite(void);
Suite *faults_suite(void);

#endif
