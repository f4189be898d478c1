/*
 * Children that their loop has left behind: a list for the whole process, which is gone through when a loop starts a child or closes, as
 * Python's subprocess module does it. Only who leaves children running when a loop ends pays for it.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "process/process.h"
#include "sys/alloc.h"
#include "sys/fd.h"

struct orphan {
    struct orphan *next;
    pid_t parent;
    int pidfd;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic(struct orphan *) orphans;

void ci_orphans_add(int pidfd)
{
    struct orphan *orphan = ci_alloc(sizeof(*orphan));

    if (orphan == NULL) {
        (void)ci_fd_close(pidfd); /* it will be a zombie until this process ends: without memory that is all there is */
        return;
    }
    orphan->parent = ci_process_id();
    orphan->pidfd = pidfd;
    (void)pthread_mutex_lock(&lock);
    orphan->next = atomic_load(&orphans);
    atomic_store(&orphans, orphan);
    (void)pthread_mutex_unlock(&lock);
}

/* Whether it needs no more attention: its end has been taken, here or elsewhere. */
static bool is_settled(const struct orphan *orphan)
{
    struct ci_process_end end;

    return orphan->parent != ci_process_id() || ci_process_reap(orphan->pidfd, &end) != 0;
}

void ci_orphans_reap(void)
{
    if (atomic_load_explicit(&orphans, memory_order_relaxed) == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&lock);
    struct orphan *left = NULL;
    struct orphan *orphan = atomic_load(&orphans);
    while (orphan != NULL) {
        struct orphan *next = orphan->next;
        if (is_settled(orphan)) {
            (void)ci_fd_close(orphan->pidfd); /* nothing was written to it */
            ci_free(orphan);
        } else {
            orphan->next = left;
            left = orphan;
        }
        orphan = next;
    }
    atomic_store(&orphans, left);
    (void)pthread_mutex_unlock(&lock);
}
