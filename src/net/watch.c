/*
 * Callbacks for descriptors that are ready. Each is a poll operation that is asked for again after the callback has run, so it is told
 * again as long as it is true, as a selector tells asyncio. Which watch belongs to a descriptor stands in a table by its number. A
 * watch that is taken out while its operation is in flight stays in memory until that has ended.
 */
#include <coil/watch.h>

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/trace.h"
#include "loop/loop.h"
#include "net/part.h"
#include "net/watch.h"
#include "sys/alloc.h"

enum direction { READER, WRITER, DIRECTIONS };

enum state {
    IN_FLIGHT,
    READY,   /* its entry is in the ready queue */
    RUNNING, /* in its callback */
};

struct watch {
    struct ci_list link; /* of all that are in memory */
    struct ci_op op;
    struct ci_net *net;
    enum direction direction;
    enum state state;
    bool removed;
    uint32_t position; /* of its entry */
    coil_callback *callback;
    void *userdata;
};

struct ci_watches {
    struct ci_list all;
    size_t size;
    struct watch *(*table)[DIRECTIONS]; /* by descriptor */
};

enum { LEAST_TABLE = 64 };

static const short events[DIRECTIONS] = {[READER] = POLLIN | POLLPRI, [WRITER] = POLLOUT};

static struct coil_loop *loop_of(const struct watch *watch)
{
    return watch->net->part.loop;
}

/* ---- the table ------------------------------------------------------------------------------------------------------- */

static struct ci_watches *watches_of(struct ci_net *net)
{
    if (net->watches == NULL) {
        net->watches = ci_alloc_zero(sizeof *net->watches);
        if (net->watches != NULL) {
            ci_list_init(&net->watches->all);
        }
    }
    return net->watches;
}

static int make_room(struct ci_watches *watches, size_t fd)
{
    size_t size = watches->size == 0 ? LEAST_TABLE : watches->size;

    while (size <= fd) {
        size *= 2;
    }
    if (size == watches->size) {
        return 0;
    }
    void *table = ci_realloc(watches->table, size * sizeof *watches->table);
    if (table == NULL) {
        return -ENOMEM;
    }
    watches->table = table;
    memset(&watches->table[watches->size], 0, (size - watches->size) * sizeof *watches->table);
    watches->size = size;
    return 0;
}

static struct watch *find(const struct ci_net *net, int fd, enum direction direction)
{
    const struct ci_watches *watches = net->watches;

    return watches == NULL || (size_t)fd >= watches->size ? NULL : watches->table[fd][direction];
}

/* ---- a watch --------------------------------------------------------------------------------------------------------- */

static void watch_free(struct watch *watch)
{
    ci_ready_release(&loop_of(watch)->ready);
    ci_list_remove(&watch->link);
    ci_free(watch);
}

/* Nobody finds it any more. */
static void take_out(struct watch *watch)
{
    watch->net->watches->table[watch->op.fd][watch->direction] = NULL;
    watch->removed = true;
}

static void run(void *arg);

static void make_ready(struct watch *watch)
{
    watch->state = READY;
    watch->position = ci_ready_push(&loop_of(watch)->ready, run, watch);
}

static void completed(struct ci_op *op)
{
    struct watch *watch = ci_container_of(op, struct watch, op);

    if (watch->removed) {
        watch_free(watch);
    } else {
        make_ready(watch);
    }
}

/* Returns 0 or why it cannot be watched. */
static int ask(struct watch *watch)
{
    watch->state = IN_FLIGHT;
    int rc = ci_loop_submit(loop_of(watch), &watch->op);
    if (rc > 0 && watch->op.result >= 0) {
        make_ready(watch);
        return 0;
    }
    return rc > 0 ? (int)watch->op.result : rc;
}

/* A descriptor that was closed, or cannot be watched any more, is watched no more. */
static void run(void *arg)
{
    struct watch *watch = arg;
    struct coil_loop *loop = loop_of(watch);

    if (watch->op.result < 0) {
        take_out(watch);
    } else {
        watch->state = RUNNING;
        if (loop->trace != NULL) {
            loop->trace->calling(loop->trace, (void (*)(void))watch->callback, NULL);
        }
        watch->callback(watch->userdata);
        if (!watch->removed && ask(watch) < 0) {
            take_out(watch);
        }
    }
    if (watch->removed) {
        watch_free(watch);
    }
}

static int watch_new(struct ci_net *net, int fd, enum direction direction, coil_callback *callback, void *userdata)
{
    struct watch *watch = ci_alloc_zero(sizeof *watch);

    if (watch == NULL || ci_ready_reserve(&net->part.loop->ready) < 0) {
        ci_free(watch);
        return -ENOMEM;
    }
    watch->op.code = CI_OP_POLL;
    watch->op.fd = fd;
    watch->op.poll.events = events[direction];
    watch->op.complete = completed;
    watch->op.wakes = watch;
    watch->net = net;
    watch->direction = direction;
    watch->callback = callback;
    watch->userdata = userdata;
    ci_list_append(&net->watches->all, &watch->link);
    int rc = ask(watch);
    if (rc < 0) {
        watch_free(watch);
        return rc;
    }
    net->watches->table[fd][direction] = watch;
    return 0;
}

/* ---- the calls ------------------------------------------------------------------------------------------------------- */

static int add(int fd, enum direction direction, coil_callback *callback, void *userdata)
{
    if (ci_loop_running == NULL) {
        return -EPERM;
    }
    if (callback == NULL || fd < 0) {
        return -EINVAL;
    }
    struct ci_net *net = ci_net_of(ci_loop_running);
    if (net == NULL || watches_of(net) == NULL || make_room(net->watches, (size_t)fd) < 0) {
        return -ENOMEM;
    }
    struct watch *watch = find(net, fd, direction);
    if (watch == NULL) {
        return watch_new(net, fd, direction, callback, userdata);
    }
    watch->callback = callback;
    watch->userdata = userdata;
    return 0;
}

static int take_back(int fd, enum direction direction)
{
    if (ci_loop_running == NULL || fd < 0) {
        return 0;
    }
    struct ci_net *net = ci_net_find(ci_loop_running);
    struct watch *watch = net == NULL ? NULL : find(net, fd, direction);
    if (watch == NULL) {
        return 0;
    }
    take_out(watch);
    if (watch->state == READY) {
        ci_ready_blank(&loop_of(watch)->ready, watch->position);
        watch_free(watch);
    } else if (watch->state == IN_FLIGHT) {
        struct ci_poller *poller = loop_of(watch)->poller;
        poller->class->cancel(poller, &watch->op);
    }
    return 1;
}

int coil_add_reader(int fd, coil_callback *callback, void *userdata)
{
    return add(fd, READER, callback, userdata);
}

int coil_remove_reader(int fd)
{
    return take_back(fd, READER);
}

int coil_add_writer(int fd, coil_callback *callback, void *userdata)
{
    return add(fd, WRITER, callback, userdata);
}

int coil_remove_writer(int fd)
{
    return take_back(fd, WRITER);
}

/* ---- the end --------------------------------------------------------------------------------------------------------- */

static void free_in_flight(struct watch *watch)
{
    struct ci_poller *poller = loop_of(watch)->poller;

    watch->removed = true;
    poller->class->cancel(poller, &watch->op);
}

void ci_watches_free(struct ci_net *net)
{
    struct ci_poller *poller = net->part.loop->poller;

    if (net->watches == NULL) {
        return;
    }
    struct ci_list *all = &net->watches->all;
    for (struct ci_list *link = all->next, *next; link != all; link = next) {
        struct watch *watch = ci_container_of(link, struct watch, link);
        next = link->next;
        if (watch->state == IN_FLIGHT) {
            free_in_flight(watch);
        } else {
            watch_free(watch);
        }
    }
    while (!ci_list_empty(all) && poller->class->wait(poller, CI_FOREVER) == 0) {
    }
    ci_free(net->watches->table);
    ci_free(net->watches);
}
