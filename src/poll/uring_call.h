/*
 * Calls that the kernel carries out on its own: operations on files, given to a ring. Unlike a poll, such an operation is in the
 * kernel's hands together with its memory until its completion, so cancelling and closing wait for that. Both backends can use it.
 */
#ifndef CI_POLL_URING_CALL_H
#define CI_POLL_URING_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "poll/waiting.h"
#include "sys/uring.h"

/*
 * What an entry of the ring carries in its lowest bits, and its completion brings back: what it was for. Above it, a call has the address
 * of its operation; what a poll has there is its own affair.
 */
enum ci_uring_tag { CI_URING_POLL, CI_URING_WAKE, CI_URING_NOTHING, CI_URING_CALL };

enum { CI_URING_TAG_BITS = 2, CI_URING_TAG_MASK = (1 << CI_URING_TAG_BITS) - 1 };

struct ci_uring_calls {
    struct ci_waiting *waiting;
    struct ci_ring *ring;
    struct ci_list inflight; /* link */
};

/* The operations of the kernel that calls need, for ci_ring_knows. */
extern const uint8_t ci_uring_call_operations[];
extern const size_t ci_uring_call_operations_count;

void ci_uring_calls_init(struct ci_uring_calls *calls, struct ci_waiting *waiting, struct ci_ring *ring);

/* A free entry of the ring, after submitting those that fill it; NULL when the kernel takes none. */
struct io_uring_sqe *ci_uring_entry(struct ci_ring *ring);

/* Queues the entry of op's call. Returns as submit does. */
int ci_uring_call(struct ci_uring_calls *calls, struct ci_op *op);

/* If op is a call in flight, asks for it to end, and returns true. */
bool ci_uring_call_cancel(struct ci_uring_calls *calls, struct ci_op *op);

/*
 * The same for all that are in flight on fd, which is about to be closed: they fail with -EBADF. Returns how many those are: call it
 * again, and handle completions in between, until there are none.
 */
unsigned ci_uring_call_evict(struct ci_uring_calls *calls, int fd);

/* The same for all, without a completion: their owners will not go on. Returns when the kernel is done with their memory. */
void ci_uring_call_abandon(struct ci_uring_calls *calls);

/* A call's entry has completed. Returns how many operations have ended. */
unsigned ci_uring_called(struct ci_uring_calls *calls, uint64_t data, int32_t result);

#endif
