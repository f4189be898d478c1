/*
 * The probe: makes a busy thread tell where it is. The watchdog sends the thread a signal, whose handler
 * takes the backtrace of what it has interrupted, and has the thread's own data read by the only thread
 * that may.
 *
 * The signal is SIGURG. By default it is ignored, so that one which arrives late or unasked for does no
 * harm, and it is rare: only out-of-band data raises it, for those who asked with F_SETOWN. Debuggers and
 * Go programs pass it on for the same reasons. A handler that the program had before is called for every
 * SIGURG that is not the probe's, and is back when the last probe has ended; one that the program installs
 * meanwhile is left alone, and the probe then finds out nothing.
 *
 * What the interrupted code notices: nothing but time. Its system calls are restarted, by SA_RESTART or by
 * interrupted.c. The handler runs on the alternate stack that loops install for stack overflows, and needs
 * nothing of a coroutine's small stack.
 */
#ifndef CI_DEBUG_PROBE_H
#define CI_DEBUG_PROBE_H

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "debug/backtrace.h"
#include "sys/thread.h"

struct ci_probe {
    pthread_t thread; /* that is asked */
    pid_t thread_id;
    /*
     * Called in the handler: stores what the answer needs of the thread's data. False: what was asked about
     * is over.
     */
    bool (*describe)(void *arg);
    void *arg;
    _Atomic int state;
    sem_t answered;
    struct ci_system_call call; /* that the thread sleeps in */
    bool sleeps;
    size_t depth;
    void *addresses[CI_BACKTRACE_MAX];
};

/* Prepares to ask the calling thread. Returns 0 or a negative errno. */
int ci_probe_open(struct ci_probe *probe, bool (*describe)(void *arg), void *arg);

/* From the same thread. */
void ci_probe_close(struct ci_probe *probe);

/* Tells the calling thread that a signal for it is now about this probe. */
void ci_probe_enter(struct ci_probe *probe);

enum ci_probe_answer {
    CI_PROBE_OVER,     /* what was asked about has ended */
    CI_PROBE_ANSWERED, /* probe->addresses and what describe has stored are good until the next question */
    CI_PROBE_SILENT    /* the thread does not answer: the signal is the program's, or is blocked, or nobody wakes it */
};

/* Asks, from another thread, and waits for the answer for a moment. */
enum ci_probe_answer ci_probe_ask(struct ci_probe *probe);

#endif
