/* Waiting for an event that is part of something else, under that thing's name. */
#ifndef CI_SYNC_EVENT_H
#define CI_SYNC_EVENT_H

#include <coil/sync.h>

#include "sync/waiters.h"

/* As coil_event_wait, in a task; reports say that it waits for what. */
int ci_event_wait(coil_event *event, struct ci_task *task, const struct ci_waited *what);

#endif
