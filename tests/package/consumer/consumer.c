/*
 * The smallest program of a stranger: it shows that the headers are found, that the library links and that a
 * coroutine runs.
 */
#include <coil.h>

#include <stdio.h>

static int greet(void *arg)
{
    int rc = coil_sleep(0);
    if (rc < 0) {
        return rc;
    }
    printf("hello from %s\n", (const char *)arg);
    return 7;
}

int main(void)
{
    return coil_run(greet, "a coroutine") == 7 ? 0 : 1;
}
