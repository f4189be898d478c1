/* The suites of the process room. */
#include "suites.h"
#include "tests/support/check_main.h"

int main(void)
{
    Suite *const suites[] = {process_suite(), signal_suite()};

    return ci_check_main(sizeof suites / sizeof suites[0], suites);
}
