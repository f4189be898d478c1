/* Between the files that make, run and close a loop with its tasks. */
#ifndef CI_TASK_RUNTIME_H
#define CI_TASK_RUNTIME_H

#include <coil/task.h>

struct ci_task;
struct ci_stack;
struct coil_loop;

/*
 * As coil_run_with. When a SIGINT cancels main, interrupted(arg), if it is not NULL, is called on the loop's thread
 * before.
 */
int ci_run(coil_fn *main, const struct coil_run_options *options, void (*interrupted)(void *arg), void *arg);

/* Cancels every task of a loop that does not run, waits for them, and reports the errors of those that fail. Returns 0, or
 * what stopped the loop meanwhile. asyncio: runners._cancel_all_tasks. */
int ci_runtime_cancel_all(struct coil_loop *loop);

#endif
