/*
 * Inside a stream. Its parts know little of each other: input (read.c) keeps what was received and not yet asked for, output
 * (output.c) what was written and not yet sent, and the class below them moves bytes: plain sockets here (socket.c), TLS in a
 * library of its own, which puts another class over a live stream. Reading is done by the task that reads, straight into its
 * memory where that is possible; nothing is received that nobody has asked for, so an idle stream holds no buffer, and the kernel's
 * own stops a peer that is too fast. Writing tries the kernel first; what it does not take is sent by an operation that the
 * stream owns, without any task.
 *
 * Who waits in a stream is counted (busy): it stays in memory until they have left, even if the last reference goes.
 */
#ifndef CI_NET_STREAM_H
#define CI_NET_STREAM_H

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <coil/stream.h>
#include <coil/sync.h>

#include "base/list.h"
#include "poll/poll.h"

struct coil_loop;
struct ci_chunk;
struct ci_net;

/*
 * What moves a stream's bytes. The functions that await are called in a task, and one at a time for each direction.
 */
struct ci_stream_class {
    const char *name;
    /* Awaits at least one byte and takes up to size > 0. Returns how many, 0 at the end, or a negative errno; with -ECANCELED
     * nothing was taken. */
    ssize_t (*read)(coil_stream *stream, void *data, size_t size);
    /* Takes what can be taken now, sending it or queueing it up to the high-water mark. Never waits. Returns how many bytes of size > 0
     * that were, perhaps 0, or a negative errno if the stream is broken. */
    ssize_t (*write)(coil_stream *stream, const void *data, size_t size);
    /* Awaits until all of it is taken. Returns size; fewer, or a negative errno, when an error or a cancellation came in between.
     * taken is how much of the caller's data went before: if that is not 0, a cancellation stays pending. */
    ssize_t (*write_rest)(coil_stream *stream, const void *data, size_t size, size_t taken);
    /* Says that nothing more will be written, all that was having been sent. NULL: it cannot be said. */
    int (*write_eof)(coil_stream *stream);
    /* Awaits the farewells that come before a close. NULL: there are none. */
    int (*shut_down)(coil_stream *stream);
    /* The stream is freed: so is its layer. NULL: there is none. */
    void (*release)(coil_stream *stream);
};

/* What was received and not yet asked for: the bytes from start to end of a block of so many. */
struct ci_input {
    char *data;
    size_t start;
    size_t end;
    size_t capacity;
};

/* What was written and not yet sent, and the operation that sends the first chunk of it. */
struct ci_output {
    struct ci_chunk *first;
    struct ci_chunk *last;
    size_t size; /* bytes */
    struct ci_op op;
    struct ci_list waiters; /* those who wait for it to shrink */
    bool sending;           /* the operation is in flight, or its result is on the way */
};

struct coil_stream {
    const struct ci_stream_class *class;
    void *layer; /* the class's own */
    struct coil_loop *loop;
    struct ci_list link; /* in the loop's list while it is open */
    int fd;              /* -1 once it is closed */
    unsigned references; /* of users */
    unsigned busy;       /* frames that wait in it, and the output while it sends */
    unsigned writers;    /* tasks that wait in a write */
    int read_error;      /* that ended reading, and is told again and again */
    int write_error;     /* likewise */
    bool reading;        /* a task waits for data */
    bool ended;          /* the end of the input was seen */
    bool eof_asked;      /* the output ends after what it holds */
    bool closing;
    uint8_t peer_length; /* of peer; 0: the kernel is to be asked */
    size_t limit;
    size_t high_water;
    size_t low_water;
    size_t partial;
    struct ci_input input;
    struct ci_output output;
    coil_lock writing; /* held by the task whose write waits */
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } peer;
};

enum { CI_STREAM_LIMIT = 64 * 1024, CI_STREAM_HIGH_WATER = 64 * 1024, CI_STREAM_LOW_WATER = 16 * 1024 };

extern const struct ci_stream_class ci_stream_socket;

/* ---- stream.c -------------------------------------------------------------------------------------------------------- */

/*
 * Makes a stream of a connected socket, with one reference. limit: 0 is the default. The descriptor becomes the stream's, but not on
 * failure: NULL without memory.
 */
coil_stream *ci_stream_new(struct ci_net *net, int fd, size_t limit);

/* Undoes that: the descriptor is the caller's again. */
void ci_stream_give_back(coil_stream *stream);

/* Notes the address of the peer, if it has a short one. */
void ci_stream_set_peer(coil_stream *stream, const struct sockaddr *address, socklen_t length);

/* Closes it now, whatever is under way. Harmless on a closed one. Returns what close(2) said. */
int ci_stream_shut(coil_stream *stream);

/* The loop closes: nobody goes on who waited in it. */
void ci_stream_loop_closes(coil_stream *stream);

/* Frees a stream that nobody refers to and nobody waits in. */
void ci_stream_free_if_unused(coil_stream *stream);

static inline bool ci_stream_closed(const coil_stream *stream)
{
    return stream->fd < 0;
}

/* Whether an error says nothing about the connection: what was asked for may be asked again. */
static inline bool ci_stream_error_passes(int error)
{
    return error == -ECANCELED || error == -ENOMEM || error == -ENOBUFS || error == -EPERM;
}

/* A frame that needs the stream after a wait encloses the wait in these. */
static inline void ci_stream_enter(coil_stream *stream)
{
    stream->busy++;
}

static inline void ci_stream_leave(coil_stream *stream)
{
    if (--stream->busy == 0 && stream->references == 0) {
        ci_stream_free_if_unused(stream);
    }
}

/* ---- read.c ---------------------------------------------------------------------------------------------------------- */

/* Frees what was received, unless a task is about to add to it. */
void ci_input_drop(coil_stream *stream);

/* ---- output.c -------------------------------------------------------------------------------------------------------- */

/* Queues a copy of data and sees that it is sent. Returns 0, or -ENOMEM with nothing queued. */
int ci_output_append(coil_stream *stream, const void *data, size_t size);

/*
 * Awaits until at most at_most bytes are left to be sent. Returns 0; the error that ended the output; -ECANCELED, after which,
 * if it keeps the cancellation, that is still pending. */
int ci_output_wait(coil_stream *stream, size_t at_most, bool keeps);

/* Ends the output with an error: drops it, and wakes who waits for it. */
void ci_output_fail(coil_stream *stream, int error);

/* Frees what is queued. The operation must not be in flight. */
void ci_output_drop(coil_stream *stream);

#endif
