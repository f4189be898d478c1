/* The net room's part of a loop: see part.h. */
#include "net/part.h"

#include "loop/loop.h"
#include "net/resolve.h"
#include "net/server.h"
#include "net/stream.h"
#include "net/watch.h"
#include "sys/alloc.h"

static void shut_down(struct ci_part *part)
{
    struct ci_net *net = ci_container_of(part, struct ci_net, part);

    while (!ci_list_empty(&net->servers)) {
        ci_server_end(ci_container_of(net->servers.next, struct coil_server, link));
    }
}

static void close_part(struct ci_part *part)
{
    struct ci_net *net = ci_container_of(part, struct ci_net, part);

    while (!ci_list_empty(&net->servers)) {
        ci_server_loop_closes(ci_container_of(net->servers.next, struct coil_server, link));
    }
    while (!ci_list_empty(&net->streams)) {
        ci_stream_loop_closes(ci_container_of(net->streams.next, coil_stream, link));
    }
    ci_watches_free(net);
    ci_resolver_end(net);
    ci_free(net);
}

static const struct ci_part_class net_class = {.name = "net", .shutdown = shut_down, .close = close_part};

struct ci_net *ci_net_find(const struct coil_loop *loop)
{
    struct ci_part *part = ci_part_find(loop, &net_class);

    return part == NULL ? NULL : ci_container_of(part, struct ci_net, part);
}

struct ci_net *ci_net_of(struct coil_loop *loop)
{
    struct ci_net *net = ci_net_find(loop);

    if (net != NULL) {
        return net;
    }
    net = ci_alloc_zero(sizeof *net);
    if (net == NULL) {
        return NULL;
    }
    ci_list_init(&net->streams);
    ci_list_init(&net->servers);
    ci_part_add(loop, &net->part, &net_class);
    return net;
}
