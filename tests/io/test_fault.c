/* The calls with the n-th allocation or system call failing, for every n: an error or a retry, no leak, no hang. */
#include <poll.h>
#include <stdio.h>

#include "harness.h"
#include "suites.h"
#include "tests/support/fault_driver.h"

/* In the run there is no Check to tell: what is wrong ends the process, and the driver says at which call. */
#define MUST(condition)                                                        \
    do {                                                                       \
        if (!(condition)) {                                                    \
            fprintf(stderr, "test_fault.c:%d: not as it must be\n", __LINE__); \
            abort();                                                           \
        }                                                                      \
    } while (0)

static int echo_once(void *arg)
{
    char buffer[64];
    int fd = *(int *)arg;
    ssize_t n = coil_recv(fd, buffer, sizeof buffer, 0);

    if (n > 0) {
        n = coil_send(fd, buffer, (size_t)n, 0);
    }
    (void)coil_close(fd);
    return n < 0 ? (int)n : 0;
}

static int serve_once(void *arg)
{
    int fd = coil_accept(*(int *)arg, NULL, NULL);

    return fd < 0 ? fd : echo_once(&fd);
}

/* Closes whatever happens: coil_close itself may be what fails, and then the number is free all the same. */
static void over(int fd)
{
    (void)coil_close(fd);
}

static int visit(const struct sockaddr_in *address)
{
    char buffer[64];
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    MUST(fd >= 0);
    int rc = coil_connect(fd, (const struct sockaddr *)address, sizeof *address);
    if (rc == 0 && coil_send(fd, "ping", 4, 0) == 4) {
        struct pollfd pollfds[10];
        for (int i = 0; i < 10; i++) {
            pollfds[i] = (struct pollfd){.fd = fd, .events = POLLIN};
        }
        (void)coil_poll(pollfds, 10, 0.05);
        (void)coil_recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);
    }
    over(fd);
    return rc;
}

static int use_sockets(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    MUST(bind(listener, (struct sockaddr *)&address, sizeof address) == 0 && listen(listener, 8) == 0);
    MUST(getsockname(listener, (struct sockaddr *)&address, &length) == 0);
    coil_task *server = coil_create_task(serve_once, &listener);
    (void)coil_sleep(0);
    int rc = visit(&address);
    if (server != NULL) {
        (void)coil_wait_for(server, 0.05);
        coil_cancel(server);
        (void)coil_join(server);
    }
    over(listener);
    return rc;
}

static int read_pipe(void *arg)
{
    char buffer[8];

    return (int)coil_read(*(int *)arg, buffer, sizeof buffer);
}

static void use_pipe(void)
{
    int fds[2];

    MUST(pipe2(fds, O_CLOEXEC) == 0);
    coil_task *reader = coil_create_task(read_pipe, &fds[0]);
    (void)coil_sleep(0);
    (void)coil_write(fds[1], "x", 1);
    if (reader != NULL) {
        (void)coil_wait_for(reader, 0.05);
        coil_cancel(reader);
        (void)coil_join(reader);
    }
    over(fds[0]);
    over(fds[1]);
}

static void use_files(void)
{
    char path[64], buffer[100] = "";
    const struct dirent *entry;
    struct stat status;
    coil_dir *dir;

    (void)snprintf(path, sizeof path, "/tmp/coil-fault-%d", getpid());
    int fd = coil_open(path, O_RDWR | O_CREAT, 0600);
    if (fd >= 0) {
        (void)coil_pwrite(fd, "hello", 5, 0);
        (void)coil_write(fd, "hello", 5);
        (void)coil_fdatasync(fd);
        (void)coil_ftruncate(fd, 3);
        (void)coil_pread(fd, buffer, sizeof buffer, 0);
        over(fd);
    }
    fd = coil_open("/proc/self/status", O_RDONLY);
    if (fd >= 0) {
        (void)coil_read(fd, buffer, sizeof buffer);
        over(fd);
    }
    (void)coil_stat(path, &status);
    if (coil_opendir(&dir, "/proc/self/fd") == 0) {
        (void)coil_readdir(dir, &entry);
        (void)coil_closedir(dir);
    }
    (void)coil_unlink(path);
    (void)unlink(path);
}

static int use_everything(void *unused)
{
    (void)unused;
    (void)use_sockets();
    use_pipe();
    use_files();
    return 0;
}

static void quiet(coil_loop *loop, const struct coil_report *report, void *unused)
{
    (void)loop;
    (void)report;
    (void)unused;
}

static int main_(void *unused)
{
    coil_loop_set_exception_handler(coil_get_running_loop(), quiet, NULL);
    return use_everything(unused);
}

static void scenario(void *unused)
{
    int rc = coil_run(main_, unused);

    MUST(rc == 0 || rc == -ENOMEM || rc == -EIO || rc == -EAGAIN || rc == -ECANCELED);
}

START_TEST(no_failure_of_the_system_leaks_or_hangs)
    {
        const struct ci_fault_plan plan = {.scenario = scenario};

        ck_assert_int_gt(ci_fault_drive(&plan), 30);
    }
END_TEST

Suite *fault_suite(void)
{
    Suite *suite = suite_create("fault");
    TCase *tests = tcase_create("failing-calls");

    tcase_set_timeout(tests, 240);
    tcase_add_test(tests, no_failure_of_the_system_leaks_or_hangs);
    suite_add_tcase(suite, tests);
    return suite;
}
