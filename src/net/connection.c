/*
 * A connection of a server: a task that runs the handler and closes the stream after it. What the server must know of it lies beside the
 * task, on its stack, so that a connection costs no allocation but its stream. The end is a callback of the task's future, which also
 * comes for a task that was cancelled before its first step.
 */
#include <errno.h>

#include "loop/loop.h"
#include "net/part.h"
#include "net/server.h"
#include "net/stream.h"
#include "task/task.h"

struct connection {
    struct ci_list link; /* in the server's list */
    struct ci_callback callback;
    struct ci_task *task;
    coil_server *server;
    coil_stream *stream;
};

enum { DETAIL_BYTES = 256 };

/* ---- the handler ----------------------------------------------------------------------------------------------------- */

/* What says no more than that the peer has gone, or was too slow, or that the server is ending. */
static bool is_normal(int rc)
{
    switch (rc) {
    case -ECANCELED:
    case -ECONNRESET:
    case -ECONNABORTED:
    case -EPIPE:
    case -ENODATA:
    case -ETIMEDOUT:
    case -EHOSTUNREACH:
    case -ENETUNREACH:
        return true;
    default:
        return rc >= 0;
    }
}

static void report_failure(const struct connection *connection, int rc)
{
    const struct ci_note *note = connection->task->last_note;
    char detail[DETAIL_BYTES];
    bool noted = note != NULL && note->error == rc;

    if (noted) {
        (void)ci_note_format(note, detail, sizeof detail); /* a longer text is cut */
    }
    ci_server_report(connection->server, "the handler of a server's connection failed", rc, noted ? detail : NULL);
}

static int run(void *arg)
{
    struct connection *connection = arg;
    int rc = connection->server->handler(connection->stream, connection->server->userdata);

    if (!is_normal(rc)) {
        report_failure(connection, rc);
    }
    if (rc == -ECANCELED) {
        coil_stream_abort(connection->stream);
        return rc;
    }
    rc = coil_stream_close(connection->stream);
    return rc == -ECANCELED ? rc : 0; /* the peer did not take everything: that is its own affair */
}

/* ---- the task -------------------------------------------------------------------------------------------------------- */

static void on_over(void *arg)
{
    struct connection *connection = arg;
    coil_server *server = connection->server;
    struct ci_task *task = connection->task;

    ci_callback_runs(&connection->callback, task->future.loop);
    ci_list_remove(&connection->link);
    coil_stream_abort(connection->stream); /* it is closed already, unless the task never ran */
    coil_stream_unref(connection->stream);
    ci_future_unref(&task->future);
    ci_server_connection_over(server);
}

static struct ci_task *make_task(coil_server *server)
{
    struct coil_loop *loop = server->net->part.loop;
    const struct coil_task_options options = {
        .size = sizeof options, .stack_size = server->stack_size, .site = {__FILE__, __func__, __LINE__}};

    if (ci_ready_reserve(&loop->ready) < 0) {
        return ci_loop_creation_failed(-ENOMEM);
    }
    struct ci_task *task = ci_task_new(loop, run, &options, sizeof(struct connection));
    if (task == NULL) {
        ci_ready_release(&loop->ready);
        return NULL;
    }
    task->arg = task->room;
    ci_task_drop_locals(&task->locals); /* a callback has none; a program's own call, if there should be one, might */
    task->locals = server->locals;
    if (task->locals != NULL) {
        task->locals->references++;
    }
    return task;
}

int ci_connection_start(coil_server *server, int fd, const struct sockaddr *peer, socklen_t length)
{
    coil_stream *stream = ci_stream_new(server->net, fd, server->limit);
    struct ci_task *task = stream == NULL ? ci_loop_creation_failed(-ENOMEM) : make_task(server);

    if (task == NULL) {
        if (stream != NULL) {
            ci_stream_give_back(stream);
        }
        return ci_loop_creation_error;
    }
    ci_stream_set_peer(stream, peer, length);
    struct connection *connection = task->room;
    *connection = (struct connection){.task = task, .server = server, .stream = stream};
    ci_callback_init(&connection->callback, on_over, connection);
    connection->callback.reserves = true; /* the place taken with the task: subscribing cannot fail */
    ci_list_append(&server->connections, &connection->link);
    server->active++;
    ci_task_start(task, false);
    (void)ci_future_subscribe(&task->future, &connection->callback);
    return 0;
}

/* ---- all of them ----------------------------------------------------------------------------------------------------- */

void ci_connections_cancel(coil_server *server)
{
    for (struct ci_list *link = server->connections.next; link != &server->connections; link = link->next) {
        struct connection *connection = ci_container_of(link, struct connection, link);
        (void)ci_future_cancel(&connection->task->future, NULL); /* one that is done stays as it is */
    }
}

void ci_connections_drop(coil_server *server)
{
    while (!ci_list_empty(&server->connections)) {
        struct connection *connection = ci_container_of(ci_list_pop(&server->connections), struct connection, link);
        struct ci_task *task = connection->task;
        coil_stream *stream = connection->stream;
        ci_future_unsubscribe(&task->future, &connection->callback);
        stream->closing = true; /* it is the server that was not closed */
        ci_stream_loop_closes(stream);
        coil_stream_unref(stream);
        ci_future_unref(&task->future);
    }
    server->active = 0;
}
