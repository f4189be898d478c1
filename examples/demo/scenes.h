/*
 * The scenes of the tour: coroutines, each of which shows one thing that coil is made of. They take no
 * argument.
 */
#ifndef DEMO_SCENES_H
#define DEMO_SCENES_H

int scene_coroutines(void *arg);
int scene_run(void *arg);
int scene_tasks(void *arg);
int scene_cancelling(void *arg);
int scene_timeouts(void *arg);
int scene_shields(void *arg);
int scene_futures(void *arg);
int scene_relationship(void *arg);
int scene_debug_mode(void *arg);

#endif
