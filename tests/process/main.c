/* The suites of the process room. */
#include "suites.h"
#include "tests/support/check_main.h"

int main(void)
{
    Suite *const suites[] = {signal_suite(), process_suite(), pipes_suite(), communicate_suite(),
                             fork_suite(),   fault_suite(),   stress_suite()};

    return ci_check_main(sizeof suites / sizeof suites[0], suites);
}
