/* Vectors: see vector.h. */
#include "poll/vector.h"

void ci_vector_of(const struct ci_op *op, struct ci_vector *vector)
{
    switch (op->code) {
    case CI_OP_READV:
    case CI_OP_WRITEV:
        *vector = (struct ci_vector){.data = op->vectors.data, .count = op->vectors.count, .offset = -1};
        break;
    case CI_OP_RECVMSG:
    case CI_OP_SENDMSG:
        *vector = (struct ci_vector){
            .data = op->message.header->msg_iov, .count = (int)op->message.header->msg_iovlen, .offset = -1};
        break;
    case CI_OP_PREADV:
    case CI_OP_PWRITEV:
        *vector =
            (struct ci_vector){.data = op->vectors.data, .count = op->vectors.count, .offset = op->vectors.offset};
        break;
    default:
        *vector = (struct ci_vector){
            .count = 1, .offset = -1, .one = {.iov_base = op->buffer.data, .iov_len = op->buffer.size}};
        vector->data = &vector->one;
    }
}

int ci_vector_left(const struct ci_vector *vector, size_t done, struct iovec *pieces, const struct iovec **data)
{
    int count = 0;

    *data = done == 0 ? vector->data : pieces;
    if (done == 0) {
        return vector->count;
    }
    for (int i = 0; i < vector->count && count < CI_VECTOR_PIECES; i++) {
        size_t size = vector->data[i].iov_len;
        if (done >= size) {
            done -= size;
        } else {
            pieces[count++] =
                (struct iovec){.iov_base = (char *)vector->data[i].iov_base + done, .iov_len = size - done};
            done = 0;
        }
    }
    return count;
}

size_t ci_vector_size(const struct ci_vector *vector)
{
    size_t size = 0;

    for (int i = 0; i < vector->count; i++) {
        size += vector->data[i].iov_len;
    }
    return size;
}
