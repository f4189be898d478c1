/*
 * Threads: as the kernel counts them, and the library's own. Whether a loop can still be woken by anybody
 * depends on whether the process has threads that are not the library's own; this file knows both numbers
 * and nothing of loops.
 */
#ifndef CI_SYS_THREAD_H
#define CI_SYS_THREAD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * How many threads the library itself has started that still run. Whoever starts or ends one counts it
 * here.
 */
extern atomic_int ci_sys_own_threads;

/*
 * How many threads the process has, the calling one and the library's own included, those on their way out not: the kernel goes on
 * counting a thread for a moment after it was joined. Returns at least 1, or a negative errno where /proc is not to be had:
 * then nobody knows ("thread_count").
 */
int ci_sys_thread_count(void);

/* How many processors this process may run on; at least 1. */
unsigned ci_sys_cpu_count(void);

/* A thread that the library starts, in its owner's memory from start to join. */
struct ci_thread {
    pthread_t thread;
    pid_t process;    /* that started it: it does not exist in a fork */
    bool own;         /* counted as the library's own */
    _Atomic pid_t id; /* once it runs */
    const char *name;
    void (*run)(void *arg);
    void *arg;
};

/*
 * Starts a thread that runs run(arg), with every signal blocked, so that the program's signals go to the
 * program's threads, and counts it as the library's own. name, of at most 15 characters, is for debuggers
 * and ps(1). Returns 0 or a negative errno ("pthread_create").
 */
int ci_thread_start(struct ci_thread *thread, const char *name, void (*run)(void *arg), void *arg, size_t stack_bytes);

/*
 * As ci_thread_start, for a thread that runs the program's code as the program's own threads do: with the signal mask of the
 * caller, a stack of the usual size, and not counted.
 */
int ci_thread_start_plain(struct ci_thread *thread, const char *name, void (*run)(void *arg), void *arg);

/*
 * Waits until run has returned and the kernel counts the thread no more. In a fork, where it is not,
 * returns at once.
 */
void ci_thread_join(struct ci_thread *thread);

/* Lets other threads run. */
void ci_thread_yield(void);

/* ---- waiting for each other ------------------------------------------------------------------------------------------ */

/* Makes a condition whose waits go by ci_clock_ns. */
void ci_condition_init(pthread_cond_t *condition);

/*
 * Waits for condition until when_ns, CI_FOREVER being never; lock is held by the caller. Returns 0, also for no
 * reason now and then, or -ETIMEDOUT.
 */
int ci_condition_wait(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t when_ns);

/* ---- looking at one -------------------------------------------------------------------------------------------------- */

/* The calling thread, as the kernel names it. */
pid_t ci_thread_id(void);

/* Sends signo to a thread that exists. Returns 0 or a negative errno ("pthread_kill"). */
int ci_thread_signal(pthread_t thread, int signo);

/* What a thread is doing in the kernel. */
struct ci_system_call {
    long number; /* the system call that it sleeps in, or -1 */
    uintptr_t arguments[6];
    uintptr_t stack_pointer;
    uintptr_t program_counter; /* where it will go on */
};

/*
 * Looks what the thread of this process with that id is doing. Returns 1 with *call filled in if it sleeps
 * in the kernel, 0 if it runs, or a negative errno where /proc does not say ("thread_system_call").
 */
int ci_thread_system_call(pid_t id, struct ci_system_call *call);

#endif
