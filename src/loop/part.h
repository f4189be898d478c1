/*
 * Parts: what rooms above keep with a loop and make on first use, such as a pool of threads or the signals that are handled.
 * The loop knows of a part only how to find it again and how to end it.
 */
#ifndef CI_LOOP_PART_H
#define CI_LOOP_PART_H

#include "base/list.h"

struct coil_loop;
struct ci_part;

struct ci_part_class {
    const char *name;
    /* main has ended in coil_run, and the tasks that are left are about to be cancelled. NULL: that is nothing to it. */
    void (*ending)(struct ci_part *part);
    /*
     * Runs in a coroutine, which may await, once main has ended and no task is left: the end in good order. Not called when a
     * loop is closed without coil_run, or when there is no memory for the coroutine. NULL: there is nothing to wait for.
     */
    void (*shutdown)(struct ci_part *part);
    /* The loop closes, and no task goes on: ends what is left, waiting for it where it must, and frees the part. */
    void (*close)(struct ci_part *part);
};

struct ci_part {
    struct ci_list link;
    const struct ci_part_class *class;
    struct coil_loop *loop;
};

/* The loop's part of that class, or NULL. Loops have a handful of parts. */
struct ci_part *ci_part_find(const struct coil_loop *loop, const struct ci_part_class *klass);

/* Makes part one of the loop's, which ends it from now on. */
void ci_part_add(struct coil_loop *loop, struct ci_part *part, const struct ci_part_class *klass);

/* Takes a part out that its own room is about to free. */
void ci_part_remove(struct ci_part *part);

/* Tells every part that main has ended. */
void ci_parts_ending(struct coil_loop *loop);

/* Closes every part, the youngest first. */
void ci_parts_close(struct coil_loop *loop);

#endif
