/* Look-ups of names in threads, as the room's part of a loop sees them. */
#ifndef CI_NET_RESOLVE_H
#define CI_NET_RESOLVE_H

struct ci_net;

/* Waits for the look-ups that are under way, and frees what they find, when the loop closes. */
void ci_resolver_end(struct ci_net *net);

#endif
