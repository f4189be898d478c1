/* The demo's echo server: every connection's bytes go back to it. */
#ifndef DEMO_SERVER_H
#define DEMO_SERVER_H

#include <coil.h>

#include <netinet/in.h>

struct server {
    int listener;
    struct sockaddr_in address; /* where it listens */
    coil_group connections;
};

/* Begins to listen on a free port of the loopback interface. Returns 0 or a negative errno. */
int server_open(struct server *server);

/*
 * A coroutine: accepts connections and serves each in a task of its own, until it is cancelled; then all of
 * them end.
 */
int server_run(void *server);

void server_close(struct server *server);

#endif
