/*
 * The server half of the demo. One task accepts, and one task serves each connection with the plainest code
 * there is: receive, send, again. It knows nothing of its clients, which might as well be on another machine.
 * examples/echo_server.c is the same for use in earnest.
 */
#include "server.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUFFER_BYTES = 1024 };

int server_open(struct server *server)
{
    socklen_t length = sizeof(server->address);
    struct sockaddr *address = (struct sockaddr *)&server->address;

    *server = (struct server){.address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}};
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (server->listener < 0) {
        return -errno;
    }
    if (bind(server->listener, address, length) < 0 || listen(server->listener, SOMAXCONN) < 0 ||
        getsockname(server->listener, address, &length) < 0) {
        int error = errno;
        close(server->listener);
        return -error;
    }
    return 0;
}

void server_close(struct server *server)
{
    close(server->listener);
}

static int serve(void *arg)
{
    int fd = *(const int *)arg;
    char buffer[BUFFER_BYTES];

    ssize_t rc = coil_recv(fd, buffer, sizeof(buffer), 0);
    while (rc > 0) {
        rc = coil_send(fd, buffer, (size_t)rc, 0);
        if (rc > 0) {
            rc = coil_recv(fd, buffer, sizeof(buffer), 0);
        }
    }
    (void)coil_close(fd);                     /* there is nothing to be done about an error */
    return rc == -ECANCELED ? -ECANCELED : 0; /* any other is the connection's own, and no reason to end the rest */
}

int server_run(void *arg)
{
    struct server *server = arg;
    int rc = 0;

    coil_group_begin(&server->connections);
    while (rc == 0) {
        int fd = coil_accept(server->listener, NULL, NULL);
        if (fd < 0) {
            rc = fd;
            break;
        }
        /* A task that is cancelled before it has begun never runs; one that begins at once surely closes fd. */
        rc = coil_group_spawn(&server->connections, serve, &fd, .arg_size = sizeof(fd), .eager_start = true);
        if (rc < 0) {
            (void)coil_close(fd);
        }
    }
    return coil_group_end(&server->connections, rc);
}
