/*
 * A program that knows nothing of debug mode and blocks its loop, in static functions of its own and of a
 * shared library.
 */
#include <coil/task.h>

#include "program_library.h"

__attribute__((noinline)) static int work_in_program(double seconds)
{
    return work_for(seconds) + 1;
}

static int slow(void *arg)
{
    (void)arg;
    return work_in_program(0.6);
}

static int main_(void *arg)
{
    (void)arg;
    return coil_join(coil_create_task(slow, NULL, .name = "slow"));
}

int main(void)
{
    return coil_run(main_, NULL);
}
