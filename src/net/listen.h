/* Sockets to listen on, and the file of one that has a path. */
#ifndef CI_NET_LISTEN_H
#define CI_NET_LISTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "sys/socket_path.h"

struct addrinfo;

/* More addresses than any interface list of a host has. */
enum { CI_LISTEN_MOST = 64 };

/* Opened sockets. Who has them closes them. */
struct ci_listening {
    size_t count;
    int fds[CI_LISTEN_MOST];
};

/* How to listen. */
struct ci_listen_how {
    int backlog;
    bool reuse_port;
};

/*
 * Listens on each address that this machine has; port 0 becomes the same port for all. Returns 0, or a negative errno with nothing open and
 * what failed noted with coil_fail.
 */
int ci_listen_tcp(struct ci_listening *listening, const struct addrinfo *addresses, const struct ci_listen_how *how);

/*
 * Listens at path, replacing a socket's file that nobody listens at; mode 0 leaves the file's as it comes. Returns 0 with *identity that of
 * the file, or as ci_listen_tcp.
 */
int ci_listen_unix(struct ci_listening *listening, const char *path, mode_t mode, int backlog,
                   struct ci_path_identity *identity);

/* Closes them all, but for those that are -1. */
void ci_listening_close(struct ci_listening *listening);

#endif
