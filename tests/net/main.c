/* The suites of the net room. */
#include "suites.h"
#include "tests/support/check_main.h"

int main(void)
{
    Suite *const suites[] = {read_suite(),    write_suite(),  close_suite(),         cancel_suite(),
                             connect_suite(), server_suite(), server_limits_suite(), server_end_suite(),
                             unix_suite(),    dns_suite(),    watch_suite(),         fault_suite()};

    return ci_check_main(sizeof suites / sizeof suites[0], suites);
}
