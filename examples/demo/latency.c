/*
 * A log-linear histogram. Every power of two is cut into the same number of equal steps, so the error is a
 * fixed part of the value, the size is fixed as well, and to record costs a few instructions. Durations below
 * the number of steps are exact.
 */
#include "latency.h"

enum { STEPS = 1 << LATENCY_STEP_BITS };

/*
 * How far a value has to be shifted to be left with its STEPS..2*STEPS-1, which names the step within its
 * power of two.
 */
static int shift_of(uint64_t value)
{
    int top_bit = 63 - __builtin_clzll(value | 1);

    return top_bit > LATENCY_STEP_BITS ? top_bit - LATENCY_STEP_BITS : 0;
}

static uint64_t bucket_of(uint64_t value)
{
    int shift = shift_of(value);

    return ((uint64_t)shift << LATENCY_STEP_BITS) + (value >> shift);
}

/* The greatest value that falls into the bucket. */
static uint64_t bucket_end(uint64_t bucket)
{
    if (bucket < 2 * STEPS) {
        return bucket;
    }
    int shift = (int)(bucket >> LATENCY_STEP_BITS) - 1;
    uint64_t step = (bucket & (STEPS - 1)) + STEPS;
    return ((step + 1) << shift) - 1;
}

void latency_record(struct latency *latency, uint64_t duration_ns)
{
    latency->counts[bucket_of(duration_ns)]++;
    latency->total++;
    if (duration_ns > latency->max_ns) {
        latency->max_ns = duration_ns;
    }
}

uint64_t latency_percentile_ns(const struct latency *latency, double percent)
{
    uint64_t wanted = (uint64_t)((double)latency->total * percent / 100 + 0.5);
    uint64_t seen = 0;

    for (uint64_t bucket = 0; bucket < LATENCY_BUCKETS && latency->total > 0; bucket++) {
        seen += latency->counts[bucket];
        if (seen > 0 && seen >= wanted) {
            uint64_t end = bucket_end(bucket);
            return end < latency->max_ns ? end : latency->max_ns;
        }
    }
    return latency->max_ns;
}
