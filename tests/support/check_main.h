/*
 * The main() of a room's test program, short of its list of suites: each test runs in a process of its own,
 * so that one that crashes or hangs is one failure and not the end of the program; with CK_FORK=no
 * in the environment they share one, for debuggers. It knows Check and nothing of what is tested.
 */
#ifndef TESTS_SUPPORT_CHECK_MAIN_H
#define TESTS_SUPPORT_CHECK_MAIN_H

#include <check.h>

/*
 * Runs the n suites, or, when the program was started with an argument, the suite or the test case of that
 * name (`build/debug/tests/base/test_base heap`). Frees the suites. Returns the program's exit status: 0 when
 * all tests passed, 1 when one failed, 2 when the argument names nothing.
 */
int ci_check_main(int n, Suite *const *suites);

#endif
