/* What the benchmarks share: clocks, medians, the process's memory. */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stddef.h>
#include <stdint.h>

/* Nanoseconds of the wall clock, and of CPU time that this thread has used. */
double bench_wall_ns(void);
double bench_cpu_ns(void);

/* The median of n values, which it sorts. */
double bench_median(double *values, size_t n);

/* Bytes of memory that the process holds now: resident pages and page tables. */
double bench_memory_bytes(void);

#endif
