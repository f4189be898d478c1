/* Which poller is best: the one place where that is decided. */
#include <stdbool.h>

#include "poll/poll.h"

#ifdef COIL_HAVE_VALGRIND
#include <valgrind/valgrind.h>
#define UNDER_VALGRIND (RUNNING_ON_VALGRIND > 0)
#else
#define UNDER_VALGRIND false
#endif

/*
 * Measured (bench_echo, Linux 6.18), waiting for sockets costs no less with io_uring than with epoll, whatever goes through the ring:
 * a poll, the recv, both recv and send. For files it is another matter, since epoll has nothing to say about them.
 */
int ci_poller_open(struct ci_poller **poller, const char **reason)
{
    if (UNDER_VALGRIND) {
        *reason = "the best there is; calls on files in threads, since valgrind does not see what io_uring does";
        return ci_epoll_open(poller, false);
    }
    *reason = "the best there is; calls on files through io_uring where that is to be had, else in threads";
    return ci_epoll_open(poller, true);
}
