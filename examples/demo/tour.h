/* The tour: what coil is made of, one scene after the other, in a few seconds. */
#ifndef DEMO_TOUR_H
#define DEMO_TOUR_H

#include <stdbool.h>

/*
 * Plays all scenes. interrupted says whether a Ctrl-C has come between two of them. Returns 0, -EINTR if one
 * came at all, or the error of a scene that failed.
 */
int tour_play(bool (*interrupted)(void));

#endif
