/*
 * The contract between the loop and what asks the kernel. Everything that waits for the kernel is an operation, a struct
 * in the frame of the coroutine that waits for it. Whoever starts one gets exactly one completion, and only then may the
 * operation's memory and its buffers be touched again; asking to cancel brings that completion nearer and nothing more.
 * Backends differ in how they work (epoll is told of readiness and then makes the call; io_uring makes the call itself),
 * never in what a caller sees. A poller knows nothing of loops, tasks or time: it is told how long it may sleep.
 */
#ifndef CI_POLL_POLL_H
#define CI_POLL_POLL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "base/list.h"

enum ci_op_code {
    CI_OP_POLL, /* wait until the descriptor has one of .poll.events; the result is the revents */
    CI_OP_READ,
    CI_OP_WRITE,
    CI_OP_RECV,
    CI_OP_SEND,
    CI_OP_READV,
    CI_OP_WRITEV,
    CI_OP_RECVMSG,
    CI_OP_SENDMSG,
    CI_OP_ACCEPT,
    CI_OP_CONNECT,
    /* From here on: calls on files, which nothing announces the end of. They go on in the kernel or in a thread. */
    CI_OP_PREADV,
    CI_OP_PWRITEV,
    CI_OP_SYNC,
    CI_OP_DATASYNC,
    CI_OP_TRUNCATE,
    CI_OP_ENTRIES, /* of a directory, as getdents64 gives them, into .buffer */
    CI_OP_STATX,   /* fd is the directory of .path here and below */
    CI_OP_OPEN,
    CI_OP_UNLINK,
    CI_OP_RENAME,
    CI_OP_MKDIR,
};

struct ci_op {
    enum ci_op_code code;
    int fd;
    union {
        struct {
            short events;
        } poll;
        struct {
            void *data;
            size_t size;
            int flags;
        } buffer; /* READ, RECV; WRITE and SEND do not write to it */
        struct {
            const struct iovec *data;
            int count;
            int64_t offset; /* PREADV, PWRITEV: where in the file */
        } vectors;          /* READV, WRITEV */
        struct {
            struct msghdr *header; /* SENDMSG does not write to it */
            int flags;
        } message;
        struct {
            struct sockaddr *address;
            socklen_t *length;
            int flags; /* those of accept4 */
        } accept;
        struct {
            const struct sockaddr *address;
            socklen_t length;
        } connect;
        struct {
            const char *name;
            const char *new_name; /* RENAME */
            int new_directory;    /* RENAME */
            int flags;            /* those of openat, unlinkat, renameat2, statx */
            unsigned mode;        /* of OPEN and MKDIR; what STATX shall find out */
            struct statx *status; /* STATX */
        } path;
        int64_t size; /* TRUNCATE */
    };
    int64_t result; /* valid at completion: >= 0, or a negative errno; -ECANCELED only if nothing was done */
    void (*complete)(struct ci_op *op); /* called once, on the loop's thread, from wait, cancel or evict */
    const void *wakes; /* memory that is used after the completion, to have it in the cache by then; NULL is fine */

    struct ci_list link;      /* the poller's, while the operation is in flight */
    struct ci_list done_link; /* the poller's */
    uint32_t state;           /* the poller's */
};

/* What submit may return. */
enum { CI_BLOCKS = 2 };

static inline bool ci_op_is_call(const struct ci_op *op)
{
    return op->code >= CI_OP_PREADV;
}

/* Whether it is about a name in a directory, and not about what fd stands for. */
static inline bool ci_op_is_on_path(const struct ci_op *op)
{
    return op->code >= CI_OP_STATX;
}

struct ci_poller;

struct ci_poller_class {
    const char *name;

    /*
     * Starts op. Returns 0 when its completion will come (from wait, cancel or evict, never from inside submit),
     * 1 when it is finished already with op->result set and no completion will come, or a negative errno with nothing started.
     * CI_BLOCKS: it would block, and this poller knows no better; op->result counts the bytes that are done. Make it with
     * ci_call_make, in a thread, and see to its cancellation and to the closing of its descriptor yourself.
     */
    int (*submit)(struct ci_poller *poller, struct ci_op *op);

    /*
     * Asks for an operation in flight to end soon. Its completion still comes: from inside cancel, where the kernel has no part in it,
     * or from a later wait. The result is -ECANCELED or what was done.
     */
    void (*cancel)(struct ci_poller *poller, struct ci_op *op);

    /*
     * Ends every operation in flight on fd with -EBADF, completing them before it returns (io_uring may have to wait for the
     * kernel), and forgets whatever is remembered of the number. Called before the descriptor is closed.
     */
    void (*evict)(struct ci_poller *poller, int fd);

    /*
     * Completes what is ready; sleeps at most timeout_ns for that (0: not at all; CI_FOREVER: until something comes).
     * Never wakes early for nothing and is never late by rounding. Returns 0, or a negative errno when the poller is broken.
     */
    int (*wait)(struct ci_poller *poller, int64_t timeout_ns);

    /* Ends a wait that sleeps, or the next one that would. From any thread and from a signal handler. */
    void (*wake)(struct ci_poller *poller);

    /* Closes the poller. What is still in flight gets no completion; its memory must be good until this returns. */
    void (*destroy)(struct ci_poller *poller);
};

struct ci_poller {
    const struct ci_poller_class *class;
    size_t inflight;   /* operations whose completion is still to come */
    bool drives_clock; /* a test's poller: moves the virtual clock itself, so wait is called at every iteration */
};

/*
 * Makes the call of an operation that blocks, and returns its result. In any thread, since nothing here knows the poller: op is only
 * read, and op->result must count the bytes that are done, 0 at first.
 */
int64_t ci_call_make(const struct ci_op *op);

/*
 * Opens a poller on epoll, with a ring of io_uring beside it that makes calls on files, if there is one to be had; otherwise they
 * block. Returns 0 with *poller for the caller to destroy, or a negative errno.
 */
int ci_epoll_open(struct ci_poller **poller, bool with_ring);

/*
 * Opens a poller on io_uring, for the calling thread alone. Returns 0 with *poller for the caller to destroy, or a negative errno:
 * -ENOSYS, -EPERM, -EACCES, -EINVAL where the kernel has it not, or not for us, or too old; -ENOTSUP where the library has not.
 */
int ci_uring_open(struct ci_poller **poller);

/* Opens the best poller that there is, and says in words why it is this one. Returns 0 or a negative errno. */
int ci_poller_open(struct ci_poller **poller, const char **reason);

#endif
