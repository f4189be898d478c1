/*
 * Debug mode. It finds what is easily done wrong: code that blocks the loop, cancellations that were swallowed,
 * references never given back. There are three ways to switch it on:
 *
 *     coil_run(main_, NULL, .debug = true)    in the program
 *     COIL_DEBUG=1 ./program                  from outside
 *     coil dev ./program                      the same by a command
 *
 * Its reports go to stderr with all that is known. This program takes them itself, and prints less of them.
 */
#include <coil.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* Everything else has to wait while it works. On the virtual clock, work takes as long as one says. */
static int blocks(void *arg)
{
    (void)arg;
    return coil_clock_advance(0.3); /* a long computation, a read from a slow disk, a sleep(3) */
}

/* It was told to stop, and goes on without a word. */
static int swallows(void *arg)
{
    (void)arg;
    int rc = coil_sleep(3600);
    return rc == -ECANCELED ? 0 : rc;
}

/* It fails, and nobody asks for its result. That one is reported without debug mode, too. */
static int fails(void *arg)
{
    (void)arg;
    return coil_fail(-ENOENT, "opening settings.conf");
}

static void on_report(coil_loop *loop, const struct coil_report *report, void *userdata)
{
    (void)loop;
    (void)userdata;
    switch (report->kind) {
    case COIL_REPORT_SLOW_CALLBACK:
    case COIL_REPORT_CANCEL_SWALLOWED:
    case COIL_REPORT_NEVER_RETRIEVED:
        printf("%s, made by %s:\n  %s\n", report->task_name, report->created.function, report->message);
        break;
    default:
        break; /* how much stack was used, and more */
    }
}

static int main_(void *arg)
{
    (void)arg;
    coil_loop_set_exception_handler(coil_get_running_loop(), on_report, NULL);

    int rc = coil_join(coil_create_task(blocks, NULL, .name = "blocker"));
    if (rc < 0) {
        return rc;
    }
    coil_task *swallower = coil_create_task(swallows, NULL, .name = "swallower");
    rc = coil_wait_for(swallower, 0.01);
    coil_unref(swallower);
    if (rc < 0) {
        return rc;
    }
    coil_unref(coil_create_task(fails, NULL, .name = "failure"));
    return coil_sleep(0.01);
}

int main(void)
{
    int rc = coil_run(main_, NULL, .debug = true, .clock = COIL_CLOCK_VIRTUAL);

    if (rc < 0) {
        fprintf(stderr, "debug_mode: %s\n", coil_strerror(rc));
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
