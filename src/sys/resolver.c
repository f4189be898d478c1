/* The C library's resolver: see resolver.h. */
#include "sys/resolver.h"

#include <errno.h>

#include "sys/fault.h"

static int errno_of(int code)
{
    switch (code) {
    case 0:
        return 0;
    case EAI_SYSTEM:
        return errno == 0 ? -EIO : -errno;
    case EAI_MEMORY:
        return -ENOMEM;
    case EAI_AGAIN:
        return -EAGAIN;
    case EAI_NONAME:
    case EAI_NODATA:
        return -ENXIO;
    case EAI_ADDRFAMILY:
    case EAI_FAMILY:
        return -EAFNOSUPPORT;
    case EAI_SOCKTYPE:
        return -ESOCKTNOSUPPORT;
    case EAI_SERVICE:
        return -EPROTONOSUPPORT;
    case EAI_BADFLAGS:
        return -EINVAL;
    case EAI_OVERFLOW:
        return -EOVERFLOW;
    default:
        return -EIO;
    }
}

/* A failure that a test asks for. */
static int fault(const char *call, int *error)
{
    *error = ci_fault(call);
    return *error < 0 ? EAI_SYSTEM : 0;
}

int ci_resolver_lookup(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **result,
                       int *error)
{
    int code = fault("getaddrinfo", error);

    if (code == 0) {
        errno = 0;
        code = getaddrinfo(host, service, hints, result);
        *error = errno_of(code);
    }
    return code;
}

int ci_resolver_numeric(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **result,
                        int *error)
{
    struct addrinfo numeric = {.ai_family = AF_UNSPEC};

    if (hints != NULL) {
        numeric = *hints;
    }
    numeric.ai_flags |= AI_NUMERICHOST | AI_NUMERICSERV;
    return ci_resolver_lookup(host, service, &numeric, result, error);
}

int ci_resolver_name(const struct sockaddr *address, socklen_t length, char *host, size_t host_size, char *service,
                     size_t service_size, int flags, int *error)
{
    int code = fault("getnameinfo", error);

    if (code == 0) {
        errno = 0;
        code = getnameinfo(address, length, host, (socklen_t)host_size, service, (socklen_t)service_size, flags);
        *error = errno_of(code);
    }
    return code;
}

void ci_resolver_free(struct addrinfo *result)
{
    if (result != NULL) {
        freeaddrinfo(result);
    }
}
