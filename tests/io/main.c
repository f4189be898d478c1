/* The suites of the I/O room. */
#include "suites.h"
#include "tests/support/check_main.h"

int main(void)
{
    Suite *const suites[] = {calls_suite(),  cancel_suite(), poll_suite(), traffic_suite(),
                             budget_suite(), vector_suite(), file_suite(), fault_suite()};

    return ci_check_main(sizeof suites / sizeof suites[0], suites);
}
