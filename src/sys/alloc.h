/*
 * The heap, as the library uses it: the allocator that the program chose with coil_set_allocator, or the C library's. Each
 * call can be made to fail by a test. What must not allocate (the hot path) does not call this.
 */
#ifndef CI_SYS_ALLOC_H
#define CI_SYS_ALLOC_H

#include <stddef.h>

/* Returns size > 0 bytes, not cleared, or NULL. Given back with ci_free. */
void *ci_alloc(size_t size);

/* As ci_alloc, with all bytes zero. */
void *ci_alloc_zero(size_t size);

/* Resizes block, which keeps its contents; NULL leaves block as it was. A NULL block is a new one. */
void *ci_realloc(void *block, size_t size);

/* NULL is fine. */
void ci_free(void *block);

#endif
