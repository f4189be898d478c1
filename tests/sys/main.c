/* The suites of the system's room. */
#include "suites.h"
#include "tests/support/check_main.h"

int main(void)
{
    Suite *const suites[] = {alloc_suite(), fault_suite(), facts_suite()};

    return ci_check_main(sizeof suites / sizeof suites[0], suites);
}
