/*
 * A timer: something in a caller's memory (a coroutine's frame, mostly) that runs once as an entry of the ready queue when its
 * time has come. Setting may fail for want of memory; stopping never does, wherever the timer is: in the heap or already
 * in the ready queue. A stopped or fired timer may be set again.
 */
#ifndef CI_LOOP_TIMER_H
#define CI_LOOP_TIMER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/heap.h"
#include "loop/ready.h"

struct coil_loop;

enum ci_timer_state {
    CI_TIMER_IDLE,
    CI_TIMER_IN_HEAP, /* or due: then it is in the ready queue, at the position that the heap has noted for it */
    CI_TIMER_READY,   /* in the ready queue, at its position, without ever having been in the heap */
};

struct ci_timer {
    struct ci_heap_node node;
    enum ci_timer_state state;
    int64_t when_ns;
    ci_entry_fn *run; /* called with the timer itself */
    struct coil_loop *loop;
    uint32_t position; /* while CI_TIMER_READY */
};

static inline void ci_timer_init(struct ci_timer *timer, struct coil_loop *loop, ci_entry_fn *run)
{
    timer->state = CI_TIMER_IDLE;
    timer->loop = loop;
    timer->run = run;
}

/* Sets an idle timer to run at when_ns on the loop's clock; CI_FOREVER never comes and costs nothing. Returns 0 or -ENOMEM. */
int ci_timer_set(struct ci_timer *timer, int64_t when_ns);

/* Puts an idle timer into the ready queue at once, as call_soon does. Returns 0 or -ENOMEM. */
int ci_timer_set_soon(struct ci_timer *timer);

/* Makes the timer idle, so that it does not run. An idle one stays as it is. */
void ci_timer_stop(struct ci_timer *timer);

/* Moves the timers that are due at now_ns to the ready queue, in order. */
void ci_timer_collect(struct coil_loop *loop, int64_t now_ns);

/* Frees the memory behind the timers of a loop that closes. */
void ci_timers_destroy(struct coil_loop *loop);

#endif
