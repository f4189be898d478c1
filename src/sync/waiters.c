/* Waiters in line: see waiters.h. */
#include "sync/waiters.h"

int ci_waiter_cancel(struct ci_wait *wait)
{
    struct ci_waiter *waiter = ci_container_of(wait, struct ci_waiter, wait);

    if (waiter->live != NULL) {
        --*waiter->live;
    }
    if (waiter->leaves) {
        ci_list_remove(&waiter->link);
    }
    ci_wait_cancelled(wait);
    return 1;
}
