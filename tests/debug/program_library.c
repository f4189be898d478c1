/* See program_library.h. */
#include "program_library.h"

#include <time.h>

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

__attribute__((noinline)) static int work_in_library(double seconds)
{
    double end = now() + seconds;

    while (now() < end) {
    }
    return 2;
}

__attribute__((visibility("default"))) int work_for(double seconds)
{
    return work_in_library(seconds) + 0 * (int)seconds;
}
