#include <coil.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>

static int sort(void)
{
    coil_process *child;
    int rc =
        coil_create_subprocess_exec(&child, (char *[]){"sort", "-n", NULL}, .stdin_ = COIL_PIPE, .stdout_ = COIL_PIPE);
    if (rc < 0) {
        return rc;
    }
    coil_buffer output;
    rc = coil_process_communicate(child, "10\n9\n8\n", 7, &output, NULL);
    if (rc >= 0) {
        printf("exit code %d, output:\n%s", rc, (char *)output.data);
        coil_buffer_free(&output);
    }
    coil_process_unref(child);
    return rc;
}

static int wait_for_child(void *child)
{
    return coil_process_wait(child);
}

/* Gives a child some time to end, and then no longer. */
static int run_with_limit(void)
{
    coil_process *child;
    int rc = coil_create_subprocess_shell(&child, "exec sleep 1000");
    if (rc < 0) {
        return rc;
    }
    rc = coil_wait_for_coroutine(wait_for_child, child, 0.1);
    if (rc == -ETIMEDOUT) { /* the child is left alone: what becomes of it is for us to say */
        coil_process_kill(child);
        rc = coil_process_wait(child);
    }
    printf("%d: killed by signal %d\n", rc, coil_process_signal(child));
    coil_process_unref(child);
    return rc;
}

static void reload(void *userdata)
{
    (void)userdata;
    printf("SIGHUP: reading the configuration again\n");
}

static void ask_to_end(void *userdata)
{
    (void)userdata;
    raise(SIGTERM);
}

static int main_(void *arg)
{
    (void)arg;
    int rc = coil_add_signal_handler(SIGHUP, reload, NULL);
    if (rc < 0 || (rc = sort()) < 0 || (rc = run_with_limit()) < 0) {
        return rc;
    }
    raise(SIGHUP);
    coil_call_soon(ask_to_end, NULL);
    rc = coil_signal_wait(SIGTERM);
    printf("signal %d: going home\n", rc);
    return rc;
}

int main(void)
{
    return coil_run(main_, NULL) < 0;
}
