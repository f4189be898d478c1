/* The suites of the base room. */
#include "suites.h"
#include "tests/support/check_main.h"

int main(void)
{
    Suite *const suites[] = {list_suite(), heap_suite(), duration_suite(), errors_suite()};

    return ci_check_main(sizeof suites / sizeof suites[0], suites);
}
