/* Two tasks that wait for each other, and a main that waits for what nobody completes. */
#include <coil.h>

#include <errno.h>
#include <stdio.h>

static void on_report(coil_loop *loop, const struct coil_report *report, void *userdata)
{
    (void)loop;
    (void)userdata;
    if (report->kind == COIL_REPORT_DEADLOCK) {
        printf("%s: %s\n", report->task_name, report->message); /* report->detail says what it waits for */
    }
}

static int waits_for(void *arg)
{
    coil_task **other = arg;

    int rc = coil_await(*other);
    printf("%s: %s\n", coil_task_name(coil_current_task()), coil_errname(rc));
    return rc;
}

static int main_(void *arg)
{
    static coil_task *a;
    static coil_task *b;

    (void)arg;
    coil_loop_set_exception_handler(coil_get_running_loop(), on_report, NULL);
    a = coil_create_task(waits_for, &b, .name = "a");
    b = coil_create_task(waits_for, &a, .name = "b");
    coil_join(a);
    coil_join(b);
    printf("main waits for a future that nobody completes\n");
    return coil_join(coil_future_new());
}

int main(void)
{
    printf("coil_run: %s\n", coil_errname(coil_run(main_, NULL)));
    return 0;
}
