/* The callbacks that watch descriptors, as the room's part of a loop sees them. */
#ifndef CI_NET_WATCH_H
#define CI_NET_WATCH_H

struct ci_net;

/* Ends and frees all of them, when the loop closes. */
void ci_watches_free(struct ci_net *net);

#endif
