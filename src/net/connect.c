/* Connecting to a server: names, addresses one after the other, and a stream of what comes of it. asyncio's create_connection. */
#include "net/connect.h"

#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/un.h>

#include <coil/dns.h>
#include <coil/io.h>
#include <coil/stream.h>
#include <coil/task.h>

#include "base/options.h"
#include "loop/loop.h"
#include "net/part.h"
#include "net/stream.h"
#include "sys/resolver.h"
#include "sys/sockets.h"
#include "task/task.h"

/* ---- one address ----------------------------------------------------------------------------------------------------- */

/* Binds to the first of the addresses that can be bound to. */
static int bind_to(int fd, int family, const struct addrinfo *local)
{
    int rc = -EADDRNOTAVAIL; /* there is none of this family */

    for (; local != NULL; local = local->ai_next) {
        if (local->ai_family == family) {
            rc = ci_socket_bind(fd, local->ai_addr, local->ai_addrlen);
            if (rc == 0) {
                return 0;
            }
        }
    }
    return rc;
}

static int connect_to(int fd, const struct addrinfo *address, const struct addrinfo *local)
{
    int rc = local == NULL ? 0 : bind_to(fd, address->ai_family, local);

    if (rc == 0) {
        rc = coil_connect(fd, address->ai_addr, address->ai_addrlen);
    }
    if (rc == 0 && address->ai_family != AF_UNIX) {
        (void)ci_socket_set(fd, IPPROTO_TCP, TCP_NODELAY, 1); /* slower without, but not wrong */
    }
    return rc;
}

int ci_connect(const struct addrinfo *address, const struct addrinfo *local)
{
    int fd = ci_socket_open(address->ai_family, SOCK_STREAM, address->ai_protocol);

    if (fd < 0) {
        return fd;
    }
    int rc = connect_to(fd, address, local);
    if (rc < 0) {
        (void)coil_close(fd); /* nothing was sent through it */
        return rc;
    }
    return fd;
}

/* ---- several --------------------------------------------------------------------------------------------------------- */

/* One address after the other. As ci_race. */
static int try_in_turn(const struct addrinfo *addresses, const struct ci_route *route, const struct addrinfo **winner,
                       struct ci_failures *failures)
{
    for (*winner = addresses; *winner != NULL; *winner = (*winner)->ai_next) {
        int fd = ci_connect(*winner, route->local);
        if (fd >= 0 || fd == -ECANCELED) {
            return fd;
        }
        ci_failures_add(failures, (*winner)->ai_addr, (*winner)->ai_addrlen, fd);
    }
    return failures->last;
}

/* What is being connected, until it is. */
struct connecting {
    struct ci_net *net;
    size_t limit;
    struct ci_failures failures;
    struct sockaddr_storage peer;
    socklen_t peer_length;
};

static int connect_any(struct connecting *connecting, const struct addrinfo *addresses, const struct ci_route *route)
{
    const struct addrinfo *winner;
    int fd = route->delay > 0 ? ci_race(addresses, route, &winner, &connecting->failures)
                              : try_in_turn(addresses, route, &winner, &connecting->failures);

    if (fd >= 0) {
        memcpy(&connecting->peer, winner->ai_addr, winner->ai_addrlen);
        connecting->peer_length = winner->ai_addrlen;
    }
    return fd;
}

static int look_up_local(const struct coil_connection_options *options, struct addrinfo **local)
{
    const struct addrinfo hints = {.ai_family = options->family, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};

    *local = NULL;
    if (options->local_host == NULL && options->local_port == NULL) {
        return 0;
    }
    return coil_getaddrinfo(options->local_host, options->local_port, &hints, local);
}

static int connect_by_name(struct connecting *connecting, const char *host,
                           const struct coil_connection_options *options)
{
    const struct addrinfo hints = {.ai_family = options->family, .ai_socktype = SOCK_STREAM};
    struct addrinfo *addresses;
    struct addrinfo *local;

    int rc = coil_getaddrinfo(host, options->port, &hints, &addresses);
    if (rc < 0) {
        return rc;
    }
    rc = look_up_local(options, &local);
    if (rc == 0) {
        rc = connect_any(connecting, addresses,
                         &(const struct ci_route){.local = local, .delay = options->happy_eyeballs_delay});
    }
    ci_resolver_free(local);
    ci_resolver_free(addresses);
    return rc;
}

/* ---- a stream -------------------------------------------------------------------------------------------------------- */

/* The stream of fd, which is closed if there is no memory for it. */
static int make_stream(coil_stream **ret, const struct connecting *connecting, int fd)
{
    *ret = ci_stream_new(connecting->net, fd, connecting->limit);
    if (*ret == NULL) {
        (void)coil_close(fd); /* nothing was sent through it */
        return -ENOMEM;
    }
    ci_stream_set_peer(*ret, (const struct sockaddr *)&connecting->peer, connecting->peer_length);
    return 0;
}

/* What every way to a stream begins with. */
static int begin(coil_stream **ret, struct connecting *connecting, size_t limit)
{
    if (ret == NULL) {
        return -EINVAL;
    }
    *ret = NULL;
    if (ci_loop_running == NULL) {
        return -EPERM;
    }
    connecting->limit = limit;
    connecting->failures.last = 0;
    connecting->failures.length = 0;
    connecting->failures.text[0] = '\0';
    connecting->peer_length = 0;
    connecting->net = ci_net_of(ci_loop_running);
    return connecting->net == NULL ? -ENOMEM : 0;
}

static double time_limit(double timeout)
{
    return timeout == 0 ? INFINITY : timeout;
}

static int check(const struct coil_connection_options *options)
{
    if (ci_task_running() == NULL) {
        return -EPERM;
    }
    bool sane = options->port != NULL && !isnan(options->timeout) && !isnan(options->happy_eyeballs_delay);
    return sane && options->happy_eyeballs_delay >= 0 ? 0 : -EINVAL;
}

int coil_open_connection_with(coil_stream **ret, const char *host, const struct coil_connection_options *given)
{
    struct coil_connection_options copy;
    const struct coil_connection_options *options = ci_options(&copy, sizeof(copy), given);
    struct connecting connecting;
    coil_timeout timeout;
    int rc = begin(ret, &connecting, options->limit);

    if (rc == 0) {
        rc = check(options);
    }
    if (rc < 0) {
        return rc;
    }
    coil_timeout_begin(&timeout, time_limit(options->timeout));
    rc = coil_timeout_end(&timeout, connect_by_name(&connecting, host, options));
    if (rc >= 0) {
        return make_stream(ret, &connecting, rc);
    }
    bool tried = connecting.failures.last < 0;
    return rc == -ECANCELED ? rc
                            : coil_fail(rc, "connecting to %s port %s%s%s", host == NULL ? "this machine" : host,
                                        options->port, tried ? ": " : "", connecting.failures.text);
}

/* ---- Unix sockets, and those of others ------------------------------------------------------------------------------- */

int coil_open_unix_connection_with(coil_stream **ret, const struct coil_unix_connection_options *given)
{
    struct coil_unix_connection_options copy;
    const struct coil_unix_connection_options *options = ci_options(&copy, sizeof(copy), given);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct connecting connecting;
    coil_timeout timeout;
    int rc = begin(ret, &connecting, options->limit);

    if (rc < 0) {
        return rc;
    }
    if (ci_task_running() == NULL) {
        return -EPERM;
    }
    if (options->path == NULL || *options->path == '\0' || isnan(options->timeout)) {
        return -EINVAL;
    }
    if (strlen(options->path) >= sizeof address.sun_path) {
        return -ENAMETOOLONG;
    }
    strcpy(address.sun_path, options->path);
    const struct addrinfo info = {
        .ai_family = AF_UNIX, .ai_addr = (struct sockaddr *)&address, .ai_addrlen = sizeof address};
    coil_timeout_begin(&timeout, time_limit(options->timeout));
    rc = coil_timeout_end(&timeout, ci_connect(&info, NULL));
    if (rc >= 0) {
        return make_stream(ret, &connecting, rc);
    }
    return rc == -ECANCELED ? rc : coil_fail(rc, "connecting to %s", options->path);
}

int coil_open_fd_connection(coil_stream **ret, int fd, size_t limit)
{
    struct connecting connecting;
    int type;
    int protocol;
    int rc = begin(ret, &connecting, limit);

    if (rc == 0) {
        rc = ci_socket_kind(fd, &type, &protocol);
    }
    if (rc < 0) {
        return rc;
    }
    if (type != SOCK_STREAM) {
        return -EINVAL;
    }
    if (protocol == IPPROTO_TCP) {
        (void)ci_socket_set(fd, IPPROTO_TCP, TCP_NODELAY, 1); /* slower without, but not wrong */
    }
    *ret = ci_stream_new(connecting.net, fd, limit);
    return *ret == NULL ? -ENOMEM : 0;
}
