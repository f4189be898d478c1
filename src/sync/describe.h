/* What locks and their like have to say in reports, and the check that one is not made anew under those who wait on it. */
#ifndef CI_SYNC_DESCRIBE_H
#define CI_SYNC_DESCRIBE_H

#include <stddef.h>
#include <stdint.h>

#include "task/wait.h"

/* Writes who holds what is waited for: ", which the task NAME holds". owner is a task's number, 0 for nobody. */
void ci_sync_describe_holder(const struct ci_wait *wait, uint64_t owner, char *out, size_t size);

/* Debug mode: reports function if a task waits on something in the size bytes at object, which it is about to overwrite. */
void ci_sync_check_idle(const void *object, size_t size, const char *function);

#endif
