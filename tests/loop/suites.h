/* One suite per topic; main.c runs them all. */
#ifndef TESTS_LOOP_SUITES_H
#define TESTS_LOOP_SUITES_H

#include <check.h>

Suite *ready_suite(void);
Suite *callback_suite(void);
Suite *handle_suite(void);
Suite *timer_suite(void);
Suite *clock_suite(void);
Suite *seed_suite(void);
Suite *running_suite(void);
Suite *remote_suite(void);
Suite *idle_suite(void);

#endif
