/* A call that another thread leaves for the loop: embedded in whatever carries it out (a handle, a job that is done). */
#ifndef CI_LOOP_REMOTE_H
#define CI_LOOP_REMOTE_H

struct coil_loop;

struct ci_remote_call {
    struct ci_remote_call *next;
    /* On the loop's thread: pushes the call's entry to the ready queue, for which one place has been reserved. */
    void (*arrive)(struct coil_loop *loop, struct ci_remote_call *call);
    /* The loop closes and the call will not run: frees it. */
    void (*drop)(struct ci_remote_call *call);
};

/* Hands call to the loop and wakes it. From any thread, and from a signal handler; allocates nothing and cannot
 * fail. */
void ci_remote_push(struct coil_loop *loop, struct ci_remote_call *call);

#endif
