/* The table of watched descriptors: see watch.h. A piece is mapped, so that no watch straddles two lines of the cache. */
#include "poll/watch.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "sys/alloc.h"
#include "sys/fd.h"
#include "sys/memory.h"
#include "sys/sockets.h"

enum { LEAST_PIECES = 4, PIECE_BYTES = CI_WATCHES_PER_PIECE * sizeof(struct ci_watch) };

_Static_assert(sizeof(struct ci_watch) == 64, "a watch is one line of the cache");

static int reach(struct ci_watch_table *table, size_t piece)
{
    size_t count = table->count < LEAST_PIECES ? LEAST_PIECES : table->count;
    struct ci_watch **pieces;

    if (piece < table->count) {
        return 0;
    }
    while (count <= piece) {
        count *= 2;
    }
    pieces = ci_realloc(table->pieces, count * sizeof(struct ci_watch *));
    if (pieces == NULL) {
        return -ENOMEM;
    }
    memset(pieces + table->count, 0, (count - table->count) * sizeof(struct ci_watch *));
    table->pieces = pieces;
    table->count = count;
    return 0;
}

/* Makes the piece be there. What is asked for may be any number, and is not to cost memory unless there is such a descriptor. */
static int add_piece(struct ci_watch_table *table, size_t piece, int fd)
{
    void *memory;
    int rc = ci_fd_check(fd);

    if (rc == 0) {
        rc = reach(table, piece);
    }
    if (rc == 0) {
        rc = ci_memory_map(PIECE_BYTES, &memory);
    }
    if (rc == 0) {
        table->pieces[piece] = memory;
    }
    return rc;
}

int ci_watch_get(struct ci_watch_table *table, int fd, struct ci_watch **ret)
{
    struct ci_watch *watch = ci_watch_place(table, fd);

    if (watch == NULL) {
        int rc = fd < 0 ? -EBADF : add_piece(table, (size_t)fd / CI_WATCHES_PER_PIECE, fd);
        if (rc < 0) {
            return rc;
        }
        watch = ci_watch_place(table, fd);
    }
    if (watch->generation == 0) {
        ci_list_init(&watch->readers);
        ci_list_init(&watch->writers);
        ci_list_init(&watch->polls);
        ci_watch_forget(watch);
    }
    *ret = watch;
    return 0;
}

void ci_watch_forget(struct ci_watch *watch)
{
    watch->generation += watch->generation == UINT32_MAX ? 2 : 1; /* not 0 */
    watch->armed = 0;
    watch->ready = CI_READY_IN | CI_READY_OUT;
    watch->kind = CI_WATCH_UNKNOWN;
    watch->traits &= CI_WATCH_RELIED;
    watch->unwanted = 0;
}

void ci_watch_learn(struct ci_watch *watch, int fd)
{
    enum ci_fd_kind kind;
    int type, protocol;

    if (ci_socket_kind(fd, &type, &protocol) == 0) {
        if (type == SOCK_STREAM) {
            watch->kind = protocol == IPPROTO_TCP ? CI_WATCH_TCP : CI_WATCH_STREAM;
        } else {
            watch->kind = CI_WATCH_SOCKET;
        }
    } else if (ci_fd_kind(fd, &kind) == 0) {
        watch->kind = kind == CI_FD_PIPE ? CI_WATCH_PIPE : CI_WATCH_OTHER;
    } else {
        watch->kind = CI_WATCH_UNKNOWN;
    }
}

void ci_watch_table_destroy(struct ci_watch_table *table)
{
    for (size_t piece = 0; piece < table->count; piece++) {
        if (table->pieces[piece] != NULL) {
            (void)ci_memory_unmap(table->pieces[piece], PIECE_BYTES); /* it was mapped so: this cannot fail */
        }
    }
    ci_free(table->pieces);
}
