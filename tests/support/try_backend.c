/*
 * Whether a backend is to be had here: exit status 0 when a loop could be made on the one that COIL_BACKEND names, 77 when it could
 * not, and then it says so.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <coil.h>

enum { SKIPPED = 77 };

static int nothing(void *unused)
{
    (void)unused;
    return 0;
}

int main(void)
{
    int rc = coil_run(nothing, NULL);

    if (rc == -ENOTSUP) {
        printf("SKIPPED: the backend %s is not to be had on this system\n", getenv("COIL_BACKEND"));
        return SKIPPED;
    }
    if (rc < 0) {
        fprintf(stderr, "coil_run: %s\n", strerror(-rc));
    }
    return rc < 0;
}
