/*
 * Operations that block, where the poller does not carry them out: each is done in a thread of the loop's own small pool for files, so
 * that neither look-ups nor the program's own functions starve them. The waiting task may be cancelled; an operation that no
 * thread has begun is then not begun, and one that runs is waited for, since it works with the memory of the task.
 */
#ifndef CI_IO_BLOCK_H
#define CI_IO_BLOCK_H

#include "io/call.h"

/*
 * A descriptor is about to be closed: operations on it that no thread has begun end with -EBADF, and those that run are waited for, so
 * that none of them gets at the number's next owner.
 */
void ci_io_block_evict(struct coil_loop *loop, int fd);

#endif
