/* The suites of the debug room. */
#include "suites.h"
#include "tests/support/check_main.h"

int main(void)
{
    Suite *const suites[] = {
        census_suite(), symbols_suite(), slow_suite(),  blocked_suite(), idle_suite(), signal_suite(), cancel_suite(),
        ending_suite(), threads_suite(), print_suite(), command_suite(), fork_suite(), fault_suite(),
    };

    return ci_check_main(sizeof suites / sizeof suites[0], suites);
}
