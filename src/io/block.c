/* Operations in threads: see block.h. */
#include "io/block.h"

#include <stdatomic.h>

#include "base/duration.h"
#include "loop/part.h"
#include "sys/alloc.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "thread/pool.h"

/* Disks and file systems work on a few things at a time; more threads would only wait for each other. */
enum { MOST_THREADS = 4 };

#define IDLE_NS  (10 * CI_SECOND_NS)
#define PAUSE_NS INT64_C(50000)

struct files {
    struct ci_part part;
    struct ci_pool pool;
    struct ci_list all; /* of struct block */
};

/* An operation and the wait for it, in the frame of the coroutine. */
struct block {
    struct ci_job job;
    struct ci_wait wait;
    struct ci_op *op;
    int64_t result;
    atomic_bool made; /* the thread has nothing more to do with the descriptor */
    struct ci_list link;
};

/* ---- the pool -------------------------------------------------------------------------------------------------------- */

static void close_part(struct ci_part *part)
{
    struct files *files = ci_container_of(part, struct files, part);

    ci_pool_close(&files->pool);
    for (struct ci_list *link = files->all.next; link != &files->all; link = link->next) {
        struct block *block = ci_container_of(link, struct block, link);
        if (block->op->code == CI_OP_OPEN && atomic_load(&block->made) && block->result >= 0) {
            (void)ci_fd_close((int)block->result); /* nobody will ever hear of it */
        }
    }
    ci_free(files);
}

static const struct ci_part_class files_class = {.name = "files", .close = close_part};

static struct files *files_find(const struct coil_loop *loop)
{
    struct ci_part *part = ci_part_find(loop, &files_class);

    return part == NULL ? NULL : ci_container_of(part, struct files, part);
}

static struct files *files_of(struct coil_loop *loop)
{
    struct files *files = files_find(loop);

    if (files != NULL) {
        return files;
    }
    files = ci_alloc_zero(sizeof *files);
    if (files == NULL) {
        return NULL;
    }
    ci_pool_init(&files->pool, loop, MOST_THREADS, IDLE_NS, "coil-file");
    ci_list_init(&files->all);
    ci_part_add(loop, &files->part, &files_class);
    return files;
}

/* ---- an operation ---------------------------------------------------------------------------------------------------- */

static struct block *block_of(struct ci_job *job)
{
    return ci_container_of(job, struct block, job);
}

static void run(struct ci_job *job)
{
    struct block *block = block_of(job);

    block->result = ci_call_make(block->op);
    atomic_store(&block->made, true);
}

static void on_done(struct ci_job *job)
{
    struct block *block = block_of(job);

    block->op->result = block->result;
    ci_wait_finish(&block->wait);
}

/* What no thread has begun is taken back; if a part of it was done before, that is its result. */
static int on_cancel(struct ci_wait *wait)
{
    struct block *block = ci_container_of(wait, struct block, wait);

    if (ci_job_drop(&block->job)) {
        if (block->op->result > 0) {
            ci_wait_finish(wait);
        } else {
            ci_wait_cancelled(wait);
        }
    }
    return 1;
}

int64_t ci_io_block(struct ci_io_call *call, struct ci_task *task, const char *what)
{
    struct files *files = files_of(task->future.loop);
    struct block block = {.job = {.run = run, .done = on_done, .what = what}, .op = &call->op};
    int rc = files == NULL ? -ENOMEM : ci_pool_submit(&files->pool, &block.job);

    if (rc < 0) {
        ci_io_did_not_wait(task);
        return call->op.result > 0 ? call->op.result : rc;
    }
    ci_list_append(&files->all, &block.link);
    ci_wait_init(&block.wait, task, what);
    block.wait.number = call->op.fd;
    block.wait.keeps_result = true;
    block.wait.cancel = on_cancel;
    block.wait.describe = ci_io_describe;
    rc = ci_wait_suspend(&block.wait);
    ci_list_remove(&block.link);
    return rc < 0 ? rc : call->op.result;
}

/* ---- closing --------------------------------------------------------------------------------------------------------- */

static bool is_on(const struct ci_op *op, int fd)
{
    return op->fd == fd && !ci_op_is_on_path(op);
}

void ci_io_block_evict(struct coil_loop *loop, int fd)
{
    struct files *files = files_find(loop);

    for (struct ci_list *link = files == NULL ? NULL : files->all.next; link != NULL && link != &files->all;
         link = link->next) {
        struct block *block = ci_container_of(link, struct block, link);
        if (!is_on(block->op, fd) || block->wait.state != CI_WAIT_PENDING) {
            continue;
        }
        if (ci_job_drop(&block->job)) {
            block->op->result = block->op->result > 0 ? block->op->result : -EBADF;
            ci_wait_finish(&block->wait);
        }
        while (!atomic_load(&block->made) && block->wait.state == CI_WAIT_PENDING) {
            ci_clock_sleep(PAUSE_NS); /* as long as the disk takes */
        }
    }
}
