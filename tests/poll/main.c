/* The suites of the poller's room. */
#include "suites.h"
#include "tests/support/check_main.h"

int main(void)
{
    Suite *const suites[] = {
        stream_suite(), pipe_suite(), connection_suite(), waiters_suite(), reuse_suite(), sleep_suite(), faults_suite(),
    };

    return ci_check_main(sizeof suites / sizeof suites[0], suites);
}
