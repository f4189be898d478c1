/* Every system call fails once, the n-th, for every n: an error or a retry, nothing hangs, nothing leaks. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "suites.h"

enum { MOST_CALLS = 500 };

/* Runs an operation to its end, whatever that is. Returns its result; the data for it comes from elsewhere. */
static int64_t run(struct job *job)
{
    int64_t end_ns = now_ns() + 5 * SECOND;

    job->completions = 0;
    int rc = poller->class->submit(poller, &job->op);
    if (rc == CI_BLOCKS) {
        return ci_call_make(&job->op);
    }
    if (rc != 0) {
        return rc < 0 ? rc : job->op.result;
    }
    while (job->completions == 0) {
        (void)poller->class->wait(poller, 10 * MILLISECOND);
        if (now_ns() >= end_ns) {
            poller->class->cancel(poller, &job->op);
        }
    }
    ck_assert_msg(job->op.result != -ECANCELED, "operation %d hangs", job->op.code);
    return job->op.result;
}

static void note(struct ci_op *op)
{
    ((struct job *)(void *)op)->completions++;
}

static struct ci_op transfer(enum ci_op_code code, int fd, void *data, size_t size)
{
    return (struct ci_op){.code = code, .fd = fd, .buffer = {.data = data, .size = size}, .complete = note};
}

static void use_socket(int fd, int peer)
{
    char data[100];
    struct job job;

    for (int i = 0; i < 2; i++) {
        job.op = transfer(CI_OP_SEND, fd, data, sizeof data);
        (void)run(&job);
        (void)!write(peer, data, 5);
        job.op = transfer(CI_OP_RECV, fd, data, sizeof data);
        (void)run(&job);
    }
    (void)!write(peer, data, 5);
    job.op = transfer(CI_OP_READ, fd, data, sizeof data);
    (void)run(&job);
    job.op = transfer(CI_OP_WRITE, fd, data, sizeof data);
    (void)run(&job);
    job.op = (struct ci_op){.code = CI_OP_POLL, .fd = fd, .poll = {.events = POLLIN}, .complete = note};
    shutdown(peer, SHUT_WR);
    (void)run(&job);
}

static void use_pipe(void)
{
    char data[100];
    struct job job;
    int fds[2];

    ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
    job.op = transfer(CI_OP_WRITE, fds[1], data, sizeof data);
    (void)run(&job);
    (void)!write(fds[1], data, 1);
    job.op = transfer(CI_OP_READ, fds[0], data, sizeof data);
    (void)run(&job);
    for (int i = 0; i < 2; i++) {
        poller->class->evict(poller, fds[i]);
        close(fds[i]);
    }
}

static void use_file(void)
{
    char data[100];
    struct job job;
    int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);

    job.op = transfer(CI_OP_READ, fd, data, sizeof data);
    (void)run(&job);
    poller->class->evict(poller, fd);
    close(fd);
}

/* A bit of everything: a connection is made, used and closed; a pipe, a file, a timeout. Whatever fails, fails. */
static void scenario(void)
{
    struct sockaddr_in address;
    struct job job;
    int listener = tcp_listener(&address);
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    job.op = (struct ci_op){.code = CI_OP_CONNECT,
                            .fd = client,
                            .connect = {.address = (void *)&address, .length = sizeof address},
                            .complete = note};
    if (run(&job) == 0) {
        job.op = (struct ci_op){.code = CI_OP_ACCEPT, .fd = listener, .complete = note};
        int64_t server = run(&job);
        if (server >= 0) {
            use_socket((int)server, client);
            poller->class->evict(poller, (int)server);
            close((int)server);
        }
    }
    use_pipe();
    use_file();
    (void)poller->class->wait(poller, 1000);
    poller->class->evict(poller, client);
    poller->class->evict(poller, listener);
    close(client);
    close(listener);
}

START_TEST(any_call_may_fail)
    {
        static const int errors[] = {-ENOMEM, -EIO, -EINTR};
        int error = errors[_i];
        int before = open_descriptors();
        int n = 1;

        do {
            fail_nth_call(n, error);
            int rc = try_open_poller();
            if (rc == 0) {
                scenario();
                ck_assert_uint_eq(poller->inflight, 0);
                poller->class->destroy(poller);
            } else {
                ck_assert(rc == error || rc == -ENOMEM);
            }
            ck_assert_int_eq(open_descriptors(), before);
        } while (call_failed() && ++n < MOST_CALLS);
        ck_assert_int_lt(n, MOST_CALLS);
        ck_assert_int_gt(n, 30);
    }
END_TEST

Suite *faults_suite(void)
{
    Suite *suite = suite_create("faults");
    TCase *tests = tcase_create("failing-calls");

    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, any_call_may_fail, 0, 3);
    suite_add_tcase(suite, tests);
    return suite;
}
