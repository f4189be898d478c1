/* A handler of the program's own for reports: it counts them, prints one line of each, and leaves the rest out. */
#include <coil.h>

#include <errno.h>
#include <stdio.h>

struct log {
    int reports;
};

static void on_report(coil_loop *loop, const struct coil_report *report, void *userdata)
{
    struct log *log = userdata;

    (void)loop;
    log->reports++;
    printf("%s: %s (%s: %s)\n", report->task_name, report->message, coil_errname(report->error), report->detail);
}

static int fails(void *arg)
{
    (void)arg;
    return coil_fail(-ENOENT, "opening settings.conf");
}

static int main_(void *arg)
{
    coil_loop_set_exception_handler(coil_get_running_loop(), on_report, arg);
    coil_unref(coil_create_task(fails, NULL, .name = "loader")); /* nobody will see its error */
    return coil_sleep(0);
}

int main(void)
{
    struct log log = {0};

    int rc = coil_run(main_, &log);
    printf("%d report\n", log.reports);
    return rc < 0;
}
