/* One suite per topic; main.c runs them all. */
#ifndef TESTS_NET_SUITES_H
#define TESTS_NET_SUITES_H

#include <check.h>

Suite *read_suite(void);
Suite *write_suite(void);
Suite *close_suite(void);
Suite *cancel_suite(void);
Suite *connect_suite(void);
Suite *server_suite(void);
Suite *server_limits_suite(void);
Suite *server_end_suite(void);
Suite *unix_suite(void);
Suite *dns_suite(void);
Suite *watch_suite(void);
Suite *fault_suite(void);

#endif
