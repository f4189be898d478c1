/*
 * How a coroutine waits. Everything that suspends, whatever it waits for, goes through ci_wait_suspend, and every
 * cancellation of a waiting task goes through its struct ci_wait: so cancellation reaches all of it by construction. A wait
 * lives in the frame of the coroutine that waits; whoever ends it only puts the task into the ready queue, and the task
 * takes down its wait when it runs. Between the two the wait is decided already, and a cancellation that comes then is kept for
 * the task's next step, exactly as for an asyncio future that is done but whose waiter has not run yet.
 */
#ifndef CI_TASK_WAIT_H
#define CI_TASK_WAIT_H

#include <stdbool.h>
#include <stddef.h>

struct ci_note;
struct ci_task;
struct coil_future;

enum ci_wait_state { CI_WAIT_PENDING, CI_WAIT_DONE, CI_WAIT_CANCELLED };

struct ci_wait {
    struct ci_task *task;
    const char *what;           /* what is waited for, in words for reports */
    long number;                /* a number that belongs to what, such as a descriptor, or -1 */
    struct coil_future *future; /* the future that is awaited, when it is one: cancellation goes on to it */
    const void *object;         /* the lock or the like that is waited on, for reports */
    struct ci_note *note;       /* the reason of the cancellation that ended it */
    enum ci_wait_state state;
    bool asked; /* a cancellation has been asked of it */
    /* An operation of the kernel: what it did is returned, and a cancellation waits for the next await. */
    bool keeps_result;
    /*
     * Asks what is waited for to end. Returns 1 if it took the request: the wait will end, by ci_wait_finish or
     * ci_wait_cancelled, now or later. 0 if it is decided already. NULL: the wait ends at once as cancelled.
     */
    int (*cancel)(struct ci_wait *wait);
    /* Says in words what is waited for, where what and number do not say enough. */
    void (*describe)(const struct ci_wait *wait, char *out, size_t size);
    /* The loop closes and the coroutine never goes on: gives back the references and the memory that its frame holds. */
    void (*abandon)(struct ci_wait *wait);
};

/* The task that runs now, or NULL in a callback or without a loop: then nothing can be awaited (-EPERM). */
struct ci_task *ci_task_running(void);

/* Prepares a wait of the running task. */
static inline void ci_wait_init(struct ci_wait *wait, struct ci_task *task, const char *what)
{
    *wait = (struct ci_wait){.task = task, .what = what, .number = -1};
}

/*
 * Suspends the running task until its wait has ended. Returns 0, or -ECANCELED when the cancellation of the task is delivered here:
 * then wait->state still tells whether the wait itself had been finished, so that what was handed over can be handed on.
 */
int ci_wait_suspend(struct ci_wait *wait);

/* Ends a pending wait: its task runs in the next iteration. One that is decided stays as it is. */
void ci_wait_finish(struct ci_wait *wait);

/* Ends a pending wait as cancelled, with the reason given by the request (wait->note). */
void ci_wait_cancelled(struct ci_wait *wait);

#endif
