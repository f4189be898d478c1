/* What other files of this room need of gathers. */
#ifndef CI_TASK_GATHER_H
#define CI_TASK_GATHER_H

#include "task/future.h"

extern const struct ci_future_class ci_gather_class;

/* As coil_gather, for a loop that need not be running. */
struct coil_future *ci_gather(struct coil_loop *loop, coil_future *const *futures, size_t n, bool return_errors,
                              const struct coil_site *site);

/* The gather that waits by way of callback, if it is a gather's; else NULL. */
struct coil_future *ci_gather_of(const struct ci_callback *callback);

/* The children as they were given; borrowed. */
size_t ci_gather_size(const struct coil_future *outer);
struct coil_future *ci_gather_child(const struct coil_future *outer, size_t i);

#endif
