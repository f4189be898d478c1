/* A group: tasks that end together. One of them fails, so the other is cancelled. */
#include <coil.h>

#include <errno.h>
#include <stdio.h>

static int fetch(void *arg)
{
    const char *name = arg;

    int rc = coil_sleep(*name == 'a' ? 2.0 : 1.0);
    if (rc == -ECANCELED) {
        printf("%s: cancelled\n", name);
        return rc;
    }
    return coil_fail(-ECONNREFUSED, "fetching %s", name);
}

static int main_(void *arg)
{
    int rc = 0;

    (void)arg;
    coil_group g;
    coil_group_begin(&g);
    coil_group_create_task(&g, fetch, "a");
    coil_group_create_task(&g, fetch, "b");
    rc = coil_group_end(&g, rc); // both have ended; the first error cancelled the other

    printf("the group: %s\n", coil_errname(rc));
    for (size_t i = 0; coil_group_error(&g, i) != 0; i++) {
        printf("error %zu: %s\n", i, coil_errname(coil_group_error(&g, i)));
    }
    return rc == -ECONNREFUSED ? 0 : rc;
}

int main(void)
{
    return coil_run(main_, NULL, .clock = COIL_CLOCK_VIRTUAL) < 0;
}
