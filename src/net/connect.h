/*
 * Connecting to one address, and racing for several: what coil_open_connection is made of.
 */
#ifndef CI_NET_CONNECT_H
#define CI_NET_CONNECT_H

#include <netdb.h>

#include "net/address.h"

/* What the connection is to be made from and how long the next address waits. */
struct ci_route {
    const struct addrinfo *local; /* addresses to bind to, or NULL */
    double delay;                 /* of a race, in seconds */
};

/* Awaits a connection to address. Returns the socket, or a negative errno. */
int ci_connect(const struct addrinfo *address, const struct addrinfo *local);

/*
 * Awaits the first of several connections: the addresses, of each family in turn, are tried one after the other, the next as soon
 * as the last has failed or route->delay is over. Returns the socket, with *winner its address, or a negative errno: -ECANCELED, or what the
 * last to fail failed with. Every other socket is closed by then.
 */
int ci_race(const struct addrinfo *addresses, const struct ci_route *route, const struct addrinfo **winner,
            struct ci_failures *failures);

#endif
