/* Notes: each function on the way out says what it was doing. */
#include <coil.h>

#include <errno.h>
#include <stdio.h>

static int open_file(void *arg)
{
    (void)arg;
    int rc = coil_sleep(1.0);
    return rc < 0 ? rc : coil_fail(-ENOENT, "opening %s", "settings.conf");
}

static int load_settings(void *arg)
{
    (void)arg;
    int rc = coil_join(coil_create_task(open_file, NULL));
    if (rc < 0) {
        return coil_fail(rc, "loading the settings of %s", "alice");
    }
    return 0;
}

static int main_(void *arg)
{
    (void)arg;
    coil_task *task = coil_create_task(load_settings, NULL);
    int rc = coil_await(task);
    printf("%s\n", coil_errname(rc));
    printf("%s\n", coil_error_message(task));
    coil_unref(task);
    return 0;
}

int main(void)
{
    return coil_run(main_, NULL, .clock = COIL_CLOCK_VIRTUAL) < 0;
}
