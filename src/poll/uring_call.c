/*
 * Calls given to a ring: see uring_call.h. Reads and writes are given again until all is moved, or the file ends, or an error comes;
 * at first with the caller's own vectors, so that they are one call where that suffices, and then piece by piece.
 */
#include "poll/uring_call.h"

#include <errno.h>
#include <fcntl.h>

#include "base/duration.h"
#include "poll/vector.h"
#include "sys/fd.h"

/* Bits of ci_op.state beside those of waiting.h and the attempts. */
enum { CALLED = 1024, CANCELLED = 2048, EVICTED = 4096 };

const uint8_t ci_uring_call_operations[] = {
    IORING_OP_READV,    IORING_OP_WRITEV,  IORING_OP_READ,         IORING_OP_WRITE,
    IORING_OP_FSYNC,    IORING_OP_STATX,   IORING_OP_OPENAT,       IORING_OP_UNLINKAT,
    IORING_OP_RENAMEAT, IORING_OP_MKDIRAT, IORING_OP_ASYNC_CANCEL,
};
const size_t ci_uring_call_operations_count = sizeof ci_uring_call_operations;

struct io_uring_sqe *ci_uring_entry(struct ci_ring *ring)
{
    struct io_uring_sqe *entry = io_uring_get_sqe(&ring->uring);

    if (entry == NULL && ci_ring_submit(ring) >= 0) {
        entry = io_uring_get_sqe(&ring->uring);
    }
    return entry;
}

static uint64_t data_of(const struct ci_op *op)
{
    return (uintptr_t)op | CI_URING_CALL;
}

static struct ci_op *op_of(uint64_t data)
{
    return (struct ci_op *)(uintptr_t)(data - CI_URING_CALL);
}

/* ---- giving it to the ring ------------------------------------------------------------------------------------------- */

static bool writes(const struct ci_op *op)
{
    return op->code == CI_OP_WRITE || op->code == CI_OP_WRITEV || op->code == CI_OP_PWRITEV;
}

static bool transfers(const struct ci_op *op)
{
    return writes(op) || op->code == CI_OP_READ || op->code == CI_OP_READV || op->code == CI_OP_PREADV;
}

static void prepare_transfer(struct io_uring_sqe *entry, const struct ci_op *op)
{
    struct iovec pieces[CI_VECTOR_PIECES];
    const struct iovec *data;
    struct ci_vector vector;

    ci_vector_of(op, &vector);
    uint64_t offset = vector.offset < 0 ? UINT64_MAX : (uint64_t)(vector.offset + op->result);
    int count = ci_vector_left(&vector, (size_t)op->result, pieces, &data);
    unsigned first = data[0].iov_len > INT32_MAX ? INT32_MAX : (unsigned)data[0].iov_len;
    if (count > 1 && op->result == 0 && writes(op)) {
        io_uring_prep_writev(entry, op->fd, data, (unsigned)count, offset);
    } else if (count > 1 && op->result == 0) {
        io_uring_prep_readv(entry, op->fd, data, (unsigned)count, offset);
    } else if (writes(op)) {
        io_uring_prep_write(entry, op->fd, data[0].iov_base, first, offset);
    } else {
        io_uring_prep_read(entry, op->fd, data[0].iov_base, first, offset);
    }
}

/* Whether the ring has such an operation. */
static bool is_known(const struct ci_op *op)
{
    return op->code != CI_OP_TRUNCATE && op->code != CI_OP_ENTRIES;
}

static void prepare(struct io_uring_sqe *entry, const struct ci_op *op)
{
    const char *name = op->path.name;

    switch (op->code) {
    case CI_OP_SYNC:
        io_uring_prep_fsync(entry, op->fd, 0);
        break;
    case CI_OP_DATASYNC:
        io_uring_prep_fsync(entry, op->fd, IORING_FSYNC_DATASYNC);
        break;
    case CI_OP_STATX:
        io_uring_prep_statx(entry, op->fd, name, op->path.flags, op->path.mode, op->path.status);
        break;
    case CI_OP_OPEN:
        io_uring_prep_openat(entry, op->fd, name, op->path.flags | O_CLOEXEC, op->path.mode);
        /* Unless it is told to block, the kernel first tries with O_NONBLOCK, and that opens a FIFO which nobody has at its end. */
        entry->flags |= IOSQE_ASYNC;
        break;
    case CI_OP_UNLINK:
        io_uring_prep_unlinkat(entry, op->fd, name, op->path.flags);
        break;
    case CI_OP_RENAME:
        io_uring_prep_renameat(entry, op->fd, name, op->path.new_directory, op->path.new_name,
                               (unsigned)op->path.flags);
        break;
    case CI_OP_MKDIR:
        io_uring_prep_mkdirat(entry, op->fd, name, op->path.mode);
        break;
    default:
        prepare_transfer(entry, op);
    }
}

static int begin(struct ci_uring_calls *calls, struct ci_op *op)
{
    struct io_uring_sqe *entry = ci_uring_entry(calls->ring);

    if (entry == NULL) {
        return -ENOMEM;
    }
    prepare(entry, op);
    io_uring_sqe_set_data64(entry, data_of(op));
    return 0;
}

void ci_uring_calls_init(struct ci_uring_calls *calls, struct ci_waiting *waiting, struct ci_ring *ring)
{
    *calls = (struct ci_uring_calls){.waiting = waiting, .ring = ring};
    ci_list_init(&calls->inflight);
}

int ci_uring_call(struct ci_uring_calls *calls, struct ci_op *op)
{
    int rc = is_known(op) ? begin(calls, op) : CI_BLOCKS;

    if (rc != 0) {
        return rc;
    }
    op->state = CALLED;
    ci_list_append(&calls->inflight, &op->link);
    calls->waiting->poller.inflight++;
    return 0;
}

/* ---- its end --------------------------------------------------------------------------------------------------------- */

static void ask_for_the_end(struct ci_uring_calls *calls, struct ci_op *op, uint32_t why)
{
    struct io_uring_sqe *entry = ci_uring_entry(calls->ring);

    op->state |= why;
    if (entry != NULL) { /* else it takes as long as it takes */
        io_uring_prep_cancel64(entry, data_of(op), 0);
        io_uring_sqe_set_data64(entry, CI_URING_NOTHING);
    }
}

bool ci_uring_call_cancel(struct ci_uring_calls *calls, struct ci_op *op)
{
    if (!(op->state & CALLED)) {
        return false;
    }
    if (!(op->state & CANCELLED)) {
        ask_for_the_end(calls, op, CANCELLED);
    }
    return true;
}

static bool is_on(const struct ci_op *op, int fd)
{
    return op->fd == fd && !ci_op_is_on_path(op);
}

unsigned ci_uring_call_evict(struct ci_uring_calls *calls, int fd)
{
    unsigned count = 0;

    for (struct ci_list *link = calls->inflight.next; link != &calls->inflight; link = link->next) {
        struct ci_op *op = ci_waiting_op(link);
        if (is_on(op, fd)) {
            count++;
            if (!(op->state & EVICTED)) {
                ask_for_the_end(calls, op, EVICTED);
            }
        }
    }
    return count;
}

/* Nobody will ever hear of the file that was opened. */
static void forget(struct ci_op *op)
{
    if (op->code == CI_OP_OPEN && op->result >= 0) {
        (void)ci_fd_close((int)op->result);
    }
}

void ci_uring_call_abandon(struct ci_uring_calls *calls)
{
    for (struct ci_list *link = calls->inflight.next; link != &calls->inflight; link = link->next) {
        ci_waiting_op(link)->complete = forget;
        ask_for_the_end(calls, ci_waiting_op(link), CANCELLED);
    }
    while (!ci_list_empty(&calls->inflight)) {
        struct io_uring_cqe *completion;
        unsigned head, count = 0;
        int rc = ci_ring_wait(calls->ring, CI_FOREVER);
        if (rc < 0 && rc != -EINTR && !ci_ring_is_short(rc) && rc != -EIO) {
            return; /* the ring is broken */
        }
        io_uring_for_each_cqe(&calls->ring->uring, head, completion)
        {
            count++;
            if ((completion->user_data & CI_URING_TAG_MASK) == CI_URING_CALL) {
                (void)ci_uring_called(calls, completion->user_data, completion->res);
            }
        }
        io_uring_cq_advance(&calls->ring->uring, count);
    }
}

/*
 * What the kernel says, inside, of a call that a signal has interrupted, from ERESTARTSYS to ERESTART_RESTARTBLOCK: some
 * operations let it out.
 */
static bool is_interruption(int32_t result)
{
    return result == -EINTR || (result <= -512 && result >= -516);
}

/* The call has failed, or there is nothing more to move. Returns whether the operation has ended: an interrupted one begins anew. */
static bool note_end(struct ci_op *op, int32_t result)
{
    bool asked = op->state & (CANCELLED | EVICTED);

    if (result == -EAGAIN && transfers(op)) { /* some files with O_NONBLOCK; nobody is told when */
        op->result = ci_call_make(op);
        return true;
    }
    bool stopped = is_interruption(result) || result == -ECANCELED;
    if (stopped && !asked) {
        return false;
    }
    if (stopped) {
        result = op->state & EVICTED ? -EBADF : -ECANCELED;
    }
    op->result = op->result > 0 ? op->result : result;
    return true;
}

/* Some bytes have been moved. Returns whether the operation has ended. */
static bool note_transfer(struct ci_op *op, int32_t moved)
{
    struct ci_vector vector;

    op->result += moved;
    ci_vector_of(op, &vector);
    return (size_t)op->result >= ci_vector_size(&vector) || op->state & (CANCELLED | EVICTED);
}

unsigned ci_uring_called(struct ci_uring_calls *calls, uint64_t data, int32_t result)
{
    struct ci_op *op = op_of(data);

    if (!(transfers(op) && result > 0 ? note_transfer(op, result) : note_end(op, result))) {
        int rc = begin(calls, op);
        if (rc == 0) {
            return 0;
        }
        op->result = op->result > 0 ? op->result : rc;
    }
    ci_waiting_complete(calls->waiting, op);
    return 1;
}
