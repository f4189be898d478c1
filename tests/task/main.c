/* The suites of the tasks' room. */
#include "suites.h"
#include "tests/support/check_main.h"

int main(void)
{
    Suite *const suites[] = {
        future_suite(),  task_suite(),     ownership_suite(), eager_suite(),    cancel_suite(),       chain_suite(),
        timeout_suite(), wait_for_suite(), gather_suite(),    wait_suite(),     as_completed_suite(), shield_suite(),
        group_suite(),   scope_suite(),    remote_suite(),    run_suite(),      deadlock_suite(),     report_suite(),
        note_suite(),    close_suite(),    misuse_suite(),    overflow_suite(), part_suite(),         fault_suite(),
    };

    return ci_check_main(sizeof suites / sizeof suites[0], suites);
}
