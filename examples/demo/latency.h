/* A histogram of durations: what the load measures goes in, percentiles come out. */
#ifndef DEMO_LATENCY_H
#define DEMO_LATENCY_H

#include <stdint.h>

enum {
    LATENCY_STEP_BITS = 6, /* 64 steps from one power of two to the next: at most 1.6 % wrong */
    LATENCY_BUCKETS = (65 - LATENCY_STEP_BITS) << LATENCY_STEP_BITS,
};

struct latency {
    uint64_t counts[LATENCY_BUCKETS];
    uint64_t total;
    uint64_t max_ns;
};

void latency_record(struct latency *latency, uint64_t duration_ns);

/* The duration that so many percent of those recorded did not exceed; 0 when there are none. */
uint64_t latency_percentile_ns(const struct latency *latency, double percent);

#endif
