/*
 * Durations: users speak of seconds in a double, the loop counts int64_t nanoseconds. Everything too large for that,
 * INFINITY first, becomes CI_FOREVER, which no clock reaches; nothing overflows, and nothing is rounded down to zero.
 */
#ifndef CI_BASE_DURATION_H
#define CI_BASE_DURATION_H

#include <stdint.h>

#define CI_FOREVER   INT64_MAX
#define CI_SECOND_NS INT64_C(1000000000)

/* seconds must not be NaN. A positive duration below a nanosecond counts as one; negative ones keep their sign. */
static inline int64_t ci_duration_ns(double seconds)
{
    double ns = seconds * 1e9;

    if (ns >= 9.2e18) {
        return CI_FOREVER;
    }
    if (ns <= -9.2e18) {
        return -CI_FOREVER;
    }
    if (ns > 0 && ns < 1) {
        return 1;
    }
    return (int64_t)(ns < 0 ? ns - 0.5 : ns + 0.5);
}

static inline double ci_duration_seconds(int64_t ns)
{
    return (double)ns / 1e9;
}

/* base + duration, held at CI_FOREVER where it would overflow. */
static inline int64_t ci_deadline_ns(int64_t base_ns, int64_t duration_ns)
{
    int64_t sum;

    if (duration_ns == CI_FOREVER || __builtin_add_overflow(base_ns, duration_ns, &sum)) {
        return duration_ns < 0 ? -CI_FOREVER : CI_FOREVER;
    }
    return sum;
}

#endif
