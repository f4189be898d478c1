/*
 * Exceptions in C++ coroutines: thrown and caught inside of one they work, in several tasks in turn; one that leaves its coroutine
 * is caught by nobody, and ends the program as it does anywhere else.
 */
#include <coil.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

struct counter {
    int *count;
    ~counter()
    {
        ++*count;
    }
};

static int fail_below(int depth, int *count)
{
    counter unwound{count};
    if (depth == 0) {
        throw std::runtime_error("too deep");
    }
    return fail_below(depth - 1, count) + 1;
}

static int throw_and_catch(void *arg)
{
    for (int i = 0; i < 100; i++) {
        bool caught = false;
        try {
            fail_below(9, static_cast<int *>(arg));
        } catch (const std::runtime_error &error) {
            caught = std::strcmp(error.what(), "too deep") == 0;
        }
        if (!caught || coil_sleep(0) < 0) {
            return -EINVAL;
        }
    }
    return 0;
}

static int run_two(void *)
{
    int counts[2] = {0, 0};
    coil_task *tasks[2];
    for (int i = 0; i < 2; i++) {
        coil_task_options options = {};
        options.size = sizeof options;
        options.arg = &counts[i];
        tasks[i] = coil_create_task_with(throw_and_catch, &options);
    }
    int rc = coil_join(tasks[0]) + coil_join(tasks[1]);
    return rc == 0 && counts[0] == 1000 && counts[1] == 1000 ? 0 : -EINVAL;
}

static int throw_out(void *)
{
    throw 1;
}

static int run(coil_fn *fn)
{
    coil_run_options options = {};
    options.size = sizeof options;
    return coil_run_with(fn, &options);
}

static bool terminates(coil_fn *fn)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        rlimit no_core = {0, 0};
        setrlimit(RLIMIT_CORE, &no_core);
        try {
            run(fn);
        } catch (...) {
            _exit(2);
        }
        _exit(1);
    }
    return waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

int main()
{
    return run(run_two) == 0 && terminates(throw_out) ? EXIT_SUCCESS : EXIT_FAILURE;
}
