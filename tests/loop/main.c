/* The suites of the loop's room. */
#include "suites.h"
#include "tests/support/check_main.h"

int main(void)
{
    Suite *const suites[] = {
        ready_suite(), callback_suite(), handle_suite(), timer_suite(), clock_suite(),
        seed_suite(),  running_suite(),  remote_suite(), idle_suite(),
    };

    return ci_check_main(sizeof suites / sizeof suites[0], suites);
}
