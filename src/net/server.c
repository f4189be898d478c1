/* Servers: starting, closing, waiting for the end. See server.h. asyncio's base_events.Server. */
#include "net/server.h"

#include <errno.h>
#include <math.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>

#include <coil/dns.h>
#include <coil/task.h>

#include "base/options.h"
#include "loop/loop.h"
#include "net/listen.h"
#include "net/part.h"
#include "sys/alloc.h"
#include "sys/resolver.h"
#include "sys/sockets.h"
#include "task/task.h"

enum { DEFAULT_BACKLOG = 100 };

/* ---- reports --------------------------------------------------------------------------------------------------------- */

void ci_server_report(coil_server *server, const char *message, int error, const char *detail)
{
    struct coil_report report = {
        .kind = COIL_REPORT_SERVER_ERROR, .message = message, .error = error, .detail = detail};

    ci_loop_report(server->net->part.loop, &report);
}

static void report_not_closed(coil_server *server)
{
    struct coil_report report = {.kind = COIL_REPORT_NOT_CLOSED,
                                 .message = "the loop ends, and a server was not closed"};

    ci_loop_report(server->net->part.loop, &report);
}

/* ---- the end --------------------------------------------------------------------------------------------------------- */

void ci_server_free_if_unused(coil_server *server)
{
    if (server->references > 0 || server->busy > 0 || !server->closed || server->active > 0) {
        return;
    }
    ci_list_remove(&server->link);
    ci_task_drop_locals(&server->locals);
    ci_free(server->path);
    ci_free(server);
}

/* It is over when it is closed and its last connection has ended. */
static void settle(coil_server *server)
{
    if (server->closed && server->active == 0) {
        ci_list_remove(&server->link);
        ci_task_drop_locals(&server->locals);
        coil_event_set(&server->over);
    }
}

/* The file goes with the server, unless it is another's by now. */
static void remove_path(const coil_server *server)
{
    struct ci_path_identity now;

    if (server->path == NULL || ci_socket_path_identify(server->path, &now) < 0) {
        return;
    }
    if (now.device == server->identity.device && now.inode == server->identity.inode) {
        (void)ci_socket_path_remove(server->path); /* it is of no use to anybody */
    }
}

static void stop_listening(coil_server *server)
{
    server->closed = true;
    remove_path(server);
    for (size_t i = 0; i < server->listener_count; i++) {
        ci_listener_close(&server->listeners[i]);
    }
}

void ci_server_connection_over(coil_server *server)
{
    server->active--;
    for (size_t i = 0; i < server->listener_count && !server->closed; i++) {
        ci_listener_resume(&server->listeners[i]);
    }
    settle(server);
    ci_server_free_if_unused(server);
}

int coil_server_close(coil_server *server)
{
    if (server == NULL) {
        return ci_loop_missing();
    }
    if (!server->closed) {
        ci_server_enter(server);
        stop_listening(server);
        settle(server);
        ci_server_leave(server);
    }
    return 0;
}

void ci_server_end(coil_server *server)
{
    ci_server_enter(server);
    if (!server->closed) {
        report_not_closed(server);
    }
    (void)coil_server_shutdown(server, 0); /* there is nobody to be told */
    ci_server_leave(server);
}

void ci_server_loop_closes(coil_server *server)
{
    ci_server_enter(server);
    if (!server->closed) {
        report_not_closed(server);
        stop_listening(server);
    }
    ci_connections_drop(server);
    settle(server);
    server->net = NULL;
    server->busy = 0;
    ci_server_free_if_unused(server);
}

coil_server *coil_server_ref(coil_server *server)
{
    if (server != NULL) {
        server->references++;
    }
    return server;
}

void coil_server_unref(coil_server *server)
{
    if (server != NULL) {
        server->references--;
        ci_server_free_if_unused(server);
    }
}

/* ---- waiting for the end --------------------------------------------------------------------------------------------- */

int coil_server_wait_closed(coil_server *server)
{
    if (server == NULL || ci_task_running() == NULL) {
        return server == NULL ? ci_loop_missing() : -EPERM;
    }
    ci_server_enter(server);
    int rc = coil_event_wait(&server->over);
    ci_server_leave(server);
    return rc;
}

static int wait_at_most(coil_server *server, double seconds)
{
    coil_timeout timeout;

    if (seconds <= 0) {
        return coil_event_is_set(&server->over) ? 0 : -ETIMEDOUT;
    }
    coil_timeout_begin(&timeout, seconds);
    return coil_timeout_end(&timeout, coil_event_wait(&server->over));
}

int coil_server_shutdown(coil_server *server, double seconds)
{
    if (server == NULL || ci_task_running() == NULL) {
        return server == NULL ? ci_loop_missing() : -EPERM;
    }
    if (isnan(seconds)) {
        return -EINVAL;
    }
    ci_server_enter(server);
    (void)coil_server_close(server); /* which is not NULL */
    int rc = wait_at_most(server, seconds);
    if (rc < 0) {
        ci_connections_cancel(server);
        int cut_short = coil_event_wait(&server->over);
        rc = cut_short < 0 ? cut_short : rc;
    }
    ci_server_leave(server);
    return rc;
}

int coil_server_serve_forever(coil_server *server)
{
    if (server == NULL || ci_task_running() == NULL) {
        return server == NULL ? ci_loop_missing() : -EPERM;
    }
    if (server->closed || server->serving_forever) {
        return server->closed ? -EPIPE : -EBUSY;
    }
    ci_server_enter(server);
    server->serving_forever = true;
    int rc = coil_event_wait(&server->over);
    if (rc < 0) {
        (void)coil_server_shutdown(server,
                                   server->grace); /* cut short by a second cancellation, it is one all the same */
    }
    server->serving_forever = false;
    ci_server_leave(server);
    return rc;
}

/* ---- starting -------------------------------------------------------------------------------------------------------- */

/* Makes a server that listens nowhere yet. */
static coil_server *server_new(struct ci_net *net, coil_connection_fn *handler, void *userdata, size_t listeners)
{
    coil_server *server = ci_alloc_zero(sizeof *server + listeners * sizeof server->listeners[0]);
    struct ci_task *task = ci_task_running();

    if (server == NULL) {
        return NULL;
    }
    server->net = net;
    server->references = 1;
    server->handler = handler;
    server->userdata = userdata;
    server->locals = task->locals;
    if (server->locals != NULL) {
        server->locals->references++;
    }
    ci_list_init(&server->connections);
    ci_list_append(&net->servers, &server->link);
    return server;
}

/* Makes the sockets the server's. On an error none of them is. */
static int adopt(coil_server *server, struct ci_listening *listening)
{
    int rc = 0;

    for (size_t i = 0; i < listening->count && rc == 0; i++) {
        rc = ci_listener_init(&server->listeners[i], server, listening->fds[i]);
        server->listener_count += rc == 0;
    }
    if (rc == 0) {
        listening->count = 0;
        return 0;
    }
    for (size_t i = 0; i < server->listener_count; i++) {
        listening->fds[i] = -1; /* closed with the server */
    }
    return rc;
}

/* Starts a server on sockets that listen, which are closed on an error. */
static int start(coil_server **ret, struct ci_listening *listening, const struct coil_server_options *options,
                 coil_connection_fn *handler, void *userdata)
{
    struct ci_net *net = ci_net_of(ci_loop_running);
    coil_server *server = net == NULL ? NULL : server_new(net, handler, userdata, listening->count);
    int rc = server == NULL ? -ENOMEM : adopt(server, listening);

    if (rc < 0) {
        ci_listening_close(listening);
        if (server != NULL) {
            (void)coil_server_close(server);
            coil_server_unref(server);
        }
        return rc;
    }
    server->max_connections = options->max_connections;
    server->limit = options->limit;
    server->stack_size = options->stack_size;
    server->grace = options->grace;
    for (size_t i = 0; i < server->listener_count; i++) {
        ci_listener_start(&server->listeners[i]);
    }
    *ret = server;
    return 0;
}

static int check(coil_server **ret, coil_connection_fn *handler, const char *where, int backlog, double grace)
{
    if (ret == NULL) {
        return -EINVAL;
    }
    *ret = NULL;
    if (ci_task_running() == NULL) {
        return -EPERM;
    }
    return handler == NULL || where == NULL || backlog < 0 || !(grace >= 0) ? -EINVAL : 0;
}

int coil_start_server_with(coil_server **ret, coil_connection_fn *handler, void *userdata, const char *host,
                           const struct coil_server_options *given)
{
    struct coil_server_options copy;
    const struct coil_server_options *options = ci_options(&copy, sizeof(copy), given);
    const struct addrinfo hints = {.ai_family = options->family, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct ci_listening listening;
    struct addrinfo *addresses;

    int rc = check(ret, handler, options->port, options->backlog, options->grace);
    if (rc < 0) {
        return rc;
    }
    rc = coil_getaddrinfo(host != NULL && *host == '\0' ? NULL : host, options->port, &hints, &addresses);
    if (rc < 0) {
        return rc;
    }
    const struct ci_listen_how how = {options->backlog == 0 ? DEFAULT_BACKLOG : options->backlog, options->reuse_port};
    rc = ci_listen_tcp(&listening, addresses, &how);
    ci_resolver_free(addresses);
    return rc < 0 ? rc : start(ret, &listening, options, handler, userdata);
}

static int start_at_path(coil_server **ret, coil_connection_fn *handler, void *userdata, char *path,
                         const struct coil_unix_server_options *options)
{
    const struct coil_server_options common = {.max_connections = options->max_connections,
                                               .limit = options->limit,
                                               .stack_size = options->stack_size,
                                               .grace = options->grace};
    struct ci_path_identity identity;
    struct ci_listening listening;
    int backlog = options->backlog == 0 ? DEFAULT_BACKLOG : options->backlog;

    int rc = ci_listen_unix(&listening, path, (mode_t)options->mode, backlog, &identity);
    if (rc < 0) {
        return rc;
    }
    rc = start(ret, &listening, &common, handler, userdata);
    if (rc < 0) {
        (void)ci_socket_path_remove(path); /* it was made a moment ago */
        return rc;
    }
    (*ret)->path = path;
    (*ret)->identity = identity;
    return 0;
}

int coil_start_unix_server_with(coil_server **ret, coil_connection_fn *handler, void *userdata,
                                const struct coil_unix_server_options *given)
{
    struct coil_unix_server_options copy;
    const struct coil_unix_server_options *options = ci_options(&copy, sizeof(copy), given);

    int rc = check(ret, handler, options->path, options->backlog, options->grace);
    if (rc < 0) {
        return rc;
    }
    char *path = ci_alloc(strlen(options->path) + 1);
    if (path == NULL) {
        return -ENOMEM;
    }
    strcpy(path, options->path);
    rc = start_at_path(ret, handler, userdata, path, options);
    if (rc < 0) {
        ci_free(path);
    }
    return rc;
}

/* ---- what can be asked ----------------------------------------------------------------------------------------------- */

int coil_server_port(const coil_server *server)
{
    struct sockaddr_in6 address; /* IPv4's has its port in the same place */
    socklen_t length = sizeof address;

    if (server == NULL || server->closed || server->listener_count == 0 ||
        ci_socket_name(server->listeners[0].fd, (struct sockaddr *)&address, &length) < 0) {
        return 0;
    }
    return address.sin6_family == AF_INET || address.sin6_family == AF_INET6 ? ntohs(address.sin6_port) : 0;
}

size_t coil_server_sockets(const coil_server *server, int *fds, size_t capacity)
{
    size_t count = server == NULL || server->closed ? 0 : server->listener_count;

    for (size_t i = 0; i < count && i < capacity && fds != NULL; i++) {
        fds[i] = server->listeners[i].fd;
    }
    return count;
}

size_t coil_server_connections(const coil_server *server)
{
    return server == NULL ? 0 : server->active;
}

bool coil_server_is_serving(const coil_server *server)
{
    return server != NULL && !server->closed;
}
