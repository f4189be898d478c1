/*
 * A ring beside epoll, for calls on files alone: so that they need no threads where epoll is the better way to wait. It is opened by
 * the first call.
 */
#ifndef CI_POLL_SIDE_RING_H
#define CI_POLL_SIDE_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "poll/waiting.h"

struct ci_side_ring;

/* Opens it, with an eventfd that is signalled when there may be something to look at. Returns 0 or a negative errno. */
int ci_side_ring_open(struct ci_side_ring **ring, struct ci_waiting *waiting, int event_fd);

/* Ends what is in flight, without completions, and closes it. NULL is fine. */
void ci_side_ring_close(struct ci_side_ring *ring);

/* As those of the poller; cancel returns false for what is no call in flight. NULL is fine for these two. */
int ci_side_ring_call(struct ci_side_ring *ring, struct ci_op *op);
bool ci_side_ring_cancel(struct ci_side_ring *ring, struct ci_op *op);
void ci_side_ring_evict(struct ci_side_ring *ring, int fd);

/* Submits what is queued and handles what has completed. Returns how many operations have ended, or a negative errno. */
int ci_side_ring_look(struct ci_side_ring *ring);

/* Whether something is queued. */
bool ci_side_ring_is_queued(const struct ci_side_ring *ring);

#endif
