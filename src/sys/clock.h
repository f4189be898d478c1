/* The clocks and the other small facts that only the system knows; nothing else in the library asks for the time. */
#ifndef CI_SYS_CLOCK_H
#define CI_SYS_CLOCK_H

#include <stdint.h>

/* Nanoseconds of CLOCK_MONOTONIC. Cannot fail. */
int64_t ci_clock_ns(void);

/* Stops the thread for duration_ns, or less when a signal handler runs: for pauses after which one looks again. */
void ci_clock_sleep(int64_t duration_ns);

#endif
