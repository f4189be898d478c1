/*
 * Servers: listening sockets, and a task for each connection that comes. A connection is a stream (coil/stream.h), which the server
 * closes when its handler returns.
 *
 * What is given NULL for a server returns coil_creation_error(), or -EINVAL when there is none.
 */
#ifndef COIL_SERVER_H
#define COIL_SERVER_H

#include <coil/base.h>
#include <coil/stream.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Something that listens. asyncio: Server. */
typedef struct coil_server coil_server;

/*
 * What serves a connection: a coroutine in a task of its own. The stream is the server's; when the handler has returned, what it wrote is
 * sent and the stream closed, or, if it returned -ECANCELED, aborted. Keep it longer with coil_stream_ref. An error that it returns
 * is reported (COIL_REPORT_SERVER_ERROR), unless it only says that the peer has gone or was too slow: -ECANCELED, -ECONNRESET,
 * -ECONNABORTED, -EPIPE, -ENODATA, -ETIMEDOUT, -EHOSTUNREACH, -ENETUNREACH.
 */
typedef int coil_connection_fn(coil_stream *stream, void *userdata);

/* How a server serves. Zero always means the default. */
struct coil_server_options {
    size_t size;      /* sizeof this struct: the macros fill it in */
    const char *port; /* the port to listen on */
    int backlog;      /* connections that the kernel keeps waiting; 100 by default */
    bool reuse_port;  /* other sockets may listen on the same port, and the kernel deals connections out */
    int family;       /* AF_INET or AF_INET6; both by default */
    size_t
        max_connections; /* at the same time; further ones wait in the kernel's queue. 0: as many as there are descriptors */
    size_t limit;        /* of each stream, as in struct coil_connection_options */
    size_t stack_size; /* of each task, in bytes; the loop's by default */
    double grace;      /* seconds that handlers get to finish when coil_server_serve_forever is cancelled */
};

/*
 * Listens on a TCP port and serves each connection with handler(stream, userdata) in a task of its own. Awaits if host is a name. host
 * NULL or "" is every interface, IPv4 and IPv6; port "0" lets the kernel choose one, the same for all, which coil_server_port tells.
 * SO_REUSEADDR and TCP_NODELAY are set. Options: .backlog .reuse_port .family .max_connections .limit .stack_size .grace.
 *
 * Returns 0 with *ret a server that accepts connections from the next iteration on. Its sockets stay open until coil_server_close, also when
 * the reference is given back before. On an error *ret is NULL: -EADDRINUSE, -EACCES, -EADDRNOTAVAIL, what coil_getaddrinfo may fail
 * with, -EINVAL (no ret, handler or port, a negative or NaN grace), -ECANCELED, -EPERM outside of a task, -ENOMEM, -EMFILE, -ENFILE;
 * coil_error_message says for which address. asyncio: start_server.
 */
#define coil_start_server(ret, handler, userdata, host, ...) \
    coil_start_server_with(                                  \
        (ret), (handler), (userdata), (host),                \
        &(struct coil_server_options){.size = sizeof(struct coil_server_options), .port = __VA_ARGS__})
COIL_API int coil_start_server_with(coil_server **ret, coil_connection_fn *handler, void *userdata, const char *host,
                                    const struct coil_server_options *options);

/* How a server on a Unix socket serves. Zero always means the default. */
struct coil_unix_server_options {
    size_t size;      /* sizeof this struct: the macros fill it in */
    const char *path; /* the socket's file */
    int backlog;      /* as in struct coil_server_options, from here on */
    size_t max_connections;
    size_t limit;
    size_t stack_size;
    double grace;
    unsigned mode; /* of the file, 0600 for example; by the umask by default */
};

/*
 * As coil_start_server, on a Unix socket at path. A socket's file that is there already, and on which nobody listens, is replaced;
 * coil_server_close removes the file if it is still this server's. Does not await, but is to be called in a task. Options: .backlog
 * .max_connections .limit .stack_size .grace .mode. -EADDRINUSE (somebody listens there, or the file is no socket), -EACCES, -ENOENT
 * (no such folder), -ENAMETOOLONG (108 bytes and more), and as coil_start_server. asyncio: start_unix_server.
 */
#define coil_start_unix_server(ret, handler, userdata, ...) \
    coil_start_unix_server_with(                            \
        (ret), (handler), (userdata),                       \
        &(struct coil_unix_server_options){.size = sizeof(struct coil_unix_server_options), .path = __VA_ARGS__})
COIL_API int coil_start_unix_server_with(coil_server **ret, coil_connection_fn *handler, void *userdata,
                                         const struct coil_unix_server_options *options);

/* Takes another reference and returns server. NULL is fine. */
COIL_API coil_server *coil_server_ref(coil_server *server);

/* Gives a reference back. NULL is fine. It does not close the server, which the loop keeps as long as it listens. */
COIL_API void coil_server_unref(coil_server *server);

/* The port that it listens on; 0 for a Unix socket, once it is closed, and for NULL. */
COIL_API int coil_server_port(const coil_server *server);

/*
 * Writes up to capacity of its listening descriptors into fds, which stay the server's, and returns how many there are; 0 once it is
 * closed. asyncio: Server.sockets.
 */
COIL_API size_t coil_server_sockets(const coil_server *server, int *fds, size_t capacity);

/* How many connections are being served. */
COIL_API size_t coil_server_connections(const coil_server *server);

/* Whether it listens. asyncio: Server.is_serving. */
COIL_API bool coil_server_is_serving(const coil_server *server);

/*
 * Stops listening. Does not await. Connections that are being served go on; those still in the kernel's queue are reset. Returns 0, also
 * when it is closed already. asyncio: Server.close.
 */
COIL_API int coil_server_close(coil_server *server);

/*
 * Awaits until the server is closed and the last of its connections has ended. Returns 0, -ECANCELED, -EPERM outside of a task.
 * asyncio: Server.wait_closed.
 */
COIL_API int coil_server_wait_closed(coil_server *server);

/*
 * Ends it in good order: stops listening, awaits for so many seconds that the handlers finish, then cancels those that have not, and
 * awaits their end; at once if the calling task is cancelled meanwhile. seconds may be INFINITY; 0 or less cancels at once. Returns 0 if
 * all have finished by themselves, -ETIMEDOUT if some had to be cancelled, -ECANCELED, -EINVAL (NaN), -EPERM outside of a task.
 */
COIL_API int coil_server_shutdown(coil_server *server, double seconds);

/*
 * Awaits until somebody closes the server and its last connection has ended; then returns 0. When the calling task is cancelled, shuts
 * the server down with its .grace as coil_server_shutdown does, and returns -ECANCELED. -EBUSY if another task is here already; -EPIPE
 * for a server that is closed; -EPERM outside of a task. asyncio: Server.serve_forever.
 */
COIL_API int coil_server_serve_forever(coil_server *server);

#ifdef __cplusplus
}
#endif

#endif
