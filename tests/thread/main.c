/* The suites of the threads' room. */
#include "suites.h"
#include "tests/support/check_main.h"

int main(void)
{
    Suite *const suites[] = {
        to_thread_suite(),      to_thread_cancel_suite(), pool_suite(),    executor_suite(),      concurrent_suite(),
        concurrent_end_suite(), threadsafe_queue_suite(), sharded_suite(), thread_stress_suite(), thread_fault_suite(),
    };

    return ci_check_main(sizeof suites / sizeof suites[0], suites);
}
