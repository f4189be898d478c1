/* Starting a child, its end, signals, what it inherits, and what is left of it. */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "children.h"
#include "suites.h"

/* ---- the end --------------------------------------------------------------------------------------------------------- */

PROCESS_TEST(the_exit_code_is_what_wait_returns)
{
    int codes[] = {0, 1, 2, 42, 127, 128, 137, 255};

    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        char command[32];
        (void)snprintf(command, sizeof command, "exit %d", codes[i]);
        coil_process *child = start_shell(command);
        ck_assert_int_eq(coil_process_wait(child), codes[i]);
        ck_assert_int_eq(coil_process_wait(child), codes[i]); /* again */
        ck_assert_int_eq(coil_process_returncode(child), codes[i]);
        ck_assert_int_eq(coil_process_signal(child), 0);
        coil_process_unref(child);
    }
    return 0;
}

PROCESS_TEST(a_death_by_signal_is_128_and_more_and_says_which)
{
    int signals[] = {SIGHUP, SIGINT, SIGTERM, SIGKILL, SIGUSR1};

    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        coil_process *child = start_shell("exec sleep 1000");
        ck_assert_int_eq(coil_process_returncode(child), -EINPROGRESS);
        ck_assert_int_eq(coil_process_signal(child), 0);
        ck_assert_int_eq(coil_process_send_signal(child, signals[i]), 0);
        ck_assert_int_eq(coil_process_wait(child), 128 + signals[i]);
        ck_assert_int_eq(coil_process_signal(child), signals[i]);
        coil_process_unref(child);
    }
    return 0;
}

PROCESS_TEST(true_and_false_are_what_they_say)
{
    coil_process *child;

    ck_assert_int_eq(coil_create_subprocess_exec(&child, (char *[]){"true", NULL}), 0);
    ck_assert_int_gt(coil_process_pid(child), 1);
    ck_assert_int_eq(end_of(child), 0);
    ck_assert_int_eq(coil_create_subprocess_exec(&child, (char *[]){"/bin/false", NULL}), 0);
    ck_assert_int_eq(end_of(child), 1);
    return 0;
}

PROCESS_TEST(every_task_that_waits_is_told)
{
    coil_process *child = start_shell("sleep 0.05; exit 3");
    coil_task *tasks[5];

    for (int i = 0; i < 5; i++) {
        tasks[i] = spawn(wait_for_process, child);
    }
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(coil_join(tasks[i]), 3);
    }
    coil_process_unref(child);
    return 0;
}

PROCESS_TEST(the_loop_goes_on_while_a_child_runs)
{
    coil_process *child = start_shell("exec sleep 0.3");
    int turns = 0;

    while (coil_process_returncode(child) == -EINPROGRESS) {
        ck_assert_int_eq(coil_sleep(0.01), 0);
        turns++;
    }
    ck_assert_int_gt(turns, 5);
    ck_assert_int_eq(end_of(child), 0);
    return 0;
}

PROCESS_TEST(a_wait_that_is_cancelled_leaves_the_child_alone)
{
    coil_process *child = start_shell("exec sleep 1000");
    coil_task *task = spawn(wait_for_process, child);

    settle();
    coil_cancel(task);
    ck_assert_int_eq(coil_join(task), -ECANCELED);
    ck_assert_int_eq(coil_wait_for_coroutine(wait_for_process, child, 0.05), -ETIMEDOUT);
    ck_assert_int_eq(coil_process_returncode(child), -EINPROGRESS);
    ck_assert(exists(coil_process_pid(child)));
    ck_assert_int_eq(coil_process_kill(child), 0);
    ck_assert_int_eq(end_of(child), 128 + SIGKILL);
    return 0;
}

PROCESS_TEST(an_end_that_was_faster_than_the_cancellation_is_still_there)
{
    coil_process *child = start_shell("exit 6");
    coil_task *task = spawn(wait_for_process, child);

    while (coil_process_returncode(child) == -EINPROGRESS) {
        ck_assert_int_eq(coil_sleep(0.001), 0);
    }
    coil_cancel(task); /* woken, but perhaps it has not run yet */
    int rc = coil_join(task);
    ck_assert(rc == 6 || rc == -ECANCELED);
    ck_assert_int_eq(end_of(child), 6);
    return 0;
}

/* A grandchild holds the pipe: the child has ended all the same. */
PROCESS_TEST(the_end_does_not_wait_for_the_pipes)
{
    coil_process *child = start_shell("sleep 1000 & echo $!", .stdout_ = COIL_PIPE, .new_session = true);
    char text[32] = "";

    ck_assert_int_eq(coil_process_wait(child), 0);
    ck_assert_int_gt(coil_read(coil_process_stdout_fd(child), text, sizeof text - 1), 0);
    ck_assert_int_eq(kill((pid_t)strtol(text, NULL, 10), SIGKILL), 0);
    coil_process_unref(child);
    return 0;
}

/* ---- programs -------------------------------------------------------------------------------------------------------- */

PROCESS_TEST(what_cannot_be_executed_is_said_at_once)
{
    static const struct {
        const char *program;
        int error;
    } wrong[] = {{"/no/such/program", -ENOENT}, {"no-such-program-anywhere", -ENOENT},
                 {"/etc/passwd", -EACCES},      {"/", -EACCES},
                 {"/bin/sh/x", -ENOTDIR},       {"./no-such-program", -ENOENT}};

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        coil_process *child = (coil_process *)&child;
        char *argv[] = {(char *)(uintptr_t)wrong[i].program, NULL};
        ck_assert_int_eq(coil_create_subprocess_exec(&child, argv, .stdin_ = COIL_PIPE), wrong[i].error);
        ck_assert_ptr_null(child);
    }
    assert_no_children();
    return 0;
}

PROCESS_TEST(misuse_is_refused)
{
    coil_process *child;
    char *nothing[] = {NULL};
    char *empty[] = {"", NULL};
    char *good[] = {"true", NULL};

    ck_assert_int_eq(coil_create_subprocess_exec(NULL, good), -EINVAL);
    ck_assert_int_eq(coil_create_subprocess_exec(&child, NULL), -EINVAL);
    ck_assert_int_eq(coil_create_subprocess_exec(&child, nothing), -EINVAL);
    ck_assert_int_eq(coil_create_subprocess_exec(&child, empty), -EINVAL);
    ck_assert_int_eq(coil_create_subprocess_exec_with(&child, NULL), -EINVAL);
    ck_assert_int_eq(coil_create_subprocess_shell(&child, NULL), -EINVAL);
    ck_assert_int_eq(coil_create_subprocess_shell(NULL, "true"), -EINVAL);
    ck_assert_int_eq(coil_create_subprocess_exec(&child, good, .stdin_ = COIL_STDOUT), -EINVAL);
    ck_assert_int_eq(coil_create_subprocess_exec(&child, good, .stdout_ = COIL_STDOUT), -EINVAL);
    ck_assert_int_eq(coil_create_subprocess_exec(&child, good, .stderr_ = -4), -EINVAL);
    ck_assert_int_eq(coil_create_subprocess_exec(&child, good, .stdout_ = 987), -EBADF);
    ck_assert_ptr_null(child);
    ck_assert_int_eq(coil_process_wait(NULL), -EINVAL);
    ck_assert_int_eq(coil_process_close(NULL), -EINVAL);
    ck_assert_int_eq(coil_process_returncode(NULL), -EINVAL);
    ck_assert_int_eq(coil_process_kill(NULL), -EINVAL);
    ck_assert_int_eq(coil_process_signal(NULL), 0);
    ck_assert_int_eq(coil_process_pid(NULL), 0);
    ck_assert_int_eq(coil_process_stdin_fd(NULL), -EINVAL);
    ck_assert_int_eq(coil_process_close_stdin(NULL), -EINVAL);
    ck_assert_int_eq(coil_process_take_fd(NULL, 1), -EINVAL);
    ck_assert_int_eq(coil_process_communicate(NULL, NULL, 0, NULL, NULL), -EINVAL);
    ck_assert_ptr_null(coil_process_ref(NULL));
    coil_process_unref(NULL);
    coil_buffer_free(NULL);
    return 0;
}

START_TEST(outside_of_a_loop_nothing_is_started)
    {
        coil_process *child;

        ck_assert_int_eq(coil_create_subprocess_exec(&child, (char *[]){"true", NULL}), -EPERM);
        ck_assert_ptr_null(child);
    }
END_TEST

static coil_process *shared;

static void use_in_callback(void *unused)
{
    (void)unused;
    ck_assert_int_eq(coil_process_wait(shared), -EPERM);
    ck_assert_int_eq(coil_process_close(shared), -EPERM);
    ck_assert_int_eq(coil_process_communicate(shared, NULL, 0, NULL, NULL), -EPERM);
    ck_assert_int_eq(coil_process_terminate(shared), 0);
}

static void start_in_callback(void *unused)
{
    (void)unused;
    shared = start_shell("exec sleep 1000");
}

PROCESS_TEST(a_callback_may_start_a_child_but_not_wait_for_it)
{
    ck_assert_ptr_nonnull(coil_call_soon(start_in_callback, NULL));
    ck_assert_ptr_nonnull(coil_call_soon(use_in_callback, NULL));
    settle();
    ck_assert_int_eq(end_of(shared), 128 + SIGTERM);
    return 0;
}

/* ---- where the program is -------------------------------------------------------------------------------------------- */

static const char folder_template[] = "/tmp/coil-test-XXXXXX";
static char folder[sizeof folder_template];

static void write_program(const char *name, const char *text, mode_t mode)
{
    char path[PATH_MAX];

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, mode);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    ck_assert_int_eq(close(fd), 0);
}

static void make_folder(void)
{
    setup();
    memcpy(folder, folder_template, sizeof folder);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    write_program("answer", "#!/bin/sh\nexit 42\n", 0755);
    write_program("forbidden", "#!/bin/sh\nexit 42\n", 0644);
    write_program("nonsense", "exit 42\n", 0755);
}

static void remove_folder(void)
{
    char command[PATH_MAX];

    (void)snprintf(command, sizeof command, "rm -r %s", folder);
    ck_assert_int_eq(system(command), 0);
    teardown();
}

static int run_program(const char *name, char *const *env, const char *cwd)
{
    coil_process *child;
    char *argv[] = {(char *)(uintptr_t)name, NULL};
    int rc = coil_create_subprocess_exec(&child, argv, .env = env, .cwd = cwd);

    return rc < 0 ? rc : end_of(child);
}

PROCESS_TEST(the_path_of_the_childs_environment_is_searched)
{
    char path[PATH_MAX];
    char *env[] = {"A=b", path, NULL};

    (void)snprintf(path, sizeof path, "PATH=/no/such/folder:/etc/passwd::%s:/bin", folder);
    ck_assert_int_eq(run_program("answer", NULL, NULL), -ENOENT);
    ck_assert_int_eq(run_program("answer", env, NULL), 42);
    ck_assert_int_eq(run_program("true", env, NULL), 0);
    ck_assert_int_eq(run_program("forbidden", env, NULL), -EACCES);
    ck_assert_int_eq(run_program("nonsense", env, NULL), -ENOEXEC);
    env[1] = "B=c"; /* without a PATH it is the usual one */
    ck_assert_int_eq(run_program("true", env, NULL), 0);
    env[1] = "PATH=";
    ck_assert_int_eq(run_program("true", env, NULL), -ENOENT);
    ck_assert_int_eq(run_program("answer", env, folder), 42);
    return 0;
}

PROCESS_TEST(relative_programs_are_seen_from_where_the_child_begins)
{
    char *env[] = {"PATH=.:/bin", NULL};
    char name[64];

    ck_assert_int_eq(run_program("./answer", NULL, folder), 42);
    ck_assert_int_eq(run_program("./answer", NULL, NULL), -ENOENT);
    ck_assert_int_eq(run_program("answer", env, folder), 42);
    ck_assert_int_eq(run_program("answer", env, NULL), -ENOENT);
    (void)snprintf(name, sizeof name, "../%s/answer", strrchr(folder, '/') + 1);
    ck_assert_int_eq(run_program(name, NULL, folder), 42);
    return 0;
}

PROCESS_TEST(a_folder_to_begin_in_that_is_none_is_an_error)
{
    ck_assert_int_eq(run_program("true", NULL, "/no/such/folder"), -ENOENT);
    ck_assert_int_eq(run_program("/bin/true", NULL, "/no/such/folder"), -ENOENT);
    ck_assert_int_eq(run_program("/bin/true", NULL, "/etc/passwd"), -ENOTDIR);
    return 0;
}

/* ---- what the child has ---------------------------------------------------------------------------------------------- */

static char seen[4096];

/* What the child writes, without the newline at its end. */
static const char *output_of(coil_process *child)
{
    coil_buffer output;

    ck_assert_int_eq(coil_process_communicate(child, NULL, 0, &output, NULL), 0);
    coil_process_unref(child);
    ck_assert_uint_lt(output.size, sizeof seen);
    memcpy(seen, output.data, output.size + 1);
    seen[strcspn(seen, "\n")] = '\0';
    coil_buffer_free(&output);
    return seen;
}

/* A shell with this command, and these options, writes what is expected. */
#define assert_output(expected, ...)                                           \
    do {                                                                       \
        coil_process *child_ = start_shell(__VA_ARGS__, .stdout_ = COIL_PIPE); \
        const char *output_ = output_of(child_);                               \
        ck_assert_str_eq(output_, expected);                                   \
    } while (0)

PROCESS_TEST(the_environment_is_the_callers_or_the_one_given)
{
    ck_assert_int_eq(setenv("COIL_TEST_WORD", "hello", 1), 0);
    assert_output("hello", "echo $COIL_TEST_WORD");
    char *env[] = {"COIL_TEST_OTHER=good bye", NULL};
    assert_output("good bye", "echo $COIL_TEST_WORD$COIL_TEST_OTHER", .env = env);
    char *none[] = {NULL};
    assert_output("", "echo $COIL_TEST_WORD", .env = none);
    return 0;
}

PROCESS_TEST(the_folder_is_the_callers_or_the_one_given)
{
    char here[PATH_MAX];

    ck_assert_ptr_nonnull(getcwd(here, sizeof here));
    assert_output(here, "pwd -P");
    assert_output("/usr", "pwd -P", .cwd = "/usr");
    return 0;
}

PROCESS_TEST(other_descriptors_are_closed)
{
    int inherited = open("/dev/null", O_RDONLY); /* not close-on-exec */
    int far = fcntl(inherited, F_DUPFD, 700);

    ck_assert_int_ge(far, 700);
    assert_output("none", "for i in $(seq 3 9) 700; do [ -e /proc/$$/fd/$i ] && echo $i; done; echo none");
    ck_assert_int_eq(fcntl(far, F_GETFD), 0);
    close(inherited);
    close(far);
    return 0;
}

PROCESS_TEST(dispositions_are_the_defaults_and_no_signal_is_blocked)
{
    sigset_t all;
    sigset_t before;

    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN);
    sigfillset(&all);
    ck_assert_int_eq(pthread_sigmask(SIG_SETMASK, &all, &before), 0);
    /* 32 and 33 are the C library's own, which posix_spawn leaves ignored: no program can name them. */
    assert_output("none", "exec awk '/SigBlk|SigIgn/ && $2 !~ /^0*(180000000)?$/ { print } END { print \"none\" }' "
                          "/proc/self/status");
    ck_assert_int_eq(pthread_sigmask(SIG_SETMASK, &before, NULL), 0);
    (void)signal(SIGPIPE, SIG_DFL);
    (void)signal(SIGHUP, SIG_DFL);
    return 0;
}

PROCESS_TEST(a_new_session_has_a_group_of_its_own)
{
    coil_process *child = start_shell("sleep 1000 & sleep 1000", .new_session = true);
    pid_t pid = coil_process_pid(child);

    ck_assert_int_eq(getsid(pid), pid);
    ck_assert_int_eq(getpgid(pid), pid);
    ck_assert_int_eq(coil_sleep(0.05), 0);
    ck_assert_int_eq(kill(-pid, SIGTERM), 0); /* the grandchildren, too */
    ck_assert_int_eq(end_of(child), 128 + SIGTERM);
    child = start_shell("exec sleep 1000");
    ck_assert_int_eq(getsid(coil_process_pid(child)), getsid(0));
    ck_assert_int_eq(coil_process_close(child), 128 + SIGKILL);
    coil_process_unref(child);
    return 0;
}

/* ---- signals --------------------------------------------------------------------------------------------------------- */

PROCESS_TEST(a_child_that_has_ended_gets_no_signals)
{
    coil_process *child = start_shell("exit 0");

    ck_assert_int_eq(coil_process_wait(child), 0);
    ck_assert_int_eq(coil_process_kill(child), -ESRCH);
    ck_assert_int_eq(coil_process_terminate(child), -ESRCH);
    ck_assert_int_eq(coil_process_send_signal(child, SIGUSR1), -ESRCH);
    ck_assert_int_eq(coil_process_returncode(child), 0);
    coil_process_unref(child);
    return 0;
}

PROCESS_TEST(a_signal_that_is_none_is_refused)
{
    coil_process *child = start_shell("exec sleep 1000");

    ck_assert_int_eq(coil_process_send_signal(child, 1000), -EINVAL);
    ck_assert_int_eq(coil_process_send_signal(child, 0), 0); /* as kill(2): only asks */
    ck_assert_int_eq(coil_process_close(child), 128 + SIGKILL);
    coil_process_unref(child);
    return 0;
}

PROCESS_TEST(a_child_may_catch_what_asks_it_to_end)
{
    coil_process *child = start_shell("trap 'exit 9' TERM; echo; while :; do sleep 0.01; done", .stdout_ = COIL_PIPE);
    char byte;

    ck_assert_int_eq(coil_read(coil_process_stdout_fd(child), &byte, 1), 1);
    ck_assert_int_eq(coil_process_terminate(child), 0);
    ck_assert_int_eq(end_of(child), 9);
    return 0;
}

/* ---- what is left ---------------------------------------------------------------------------------------------------- */

PROCESS_TEST(a_child_that_nobody_has_a_handle_of_is_reaped)
{
    coil_process *child = start_shell("sleep 0.1");
    pid_t pid = coil_process_pid(child);

    coil_process_unref(child);
    ck_assert(exists(pid));
    for (int i = 0; i < 500 && exists(pid); i++) {
        ck_assert_int_eq(coil_sleep(0.01), 0);
    }
    ck_assert(!exists(pid));
    assert_no_children();
    return 0;
}

PROCESS_TEST(a_child_that_nobody_waits_for_is_reaped)
{
    coil_process *child = start_shell("exit 4");

    for (int i = 0; i < 500 && exists(coil_process_pid(child)); i++) {
        ck_assert_int_eq(coil_sleep(0.01), 0);
    }
    assert_no_children();
    ck_assert_int_eq(coil_process_returncode(child), 4);
    coil_process_unref(child);
    return 0;
}

PROCESS_TEST(references_count)
{
    coil_process *child = start_shell("exit 4");

    ck_assert_ptr_eq(coil_process_ref(child), child);
    coil_process_unref(child);
    ck_assert_int_eq(end_of(child), 4);
    return 0;
}

PROCESS_TEST(close_ends_it_whatever_it_does)
{
    coil_process *child = start_shell("trap '' TERM HUP INT; while :; do sleep 1000; done", .stdin_ = COIL_PIPE,
                                      .stdout_ = COIL_PIPE, .stderr_ = COIL_PIPE, .new_session = true);
    pid_t pid = coil_process_pid(child);

    ck_assert_int_eq(coil_sleep(0.05), 0);
    ck_assert_int_eq(coil_process_close(child), 128 + SIGKILL);
    ck_assert_int_eq(coil_process_close(child), 128 + SIGKILL);
    ck_assert_int_eq(coil_process_stdout_fd(child), -EBADF);
    ck_assert_int_eq(kill(-pid, SIGKILL), 0); /* its own child */
    coil_process_unref(child);
    return 0;
}

static int close_it(void *process)
{
    return coil_process_close(process);
}

PROCESS_TEST(a_close_that_is_cancelled_ends_it_all_the_same)
{
    coil_process *child = start_shell("exec sleep 1000");

    coil_task *task = coil_create_task(close_it, child, .eager_start = true);
    coil_cancel(task);
    ck_assert_int_eq(coil_join(task), -ECANCELED);
    ck_assert_int_eq(end_of(child), 128 + SIGKILL);
    return 0;
}

/* Somebody else may be faster. */
PROCESS_TEST(an_end_that_was_taken_elsewhere_is_an_error)
{
    coil_process *child = start_shell("exit 5");
    int status;

    ck_assert_int_eq(waitpid(coil_process_pid(child), &status, 0), coil_process_pid(child));
    ck_assert_int_eq(coil_process_wait(child), -ECHILD);
    ck_assert_int_eq(coil_process_returncode(child), -ECHILD);
    ck_assert_int_eq(coil_process_signal(child), 0);
    ck_assert_int_eq(coil_process_kill(child), -ESRCH);
    coil_process_unref(child);
    return 0;
}

PROCESS_TEST(where_sigchld_is_ignored_ends_are_not_known)
{
    ck_assert_ptr_ne((void *)signal(SIGCHLD, SIG_IGN), (void *)SIG_ERR);
    coil_process *child = start_shell("sleep 0.05; exit 5");
    ck_assert_int_eq(end_of(child), -ECHILD);
    ck_assert_ptr_ne((void *)signal(SIGCHLD, SIG_DFL), (void *)SIG_ERR);
    return 0;
}

static pid_t left_pid;
static coil_process *left_process;

static int leave_child(void *unused)
{
    (void)unused;
    coil_process *child = start_shell("exec sleep 1000", .stdin_ = COIL_PIPE);
    left_pid = coil_process_pid(child);
    coil_process_unref(child);
    return 0;
}

static int leave_child_and_keep_it(void *unused)
{
    (void)unused;
    left_process = start_shell("exec sleep 1000", .stdin_ = COIL_PIPE);
    left_pid = coil_process_pid(left_process);
    return 0;
}

static int start_another(void *unused)
{
    (void)unused;
    return end_of(start_shell("exit 0"));
}

START_TEST(a_child_that_outlives_its_loop_goes_on_and_is_reaped_by_the_next)
    {
        coil_fn *const fns[] = {leave_child, leave_child_and_keep_it};

        for (int i = 0; i < 2; i++) {
            int before = open_descriptors();
            ck_assert_int_eq(coil_run(fns[i], NULL), 0);
            ck_assert_int_eq(kill(left_pid, 0), 0);
            ck_assert_int_eq(kill(left_pid, SIGKILL), 0);
            siginfo_t info;
            ck_assert_int_eq(waitid(P_PID, (id_t)left_pid, &info, WEXITED | WNOWAIT), 0); /* now it is a zombie */
            ck_assert_int_eq(coil_run(start_another, NULL), 0);
            assert_no_children();
            if (i == 1) {
                ck_assert_int_eq(coil_process_returncode(left_process), -EPERM);
                ck_assert_int_eq(coil_process_kill(left_process), -ESRCH);
                ck_assert_int_eq(coil_process_pid(left_process), left_pid);
                coil_process_unref(left_process);
            }
            ck_assert_int_eq(open_descriptors(), before);
        }
    }
END_TEST

static int leave_dead_child(void *unused)
{
    siginfo_t info;

    (void)unused;
    coil_process *child = start_shell("exit 0");
    ck_assert_int_eq(waitid(P_PID, (id_t)coil_process_pid(child), &info, WEXITED | WNOWAIT), 0);
    coil_process_unref(child);
    return 0; /* before the loop has heard of it */
}

START_TEST(a_child_that_is_dead_when_the_loop_closes_is_reaped_then)
    {
        ck_assert_int_eq(coil_run(leave_dead_child, NULL), 0);
        assert_no_children();
    }
END_TEST

static int wait_and_say(void *process)
{
    int rc = coil_process_wait(process);

    coil_process_unref(process);
    return rc;
}

static int leave_waiting_task(void *unused)
{
    (void)unused;
    left_process = start_shell("exec sleep 1000", .stdin_ = COIL_PIPE, .stdout_ = COIL_PIPE);
    left_pid = coil_process_pid(left_process);
    coil_unref(spawn(wait_and_say, left_process));
    return 0;
}

START_TEST(a_task_that_waits_is_cancelled_at_the_end_and_the_child_is_not)
    {
        int before = open_descriptors();

        ck_assert_int_eq(coil_run(leave_waiting_task, NULL), 0);
        ck_assert_int_eq(kill(left_pid, SIGTERM), 0);
        ck_assert_int_eq(waitpid(left_pid, NULL, 0), left_pid);
        ck_assert_int_eq(coil_run(start_another, NULL), 0); /* what was known of it goes */
        ck_assert_int_eq(open_descriptors(), before);
    }
END_TEST

static void ignore_reports(coil_loop *loop, const struct coil_report *report, void *unused)
{
    (void)loop;
    (void)report;
    (void)unused;
}

static int communicate_with(void *process)
{
    return coil_process_communicate(process, NULL, 0, NULL, NULL);
}

static int leave_for_good(void *unused)
{
    (void)unused;
    coil_process *child = start_shell("exec sleep 1000", .stdout_ = COIL_PIPE);
    left_pid = coil_process_pid(child);
    coil_unref(spawn(wait_for_process, child));
    coil_unref(spawn(communicate_with, child));
    settle();
    coil_process_unref(child);
    return 0;
}

START_TEST(a_loop_that_is_closed_under_those_who_wait_keeps_nothing)
    {
        int before = open_descriptors();
        coil_loop *loop = coil_loop_new();
        coil_task *task = coil_loop_create_task(loop, leave_for_good, NULL);

        coil_loop_set_exception_handler(loop, ignore_reports, NULL);
        ck_assert_int_eq(coil_loop_run_until_complete(loop, task), 0);
        coil_unref(task);
        ck_assert_int_eq(coil_loop_close(loop), 0);
        ck_assert_int_eq(kill(left_pid, SIGKILL), 0);
        ck_assert_int_eq(waitpid(left_pid, NULL, 0), left_pid);
        ck_assert_int_eq(coil_run(start_another, NULL), 0);
        ck_assert_int_eq(open_descriptors(), before);
    }
END_TEST

static int wait_on_virtual_clock(void *unused)
{
    double start = coil_time();

    (void)unused;
    ck_assert_int_eq(end_of(start_shell("sleep 0.05; exit 3")), 3);
    ck_assert_double_eq(coil_time(), start); /* what is real takes no virtual time */
    ck_assert_int_eq(coil_sleep(100), 0);
    ck_assert_double_eq(coil_time(), start + 100);
    return 0;
}

START_TEST(a_childs_time_is_no_virtual_time)
    {
        ck_assert_int_eq(coil_run(wait_on_virtual_clock, NULL, .clock = COIL_CLOCK_VIRTUAL), 0);
    }
END_TEST

Suite *process_suite(void)
{
    Suite *suite = suite_create("process");
    TCase *ends = tcase_create("process_ends");
    TCase *programs = tcase_create("process_programs");
    TCase *paths = tcase_create("process_paths");
    TCase *has = tcase_create("process_inherits");
    TCase *signals = tcase_create("process_signals");
    TCase *left = tcase_create("process_left");

    tcase_add_checked_fixture(ends, setup, teardown);
    tcase_add_test(ends, the_exit_code_is_what_wait_returns);
    tcase_add_test(ends, a_death_by_signal_is_128_and_more_and_says_which);
    tcase_add_test(ends, true_and_false_are_what_they_say);
    tcase_add_test(ends, every_task_that_waits_is_told);
    tcase_add_test(ends, the_loop_goes_on_while_a_child_runs);
    tcase_add_test(ends, a_wait_that_is_cancelled_leaves_the_child_alone);
    tcase_add_test(ends, an_end_that_was_faster_than_the_cancellation_is_still_there);
    tcase_add_test(ends, the_end_does_not_wait_for_the_pipes);
    tcase_add_test(ends, a_childs_time_is_no_virtual_time);
    suite_add_tcase(suite, ends);

    tcase_add_checked_fixture(programs, setup, teardown);
    tcase_add_test(programs, what_cannot_be_executed_is_said_at_once);
    tcase_add_test(programs, misuse_is_refused);
    tcase_add_test(programs, outside_of_a_loop_nothing_is_started);
    tcase_add_test(programs, a_callback_may_start_a_child_but_not_wait_for_it);
    suite_add_tcase(suite, programs);

    tcase_add_checked_fixture(paths, make_folder, remove_folder);
    tcase_add_test(paths, the_path_of_the_childs_environment_is_searched);
    tcase_add_test(paths, relative_programs_are_seen_from_where_the_child_begins);
    tcase_add_test(paths, a_folder_to_begin_in_that_is_none_is_an_error);
    suite_add_tcase(suite, paths);

    tcase_add_checked_fixture(has, setup, teardown);
    tcase_add_test(has, the_environment_is_the_callers_or_the_one_given);
    tcase_add_test(has, the_folder_is_the_callers_or_the_one_given);
    tcase_add_test(has, other_descriptors_are_closed);
    tcase_add_test(has, dispositions_are_the_defaults_and_no_signal_is_blocked);
    tcase_add_test(has, a_new_session_has_a_group_of_its_own);
    suite_add_tcase(suite, has);

    tcase_add_checked_fixture(signals, setup, teardown);
    tcase_add_test(signals, a_child_that_has_ended_gets_no_signals);
    tcase_add_test(signals, a_signal_that_is_none_is_refused);
    tcase_add_test(signals, a_child_may_catch_what_asks_it_to_end);
    suite_add_tcase(suite, signals);

    tcase_add_checked_fixture(left, setup, teardown);
    tcase_add_test(left, a_child_that_nobody_has_a_handle_of_is_reaped);
    tcase_add_test(left, a_child_that_nobody_waits_for_is_reaped);
    tcase_add_test(left, references_count);
    tcase_add_test(left, close_ends_it_whatever_it_does);
    tcase_add_test(left, a_close_that_is_cancelled_ends_it_all_the_same);
    tcase_add_test(left, an_end_that_was_taken_elsewhere_is_an_error);
    tcase_add_test(left, where_sigchld_is_ignored_ends_are_not_known);
    tcase_add_test(left, a_child_that_outlives_its_loop_goes_on_and_is_reaped_by_the_next);
    tcase_add_test(left, a_child_that_is_dead_when_the_loop_closes_is_reaped_then);
    tcase_add_test(left, a_task_that_waits_is_cancelled_at_the_end_and_the_child_is_not);
    tcase_add_test(left, a_loop_that_is_closed_under_those_who_wait_keeps_nothing);
    suite_add_tcase(suite, left);
    return suite;
}
