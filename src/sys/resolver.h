/*
 * The C library's resolver. Names take as long as the network takes to answer, so that only a thread that may block asks for
 * them; numbers are read at once. What it allocates is the C library's own and goes back with ci_resolver_free. Nothing here
 * knows of loops or of who waits.
 */
#ifndef CI_SYS_RESOLVER_H
#define CI_SYS_RESOLVER_H

#include <netdb.h>
#include <stddef.h>

/*
 * As getaddrinfo(3): blocks. Returns 0, or an EAI_ code, with the negative errno in *error: what errno is for EAI_SYSTEM, for
 * the others what says it best ("getaddrinfo").
 */
int ci_resolver_lookup(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **result,
                       int *error);

/* The same if host and service are numbers, or not there: never blocks. EAI_NONAME if they are not. */
int ci_resolver_numeric(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **result,
                        int *error);

/* As getnameinfo(3): blocks, unless flags ask for numbers only. Returns as ci_resolver_lookup ("getnameinfo"). */
int ci_resolver_name(const struct sockaddr *address, socklen_t length, char *host, size_t host_size, char *service,
                     size_t service_size, int flags, int *error);

/* As freeaddrinfo(3); NULL is fine. */
void ci_resolver_free(struct addrinfo *result);

#endif
