/*
 * Which poller is best. It knows of both, and of what stands in the way of one.
 */
#include <errno.h>
#include <stdbool.h>

#include "poll/poll.h"

#ifdef COIL_HAVE_VALGRIND
#include <valgrind/valgrind.h>
#define UNDER_VALGRIND (RUNNING_ON_VALGRIND > 0)
#else
#define UNDER_VALGRIND false
#endif

/* Why there is no poller on io_uring, after its opening has failed. */
static const char *refusal(int error)
{
    switch (error) {
    case -ENOSYS:
        return "the kernel has no io_uring";
    case -ENOTSUP:
        return "io_uring was left out when coil was built";
    case -EPERM:
    case -EACCES:
        return "the system's settings forbid io_uring (kernel.io_uring_disabled, or a seccomp filter)";
    case -EINVAL:
        return "the kernel's io_uring is too old";
    case -ENOMEM:
        return "there was no memory for io_uring (or too little may be locked: RLIMIT_MEMLOCK)";
    default:
        return "io_uring could not be opened";
    }
}

int ci_poller_open(struct ci_poller **poller, const char **reason)
{
    if (UNDER_VALGRIND) {
        *reason = "valgrind does not see what io_uring does";
        return ci_epoll_open(poller);
    }
    int rc = ci_uring_open(poller);
    if (rc == 0) {
        *reason = "it is the best that there is";
        return 0;
    }
    *reason = refusal(rc);
    return ci_epoll_open(poller);
}
