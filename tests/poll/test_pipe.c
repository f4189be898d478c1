/* What is no socket: pipes, terminals, eventfds, files; read, write and poll on them, on this kernel and on an older one. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <termios.h>
#include <unistd.h>

#include "harness.h"
#include "suites.h"

START_TEST(a_pipe_is_read_and_written)
    {
        char buffer[16];
        struct job in, out;
        int fds[2];

        open_poller(_i);
        ck_assert_int_eq(pipe(fds), 0);
        for (int round = 0; round < 10; round++) {
            start_read(&in, fds[0], buffer, sizeof buffer);
            stays_waiting(&in, 0);
            start_write(&out, fds[1], "hello", 5);
            ck_assert_int_eq(finish(&out), 5);
            ck_assert_int_eq(finish(&in), 5);
        }
        end(fds);
    }
END_TEST

START_TEST(a_pipe_reader_sees_the_end)
    {
        char buffer[16];
        struct job job;
        int fds[2];

        open_poller(_i);
        ck_assert_int_eq(pipe(fds), 0);
        start_read(&job, fds[0], buffer, sizeof buffer);
        stays_waiting(&job, 0);
        close(fds[1]);
        fds[1] = -1;
        ck_assert_int_eq(finish(&job), 0);
        end(fds);
    }
END_TEST

START_TEST(a_pipe_writer_waits_and_writes_everything)
    {
        enum { SIZE = 1 << 20 };
        char *data = calloc(1, SIZE);
        struct job job;
        int fds[2];

        open_poller(_i);
        ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
        start_write(&job, fds[1], data, SIZE);
        for (size_t taken = 0; taken < SIZE; taken += 4096) {
            ck_assert(!is_over(&job) || SIZE - taken <= 65536);
            drain(fds[0], 4096);
            ck_assert_int_eq(poller->class->wait(poller, 0), 0);
        }
        ck_assert_int_eq(finish(&job), SIZE);
        end(fds);
        free(data);
    }
END_TEST

START_TEST(small_writes_to_a_full_pipe_stay_whole)
    {
        char data[PIPE_BUF];
        struct job jobs[3];
        int fds[2];

        open_poller(_i);
        ck_assert_int_eq(pipe(fds), 0);
        size_t filled = fill(fds[1]);
        for (int i = 0; i < 3; i++) {
            memset(data, 'a' + i, sizeof data);
            start_write(&jobs[i], fds[1], data, sizeof data);
            stays_waiting(&jobs[i], 0);
            drain(fds[0], PIPE_BUF);
            filled -= PIPE_BUF;
            ck_assert_int_eq(finish(&jobs[i]), PIPE_BUF);
        }
        drain(fds[0], filled);
        for (int i = 0; i < 3; i++) {
            ck_assert_int_eq(read(fds[0], data, sizeof data), PIPE_BUF);
            for (size_t j = 0; j < sizeof data; j++) {
                ck_assert_int_eq(data[j], 'a' + i);
            }
        }
        end(fds);
    }
END_TEST

static volatile sig_atomic_t pipes_broken;

static void on_sigpipe(int signo)
{
    (void)signo;
    pipes_broken++;
}

START_TEST(a_broken_pipe_is_an_error_and_no_signal)
    {
        struct job job;
        int fds[2];
        sigset_t pending;

        open_poller(_i);
        signal(SIGPIPE, on_sigpipe);
        ck_assert_int_eq(pipe(fds), 0);
        close(fds[0]);
        fds[0] = -1;
        for (int i = 0; i < 3; i++) {
            start_write(&job, fds[1], "x", 1);
            ck_assert_int_eq(finish(&job), -EPIPE);
        }
        sigpending(&pending);
        ck_assert(!sigismember(&pending, SIGPIPE));
        ck_assert_int_eq(pipes_broken, 0);
        raise(SIGPIPE);
        ck_assert_int_eq(pipes_broken, 1);
        end(fds);
    }
END_TEST

START_TEST(a_pending_sigpipe_of_the_programs_own_stays_pending)
    {
        struct job job;
        int fds[2];
        sigset_t set;

        open_poller(_i);
        sigemptyset(&set);
        sigaddset(&set, SIGPIPE);
        sigprocmask(SIG_BLOCK, &set, NULL);
        raise(SIGPIPE);
        ck_assert_int_eq(pipe(fds), 0);
        close(fds[0]);
        fds[0] = -1;
        start_write(&job, fds[1], "x", 1);
        ck_assert_int_eq(finish(&job), -EPIPE);
        sigpending(&set);
        ck_assert(sigismember(&set, SIGPIPE));
        end(fds);
    }
END_TEST

START_TEST(a_pipe_that_breaks_wakes_its_writer)
    {
        struct job job;
        int fds[2];

        open_poller(_i);
        ck_assert_int_eq(pipe(fds), 0);
        fill(fds[1]);
        start_write(&job, fds[1], "x", 1);
        stays_waiting(&job, 0);
        close(fds[0]);
        fds[0] = -1;
        ck_assert_int_eq(finish(&job), -EPIPE);
        end(fds);
    }
END_TEST

START_TEST(poll_on_a_pipe_tells_of_its_end)
    {
        struct job job;
        int fds[2];

        open_poller(_i);
        ck_assert_int_eq(pipe(fds), 0);
        start_poll(&job, fds[0], POLLIN);
        stays_waiting(&job, 0);
        close(fds[1]);
        fds[1] = -1;
        ck_assert_int_eq(finish(&job), POLLHUP);
        end(fds);
    }
END_TEST

START_TEST(no_flag_of_a_pipe_is_touched)
    {
        char buffer[16];
        struct job job;
        int fds[2];

        open_poller(_i);
        ck_assert_int_eq(pipe(fds), 0);
        count_calls();
        start_read(&job, fds[0], buffer, sizeof buffer);
        ck_assert_int_eq(write(fds[1], "x", 1), 1);
        ck_assert_int_eq(finish(&job), 1);
        start_write(&job, fds[1], "x", 1);
        ck_assert_int_eq(finish(&job), 1);
        ck_assert_int_le(calls_of("fcntl"), 2); /* asking whether the number is open */
        ck_assert_int_eq(fcntl(fds[0], F_GETFL) & O_NONBLOCK, 0);
        ck_assert_int_eq(fcntl(fds[1], F_GETFL) & O_NONBLOCK, 0);
        end(fds);
    }
END_TEST

START_TEST(an_eventfd_waits_for_its_events)
    {
        uint64_t value = 5;
        struct job in, out;
        int fds[2] = {eventfd(0, EFD_CLOEXEC), -1};

        open_poller(_i);
        for (int round = 0; round < 3; round++) {
            start_read(&in, fds[0], &value, sizeof value);
            stays_waiting(&in, 0);
            start_write(&out, fds[0], &(uint64_t){7}, sizeof value);
            ck_assert_int_eq(finish(&out), 8);
            ck_assert_int_eq(finish(&in), 8);
            ck_assert_uint_eq(value, 7);
        }
        end(fds);
    }
END_TEST

START_TEST(an_eventfd_that_is_full_makes_writers_wait)
    {
        uint64_t value;
        struct job job;
        int fds[2] = {eventfd(0, EFD_CLOEXEC), -1};

        open_poller(_i);
        ck_assert_int_eq(write(fds[0], &(uint64_t){UINT64_MAX - 3}, 8), 8);
        start_write(&job, fds[0], &(uint64_t){7}, sizeof value);
        stays_waiting(&job, MILLISECOND);
        ck_assert_int_eq(read(fds[0], &value, 8), 8);
        ck_assert_int_eq(finish(&job), 8);
        ck_assert_int_eq(fcntl(fds[0], F_GETFL) & O_NONBLOCK, 0);
        end(fds);
    }
END_TEST

START_TEST(inotify_is_read_when_something_happens)
    {
        char folder[] = "/tmp/coil-test-XXXXXX";
        char buffer[4096];
        struct job job;
        int fds[2] = {inotify_init1(IN_CLOEXEC), -1};

        open_poller(_i);
        ck_assert_ptr_nonnull(mkdtemp(folder));
        ck_assert_int_ge(inotify_add_watch(fds[0], folder, IN_DELETE_SELF), 0);
        start_read(&job, fds[0], buffer, sizeof buffer);
        stays_waiting(&job, 0);
        rmdir(folder);
        ck_assert_int_gt(finish(&job), 0);
        end(fds);
    }
END_TEST

START_TEST(a_terminal_is_read_by_lines)
    {
        char buffer[64];
        struct job job;
        int fds[2];

        open_poller(_i);
        ck_assert_int_eq(openpty(&fds[0], &fds[1], NULL, NULL, NULL), 0);
        start_read(&job, fds[1], buffer, sizeof buffer);
        ck_assert_int_eq(write(fds[0], "hel", 3), 3);
        stays_waiting(&job, 5 * MILLISECOND);
        ck_assert_int_eq(write(fds[0], "lo\n", 3), 3);
        ck_assert_int_eq(finish(&job), 6);
        ck_assert_int_eq(memcmp(buffer, "hello\n", 6), 0);
        end(fds);
    }
END_TEST

/* From the program to its terminal (0), which others share, and from the terminal's master to the program (1). */
START_TEST(a_terminal_that_is_full_makes_writers_wait)
    {
        enum { SIZE = 1 << 18 };
        char *data = calloc(1, SIZE);
        struct termios settings;
        struct job job;
        int fds[2];
        int writer = _i % 2 == 0 ? 1 : 0;

        open_poller(_i / 2);
        ck_assert_int_eq(openpty(&fds[0], &fds[1], NULL, NULL, NULL), 0);
        tcgetattr(fds[1], &settings);
        cfmakeraw(&settings);
        tcsetattr(fds[1], TCSANOW, &settings);
        memset(data, 'x', SIZE);
        start_write(&job, fds[writer], data, SIZE);
        stays_waiting(&job, 5 * MILLISECOND);
        ck_assert_int_eq(fcntl(fds[writer], F_GETFL) & O_NONBLOCK, 0);
        fcntl(fds[1 - writer], F_SETFL, O_RDWR | O_NONBLOCK);
        for (size_t taken = 0; taken < SIZE;) {
            char buffer[4096];
            ssize_t n = read(fds[1 - writer], buffer, sizeof buffer);
            taken += n > 0 ? (size_t)n : 0;
            ck_assert_int_eq(poller->class->wait(poller, 0), 0);
        }
        ck_assert_int_eq(finish(&job), SIZE);
        end(fds);
        free(data);
    }
END_TEST

START_TEST(a_hang_up_of_the_terminal_wakes_its_reader)
    {
        char buffer[64];
        struct job job;
        int fds[2];

        open_poller(_i);
        ck_assert_int_eq(openpty(&fds[0], &fds[1], NULL, NULL, NULL), 0);
        start_read(&job, fds[0], buffer, sizeof buffer);
        stays_waiting(&job, 0);
        close(fds[1]);
        fds[1] = -1;
        ck_assert_int_eq(finish(&job), -EIO);
        end(fds);
    }
END_TEST

START_TEST(files_are_read_and_written_whole)
    {
        enum { SIZE = 1 << 20 };
        char path[] = "/tmp/coil-test-XXXXXX";
        char *data = malloc(SIZE);
        char *back = malloc(SIZE + 100);
        struct job job;
        int fds[2] = {mkstemp(path), -1};

        open_poller(_i);
        unlink(path);
        for (size_t i = 0; i < SIZE; i++) {
            data[i] = (char)(i * 7 + i / 251);
        }
        start_write(&job, fds[0], data, SIZE);
        ck_assert_int_eq(finish(&job), SIZE);
        lseek(fds[0], 0, SEEK_SET);
        fdatasync(fds[0]);
        posix_fadvise(fds[0], SIZE / 2, 0, POSIX_FADV_DONTNEED);
        start_read(&job, fds[0], back, SIZE + 100);
        ck_assert_int_eq(finish(&job), SIZE);
        ck_assert_int_eq(memcmp(data, back, SIZE), 0);
        start_read(&job, fds[0], back, 1);
        ck_assert_int_eq(finish(&job), 0);
        end(fds);
        free(data);
        free(back);
    }
END_TEST

START_TEST(files_of_proc_and_dev_are_read_and_written)
    {
        char buffer[100];
        struct job job;
        int fds[2] = {open("/proc/self/status", O_RDONLY), open("/dev/zero", O_RDWR)};

        open_poller(_i);
        start_read(&job, fds[0], buffer, sizeof buffer);
        ck_assert_int_eq(finish(&job), sizeof buffer);
        start_read(&job, fds[1], buffer, sizeof buffer);
        ck_assert_int_eq(finish(&job), sizeof buffer);
        start_write(&job, fds[1], buffer, sizeof buffer);
        ck_assert_int_eq(finish(&job), sizeof buffer);
        start_poll(&job, fds[1], POLLIN);
        ck_assert_int_eq(finish(&job), POLLIN);
        end(fds);
    }
END_TEST

START_TEST(what_is_not_open_for_it_is_an_error)
    {
        char buffer[4];
        struct job job;
        int fds[2];

        open_poller(_i);
        ck_assert_int_eq(pipe(fds), 0);
        start_read(&job, fds[1], buffer, sizeof buffer);
        ck_assert_int_eq(finish(&job), -EBADF);
        start_write(&job, fds[0], buffer, sizeof buffer);
        ck_assert_int_eq(finish(&job), -EBADF);
        int folder = open("/", O_RDONLY | O_DIRECTORY);
        start_read(&job, folder, buffer, sizeof buffer);
        ck_assert_int_eq(finish(&job), -EISDIR);
        close(folder);
        end(fds);
    }
END_TEST

Suite *pipe_suite(void)
{
    Suite *suite = suite_create("pipe");
    TCase *tests = tcase_create("other-descriptors");

    tcase_add_loop_test(tests, a_pipe_is_read_and_written, 0, 2);
    tcase_add_loop_test(tests, a_pipe_reader_sees_the_end, 0, 2);
    tcase_add_loop_test(tests, a_pipe_writer_waits_and_writes_everything, 0, 2);
    tcase_add_loop_test(tests, small_writes_to_a_full_pipe_stay_whole, 0, 2);
    tcase_add_loop_test(tests, a_broken_pipe_is_an_error_and_no_signal, 0, 2);
    tcase_add_loop_test(tests, a_pending_sigpipe_of_the_programs_own_stays_pending, 0, 2);
    tcase_add_loop_test(tests, a_pipe_that_breaks_wakes_its_writer, 0, 2);
    tcase_add_loop_test(tests, poll_on_a_pipe_tells_of_its_end, 0, 2);
    tcase_add_loop_test(tests, no_flag_of_a_pipe_is_touched, 0, 2);
    tcase_add_loop_test(tests, an_eventfd_waits_for_its_events, 0, 2);
    tcase_add_loop_test(tests, an_eventfd_that_is_full_makes_writers_wait, 0, 2);
    tcase_add_loop_test(tests, inotify_is_read_when_something_happens, 0, 2);
    tcase_add_loop_test(tests, a_terminal_is_read_by_lines, 0, 2);
    tcase_add_loop_test(tests, a_terminal_that_is_full_makes_writers_wait, 0, 4);
    tcase_add_loop_test(tests, a_hang_up_of_the_terminal_wakes_its_reader, 0, 2);
    tcase_add_loop_test(tests, files_are_read_and_written_whole, 0, 2);
    tcase_add_loop_test(tests, files_of_proc_and_dev_are_read_and_written, 0, 2);
    tcase_add_loop_test(tests, what_is_not_open_for_it_is_an_error, 0, 2);
    suite_add_tcase(suite, tests);
    return suite;
}
