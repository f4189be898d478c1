/*
 * What a backend knows of each descriptor: who waits on it, what is registered for it, and what may be assumed about
 * its readiness. A table indexed by the number, in pieces that never move, since lists run through it. The knowledge is
 * about the open file that the number stood for when it was gained; who reads it here has to know when it may be out of date.
 */
#ifndef CI_POLL_WATCH_H
#define CI_POLL_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

/* Directions in which a descriptor can be ready. */
enum { CI_READY_IN = 1, CI_READY_OUT = 2 };

enum ci_watch_kind {
    CI_WATCH_UNKNOWN,
    CI_WATCH_TCP,    /* one that says with a short read that it is empty */
    CI_WATCH_STREAM, /* another stream socket: a short read most likely means that it is empty */
    CI_WATCH_SOCKET,
    CI_WATCH_PIPE, /* as STREAM */
    CI_WATCH_FILE, /* always ready */
    CI_WATCH_OTHER,
};

enum {
    CI_WATCH_KEPT = 1,    /* epoll: coil handed it out and will see it closed: its registration is taken for granted */
    CI_WATCH_ENDED = 2,   /* the end of input, a hang-up or an error was announced: no edge will announce it again */
    CI_WATCH_URGENT = 4,  /* urgent data has come: reads stop short at its mark */
    CI_WATCH_EMPTIED = 8, /* the last read most likely took all there was */
    CI_WATCH_RELIED = 16, /* in the backend's list of those that are waited on without proof */
};

struct ci_watch {
    struct ci_list readers; /* operations in the order in which they are served */
    struct ci_list writers;
    struct ci_list polls;
    uint32_t generation; /* of the registration: events of an earlier one are stale. 0: never used */
    uint8_t ready;       /* directions in which a call may succeed; one that is not in it is known to give EAGAIN */
    uint8_t kind;
    uint8_t traits;
    uint8_t unwanted; /* events in a row that did nobody any good */
    union {
        struct {            /* epoll */
            uint32_t armed; /* the events registered; 0: none, or unknown */
            uint32_t since; /* the period in which the wait that relies on the registration began */
        };
        struct {                     /* io_uring */
            uint16_t polls_armed[3]; /* generations of the polls in flight, one for each queue; 0: none */
            uint16_t poll_events;    /* what that for the queue polls was asked for */
        };
    };
};

enum { CI_WATCHES_PER_PIECE = 256 };

struct ci_watch_table {
    struct ci_watch **pieces;
    size_t count;
};

/* Where that of fd is, or would be in a piece that is there; NULL if it is not. Does not look at it. */
static inline struct ci_watch *ci_watch_place(const struct ci_watch_table *table, int fd)
{
    size_t piece = (size_t)fd / CI_WATCHES_PER_PIECE;

    if (fd < 0 || piece >= table->count || table->pieces[piece] == NULL) {
        return NULL;
    }
    return &table->pieces[piece][fd % CI_WATCHES_PER_PIECE];
}

/* What is known of fd, or NULL if nothing ever was. */
static inline struct ci_watch *ci_watch_find(const struct ci_watch_table *table, int fd)
{
    struct ci_watch *watch = ci_watch_place(table, fd);

    return watch == NULL || watch->generation == 0 ? NULL : watch;
}

/* As find, but makes room. Returns 0 with *ret, or -EBADF (no such descriptor), -ENOMEM. */
int ci_watch_get(struct ci_watch_table *table, int fd, struct ci_watch **ret);

/* Forgets all but the waiting operations; whatever the kernel still says of the number's past is stale from now on. */
void ci_watch_forget(struct ci_watch *watch);

/* Finds out what kind of descriptor fd is now. */
void ci_watch_learn(struct ci_watch *watch, int fd);

static inline bool ci_watch_idle(const struct ci_watch *watch)
{
    return ci_list_empty(&watch->readers) && ci_list_empty(&watch->writers) && ci_list_empty(&watch->polls);
}

void ci_watch_table_destroy(struct ci_watch_table *table);

#endif
