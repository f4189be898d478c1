/*
 * Processes: starting one, hearing of its end, sending it signals; pipes to it; and fork. Wrappers return a descriptor or 0, or a
 * negative errno, and ask ci_fault() with the name of their system call first. Who waits for a process, and how, is for others to know.
 */
#ifndef CI_SYS_PROCESS_H
#define CI_SYS_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The calling process. Cannot fail. */
pid_t ci_process_id(void);

/*
 * Has these called around every fork(3) of the process from now on: in the thread that forks, just before and just after, there and in
 * the child. Returns 0 or -ENOMEM ("pthread_atfork").
 */
int ci_process_at_fork(void (*before)(void), void (*in_parent)(void), void (*in_child)(void));

/* What a new process is to be. */
struct ci_spawn {
    const char *path; /* the program's file, as it is found from cwd */
    char *const *argv;
    char *const *environment;
    const char *cwd; /* NULL: the caller's */
    int fds[3];      /* what its descriptors 0, 1 and 2 are; -1: what the caller's are */
    bool stderr_is_stdout;
    bool new_session;
};

/*
 * Starts it, with every disposition of a signal the default one, none blocked, and no other descriptors. The caller's memory is not
 * copied for that, however much there is; its thread waits until the program has been loaded. Returns 0 with *pid, to be reaped by the
 * caller, or what loading the program or going to cwd has failed with, and then there is no process ("posix_spawn").
 */
int ci_process_spawn(const struct ci_spawn *how, pid_t *pid);

/* A descriptor that stands for the process with that id, close-on-exec; it is readable once the process has ended ("pidfd_open"). */
int ci_process_open(pid_t pid);

/* Sends signo to the process behind the descriptor: -ESRCH when it is gone ("pidfd_send_signal"). */
int ci_process_signal(int pidfd, int signo);

/* How a process has ended. */
struct ci_process_end {
    int code;    /* its exit status, of 8 bits, or the signal */
    bool killed; /* by a signal */
};

/*
 * Takes the end of a child, which is no more after that. Returns 1 with *end; 0 if it is still running; -ECHILD if it is no child of
 * this process, or somebody else has taken its end ("waitid").
 */
int ci_process_reap(int pidfd, struct ci_process_end *end);

/* Kills a child of which nothing is known but its id, and takes its end. */
void ci_process_discard(pid_t pid);

/* Whether there is a file that the caller may execute: 0, -ENOENT, -EACCES, ... ("faccessat") */
int ci_process_may_execute(const char *path);

/* A pipe; both ends are close-on-exec ("pipe2"). */
int ci_process_pipe(int *read_end, int *write_end);

/* /dev/null, for reading and writing, close-on-exec ("open"). */
int ci_process_open_null(void);

/* Another descriptor for the same open file, 3 or more, close-on-exec ("fcntl"). */
int ci_process_duplicate(int fd);

#endif
