/*
 * Starting a child: what its descriptors are to be, where its program is, and the call. Descriptors 0, 1 and 2 of the child are put
 * in place one after the other; one that comes from a number below 3 could have been overwritten by then, and so is moved up first.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/options.h"
#include "loop/loop.h"
#include "process/process.h"
#include "sys/fd.h"

#define SHELL "/bin/sh"

/* What the child gets, and which of it is open for that alone. */
struct plumbing {
    int child[CI_STDIO_FDS]; /* -1: what the caller has */
    bool ours[CI_STDIO_FDS];
};

/* ---- descriptors ----------------------------------------------------------------------------------------------------- */

static void close_ours(struct plumbing *plumbing)
{
    for (int i = 0; i < CI_STDIO_FDS; i++) {
        if (plumbing->ours[i]) {
            (void)ci_fd_close(plumbing->child[i]); /* nothing was written to it */
        }
    }
}

static int open_pipe(struct plumbing *plumbing, int number, coil_process *process)
{
    int *ends[] = {&plumbing->child[number], &process->fds[number]}; /* the one that is read comes first */
    bool child_reads = number == STDIN_FILENO;
    int rc = ci_process_pipe(ends[!child_reads], ends[child_reads]);

    plumbing->ours[number] = rc == 0;
    return rc;
}

static int open_null(struct plumbing *plumbing, int number)
{
    int fd = ci_process_open_null();

    if (fd < 0) {
        return fd;
    }
    plumbing->child[number] = fd;
    plumbing->ours[number] = true;
    return 0;
}

/* Out of the way of those that are put in place before it. */
static int move_up(struct plumbing *plumbing, int number)
{
    int fd = plumbing->child[number];

    if (fd < 0 || fd >= CI_STDIO_FDS || fd == number) {
        return 0;
    }
    int moved = ci_process_duplicate(fd);
    if (moved < 0) {
        return moved;
    }
    if (plumbing->ours[number]) {
        (void)ci_fd_close(fd); /* nothing was written to it */
    }
    plumbing->child[number] = moved;
    plumbing->ours[number] = true;
    return 0;
}

static int lay(struct plumbing *plumbing, int number, int wanted, coil_process *process)
{
    int rc = 0;

    if (wanted == COIL_PIPE) {
        rc = open_pipe(plumbing, number, process);
    } else if (wanted == COIL_DEVNULL) {
        rc = open_null(plumbing, number);
    } else if (wanted > 0) {
        plumbing->child[number] = wanted;
    }
    return rc < 0 ? rc : move_up(plumbing, number);
}

/* Returns 0, or an error with what was opened left in plumbing and process. */
static int lay_all(struct plumbing *plumbing, const struct coil_subprocess_options *options, coil_process *process)
{
    int wanted[] = {options->stdin_, options->stdout_, options->stderr_};
    int rc = 0;

    for (int i = 0; i < CI_STDIO_FDS && rc == 0; i++) {
        rc = lay(plumbing, i, wanted[i], process);
    }
    return rc;
}

/* ---- the program ----------------------------------------------------------------------------------------------------- */

static const char *path_of(char *const *environment)
{
    for (; *environment != NULL; environment++) {
        if (strncmp(*environment, "PATH=", 5) == 0) {
            return *environment + 5;
        }
    }
    return "/bin:/usr/bin"; /* as Python and the shells have it */
}

/* Starts the program in one folder of PATH, if it is there. Returns 0, -ENOENT, -ENOTDIR or -EACCES to look further, or an error. */
static int try_folder(struct ci_spawn *how, const char *folder, size_t length, pid_t *pid)
{
    char path[PATH_MAX];
    bool relative = length == 0 || folder[0] != '/';
    const char *base = relative && how->cwd != NULL ? how->cwd : "";
    int skip = (int)strlen(base) + (*base != '\0');

    if (length == 0) {
        folder = ".";
        length = 1;
    }
    int size =
        snprintf(path, sizeof(path), "%s%s%.*s/%s", base, *base == '\0' ? "" : "/", (int)length, folder, how->argv[0]);
    if (size >= (int)sizeof(path)) {
        return -ENAMETOOLONG;
    }
    int rc = ci_process_may_execute(path); /* from here; the child sees it from cwd */
    if (rc < 0) {
        return rc;
    }
    how->path = path + skip;
    return ci_process_spawn(how, pid);
}

static bool may_be_elsewhere(int rc)
{
    return rc == -ENOENT || rc == -ENOTDIR || rc == -EACCES;
}

/* As execvp: the first that can be executed; that one was there and could not is said if there is no other. */
static int look_for(struct ci_spawn *how, pid_t *pid)
{
    const char *folder = path_of(how->environment);
    int result = -ENOENT;

    for (;;) {
        size_t length = strcspn(folder, ":");
        int rc = try_folder(how, folder, length, pid);
        if (!may_be_elsewhere(rc)) {
            return rc;
        }
        result = rc == -EACCES ? rc : result;
        if (folder[length] == '\0') {
            return result;
        }
        folder += length + 1;
    }
}

static int start(const struct coil_subprocess_options *options, struct plumbing *plumbing, pid_t *pid)
{
    struct ci_spawn how = {.path = options->argv[0],
                           .argv = options->argv,
                           .environment = options->env == NULL ? environ : options->env,
                           .cwd = options->cwd,
                           .stderr_is_stdout = options->stderr_ == COIL_STDOUT,
                           .new_session = options->new_session};

    memcpy(how.fds, plumbing->child, sizeof(how.fds));
    return strchr(how.path, '/') != NULL ? ci_process_spawn(&how, pid) : look_for(&how, pid);
}

/* ---- both ------------------------------------------------------------------------------------------------------------ */

static bool makes_sense(const struct coil_subprocess_options *options)
{
    return options->argv != NULL && options->argv[0] != NULL && options->argv[0][0] != '\0' &&
           options->stdin_ >= COIL_DEVNULL && options->stdin_ != COIL_STDOUT && options->stdout_ >= COIL_DEVNULL &&
           options->stdout_ != COIL_STDOUT && options->stderr_ >= COIL_DEVNULL;
}

static int create(coil_process *process, const struct coil_subprocess_options *options)
{
    struct plumbing plumbing = {.child = {-1, -1, -1}};
    pid_t pid;
    int rc = lay_all(&plumbing, options, process);

    if (rc == 0) {
        rc = start(options, &plumbing, &pid);
    }
    close_ours(&plumbing);
    return rc < 0 ? rc : ci_process_adopt(process, pid);
}

int coil_create_subprocess_exec_with(coil_process **process, const struct coil_subprocess_options *options)
{
    struct coil_subprocess_options copy;
    struct coil_loop *loop = ci_loop_running;

    if (process == NULL) {
        return -EINVAL;
    }
    *process = NULL;
    options = ci_options(&copy, sizeof(copy), options);
    if (loop == NULL || !makes_sense(options)) {
        return loop == NULL ? -EPERM : -EINVAL;
    }
    ci_orphans_reap();
    int rc = ci_process_new(loop, process);
    if (rc == 0) {
        rc = create(*process, options);
    }
    if (rc < 0) {
        coil_process_unref(*process);
        *process = NULL;
    }
    return rc;
}

int coil_create_subprocess_shell_with(coil_process **process, const struct coil_subprocess_options *given)
{
    struct coil_subprocess_options options;

    if (process == NULL) {
        return -EINVAL;
    }
    *process = NULL;
    given = ci_options(&options, sizeof(options), given);
    if (given->command == NULL) {
        return -EINVAL;
    }
    char *argv[] = {SHELL, "-c", (char *)(uintptr_t)given->command, NULL}; /* exec only reads them */
    if (given != &options) {
        options = *given;
    }
    options.size = sizeof(options);
    options.argv = argv;
    return coil_create_subprocess_exec_with(process, &options);
}
