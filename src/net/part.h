/*
 * What this room keeps with a loop: the streams and servers that are open, so that a loop that closes leaves no descriptor behind,
 * and the callbacks that watch descriptors. Made on first use.
 */
#ifndef CI_NET_PART_H
#define CI_NET_PART_H

#include "base/list.h"
#include "loop/part.h"

struct coil_loop;
struct ci_lookups;
struct ci_watches;

struct ci_net {
    struct ci_part part;
    struct ci_list streams;     /* that are open */
    struct ci_list servers;     /* that are open, or have connections left */
    struct ci_watches *watches; /* NULL until there is one */
    struct ci_lookups *lookups; /* likewise */
};

/* The loop's, or NULL if nothing was made yet. */
struct ci_net *ci_net_find(const struct coil_loop *loop);

/* The loop's, made if need be; NULL without memory. */
struct ci_net *ci_net_of(struct coil_loop *loop);

#endif
