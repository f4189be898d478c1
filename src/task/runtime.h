/* Between the files that make, run and close a loop with its tasks. */
#ifndef CI_TASK_RUNTIME_H
#define CI_TASK_RUNTIME_H

struct ci_task;
struct ci_stack;
struct coil_loop;

/* Cancels every task of a loop that does not run, waits for them, and reports the errors of those that fail. Returns 0, or
 * what stopped the loop meanwhile. asyncio: runners._cancel_all_tasks. */
int ci_runtime_cancel_all(struct coil_loop *loop);

#endif
