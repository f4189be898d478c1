/* Sockets to listen on: see listen.h. asyncio's create_server and create_unix_server, down to which errors are passed over. */
#include "net/listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/un.h>

#include <coil/base.h>

#include "net/address.h"
#include "sys/fd.h"
#include "sys/sockets.h"

/* How often a port that the kernel chose is tried anew because it is taken on another address. */
enum { PORT_TRIES = 16 };

void ci_listening_close(struct ci_listening *listening)
{
    while (listening->count > 0) {
        int fd = listening->fds[--listening->count];
        if (fd >= 0) {
            (void)ci_fd_close(fd); /* nobody has used it */
        }
    }
}

static int fail_at(int error, const struct sockaddr *address, socklen_t length)
{
    char words[CI_ADDRESS_BYTES];

    return coil_fail(error, "listening on %s", ci_address_text(address, length, words));
}

/* ---- TCP ------------------------------------------------------------------------------------------------------------- */

static int set_options(int fd, const struct addrinfo *address, const struct ci_listen_how *how)
{
    int rc = ci_socket_set(fd, SOL_SOCKET, SO_REUSEADDR, 1);

    if (rc == 0 && how->reuse_port) {
        rc = ci_socket_set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    }
    if (rc == 0 && address->ai_family == AF_INET6) {
        rc = ci_socket_set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1); /* IPv4 has a socket of its own */
    }
    if (rc == 0) {
        rc = ci_socket_set(fd, IPPROTO_TCP, TCP_NODELAY, 1); /* what is accepted inherits it */
    }
    return rc;
}

/* The port's place in an address, in the network's order. NULL: it has none. */
static in_port_t *port_of(struct sockaddr_storage *address)
{
    if (address->ss_family == AF_INET) {
        return &((struct sockaddr_in *)(void *)address)->sin_port;
    }
    return address->ss_family == AF_INET6 ? &((struct sockaddr_in6 *)(void *)address)->sin6_port : NULL;
}

/* Binds fd to address, with *port in the place of port 0, if there is one; and notes the port that the kernel chose. */
static int bind_and_listen(int fd, const struct addrinfo *address, const struct ci_listen_how *how, in_port_t *port)
{
    struct sockaddr_storage own = {0};
    socklen_t length = sizeof own;

    memcpy(&own, address->ai_addr, address->ai_addrlen);
    in_port_t *place = port_of(&own);
    bool chooses = place != NULL && *place == 0;
    if (chooses) {
        *place = *port;
    }
    int rc = set_options(fd, address, how);
    if (rc == 0) {
        rc = ci_socket_bind(fd, (struct sockaddr *)&own, address->ai_addrlen);
    }
    if (rc == 0) {
        rc = ci_socket_listen(fd, how->backlog);
    }
    if (rc == 0 && chooses) {
        rc = ci_socket_name(fd, (struct sockaddr *)&own, &length);
        *port = *place;
    }
    return rc;
}

/* Errors that say that this machine has no such family, or not that address: as asyncio, one goes without. */
static bool is_absent(int rc)
{
    return rc == -EADDRNOTAVAIL || rc == -EAFNOSUPPORT || rc == -EPROTONOSUPPORT || rc == -ESOCKTNOSUPPORT;
}

static int listen_at(struct ci_listening *listening, const struct addrinfo *address, const struct ci_listen_how *how,
                     in_port_t *port)
{
    int fd = ci_socket_open(address->ai_family, SOCK_STREAM, address->ai_protocol);

    if (fd < 0) {
        return fd;
    }
    int rc = bind_and_listen(fd, address, how, port);
    if (rc < 0) {
        (void)ci_fd_close(fd); /* nobody has used it */
        return rc;
    }
    listening->fds[listening->count++] = fd;
    return 0;
}

/* As ci_listen_tcp, once. */
static int listen_everywhere(struct ci_listening *listening, const struct addrinfo *addresses,
                             const struct ci_listen_how *how, in_port_t *port)
{
    int absent = -EADDRNOTAVAIL;

    for (; addresses != NULL && listening->count < CI_LISTEN_MOST; addresses = addresses->ai_next) {
        int rc = listen_at(listening, addresses, how, port);
        if (is_absent(rc)) {
            absent = rc;
        } else if (rc < 0) {
            ci_listening_close(listening);
            return fail_at(rc, addresses->ai_addr, addresses->ai_addrlen);
        }
    }
    return listening->count > 0 ? 0 : coil_fail(absent, "listening on none of the addresses is possible");
}

int ci_listen_tcp(struct ci_listening *listening, const struct addrinfo *addresses, const struct ci_listen_how *how)
{
    int rc = -EADDRINUSE;
    in_port_t port = 0;

    listening->count = 0;
    for (int i = 0; i < PORT_TRIES && rc == -EADDRINUSE; i++) {
        port = 0;
        rc = listen_everywhere(listening, addresses, how, &port);
        if (port == 0) {
            break; /* the kernel had nothing to choose */
        }
    }
    return rc;
}

/* ---- Unix sockets ---------------------------------------------------------------------------------------------------- */

/* Whether the file at the address is a socket that nobody listens at: who connects is refused. */
static bool is_stale(const struct sockaddr_un *address)
{
    struct ci_path_identity identity;

    if (ci_socket_path_identify(address->sun_path, &identity) < 0 || !identity.is_socket) {
        return false;
    }
    int fd = ci_socket_open(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0) {
        return false;
    }
    int rc = ci_socket_connect(fd, (const struct sockaddr *)address, sizeof *address);
    (void)ci_fd_close(fd); /* whoever listens there finds a connection that ends at once */
    return rc == -ECONNREFUSED;
}

static int bind_path(int fd, const struct sockaddr_un *address)
{
    int rc = ci_socket_bind(fd, (const struct sockaddr *)address, sizeof *address);

    if (rc == -EADDRINUSE && is_stale(address)) {
        rc = ci_socket_path_remove(address->sun_path);
        if (rc == 0 || rc == -ENOENT) {
            rc = ci_socket_bind(fd, (const struct sockaddr *)address, sizeof *address);
        }
    }
    return rc;
}

/* The file is there. Nobody can connect before the socket listens, when the mode is right. */
static int finish_path(int fd, const char *path, mode_t mode, int backlog, struct ci_path_identity *identity)
{
    int rc = ci_socket_path_identify(path, identity);

    if (rc == 0 && mode != 0) {
        rc = ci_socket_path_set_mode(path, mode);
    }
    if (rc == 0) {
        rc = ci_socket_listen(fd, backlog);
    }
    if (rc < 0) {
        (void)ci_socket_path_remove(path); /* it is this socket's, and of no use */
    }
    return rc;
}

int ci_listen_unix(struct ci_listening *listening, const char *path, mode_t mode, int backlog,
                   struct ci_path_identity *identity)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int rc = -ENAMETOOLONG;

    listening->count = 0;
    if (strlen(path) >= sizeof address.sun_path) {
        return coil_fail(rc, "listening on %s", path);
    }
    strcpy(address.sun_path, path);
    int fd = ci_socket_open(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0) {
        return fd;
    }
    rc = bind_path(fd, &address);
    if (rc == 0) {
        rc = finish_path(fd, path, mode, backlog, identity);
    }
    if (rc < 0) {
        (void)ci_fd_close(fd); /* nobody has used it */
        return coil_fail(rc, "listening on %s", path);
    }
    listening->fds[listening->count++] = fd;
    return 0;
}
