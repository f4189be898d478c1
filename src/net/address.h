/* Addresses in words, and what is to be said when several were tried in vain. */
#ifndef CI_NET_ADDRESS_H
#define CI_NET_ADDRESS_H

#include <netdb.h>
#include <stddef.h>
#include <sys/socket.h>

enum { CI_ADDRESS_BYTES = 128, CI_FAILURES_BYTES = 512 };

/* Writes "127.0.0.1:80", "[::1]:80" or a Unix socket's path into out, of CI_ADDRESS_BYTES. Returns out. */
const char *ci_address_text(const struct sockaddr *address, socklen_t length, char *out);

/* Failures in the order in which they came, in words; what does not fit any more is left out. */
struct ci_failures {
    int last; /* error; 0: there was none */
    size_t length;
    char text[CI_FAILURES_BYTES];
};

/* Adds that address gave error. */
void ci_failures_add(struct ci_failures *failures, const struct sockaddr *address, socklen_t length, int error);

#endif
