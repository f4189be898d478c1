/*
 * Names of hosts: the C library's resolver, asked in threads of its own, so that the loop goes on while the network is asked.
 */
#ifndef COIL_DNS_H
#define COIL_DNS_H

#include <sys/socket.h>

#include <coil/base.h>

#ifdef __cplusplus
extern "C" {
#endif

struct addrinfo;

/*
 * Looks up the addresses of host and service, as getaddrinfo(3) does, with its hints (NULL for none). Awaits, unless both are numbers or
 * NULL. Returns 0 with *result a list that the caller frees with freeaddrinfo(3). On an error *result is NULL, and coil_error_message
 * has the resolver's own words:
 *
 * -ENXIO (there is no such name, or it has no address), -EAGAIN (the name server does not answer), -EPROTONOSUPPORT (no such service
 * for this kind of socket), -EAFNOSUPPORT, -ESOCKTNOSUPPORT, -EINVAL (flags, or both host and service NULL, or no result),
 * -EOVERFLOW (a name too long), -EIO (the name server failed), -ENOMEM, -EPERM outside of a task, -EAGAIN also when no thread can be
 * started. -ECANCELED at once when the calling task is cancelled; the look-up then goes on by itself, and what it finds is freed.
 * asyncio: loop.getaddrinfo.
 */
COIL_API int coil_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                              struct addrinfo **result);

/*
 * Looks up the name that belongs to an address, as getnameinfo(3) does: fills host and service, of so many bytes, either of which may
 * be NULL. Awaits, unless flags have NI_NUMERICHOST and NI_NUMERICSERV. Returns 0, or an error as coil_getaddrinfo; -EOVERFLOW if there is
 * not enough room. asyncio: loop.getnameinfo.
 */
COIL_API int coil_getnameinfo(const struct sockaddr *address, socklen_t length, char *host, size_t host_size,
                              char *service, size_t service_size, int flags);

#ifdef __cplusplus
}
#endif

#endif
