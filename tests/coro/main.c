/* The suites of the coroutine room. */
#include "suites.h"
#include "tests/support/check_main.h"

int main(void)
{
    Suite *const suites[] = {
        context_suite(), backtrace_suite(), stack_suite(), stack_memory_suite(), overflow_suite(), sanitizer_suite(),
    };

    return ci_check_main(sizeof suites / sizeof suites[0], suites);
}
