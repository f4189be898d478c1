/*
 * Between the files that start a child process, talk to it, and see to its end. A process is known to its loop as long as there is
 * anything of it; while the child runs, an operation is in flight that waits for the end, whoever else may have lost interest.
 */
#ifndef CI_PROCESS_PROCESS_H
#define CI_PROCESS_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <coil/process.h>
#include <coil/sync.h>

#include "base/list.h"
#include "poll/poll.h"
#include "sys/process.h"

enum { CI_STDIO_FDS = 3 };

enum ci_process_state {
    CI_PROCESS_RUNNING,
    CI_PROCESS_ENDING, /* the entry that reaps it is in the ready queue */
    CI_PROCESS_ENDED,  /* with .end, or .error where that is not to be had */
};

/* What communicate has read from a pipe and not handed over yet. */
struct ci_collected {
    char *data;
    size_t size;
    size_t capacity;
};

struct ci_orphan;

struct coil_process {
    struct ci_list link;    /* in the loop's list */
    struct coil_loop *loop; /* NULL: it is closed */
    unsigned references;    /* with the last one the pipes are closed; the struct stays until the end is taken */
    pid_t pid;
    struct ci_orphan *orphan; /* its place among the orphans, until it has become one */
    int pidfd;                /* -1 once it is reaped */
    int fds[CI_STDIO_FDS];    /* the parent's ends of the pipes, or -1 */
    struct ci_op op;
    enum ci_process_state state;
    struct ci_process_end end;
    int error;
    void *waiters[2];
    size_t written; /* of the input */
    bool fed;       /* all of it is, or the child does not want the rest */
    struct ci_collected collected[CI_STDIO_FDS];
    bool communicating; /* which has a reference */
};

/* ---- process.c ------------------------------------------------------------------------------------------------------- */

/* Makes a process of the running loop, without a child yet. Returns 0 with one reference in *ret, or -ENOMEM. */
int ci_process_new(struct coil_loop *loop, coil_process **ret);

/* Takes charge of the child with that id. Returns 0; on an error the child is killed and reaped. */
int ci_process_adopt(coil_process *process, pid_t pid);

/* Closes the parent's end of a pipe; -EBADF if there is none. */
int ci_process_close_fd(coil_process *process, int number);

/* ---- orphans.c ------------------------------------------------------------------------------------------------------- */

/* A place in the list of orphans, made when there is still somebody to tell that there is no memory; or NULL. Freed with ci_free. */
struct ci_orphan *ci_orphan_new(void);

/* Takes over a pidfd whose process nobody watches any more, to reap it when it has ended, and the place for it. */
void ci_orphans_add(struct ci_orphan *orphan, int pidfd);

/* Reaps those that have ended. */
void ci_orphans_reap(void);

#endif
