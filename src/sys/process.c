/*
 * Processes: see process.h. posix_spawn does what is delicate: it makes the child with CLONE_VM and CLONE_VFORK, so that no page table is
 * copied, keeps signals away from it meanwhile, and hands the error of exec back. What it cannot do is to give a pidfd at the
 * same moment (glibc 2.39 can). As long as nobody else reaps a child, its id stays its own, so opening the pidfd a moment later
 * is as good; should the id be gone by then, that is an error as any other.
 */
#include "sys/process.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/fault.h"

#define CI_P_PIDFD ((idtype_t)3) /* P_PIDFD, which older headers do not have */

enum { FIRST_OTHER_FD = 3 };

pid_t ci_process_id(void)
{
    return getpid();
}

int ci_process_at_fork(void (*before)(void), void (*in_parent)(void), void (*in_child)(void))
{
    int rc = ci_fault("pthread_atfork");

    return rc < 0 ? rc : -pthread_atfork(before, in_parent, in_child);
}

/* ---- spawning -------------------------------------------------------------------------------------------------------- */

/* The file actions happen in this order, in the child. */
static int add_actions(posix_spawn_file_actions_t *actions, const struct ci_spawn *how)
{
    int rc = 0;

    for (int fd = 0; fd < FIRST_OTHER_FD && rc == 0; fd++) {
        if (how->fds[fd] >= 0) {
            rc = posix_spawn_file_actions_adddup2(actions, how->fds[fd], fd);
        }
    }
    if (rc == 0 && how->stderr_is_stdout) {
        rc = posix_spawn_file_actions_adddup2(actions, STDOUT_FILENO, STDERR_FILENO);
    }
    if (rc == 0) {
        rc = posix_spawn_file_actions_addclosefrom_np(actions, FIRST_OTHER_FD);
    }
    if (rc == 0 && how->cwd != NULL) {
        rc = posix_spawn_file_actions_addchdir_np(actions, how->cwd);
    }
    return rc;
}

static int set_attributes(posix_spawnattr_t *attributes, const struct ci_spawn *how)
{
    short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
    sigset_t none;
    sigset_t all;

    (void)sigemptyset(&none); /* these cannot fail, nor those that copy them */
    (void)sigfillset(&all);
    (void)posix_spawnattr_setsigmask(attributes, &none);
    (void)posix_spawnattr_setsigdefault(attributes, &all);
    if (how->new_session) {
        flags |= POSIX_SPAWN_SETSID;
    }
    return posix_spawnattr_setflags(attributes, flags);
}

int ci_process_spawn(const struct ci_spawn *how, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int rc = ci_fault("posix_spawn");

    if (rc < 0) {
        return rc;
    }
    rc = posix_spawn_file_actions_init(&actions);
    if (rc != 0) {
        return -rc;
    }
    rc = posix_spawnattr_init(&attributes);
    if (rc == 0) {
        rc = add_actions(&actions, how);
        if (rc == 0) {
            rc = set_attributes(&attributes, how);
        }
        if (rc == 0) {
            rc = posix_spawn(pid, how->path, &actions, &attributes, how->argv, how->environment);
        }
        (void)posix_spawnattr_destroy(&attributes); /* neither can fail */
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    return -rc;
}

/* ---- living and ended ones ------------------------------------------------------------------------------------------- */

int ci_process_open(pid_t pid)
{
    int rc = ci_fault("pidfd_open");

    if (rc == 0) {
        rc = (int)syscall(SYS_pidfd_open, pid, 0);
        rc = rc < 0 ? -errno : rc;
    }
    return rc;
}

int ci_process_signal(int pidfd, int signo)
{
    int rc = ci_fault("pidfd_send_signal");

    if (rc == 0) {
        rc = (int)syscall(SYS_pidfd_send_signal, pidfd, signo, NULL, 0);
        rc = rc < 0 ? -errno : 0;
    }
    return rc;
}

static int reap(idtype_t type, id_t id, int flags, siginfo_t *info)
{
    int rc;

    do {
        info->si_pid = 0;
        rc = waitid(type, id, info, WEXITED | flags) < 0 ? -errno : 0;
    } while (rc == -EINTR);
    return rc;
}

int ci_process_reap(int pidfd, struct ci_process_end *end)
{
    siginfo_t info;
    int rc = ci_fault("waitid");

    if (rc == 0) {
        rc = reap(CI_P_PIDFD, (id_t)pidfd, WNOHANG, &info);
    }
    if (rc < 0 || info.si_pid == 0) {
        return rc;
    }
    end->code = info.si_status;
    end->killed = info.si_code != CLD_EXITED;
    return 1;
}

void ci_process_discard(pid_t pid)
{
    siginfo_t info;

    (void)kill(pid, SIGKILL); /* it may have ended by itself */
    (void)reap(P_PID, (id_t)pid, 0, &info);
}

int ci_process_may_execute(const char *path)
{
    int rc = ci_fault("faccessat");

    if (rc == 0 && faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0) {
        rc = -errno;
    }
    return rc;
}

/* ---- descriptors ----------------------------------------------------------------------------------------------------- */

int ci_process_pipe(int *read_end, int *write_end)
{
    int fds[2];
    int rc = ci_fault("pipe2");

    if (rc < 0) {
        return rc;
    }
    if (pipe2(fds, O_CLOEXEC) < 0) {
        return -errno;
    }
    *read_end = fds[0];
    *write_end = fds[1];
    return 0;
}

int ci_process_open_null(void)
{
    int rc = ci_fault("open");

    if (rc == 0) {
        rc = open("/dev/null", O_RDWR | O_CLOEXEC);
        rc = rc < 0 ? -errno : rc;
    }
    return rc;
}

int ci_process_duplicate(int fd)
{
    int rc = ci_fault("fcntl");

    if (rc == 0) {
        rc = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_OTHER_FD);
        rc = rc < 0 ? -errno : rc;
    }
    return rc;
}
