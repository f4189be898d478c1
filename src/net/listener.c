/*
 * Accepting. An accept operation is in flight as long as there is room for a connection; what it brings is dealt with in an entry of
 * the ready queue, which then takes all further connections that are waiting, up to a number after which others have their turn. When
 * the server is full, or something that a connection needs is exhausted, nothing is in flight: connections wait in the kernel's queue,
 * and one that was accepted already is kept. What ends that wait is the end of a connection, or a second.
 */
#include <errno.h>

#include "loop/loop.h"
#include "net/part.h"
#include "net/server.h"
#include "sys/fd.h"

enum { ACCEPTS_PER_TURN = 64 };

#define SHORTAGE_NS CI_SECOND_NS

static void turn(void *arg);
static void on_timer(void *arg);

static struct coil_loop *loop_of(const struct ci_listener *listener)
{
    return listener->server->net->part.loop;
}

int ci_listener_init(struct ci_listener *listener, coil_server *server, int fd)
{
    struct coil_loop *loop = server->net->part.loop;
    int rc = ci_ready_reserve(&loop->ready);

    if (rc < 0) {
        return rc;
    }
    *listener = (struct ci_listener){.server = server, .fd = fd, .accepted = -1};
    ci_timer_init(&listener->timer, loop, on_timer);
    return 0;
}

void ci_listener_start(struct ci_listener *listener)
{
    listener->state = CI_LISTENER_READY;
    listener->position = ci_ready_push(&loop_of(listener)->ready, turn, listener);
}

/* ---- waiting --------------------------------------------------------------------------------------------------------- */

static bool is_full(const coil_server *server)
{
    return server->max_connections > 0 && server->active >= server->max_connections;
}

static void on_timer(void *arg)
{
    struct ci_listener *listener = ci_container_of(arg, struct ci_listener, timer);

    if (listener->state == CI_LISTENER_SHORT) {
        ci_listener_start(listener);
    }
}

/* Without memory for the timer there is only the end of a connection; and with no connection, another try at once. */
static void wait_for_better_times(struct ci_listener *listener, int error)
{
    struct coil_loop *loop = loop_of(listener);

    if (!listener->reported) {
        listener->reported = true;
        ci_server_report(listener->server, "a server cannot take connections for the time being", error, NULL);
        if (listener->fd < 0) {
            return; /* the program has closed it */
        }
    }
    listener->state = CI_LISTENER_SHORT;
    int rc = ci_timer_set(&listener->timer, ci_deadline_ns(ci_loop_now_ns(loop), SHORTAGE_NS));
    if (rc < 0 && listener->server->active == 0) {
        ci_listener_start(listener);
    }
}

void ci_listener_resume(struct ci_listener *listener)
{
    if (listener->state == CI_LISTENER_FULL || listener->state == CI_LISTENER_SHORT) {
        ci_timer_stop(&listener->timer);
        ci_listener_start(listener);
    }
}

/* ---- accepting ------------------------------------------------------------------------------------------------------- */

/* Errors of a connection that was gone before it was accepted; accept(2) names them. */
static bool is_of_the_connection(int64_t error)
{
    switch (error) {
    case -ECONNABORTED:
    case -EPERM:
    case -EPROTO:
    case -ENOPROTOOPT:
    case -ENETDOWN:
    case -ENETUNREACH:
    case -EHOSTDOWN:
    case -EHOSTUNREACH:
    case -ENONET:
        return true;
    default:
        return false;
    }
}

static bool is_of_the_listener(int64_t error)
{
    return error == -EBADF || error == -EINVAL || error == -ENOTSOCK || error == -EOPNOTSUPP;
}

/* Deals with what accept gave. Returns whether to go on. */
static bool deal_with(struct ci_listener *listener, int64_t result)
{
    if (result >= 0) {
        listener->accepted = (int)result;
        return true;
    }
    if (is_of_the_connection(result)) {
        return true;
    }
    if (is_of_the_listener(result)) {
        ci_server_report(listener->server, "a server cannot listen any more", (int)result, NULL);
        ci_listener_close(listener);
    } else {
        wait_for_better_times(listener, (int)result);
    }
    return false;
}

/* Has the connection that was accepted served. Returns whether to go on. */
static bool serve(struct ci_listener *listener)
{
    if (is_full(listener->server)) {
        listener->state = CI_LISTENER_FULL;
        return false;
    }
    int rc = ci_connection_start(listener->server, listener->accepted, (const struct sockaddr *)&listener->peer,
                                 listener->peer_length);
    if (rc < 0) {
        wait_for_better_times(listener, rc);
        return false;
    }
    listener->accepted = -1;
    listener->reported = false;
    return true;
}

/* What the operation brings is looked at in the listener's next turn; on the way out it is not wanted. */
static void completed(struct ci_op *op)
{
    struct ci_listener *listener = ci_container_of(op, struct ci_listener, op);

    if (listener->fd >= 0) {
        listener->brought = true;
        ci_listener_start(listener);
    } else if (op->result >= 0) {
        (void)ci_fd_close((int)op->result); /* the server is closed */
    }
}

/* Asks for a connection. Returns 1 if that has come to something already, which is then in op->result. */
static int ask(struct ci_listener *listener)
{
    struct ci_op *op = &listener->op;

    listener->peer_length = sizeof listener->peer;
    op->code = CI_OP_ACCEPT;
    op->fd = listener->fd;
    op->accept.address = (struct sockaddr *)&listener->peer;
    op->accept.length = &listener->peer_length;
    op->accept.flags = 0;
    op->complete = completed;
    op->wakes = listener;
    int rc = ci_loop_submit(loop_of(listener), op);
    if (rc < 0) {
        op->result = rc;
        rc = 1;
    }
    return rc;
}

/* As many connections as there are, up to a number. */
static void accept_all(struct ci_listener *listener)
{
    for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
        if (listener->accepted >= 0 && !serve(listener)) {
            return;
        }
        if (is_full(listener->server)) {
            listener->state = CI_LISTENER_FULL;
            return;
        }
        if (ask(listener) == 0) {
            listener->state = CI_LISTENER_ACCEPTING;
            return;
        }
        if (!deal_with(listener, listener->op.result)) {
            return;
        }
    }
    ci_listener_start(listener);
}

static void turn(void *arg)
{
    struct ci_listener *listener = arg;
    coil_server *server = listener->server;

    listener->state = CI_LISTENER_IDLE;
    bool go_on = true;
    ci_server_enter(server);
    if (listener->brought) {
        listener->brought = false;
        go_on = deal_with(listener, listener->op.result);
    }
    if (go_on) {
        accept_all(listener);
    }
    ci_server_leave(server);
}

/* ---- the end --------------------------------------------------------------------------------------------------------- */

/* Connections that nobody will serve. */
static void close_accepted(struct ci_listener *listener)
{
    if (listener->brought && listener->op.result >= 0) {
        (void)ci_fd_close((int)listener->op.result); /* nothing was sent through it */
    }
    if (listener->accepted >= 0) {
        (void)ci_fd_close(listener->accepted); /* likewise */
    }
    listener->brought = false;
    listener->accepted = -1;
}

void ci_listener_close(struct ci_listener *listener)
{
    struct coil_loop *loop = loop_of(listener);
    int fd = listener->fd;

    if (fd < 0) {
        return;
    }
    listener->fd = -1;
    ci_timer_stop(&listener->timer);
    if (listener->state == CI_LISTENER_READY) {
        ci_ready_blank(&loop->ready, listener->position);
    }
    close_accepted(listener);
    listener->state = CI_LISTENER_IDLE;
    loop->poller->class->evict(loop->poller, fd);
    (void)ci_fd_close(fd); /* a listener has nothing to lose */
    ci_ready_release(&loop->ready);
}
