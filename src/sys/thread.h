/*
 * Threads: as the kernel counts them, and the library's own. Whether a loop can still be woken by anybody
 * depends on whether the process has threads that are not the library's own; this file knows both numbers
 * and nothing of loops.
 */
#ifndef CI_SYS_THREAD_H
#define CI_SYS_THREAD_H

#include <pthread.h>
#include <stdatomic.h>
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

/* A thread of the library's own, in its owner's memory from start to join. */
struct ci_thread {
    pthread_t thread;
    pid_t process;    /* that started it: it does not exist in a fork */
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
 * Waits until run has returned and the kernel counts the thread no more. In a fork, where it is not,
 * returns at once.
 */
void ci_thread_join(struct ci_thread *thread);

/* Lets other threads run. */
void ci_thread_yield(void);

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
