/* The suites of the process room. Where the kernel, or a tool in its place, knows no pidfd, there are no children to be tested. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "suites.h"
#include "sys/process.h"
#include "tests/support/check_main.h"

static bool has_pidfds(void)
{
    int fd = ci_process_open(getpid());

    if (fd >= 0) {
        (void)close(fd);
    }
    return fd >= 0;
}

int main(void)
{
    Suite *const suites[] = {signal_suite(), process_suite(), pipes_suite(), communicate_suite(),
                             fork_suite(),   fault_suite(),   stress_suite()};

    if (!has_pidfds()) {
        puts("no pidfd_open here (valgrind has none): the signals only");
        return ci_check_main(1, suites);
    }
    return ci_check_main(sizeof suites / sizeof suites[0], suites);
}
