/* Takes the place of the backend on io_uring where the library is built without liburing. */
#include <errno.h>

#include "poll/poll.h"

int ci_uring_open(struct ci_poller **poller)
{
    *poller = NULL;
    return -ENOTSUP;
}
