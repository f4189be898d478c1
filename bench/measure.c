/* See measure.h. */
#include "measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double read_clock(clockid_t id)
{
    struct timespec now;

    (void)clock_gettime(id, &now); /* these clocks are always there */
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

double bench_wall_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

double bench_cpu_ns(void)
{
    return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

double bench_median(double *values, size_t n)
{
    qsort(values, n, sizeof(*values), ascending);
    return n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

double bench_memory_bytes(void)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    double total = 0;
    long kib;

    if (file == NULL) {
        return 0;
    }
    while (fgets(line, sizeof(line), file) != NULL) {
        if (sscanf(line, "VmRSS: %ld", &kib) == 1 || sscanf(line, "VmPTE: %ld", &kib) == 1) {
            total += (double)kib * 1024;
        }
    }
    (void)fclose(file);
    return total;
}
