/*
 * fork in a coroutine. In the child no loop is left: it may exec, exit, or run a loop of its own, and whatever it does, the parent's
 * loop neither loses an event nor gets one too many.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/eventfd.h>

#include "children.h"
#include "suites.h"

/* What the child process did wrong, by the line, becomes its exit code; 42 is all right. */
#define CHILD_MUST(condition)            \
    do {                                 \
        if (!(condition)) {              \
            _exit(__LINE__ % 100 + 100); \
        }                                \
    } while (0)

enum { ALL_RIGHT = 42 };

/* To ThreadSanitizer a coroutine is a thread, and a fork of several threads is one where nothing but exec may follow. */
#define CHILDREN_MAY_RUN_LOOPS (!CI_WITH_TSAN)

/* LeakSanitizer looks for pointers on the stack that calls exit, and not on the one on which main began. */
_Noreturn static void leave(int code)
{
    if (CI_WITH_ASAN) {
        _exit(code);
    }
    exit(code);
}

/* Awaits the end of a process that fork has made, without the loop's help. */
static int status_of(pid_t pid)
{
    int status;

    ck_assert_int_gt(pid, 0);
    while (waitpid(pid, &status, WNOHANG) == 0) {
        ck_assert_int_eq(coil_sleep(0.001), 0);
    }
    return status;
}

static void assert_all_right(pid_t pid)
{
    int status = status_of(pid);

    ck_assert_msg(WIFEXITED(status), "status %x", (unsigned)status);
    ck_assert_int_eq(WEXITSTATUS(status), ALL_RIGHT);
}

/* ---- what the child finds -------------------------------------------------------------------------------------------- */

static int give(void *arg)
{
    return *(int *)arg;
}

PROCESS_TEST(in_the_child_there_is_no_loop)
{
    coil_future *future = coil_future_new();
    pid_t pid = fork();

    if (pid == 0) {
        char byte;
        CHILD_MUST(coil_get_running_loop() == NULL);
        CHILD_MUST(coil_current_task() == NULL);
        CHILD_MUST(coil_sleep(1) == -EPERM);
        CHILD_MUST(coil_await(future) == -EPERM);
        CHILD_MUST(coil_read(0, &byte, 1) == -EPERM);
        CHILD_MUST(coil_close(dup(0)) == 0); /* needs none */
        CHILD_MUST(coil_create_task(give, NULL) == NULL && coil_creation_error() == -EPERM);
        CHILD_MUST(coil_add_signal_handler(SIGUSR1, (coil_callback *)free, NULL) == -EPERM);
        coil_unref(future);
        _exit(ALL_RIGHT);
    }
    assert_all_right(pid);
    coil_unref(future);
    return 0;
}

PROCESS_TEST(it_may_execute_a_program)
{
    pid_t pid = fork();

    if (pid == 0) {
        execl("/bin/sh", "sh", "-c", "exit 42", (char *)NULL);
        _exit(1);
    }
    assert_all_right(pid);
    return 0;
}

PROCESS_TEST(it_may_exit)
{
    (void)fflush(NULL);
    pid_t pid = fork();

    if (pid == 0) {
        leave(ALL_RIGHT); /* on the coroutine's stack, with what atexit has */
    }
    assert_all_right(pid);
    return 0;
}

/* ---- a loop of its own ----------------------------------------------------------------------------------------------- */

static int wait_for_it(void *unused)
{
    (void)unused;
    return coil_signal_wait(SIGUSR1);
}

static int live(void *unused)
{
    coil_process *process;
    int four = 4;

    (void)unused;
    if (coil_join(coil_create_task(give, &four)) != 4 || coil_sleep(0.01) != 0) {
        return -EIO;
    }
    int rc = coil_create_subprocess_shell(&process, "cat; exit 5", .stdin_ = COIL_PIPE, .stdout_ = COIL_PIPE);
    if (rc < 0) {
        return rc;
    }
    coil_buffer output;
    rc = coil_process_communicate(process, "hello", 5, &output, NULL);
    coil_process_unref(process);
    if (rc != 5 || output.size != 5) {
        return -EIO;
    }
    coil_buffer_free(&output);
    coil_task *task = coil_create_task(wait_for_it, NULL, .eager_start = true);
    raise(SIGUSR1);
    return coil_join(task);
}

static int listen_forever(void *heard)
{
    while (coil_signal_wait(SIGUSR2) == SIGUSR2) {
        ++*(int *)heard;
    }
    return -ECANCELED;
}

PROCESS_TEST(it_may_run_a_loop_of_its_own)
{
    int heard = 0;
    coil_task *listener = spawn(listen_forever, &heard);

    settle();
    for (int debug = 0; debug < 2; debug++) {
        pid_t pid = fork();
        if (pid == 0) {
            CHILD_MUST(coil_run(live, NULL, .debug = debug != 0, .handle_sigint = true) == SIGUSR1);
            _exit(ALL_RIGHT);
        }
        assert_all_right(pid);
    }
    raise(SIGUSR2);
    settle();
    ck_assert_int_eq(heard, 1);
    coil_cancel(listener);
    ck_assert_int_eq(coil_join(listener), -ECANCELED);
    return 0;
}

static int exits;

static int come_back(void *unused)
{
    pid_t *pid = unused;

    *pid = fork();
    return 7;
}

static int note_exit(void *unused)
{
    (void)unused;
    (void)coil_sleep(0);
    exits++;
    return 0;
}

static int let_one_come_back(void *arg)
{
    coil_unref(spawn(note_exit, NULL));
    coil_unref(spawn(note_exit, NULL));
    coil_task *task = spawn(come_back, arg);
    return coil_join(task);
}

/* Whoever returns from the coroutine in the child finds the run over, without anything else having run there. */
START_TEST(a_child_that_comes_back_is_out_of_the_run)
    {
        for (uint64_t seed = 0; seed < 4; seed++) {
            for (int debug = 0; debug < 2; debug++) {
                int before = exits;
                pid_t pid = -1;
                int rc = coil_run(let_one_come_back, &pid, .seed = seed, .debug = debug != 0, .handle_sigint = true);
                if (pid == 0) {
                    CHILD_MUST(rc == -ECHILD);
                    CHILD_MUST(exits <= before + 2);
                    CHILD_MUST(coil_get_running_loop() == NULL);
                    CHILD_MUST(coil_run(live, NULL) == SIGUSR1);
                    _exit(ALL_RIGHT);
                }
                int status;
                ck_assert_int_eq(rc, 7);
                ck_assert_int_eq(exits, before + 2);
                ck_assert_int_eq(waitpid(pid, &status, 0), pid);
                ck_assert_int_eq(WEXITSTATUS(status), ALL_RIGHT);
            }
        }
    }
END_TEST

static void come_back_from_callback(void *pid)
{
    *(pid_t *)pid = fork();
}

static int call_and_wait(void *pid)
{
    if (coil_call_soon(come_back_from_callback, pid) == NULL) {
        return -ENOMEM;
    }
    (void)coil_sleep(0.05);
    return 3;
}

START_TEST(so_is_one_that_a_callback_has_made)
    {
        pid_t pid = -1;
        int rc = coil_run(call_and_wait, &pid);
        int status;

        if (pid == 0) {
            CHILD_MUST(rc == -ECHILD);
            _exit(ALL_RIGHT);
        }
        ck_assert_int_eq(rc, 3);
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert_int_eq(WEXITSTATUS(status), ALL_RIGHT);
    }
END_TEST

START_TEST(a_loop_that_does_not_run_is_the_parents_too)
    {
        coil_loop *loop = coil_loop_new();
        coil_future *future = coil_loop_create_future(loop);
        pid_t pid = fork();
        int status;

        if (pid == 0) {
            CHILD_MUST(coil_loop_run_forever(loop) == -ECHILD);
            CHILD_MUST(coil_loop_run_until_complete(loop, future) == -ECHILD);
            CHILD_MUST(coil_loop_close(loop) == -ECHILD);
            _exit(ALL_RIGHT);
        }
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert_int_eq(WEXITSTATUS(status), ALL_RIGHT);
        coil_unref(future);
        ck_assert_int_eq(coil_loop_close(loop), 0);
    }
END_TEST

/* ---- signals --------------------------------------------------------------------------------------------------------- */

static void count(void *counter)
{
    ++*(int *)counter;
}

PROCESS_TEST(the_childs_dispositions_are_those_without_a_loop)
{
    int counter = 0;

    ck_assert_int_eq(coil_add_signal_handler(SIGHUP, count, &counter), 0);
    ck_assert_int_eq(coil_add_signal_handler(SIGUSR1, count, &counter), 0);
    for (int i = 0; i < 20; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            pause();
            _exit(1);
        }
        ck_assert_int_eq(kill(pid, SIGHUP), 0); /* at once: it may not have run yet */
        int status = status_of(pid);
        ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGHUP);
    }
    ck_assert_int_eq(counter, 0);
    raise(SIGUSR1);
    settle();
    ck_assert_int_eq(counter, 1);
    return 0;
}

/* ---- the parent's loop is not disturbed ------------------------------------------------------------------------------ */

static int echo_until_end(void *fds)
{
    const int *pair = fds;
    char byte;
    ssize_t rc;

    while ((rc = coil_read(pair[0], &byte, 1)) == 1) {
        ck_assert_int_eq(coil_write(pair[1], &byte, 1), 1);
    }
    return (int)rc;
}

/* Many children come, do all that they are allowed to, and go, while bytes travel through descriptors that they share. */
PROCESS_TEST(the_parent_misses_nothing_whatever_its_children_do)
{
    int there[2];
    int back[2];

    ck_assert_int_eq(pipe2(there, O_CLOEXEC), 0);
    ck_assert_int_eq(pipe2(back, O_CLOEXEC), 0);
    int ends[2] = {there[0], back[1]};
    coil_task *echo = spawn(echo_until_end, ends);
    settle();
    for (int i = 0; i < (CI_WITH_TSAN || RUNNING_ON_VALGRIND ? 15 : 60); i++) {
        char byte = (char)i;
        (void)fflush(NULL);
        pid_t pid = fork();
        if (pid == 0) {
            switch (i % 5) {
            case 0:
                close(there[0]); /* what the parent waits on */
                close(back[1]);
                _exit(ALL_RIGHT);
            case 1:
                coil_unref(echo);
                leave(ALL_RIGHT);
            case 2:
                _exit(!CHILDREN_MAY_RUN_LOOPS || coil_run(live, NULL) == SIGUSR1 ? ALL_RIGHT : 1);
            case 3:
                execl("/bin/sh", "sh", "-c", "exit 42", (char *)NULL);
                _exit(1);
            default:
                for (int fd = 3; fd < 100; fd++) {
                    close(fd); /* the loop's own, too */
                }
                _exit(ALL_RIGHT);
            }
        }
        for (int k = 0; k < 20; k++) {
            char got = 0;
            ck_assert_int_eq(coil_write(there[1], &byte, 1), 1);
            ck_assert_int_eq(coil_read(back[0], &got, 1), 1);
            ck_assert_int_eq(got, byte);
        }
        assert_all_right(pid);
    }
    ck_assert_int_eq(coil_close(there[1]), 0);
    ck_assert_int_eq(coil_join(echo), 0);
    ck_assert_int_eq(coil_close(there[0]), 0);
    ck_assert_int_eq(coil_close(back[0]), 0);
    ck_assert_int_eq(coil_close(back[1]), 0);
    return 0;
}

PROCESS_TEST(children_of_the_parents_are_not_the_childs)
{
    coil_process *process = start_shell("read x; exit 3", .stdin_ = COIL_PIPE);
    pid_t pid = fork();

    if (pid == 0) {
        CHILD_MUST(coil_process_wait(process) == -EPERM);
        CHILD_MUST(coil_process_communicate(process, NULL, 0, NULL, NULL) == -EPERM);
        CHILD_MUST(coil_process_returncode(process) == -EINPROGRESS);
        coil_process_unref(process);
        _exit(ALL_RIGHT);
    }
    assert_all_right(pid);
    ck_assert_int_eq(coil_process_returncode(process), -EINPROGRESS);
    ck_assert_int_eq(coil_write(coil_process_stdin_fd(process), "\n", 1), 1);
    ck_assert_int_eq(end_of(process), 3);
    return 0;
}

static atomic_bool over;

static int fork_often(void *unused)
{
    (void)unused;
    for (int i = 0; i < 30; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            _exit(ALL_RIGHT);
        }
        assert_all_right(pid);
    }
    return 0;
}

static void *run_forker(void *unused)
{
    ck_assert_int_eq(coil_run(fork_often, unused), 0);
    return NULL;
}

static int handle_often(void *counter)
{
    while (!atomic_load(&over)) {
        ck_assert_int_eq(coil_add_signal_handler(SIGUSR1, count, counter), 0);
        raise(SIGUSR1);
        ck_assert_int_eq(coil_sleep(0), 0);
        ck_assert_int_eq(coil_remove_signal_handler(SIGUSR1), 1);
    }
    return 0;
}

static void *run_handler(void *counter)
{
    ck_assert_int_eq(coil_run(handle_often, counter), 0);
    return NULL;
}

/* A fork must not come while another thread changes the lists of the handlers. */
START_TEST(forks_and_handlers_in_several_threads)
    {
        pthread_t forkers[2];
        pthread_t handler;
        int counter = 0;

        ck_assert_int_eq(pthread_create(&handler, NULL, run_handler, &counter), 0);
        for (int i = 0; i < 2; i++) {
            ck_assert_int_eq(pthread_create(&forkers[i], NULL, run_forker, NULL), 0);
        }
        for (int i = 0; i < 2; i++) {
            ck_assert_int_eq(pthread_join(forkers[i], NULL), 0);
        }
        atomic_store(&over, true);
        ck_assert_int_eq(pthread_join(handler, NULL), 0);
    }
END_TEST

Suite *fork_suite(void)
{
    Suite *suite = suite_create("fork");
    TCase *finds = tcase_create("fork_child");
    TCase *own = tcase_create("fork_loops");
    TCase *parent = tcase_create("fork_parent");

    tcase_add_checked_fixture(finds, setup, teardown);
    tcase_add_test(finds, in_the_child_there_is_no_loop);
    tcase_add_test(finds, it_may_execute_a_program);
    tcase_add_test(finds, it_may_exit);
    suite_add_tcase(suite, finds);

    tcase_add_checked_fixture(own, setup, teardown);
    if (CHILDREN_MAY_RUN_LOOPS) {
        tcase_add_test(own, it_may_run_a_loop_of_its_own);
        tcase_add_test(own, a_child_that_comes_back_is_out_of_the_run);
        tcase_add_test(own, so_is_one_that_a_callback_has_made);
    }
    tcase_add_test(own, a_loop_that_does_not_run_is_the_parents_too);
    suite_add_tcase(suite, own);

    tcase_add_checked_fixture(parent, setup, teardown);
    tcase_add_test(parent, the_childs_dispositions_are_those_without_a_loop);
    tcase_add_test(parent, the_parent_misses_nothing_whatever_its_children_do);
    tcase_add_test(parent, children_of_the_parents_are_not_the_childs);
    tcase_add_test(parent, forks_and_handlers_in_several_threads);
    suite_add_tcase(suite, parent);
    return suite;
}
