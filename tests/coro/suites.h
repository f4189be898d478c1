/* One suite per topic; main.c runs them all. */
#ifndef TESTS_CORO_SUITES_H
#define TESTS_CORO_SUITES_H

#include <check.h>

Suite *context_suite(void);
Suite *backtrace_suite(void);
Suite *stack_suite(void);
Suite *stack_memory_suite(void);
Suite *overflow_suite(void);
Suite *sanitizer_suite(void);

#endif
