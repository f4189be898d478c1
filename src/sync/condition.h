/* Waiting for a condition that is part of something else, under that thing's name. */
#ifndef CI_SYNC_CONDITION_H
#define CI_SYNC_CONDITION_H

#include <coil/sync.h>

#include "sync/waiters.h"

/* As coil_condition_wait_for; reports say that it waits for what. */
int ci_condition_wait_for(coil_condition *condition, bool (*predicate)(void *arg), void *arg,
                          const struct ci_waited *what);

#endif
