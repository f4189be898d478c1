/* CLOCK_MONOTONIC: see clock.h. */
#include "sys/clock.h"

#include <time.h>

int64_t ci_clock_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* this clock is always there, and the address is good */
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void ci_clock_sleep(int64_t duration_ns)
{
    const struct timespec duration = {.tv_sec = duration_ns / 1000000000, .tv_nsec = duration_ns % 1000000000};

    (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &duration, NULL); /* EINTR: see above */
}
