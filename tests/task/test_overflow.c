/* Stack overflow of a task: the process dies of it, as it would have, after a line that says which task, how large, from where. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "suites.h"

#pragma GCC diagnostic ignored "-Wpragmas"
#pragma GCC diagnostic ignored "-Winfinite-recursion"
__attribute__((noinline)) static int dig(int depth)
{
    volatile char frame[700] = {0};

    return dig(depth + 1) + frame[depth % 700];
}

static int dig_deep(void *unused)
{
    (void)unused;
    coil_sleep(0);
    return dig(0);
}

static int make_digger(void *stack_size)
{
    size_t size = *(size_t *)stack_size;

    coil_unref(coil_create_task(give, NULL, .name = "a neighbour"));
    coil_task *task = coil_create_task(dig_deep, NULL, .name = "digger", .stack_size = size);
    return coil_join(task);
}

static int dig_in_main(void *unused)
{
    return dig_deep(unused);
}

/* Runs fn(arg) in a process of its own. Returns how that ended, and what it wrote to stderr in text. */
static int run_child(int (*fn)(void *arg), void *arg, char *text, size_t size)
{
    struct rlimit no_core = {0, 0};
    int ends[2];
    int status = 0;
    size_t length = 0;
    ssize_t n;

    ck_assert_int_eq(pipe(ends), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        (void)setrlimit(RLIMIT_CORE, &no_core);
        (void)dup2(ends[1], STDERR_FILENO);
        _exit(fn(arg) < 0 ? 1 : 0);
    }
    close(ends[1]);
    while (length < size - 1 && (n = read(ends[0], text + length, size - 1 - length)) > 0) {
        length += (size_t)n;
    }
    text[length] = '\0';
    close(ends[0]);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return status;
}

/* Sanitizers turn the fault into a report and an exit status of theirs. */
static void assert_died(int status)
{
    if (CI_WITH_ASAN || CI_WITH_TSAN) {
        ck_assert(!WIFEXITED(status) || WEXITSTATUS(status) != 0);
    } else {
        ck_assert(WIFSIGNALED(status));
        ck_assert_int_eq(WTERMSIG(status), SIGSEGV);
    }
}

static int run_digger(void *size)
{
    return coil_run(make_digger, size);
}

START_TEST(overflow_names_the_task_its_stack_and_where_it_was_made)
    {
        static const size_t sizes[] = {0, 16 << 10, 1 << 20};
        char text[16384];

        for (int i = 0; i < 3; i++) {
            size_t size = sizes[i];
            assert_died(run_child(run_digger, &size, text, sizeof(text)));
            ck_assert_msg(strstr(text, "coil: stack overflow in task 'digger'") != NULL, "%s", text);
            ck_assert_msg(strstr(text, "created in make_digger at ") != NULL, "%s", text);
            ck_assert_msg(strstr(text, "test_overflow.c:") != NULL, "%s", text);
            ck_assert_ptr_nonnull(strstr(text, ".stack_size"));
            const char *has = strstr(text, "its stack has ");
            ck_assert_ptr_nonnull(has);
            long said = strtol(has + strlen("its stack has "), NULL, 10);
            long asked = size == 0 ? 64 << 10 : (long)size;
            ck_assert_int_le(said, asked);
            ck_assert_int_gt(said, asked - 2048);
            ck_assert_ptr_null(strstr(text, "neighbour"));
        }
    }
END_TEST

static int run_main_digger(void *unused)
{
    return coil_run(dig_in_main, unused);
}

START_TEST(overflow_of_main_is_reported_too)
    {
        char text[16384];

        assert_died(run_child(run_main_digger, NULL, text, sizeof(text)));
        ck_assert_msg(strstr(text, "coil: stack overflow in task 'Task-1'") != NULL, "%s", text);
    }
END_TEST

static int name_at_length(void *name)
{
    coil_task *task = coil_create_task(dig_deep, NULL, .name = name);

    return coil_join(task);
}

static int run_long_name(void *name)
{
    return coil_run(name_at_length, name);
}

START_TEST(a_name_of_any_length_is_cut_and_overflows_nothing)
    {
        char text[16384];
        char name[5000];

        memset(name, 'n', sizeof(name) - 1);
        name[sizeof(name) - 1] = '\0';
        assert_died(run_child(run_long_name, name, text, sizeof(text)));
        const char *said = strstr(text, "coil: stack overflow in task 'nnnnnnnn");
        ck_assert_msg(said != NULL, "%s", text);
        ck_assert_msg(strchr(said, '\n') != NULL, "%s", text);
    }
END_TEST

/* As another language may make it. */
static int make_digger_in_an_unknown_function(void *unused)
{
    struct coil_task_options options = {.size = sizeof(options), .site.file = "program.txt", .site.line = 7};

    (void)unused;
    return coil_join(coil_create_task_with(dig_deep, &options));
}

static int run_unknown(void *unused)
{
    return coil_run(make_digger_in_an_unknown_function, unused);
}

START_TEST(a_site_without_a_function_is_told_without)
    {
        char text[16384];

        assert_died(run_child(run_unknown, NULL, text, sizeof(text)));
        ck_assert_msg(strstr(text, "created in ? at program.txt:7") != NULL, "%s", text);
    }
END_TEST

static void *run_in_thread(void *size)
{
    (void)coil_run(make_digger, size);
    return NULL;
}

static int dig_in_thread(void *size)
{
    pthread_t thread;

    (void)pthread_create(&thread, NULL, run_in_thread, size);
    (void)pthread_join(thread, NULL);
    return 0;
}

START_TEST(overflow_in_another_threads_loop_is_reported)
    {
        char text[16384];
        size_t size = 0;

        assert_died(run_child(dig_in_thread, &size, text, sizeof(text)));
        ck_assert_msg(strstr(text, "coil: stack overflow in task 'digger'") != NULL, "%s", text);
    }
END_TEST

static int touch_null(void *unused)
{
    volatile int *volatile nowhere = NULL;

    (void)unused;
    return *nowhere;
}

static int run_null(void *unused)
{
    return coil_run(touch_null, unused);
}

START_TEST(another_fault_is_not_called_an_overflow)
    {
        char text[16384];

        assert_died(run_child(run_null, NULL, text, sizeof(text)));
        ck_assert_msg(strstr(text, "stack overflow in task") == NULL, "%s", text);
    }
END_TEST

Suite *overflow_suite(void)
{
    Suite *suite = suite_create("overflow");
    TCase *tc = tcase_create("overflow");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, overflow_names_the_task_its_stack_and_where_it_was_made);
    tcase_add_test(tc, overflow_of_main_is_reported_too);
    tcase_add_test(tc, a_name_of_any_length_is_cut_and_overflows_nothing);
    tcase_add_test(tc, a_site_without_a_function_is_told_without);
    tcase_add_test(tc, overflow_in_another_threads_loop_is_reported);
    tcase_add_test(tc, another_fault_is_not_called_an_overflow);
    suite_add_tcase(suite, tc);
    return suite;
}
