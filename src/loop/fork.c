/* What happens around fork: see fork.h. */
#include "loop/fork.h"

#include <pthread.h>
#include <stddef.h>

#include "loop/loop.h"
#include "loop/signal.h"
#include "sys/process.h"
#include "sys/thread.h"

/* A child cannot close what it has inherited, and so it has not leaked it: for the tools that look for leaks. */
static struct coil_loop *volatile inherited __attribute__((used));

/* Only the thread that called fork is here, and of the loops only its own had been running. What was ready in it does not run. */
static void in_child(void)
{
    struct coil_loop *loop = ci_loop_running;

    ci_signal_fork_ends_in_child();
    atomic_store(&ci_sys_own_threads, 0);
    if (loop != NULL) {
        loop->attention |= CI_LOOK_FORKED | CI_LOOK_STOPPING | CI_LOOK_ALWAYS;
        loop->ready.head = loop->ready.tail;
        loop->ready.batch_end = loop->ready.tail;
        inherited = loop;
        ci_loop_running = NULL;
    }
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool prepared;

int ci_fork_prepare(void)
{
    int rc = 0;

    (void)pthread_mutex_lock(&lock);
    if (!prepared) {
        rc = ci_process_at_fork(ci_signal_fork_begins, ci_signal_fork_ends_in_parent, in_child);
        prepared = rc == 0;
    }
    (void)pthread_mutex_unlock(&lock);
    return rc;
}

bool ci_fork_has_parted(const struct coil_loop *loop)
{
    return loop->process != ci_process_id();
}
