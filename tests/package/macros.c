/*
 * Every macro of the public API with arguments that a preprocessor likes to split: compound literals with commas in them.
 * Compiled strictly, never run: check_headers.sh.
 */
#include <coil.h>

struct pair {
    int a;
    int b;
};

int use(coil_future *a, coil_future *b);

static int fn(void *arg)
{
    return *(int *)arg;
}

static void callback(void *userdata)
{
    (void)userdata;
}

static int of_many(coil_future *a, coil_future *b)
{
    coil_future *many[] = {a, b};
    coil_as_completed_iter iter;

    coil_unref(coil_gather(NULL, 0));
    coil_unref(coil_gather(many, 2));
    coil_unref(coil_gather((coil_future *[]){a, b}, 2));
    coil_unref(coil_gather((coil_future *[]){a, b}, 2, .return_errors = true));
    return coil_wait(many, 2, .timeout = 1) + coil_wait((coil_future *[]){a, b}, 2) +
           coil_wait((coil_future *[]){a, b}, 2, .timeout = 1, .return_when = COIL_FIRST_COMPLETED) +
           coil_as_completed(&iter, many, 2) + coil_as_completed(&iter, (coil_future *[]){a, b}, 2) +
           coil_as_completed(&iter, (coil_future *[]){a, b}, 2, .timeout = 1);
}

static void of_tasks(void)
{
    coil_group group;

    coil_unref(coil_create_task(fn, NULL));
    coil_unref(coil_create_task(fn, &(int){10}));
    coil_unref(coil_create_task(fn, (int[]){1, 2}));
    coil_unref(coil_create_task(fn, &(struct pair){1, 2}, .arg_size = sizeof(struct pair), .name = "pair"));
    coil_group_begin(&group);
    coil_group_create_task(&group, fn, &(struct pair){1, 2}, .arg_size = sizeof(struct pair));
    coil_group_spawn(&group, fn, (int[]){1, 2}, .eager_start = true);
    coil_group_end(&group, coil_fail(-1, "%d", (int[]){1, 2}[0]));
}

static void of_callbacks(coil_loop *loop)
{
    coil_call_soon(callback, NULL);
    coil_call_soon(callback, &(struct pair){1, 2});
    coil_call_later(1, callback, &(struct pair){1, 2});
    coil_call_at(1, callback, (int[]){1, 2});
    coil_call_soon_threadsafe(loop, callback, &(struct pair){1, 2});
    coil_add_signal_handler(SIGTERM, callback, NULL);
    coil_add_signal_handler(SIGTERM, callback, &(struct pair){1, 2});
}

static void of_processes(char *const *argv)
{
    coil_process *process;

    coil_create_subprocess_exec(&process, argv);
    coil_create_subprocess_exec(&process, (char *[]){"sort", "-n", NULL});
    coil_create_subprocess_exec(&process, (char *[]){"sort", "-n", NULL}, .stdin_ = COIL_PIPE, .cwd = "/");
    coil_create_subprocess_shell(&process, "sort -n");
    coil_create_subprocess_shell(&process, "sort -n", .env = (char *[]){"A=b", "C=d", NULL}, .stderr_ = COIL_STDOUT);
}

int use(coil_future *a, coil_future *b)
{
    coil_loop *loop = coil_loop_new();

    of_tasks();
    of_callbacks(loop);
    of_processes((char *[]){"sort", "-n", NULL});
    coil_loop_close(loop);
    coil_loop_close(coil_loop_new(.debug = true, .seed = 1));
    coil_unref(coil_future_new());
    coil_queue_unref(coil_queue_new(sizeof(struct pair), 3));
    coil_queue_unref(coil_queue_new(sizeof(struct pair), 3, .order = COIL_LIFO));
    return of_many(a, b) + coil_run(fn, NULL) + coil_run(fn, (int[]){1, 2}) +
           coil_run(fn, &(struct pair){1, 2}, .debug = true);
}
