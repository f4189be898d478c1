/*
 * Children that their loop has left behind: a list for the whole process, which is gone through when a loop starts a child or closes, as
 * Python's subprocess module does it. Only who leaves children running when a loop ends pays for it.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include "process/process.h"
#include "sys/alloc.h"
#include "sys/fd.h"

struct ci_orphan {
    struct ci_orphan *next;
    pid_t parent;
    int pidfd;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic(struct ci_orphan *) orphans;

struct ci_orphan *ci_orphan_new(void)
{
    return ci_alloc(sizeof(struct ci_orphan));
}

void ci_orphans_add(struct ci_orphan *orphan, int pidfd)
{
    orphan->parent = ci_process_id();
    orphan->pidfd = pidfd;
    (void)pthread_mutex_lock(&lock);
    orphan->next = atomic_load(&orphans);
    atomic_store(&orphans, orphan);
    (void)pthread_mutex_unlock(&lock);
}

/* Whether it needs no more attention: its end has been taken, here or elsewhere, or this is a child process that has inherited the list. */
static bool is_settled(const struct ci_orphan *orphan)
{
    struct ci_process_end end;

    if (orphan->parent != ci_process_id()) {
        return true;
    }
    int rc = ci_process_reap(orphan->pidfd, &end);
    return rc == 1 || rc == -ECHILD;
}

void ci_orphans_reap(void)
{
    if (atomic_load_explicit(&orphans, memory_order_relaxed) == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&lock);
    struct ci_orphan *left = NULL;
    struct ci_orphan *orphan = atomic_load(&orphans);
    while (orphan != NULL) {
        struct ci_orphan *next = orphan->next;
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
