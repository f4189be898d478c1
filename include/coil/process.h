/*
 * Child processes: starting them, talking to them through pipes, awaiting their end. A coil_process belongs to the loop in which it
 * was made, and is used in that loop's thread, while it runs.
 *
 * A child is reaped as soon as it ends, whether anybody waits for it or not, and whether its handle is still there or not: there are no
 * zombies while the loop runs. When the loop is closed, children that are still running go on; they are reaped, once they have ended,
 * when another loop of the process starts a child or is closed. Nothing here touches SIGCHLD, and a program's own wait(2) calls do not
 * disturb it as long as they do not wait for children that are coil's.
 *
 * A child gets the descriptors 0, 1 and 2 and no others, every signal's default action, and no signal blocked. To write to a child that is
 * gone gives -EPIPE and never raises SIGPIPE.
 */
#ifndef COIL_PROCESS_H
#define COIL_PROCESS_H

#include <sys/types.h>

#include <coil/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A child process. asyncio: asyncio.subprocess.Process. */
typedef struct coil_process coil_process;

/* What a child's standard descriptor can be beside one that the program has. The names are those of Python's subprocess. */
enum coil_stdio {
    COIL_PIPE = -1,   /* a pipe, whose other end the parent gets */
    COIL_STDOUT = -2, /* for .stderr_: wherever the child's standard output goes */
    COIL_DEVNULL = -3 /* /dev/null */
};

/* How a child is started. */
struct coil_subprocess_options {
    size_t size;         /* sizeof this struct */
    char *const *argv;   /* the program and its arguments, the last followed by NULL */
    const char *command; /* for the shell */
    int stdin_;          /* COIL_PIPE, COIL_DEVNULL, a descriptor of the caller's, or 0: the caller's standard input */
    int stdout_;         /* as stdin_; 0 is the caller's standard output */
    int stderr_;         /* as stdin_, or COIL_STDOUT; 0 is the caller's standard error */
    const char *cwd;     /* the folder in which it begins; the caller's by default */
    char *const *env;    /* its environment, "NAME=value" each, the last followed by NULL; the caller's by default */
    bool
        new_session; /* in a session, and so a process group, of its own, without a terminal; its group's id is its pid */
};

/*
 * Starts the program argv[0] with the arguments argv, of which it is the first by custom:
 *
 *     coil_process *child;
 *     int rc = coil_create_subprocess_exec(&child, (char *[]){"sort", "-n", NULL}, .stdin_ = COIL_PIPE,
 *                                          .stdout_ = COIL_PIPE);
 *
 * A name without a slash is looked for in the folders of PATH: that of .env, where it is given, else the caller's. One with a slash is
 * seen from .cwd. Nothing but the strings and descriptors given is used, and those only until this returns; a descriptor stays the
 * caller's, to be closed by him. Pipes are blocking on the child's side. No memory of the caller is copied, however much it has, but
 * its thread waits until the kernel has loaded the program. Does not await.
 *
 * Returns 0 and in *process one reference, to be given back by coil_process_unref; on an error *process is NULL, and there is no child.
 * -EPERM without a running loop, -EINVAL (no program, a .stdin_ or the like that makes no sense), -ENOMEM, and what the system
 * has refused it with: -ENOENT (no such program, no such .cwd), -EACCES, -ENOTDIR, -ENOEXEC, -E2BIG, -EBADF, -EMFILE, -ENFILE, -EAGAIN (too
 * many processes). Options: .stdin_ .stdout_ .stderr_ .cwd .env .new_session. asyncio: create_subprocess_exec.
 */
#define coil_create_subprocess_exec(process, ...) \
    coil_create_subprocess_exec_with(             \
        (process),                                \
        &(struct coil_subprocess_options){.size = sizeof(struct coil_subprocess_options), .argv = __VA_ARGS__})
COIL_API int coil_create_subprocess_exec_with(coil_process **process, const struct coil_subprocess_options *options);

/*
 * As coil_create_subprocess_exec, with /bin/sh -c command. What comes from elsewhere must be quoted before it becomes a part of the command.
 * That the shell does not find a program, it says with its exit code (127). Options: .stdin_ .stdout_ .stderr_ .cwd .env .new_session.
 * asyncio: create_subprocess_shell.
 */
#define coil_create_subprocess_shell(process, ...) \
    coil_create_subprocess_shell_with(             \
        (process),                                 \
        &(struct coil_subprocess_options){.size = sizeof(struct coil_subprocess_options), .command = __VA_ARGS__})
COIL_API int coil_create_subprocess_shell_with(coil_process **process, const struct coil_subprocess_options *options);

/* Takes another reference and returns process. NULL is fine. */
COIL_API coil_process *coil_process_ref(coil_process *process);

/*
 * Gives a reference back. NULL is fine. With the last one, the parent's ends of the pipes are closed, which a child notices that reads or
 * writes them; beyond that it goes on, and is reaped when it ends.
 */
COIL_API void coil_process_unref(coil_process *process);

/*
 * Awaits the end of the child; at once if it has ended. Returns its exit code, or 128 plus the number of the signal that has killed it
 * (coil_process_signal tells these apart from exit codes). Whether its pipes are still held open, by a grandchild perhaps, does not
 * matter. A child that waits to write into a pipe that nobody reads does not end: see coil_process_communicate. Several tasks may wait.
 * -ECANCELED, and the child is left alone; -ECHILD if the end was taken by somebody else (a wait of the program's own; a SIGCHLD
 * that is ignored); -EPERM outside of a task of its loop; -EINVAL for NULL. asyncio: Process.wait.
 */
COIL_API int coil_process_wait(coil_process *process);

/* The child's end, as coil_process_wait would return it; -EINPROGRESS while there is none, -EPERM
 * if its loop was closed before; -EINVAL for NULL. asyncio: Process.returncode. */
COIL_API int coil_process_returncode(const coil_process *process);

/* The signal that has killed the child; 0 if none has, or it is still running, and for NULL. */
COIL_API int coil_process_signal(const coil_process *process);

/* The child's process id; 0 for NULL. It may be another process's once the child has ended. asyncio: Process.pid. */
COIL_API pid_t coil_process_pid(const coil_process *process);

/*
 * Sends the signal signo to the child, and to no other process, whatever has become of its id. Does not await. Returns 0; -ESRCH when the
 * child has ended; -EINVAL for NULL or what is no signal; -EPERM if the child may not be signalled any more (a set-user-id program).
 * To signal the whole group of a child with .new_session, use kill(2) with the negative pid, while it has not ended.
 * asyncio: Process.send_signal.
 */
COIL_API int coil_process_send_signal(coil_process *process, int signo);

/* As coil_process_send_signal with SIGTERM, which asks it to end. asyncio: Process.terminate. */
COIL_API int coil_process_terminate(coil_process *process);

/* As coil_process_send_signal with SIGKILL, which ends it. asyncio: Process.kill. */
COIL_API int coil_process_kill(coil_process *process);

/*
 * Closes what is open of the pipes, kills the child if it is still running, and awaits its end. Returns as coil_process_wait; if
 * cancelled meanwhile, the child ends all the same. The reference stays the caller's.
 */
COIL_API int coil_process_close(coil_process *process);

/* ---- pipes ----------------------------------------------------------------------------------------------------------- */

/*
 * The parent's end of a child's pipe, for coil_read, coil_write and the like. It belongs to the process, which closes it: do not. -EBADF
 * if there is no such pipe, or it is closed; -EINVAL for NULL. asyncio: Process.stdin, Process.stdout, Process.stderr.
 */
COIL_API int coil_process_stdin_fd(const coil_process *process);
COIL_API int coil_process_stdout_fd(const coil_process *process);
COIL_API int coil_process_stderr_fd(const coil_process *process);

/* Closes the pipe to the child's standard input, which tells the child that there is no more. A task that is writing to it gets -EBADF.
 * Returns 0, -EBADF, -EINVAL for NULL. asyncio: Process.stdin.close. */
COIL_API int coil_process_close_stdin(coil_process *process);

/*
 * Hands over the parent's end of the pipe to the child's descriptor number (0, 1 or 2): the caller closes it from now on, with coil_close,
 * and for process there is no such pipe any more. So what one child writes may be what another one reads. Returns the descriptor,
 * -EBADF if there is none, -EINVAL for NULL or another number.
 */
COIL_API int coil_process_take_fd(coil_process *process, int number);

/* Bytes that the library has allocated for the caller: size of them at data, which are followed by a zero byte that does not count. */
typedef struct coil_buffer {
    void *data; /* NULL if there is nothing */
    size_t size;
} coil_buffer;

/* Frees the bytes and leaves an empty buffer. NULL is fine, and so is an empty one. */
COIL_API void coil_buffer_free(coil_buffer *buffer);

/*
 * Writes size bytes of input to the child, if it has a pipe for that, and closes it; at the same time reads all that it writes, so that
 * no full pipe can keep it from going on; then awaits its end. That a child does not read its input to the end is no error. Returns as
 * coil_process_wait, and then what the child has written to its pipes is in *output and *errors, to be freed by the caller with
 * coil_buffer_free; a pipe whose buffer is NULL is read, too, and what comes is dropped.
 *
 * It goes on until nobody has the other ends open: a grandchild that lives on counts. On an error, -ECANCELED among them (a
 * timeout's, too), the child is left alone, the buffers are empty, and nothing is lost: what was read stays with process, and a later
 * call, with the same input, goes on where this one has stopped. So whoever wants to end a child that takes too long, and still
 * wants to see what it wrote, kills it and calls this again.
 *
 * -ECANCELED, -ENOMEM, -EBUSY while another task is in this call for the same process, -EINVAL (NULL; input for a child without such a
 * pipe), -EPERM, what coil_create_task, coil_read and coil_write may fail with, and -ECHILD as coil_process_wait.
 * asyncio: Process.communicate.
 */
COIL_API int coil_process_communicate(coil_process *process, const void *input, size_t size, coil_buffer *output,
                                      coil_buffer *errors);

#ifdef __cplusplus
}
#endif

#endif
