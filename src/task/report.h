/* The reports that this room sends. */
#ifndef CI_TASK_REPORT_H
#define CI_TASK_REPORT_H

#include <coil/loop.h>

struct ci_runtime;
struct coil_future;

/* Sends a report of the given kind about future, whose error it takes and counts as told. message is one line. */
void ci_report_error(struct coil_future *future, enum coil_report_kind kind, const char *message);

/* An error that nobody has looked at, as the future goes away. */
void ci_report_never_retrieved(struct coil_future *future);

/* A task that the closing loop leaves where it waits. */
void ci_report_destroyed(struct coil_future *task);

/* One report for each task of a deadlock, each with what it waits for. */
void ci_report_deadlock(struct ci_runtime *runtime, enum coil_report_kind kind);

#endif
