/* A loop's default executor: the pool of threads behind coil_to_thread, made when it is first needed. */
#ifndef CI_THREAD_EXECUTOR_H
#define CI_THREAD_EXECUTOR_H

#include "thread/pool.h"

/* The pool of loop's default executor; NULL with the creation error set. */
struct ci_pool *ci_executor_pool(struct coil_loop *loop);

#endif
