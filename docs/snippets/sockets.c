/* A client and a server on one socket pair: the calls of POSIX, made by coroutines. */
#include <coil/io.h>
#include <coil/task.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int echo(void *arg)
{
    int fd = *(const int *)arg;
    char buffer[4096];

    for (;;) {
        ssize_t n = coil_recv(fd, buffer, sizeof(buffer), 0); /* pauses until there is something */
        if (n <= 0) {
            return (int)n; /* 0: the peer has closed */
        }
        n = coil_send(fd, buffer, (size_t)n, 0); /* pauses until all of it is taken */
        if (n < 0) {
            return (int)n;
        }
    }
}

static int ask(int fd, const char *question)
{
    char answer[64] = "";
    coil_timeout limit;

    coil_timeout_begin(&limit, 5.0); /* for both calls together */
    ssize_t n = coil_send(fd, question, strlen(question), 0);
    if (n >= 0) {
        n = coil_recv(fd, answer, sizeof(answer) - 1, 0);
    }
    int rc = coil_timeout_end(&limit, (int)n);
    printf("%s -> %s\n", question, rc < 0 ? coil_errname(rc) : answer);
    return rc;
}

static int main_(void *arg)
{
    int fds[2];

    (void)arg;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0) {
        return -errno;
    }
    coil_task *server = coil_create_task(echo, &fds[1], .name = "echo");
    int rc = ask(fds[0], "hello");
    if (rc >= 0) {
        rc = ask(fds[0], "and again");
    }
    (void)coil_close(fds[0]); /* the server sees the end */
    int server_rc = coil_join(server);
    (void)coil_close(fds[1]);
    return rc < 0 ? rc : server_rc;
}

int main(void)
{
    return coil_run(main_, NULL) < 0;
}
