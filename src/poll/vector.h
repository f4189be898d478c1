/*
 * The memory that an operation reads into or writes from, as vectors: those that were given, or the one that a buffer makes; and what
 * is left of them when some bytes are done.
 */
#ifndef CI_POLL_VECTOR_H
#define CI_POLL_VECTOR_H

#include <stdint.h>
#include <sys/uio.h>

#include "poll/poll.h"

struct ci_vector {
    const struct iovec *data;
    int count;
    int64_t offset;   /* in the file; -1: where that stands */
    struct iovec one; /* of an operation on a buffer */
};

/* How many pieces of what is left are used at a time. */
enum { CI_VECTOR_PIECES = 16 };

/* That of any operation that moves bytes. */
void ci_vector_of(const struct ci_op *op, struct ci_vector *vector);

/*
 * Makes *data point to what is left after done bytes: at first all of it as it was given, so that it goes in one piece, and then pieces,
 * which are filled in. Returns how many vectors those are; 0 when nothing is left.
 */
int ci_vector_left(const struct ci_vector *vector, size_t done, struct iovec *pieces, const struct iovec **data);

/* How many bytes it is; more than SSIZE_MAX are not counted exactly. */
size_t ci_vector_size(const struct ci_vector *vector);

#endif
