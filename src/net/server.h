/*
 * Inside a server: the listeners (listener.c), each an accept operation of its own that runs without any task, so that no cancellation of
 * tasks stops a server by accident; the connections (connection.c), a task each; and the sockets to listen on (listen.c).
 * A server is in the loop's list, and so in memory, until it is closed and its last connection has ended.
 */
#ifndef CI_NET_SERVER_H
#define CI_NET_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <coil/server.h>
#include <coil/sync.h>

#include "base/list.h"
#include "loop/timer.h"
#include "poll/poll.h"
#include "sys/socket_path.h"

struct ci_locals;
struct ci_net;
struct ci_task;

enum ci_listener_state {
    CI_LISTENER_IDLE,      /* closed, or just being dealt with */
    CI_LISTENER_ACCEPTING, /* its operation is in flight */
    CI_LISTENER_READY,     /* its entry is in the ready queue */
    CI_LISTENER_FULL,      /* waits for a connection to end */
    CI_LISTENER_SHORT,     /* likewise, or for its timer: something is exhausted */
};

struct ci_listener {
    struct coil_server *server;
    struct ci_op op;
    struct ci_timer timer;
    enum ci_listener_state state;
    int fd;            /* -1 once it is closed */
    int accepted;      /* a connection that could not be served yet, or -1 */
    bool brought;      /* the operation is over, and its result has not been looked at */
    bool reported;     /* that something is exhausted, since the last connection that was served */
    uint32_t position; /* of its entry */
    struct sockaddr_storage peer;
    socklen_t peer_length;
};

struct coil_server {
    struct ci_list link; /* in the loop's list */
    struct ci_net *net;  /* NULL once the loop is closed */
    unsigned references; /* of users */
    unsigned busy;       /* frames that wait in it */
    bool closed;
    bool serving_forever;
    coil_connection_fn *handler;
    void *userdata;
    size_t max_connections;
    size_t limit;
    size_t stack_size;
    double grace;
    size_t active; /* connections */
    struct ci_list connections;
    struct ci_locals *locals; /* of the task that started it: its connections inherit them */
    coil_event over;          /* closed, and no connection left */
    char *path;               /* of a Unix socket, or NULL */
    struct ci_path_identity identity;
    size_t listener_count;
    struct ci_listener listeners[];
};

/* ---- server.c -------------------------------------------------------------------------------------------------------- */

/* Ends a server for good, as coil_run does at its end: closes it, cancels its connections and awaits their end. */
void ci_server_end(coil_server *server);

/* The loop closes: no task goes on. */
void ci_server_loop_closes(coil_server *server);

/* A connection has ended. */
void ci_server_connection_over(coil_server *server);

/* Frees a server that nobody refers to, waits in, or is served by. */
void ci_server_free_if_unused(coil_server *server);

/* A frame that needs the server after a wait, or after a call of the program's, encloses that in these. */
static inline void ci_server_enter(coil_server *server)
{
    server->busy++;
}

static inline void ci_server_leave(coil_server *server)
{
    server->busy--;
    ci_server_free_if_unused(server);
}

/* Sends a report about server. detail may be NULL. */
void ci_server_report(coil_server *server, const char *message, int error, const char *detail);

/* ---- listener.c ------------------------------------------------------------------------------------------------------ */

/* Takes a place in the ready queue and makes fd a listener of server, which it belongs to from then on. 0 or -ENOMEM. */
int ci_listener_init(struct ci_listener *listener, coil_server *server, int fd);

/* Has it accept connections from the next iteration on. */
void ci_listener_start(struct ci_listener *listener);

/* A connection has ended: there may be room for another. */
void ci_listener_resume(struct ci_listener *listener);

/* Closes it. Harmless on a closed one. */
void ci_listener_close(struct ci_listener *listener);

/* ---- connection.c ---------------------------------------------------------------------------------------------------- */

/* Serves fd in a task. Returns 0, or a negative errno, and then fd is as it was. */
int ci_connection_start(coil_server *server, int fd, const struct sockaddr *peer, socklen_t length);

/* Cancels the tasks of all connections. */
void ci_connections_cancel(coil_server *server);

/* The loop closes: lets go of the tasks. */
void ci_connections_drop(coil_server *server);

#endif
