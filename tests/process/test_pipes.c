/* Pipes and redirections: what a child's descriptors are, and the parent's ends of them. */
#include <fcntl.h>
#include <poll.h>

#include "children.h"
#include "suites.h"

/* Reads to the end. Returns how many bytes there were; the first of them are in out. */
static size_t read_all(int fd, char *out, size_t size)
{
    size_t got = 0;
    ssize_t rc;

    while ((rc = coil_read(fd, out + got, size - 1 - got)) > 0) {
        got += (size_t)rc;
    }
    ck_assert_int_eq(rc, 0);
    out[got] = '\0';
    return got;
}

PROCESS_TEST(what_is_written_to_cat_comes_back)
{
    coil_process *child;
    char text[64];

    ck_assert_int_eq(
        coil_create_subprocess_exec(&child, (char *[]){"cat", NULL}, .stdin_ = COIL_PIPE, .stdout_ = COIL_PIPE), 0);
    for (int i = 0; i < 10; i++) {
        ck_assert_int_eq(coil_write(coil_process_stdin_fd(child), "hello", 5), 5);
        ck_assert_int_eq(coil_read(coil_process_stdout_fd(child), text, sizeof text), 5);
        ck_assert_mem_eq(text, "hello", 5);
    }
    ck_assert_int_eq(coil_process_stderr_fd(child), -EBADF);
    ck_assert_int_eq(coil_process_close_stdin(child), 0);
    ck_assert_int_eq(coil_process_close_stdin(child), -EBADF);
    ck_assert_int_eq(coil_process_stdin_fd(child), -EBADF);
    ck_assert_int_eq(coil_read(coil_process_stdout_fd(child), text, sizeof text), 0);
    ck_assert_int_eq(end_of(child), 0);
    return 0;
}

PROCESS_TEST(output_and_errors_have_pipes_of_their_own)
{
    coil_process *child = start_shell("echo out; echo err >&2", .stdout_ = COIL_PIPE, .stderr_ = COIL_PIPE);
    char text[64];

    ck_assert_uint_eq(read_all(coil_process_stdout_fd(child), text, sizeof text), 4);
    ck_assert_str_eq(text, "out\n");
    ck_assert_uint_eq(read_all(coil_process_stderr_fd(child), text, sizeof text), 4);
    ck_assert_str_eq(text, "err\n");
    ck_assert_int_eq(end_of(child), 0);
    return 0;
}

PROCESS_TEST(errors_may_go_where_the_output_goes)
{
    coil_process *child = start_shell("echo out; echo err >&2", .stdout_ = COIL_PIPE, .stderr_ = COIL_STDOUT);
    char text[64];

    ck_assert_int_eq(coil_process_stderr_fd(child), -EBADF);
    ck_assert_uint_eq(read_all(coil_process_stdout_fd(child), text, sizeof text), 8);
    ck_assert_str_eq(text, "out\nerr\n");
    ck_assert_int_eq(end_of(child), 0);
    return 0;
}

PROCESS_TEST(dev_null_gives_and_takes_nothing)
{
    coil_process *child = start_shell("read x; echo \"got $?\" >&2; echo out", .stdin_ = COIL_DEVNULL,
                                      .stdout_ = COIL_DEVNULL, .stderr_ = COIL_PIPE);
    char text[64];

    ck_assert_uint_eq(read_all(coil_process_stderr_fd(child), text, sizeof text), 6);
    ck_assert_str_eq(text, "got 1\n");
    ck_assert_int_eq(end_of(child), 0);
    return 0;
}

PROCESS_TEST(descriptors_of_the_caller_are_used_and_stay_his)
{
    int in[2];
    int out[2];
    char text[64];

    ck_assert_int_eq(pipe2(in, O_CLOEXEC), 0);
    ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
    coil_process *child =
        start_shell("read x; echo \"$x!\"; echo err >&2", .stdin_ = in[0], .stdout_ = out[1], .stderr_ = out[1]);
    ck_assert_int_eq(fcntl(in[0], F_GETFD), FD_CLOEXEC);
    ck_assert_int_eq(fcntl(out[1], F_GETFD), FD_CLOEXEC);
    close(in[0]);
    close(out[1]);
    ck_assert_int_eq(coil_write(in[1], "well\n", 5), 5);
    ck_assert_uint_eq(read_all(out[0], text, sizeof text), 10);
    ck_assert_str_eq(text, "well!\nerr\n");
    ck_assert_int_eq(end_of(child), 0);
    close(in[1]);
    close(out[0]);
    return 0;
}

/* The order in which they are put in place must not matter. */
PROCESS_TEST(the_callers_own_three_may_change_places)
{
    int saved[2] = {fcntl(1, F_DUPFD_CLOEXEC, 3), fcntl(2, F_DUPFD_CLOEXEC, 3)};
    int one[2];
    int two[2];
    char text[64];

    ck_assert_int_eq(pipe2(one, O_CLOEXEC), 0);
    ck_assert_int_eq(pipe2(two, O_CLOEXEC), 0);
    ck_assert_int_eq(dup2(one[1], 1), 1);
    ck_assert_int_eq(dup2(two[1], 2), 2);
    coil_process *crossed = start_shell("echo out; echo err >&2", .stdout_ = 2, .stderr_ = 1);
    coil_process *same = start_shell("echo Out; echo Err >&2", .stdout_ = 1, .stderr_ = 2);
    coil_process *all_one = start_shell("echo OUT; echo ERR >&2", .stderr_ = 1);
    ck_assert_int_eq(coil_process_wait(crossed), 0);
    ck_assert_int_eq(coil_process_wait(same), 0);
    ck_assert_int_eq(coil_process_wait(all_one), 0);
    ck_assert_int_eq(dup2(saved[0], 1), 1);
    ck_assert_int_eq(dup2(saved[1], 2), 2);
    close(one[1]);
    close(two[1]);
    read_all(one[0], text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, "err\n"));
    ck_assert_ptr_nonnull(strstr(text, "Out\n"));
    ck_assert_ptr_nonnull(strstr(text, "OUT\n"));
    ck_assert_ptr_nonnull(strstr(text, "ERR\n"));
    ck_assert_uint_eq(strlen(text), 16);
    read_all(two[0], text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, "out\n"));
    ck_assert_ptr_nonnull(strstr(text, "Err\n"));
    ck_assert_uint_eq(strlen(text), 8);
    close(one[0]);
    close(two[0]);
    close(saved[0]);
    close(saved[1]);
    coil_process_unref(crossed);
    coil_process_unref(same);
    coil_process_unref(all_one);
    return 0;
}

/* A daemon may have closed its first three: then pipes get their numbers. */
static int talk_without_standard_fds(void *unused)
{
    coil_process *child;
    char text[64] = "";
    int rc = coil_create_subprocess_shell(&child, "read x; echo \"$x!\"; echo err >&2", .stdin_ = COIL_PIPE,
                                          .stdout_ = COIL_PIPE, .stderr_ = COIL_PIPE);

    (void)unused;
    if (rc < 0 || coil_write(coil_process_stdin_fd(child), "well\n", 5) != 5) {
        return rc < 0 ? rc : -EIO;
    }
    rc = coil_process_wait(child);
    if (coil_read(coil_process_stdout_fd(child), text, 10) != 6 || strcmp(text, "well!\n") != 0 ||
        coil_read(coil_process_stderr_fd(child), text, 10) != 4 || strncmp(text, "err\n", 4) != 0) {
        rc = -EBADMSG;
    }
    coil_process_unref(child);
    return rc;
}

START_TEST(a_caller_without_standard_descriptors_can_have_pipes)
    {
        for (int closed = 1; closed < 8; closed++) {
            pid_t pid = fork();
            int status;
            ck_assert_int_ge(pid, 0);
            if (pid == 0) {
                for (int fd = 0; fd < 3; fd++) {
                    if (closed >> fd & 1) {
                        close(fd);
                    }
                }
                _exit(coil_run(talk_without_standard_fds, NULL) == 0 ? 42 : 1);
            }
            ck_assert_int_eq(waitpid(pid, &status, 0), pid);
            ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 42, "without those of %x: %x", (unsigned)closed,
                          (unsigned)status);
        }
    }
END_TEST

PROCESS_TEST(a_pipe_that_is_taken_is_the_callers)
{
    coil_process *first;
    coil_process *second;

    ck_assert_int_eq(coil_create_subprocess_exec(&first, (char *[]){"yes", NULL}, .stdout_ = COIL_PIPE), 0);
    ck_assert_int_eq(coil_process_take_fd(first, 0), -EBADF);
    ck_assert_int_eq(coil_process_take_fd(first, 3), -EINVAL);
    ck_assert_int_eq(coil_process_take_fd(first, -1), -EINVAL);
    int fd = coil_process_take_fd(first, 1);
    ck_assert_int_ge(fd, 3);
    ck_assert_int_eq(coil_process_stdout_fd(first), -EBADF);
    ck_assert_int_eq(
        coil_create_subprocess_exec(&second, (char *[]){"head", "-n3", NULL}, .stdin_ = fd, .stdout_ = COIL_PIPE), 0);
    ck_assert_int_eq(coil_close(fd), 0);
    char text[64];
    ck_assert_uint_eq(read_all(coil_process_stdout_fd(second), text, sizeof text), 6);
    ck_assert_str_eq(text, "y\ny\ny\n");
    ck_assert_int_eq(end_of(second), 0);
    ck_assert_int_eq(end_of(first), 128 + SIGPIPE); /* its disposition is the default one */
    return 0;
}

PROCESS_TEST(writing_to_a_child_that_is_gone_is_an_error_and_no_signal)
{
    coil_process *child = start_shell("exec <&-; echo; exec sleep 1000", .stdin_ = COIL_PIPE, .stdout_ = COIL_PIPE);
    char byte;

    (void)signal(SIGPIPE, SIG_DFL);
    ck_assert_int_eq(coil_read(coil_process_stdout_fd(child), &byte, 1), 1);
    ck_assert_int_eq(coil_write(coil_process_stdin_fd(child), "x", 1), -EPIPE);
    ck_assert_int_eq(coil_process_close(child), 128 + SIGKILL);
    coil_process_unref(child);
    return 0;
}

PROCESS_TEST(letting_go_of_a_child_closes_its_pipes)
{
    coil_process *child = start_shell("cat; exit 7", .stdin_ = COIL_PIPE);
    pid_t pid = coil_process_pid(child);

    coil_process_unref(child); /* the end of its input ends it */
    for (int i = 0; i < 500 && exists(pid); i++) {
        ck_assert_int_eq(coil_sleep(0.01), 0);
    }
    ck_assert(!exists(pid));
    return 0;
}

static int read_byte(void *process)
{
    char byte;

    return (int)coil_read(coil_process_stdout_fd(process), &byte, 1);
}

PROCESS_TEST(closing_ends_those_who_wait_on_a_pipe)
{
    coil_process *child = start_shell("exec sleep 1000", .stdout_ = COIL_PIPE);
    coil_task *task = spawn(read_byte, child);

    settle();
    ck_assert_int_eq(coil_process_close(child), 128 + SIGKILL);
    ck_assert_int_eq(coil_join(task), -EBADF);
    coil_process_unref(child);
    return 0;
}

PROCESS_TEST(what_a_child_wrote_before_it_died_is_there)
{
    coil_process *child = start_shell("printf 0123456789; kill -9 $$", .stdout_ = COIL_PIPE);
    char text[64];

    ck_assert_int_eq(coil_process_wait(child), 128 + SIGKILL);
    ck_assert_uint_eq(read_all(coil_process_stdout_fd(child), text, sizeof text), 10);
    ck_assert_str_eq(text, "0123456789");
    coil_process_unref(child);
    return 0;
}

Suite *pipes_suite(void)
{
    Suite *suite = suite_create("pipes");
    TCase *tests = tcase_create("pipes");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, what_is_written_to_cat_comes_back);
    tcase_add_test(tests, output_and_errors_have_pipes_of_their_own);
    tcase_add_test(tests, errors_may_go_where_the_output_goes);
    tcase_add_test(tests, dev_null_gives_and_takes_nothing);
    tcase_add_test(tests, descriptors_of_the_caller_are_used_and_stay_his);
    tcase_add_test(tests, the_callers_own_three_may_change_places);
    tcase_add_test(tests, a_caller_without_standard_descriptors_can_have_pipes);
    tcase_add_test(tests, a_pipe_that_is_taken_is_the_callers);
    tcase_add_test(tests, writing_to_a_child_that_is_gone_is_an_error_and_no_signal);
    tcase_add_test(tests, letting_go_of_a_child_closes_its_pipes);
    tcase_add_test(tests, closing_ends_those_who_wait_on_a_pipe);
    tcase_add_test(tests, what_a_child_wrote_before_it_died_is_there);
    suite_add_tcase(suite, tests);
    return suite;
}
