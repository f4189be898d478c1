/*
 * Making an operation's system call, now and without blocking, whatever the descriptor is and whatever its flags are: this is
 * where a descriptor's kind matters. It knows nothing of epoll, nor of who waits for what.
 */
#ifndef CI_POLL_ATTEMPT_H
#define CI_POLL_ATTEMPT_H

#include <stdbool.h>

#include "poll/poll.h"
#include "poll/watch.h"

/* Bits of ci_op.state that belong to the attempts. */
enum {
    CI_ATTEMPT_CONNECTING = 1, /* the kernel connects; what came of it is to be asked */
    CI_ATTEMPT_RETRY = 2,      /* no readiness will announce that the next attempt can succeed: try again in a while */
    CI_ATTEMPT_BLOCKS = 4,     /* there is no readiness to wait for: the call takes as long as it takes */
};

/*
 * Tries. Returns true when op is finished, with its result; false when it must wait for readiness and be tried again, and
 * then op->result counts the bytes that are done so far. What was learnt about the descriptor goes into watch.
 */
bool ci_attempt(struct ci_op *op, struct ci_watch *watch);

/*
 * The same for a call: a read or write at a place is done if what it takes is in memory. False when the call has to be made in another
 * way; then op->result counts the bytes that are done.
 */
bool ci_attempt_call(struct ci_op *op);

/* Whether a poll on such a descriptor says nothing, since it is always ready, and the call can only be made and may block. */
bool ci_attempt_blocks(const struct ci_op *op);

/* Whether the operation, by its nature, never waits. */
bool ci_attempt_never_waits(const struct ci_op *op);

#endif
