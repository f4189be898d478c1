/* The suites of the synchronisation room. */
#include "suites.h"
#include "tests/support/check_main.h"

int main(void)
{
    Suite *const suites[] = {
        lock_suite(),        event_suite(),       semaphore_suite(),   condition_suite(), barrier_suite(),
        queue_suite(),       queue_end_suite(),   queue_items_suite(), hops_suite(),      stress_suite(),
        sync_report_suite(), sync_misuse_suite(), sync_fault_suite(),  local_suite(),
    };

    return ci_check_main(sizeof suites / sizeof suites[0], suites);
}
