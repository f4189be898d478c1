/* The allocator seam: see alloc.h. The three pointers are set once, before the library's first use. */
#include "sys/alloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <coil/base.h>

#include "sys/fault.h"

static struct {
    void *(*allocate)(size_t);
    void *(*reallocate)(void *, size_t);
    void (*release)(void *);
} allocator = {malloc, realloc, free};

void *ci_alloc(size_t size)
{
    return ci_fault("malloc") < 0 ? NULL : allocator.allocate(size);
}

void *ci_alloc_zero(size_t size)
{
    void *block = ci_alloc(size);

    if (block != NULL) {
        memset(block, 0, size);
    }
    return block;
}

void *ci_realloc(void *block, size_t size)
{
    return ci_fault("realloc") < 0 ? NULL : allocator.reallocate(block, size);
}

void ci_free(void *block)
{
    allocator.release(block);
}

int coil_set_allocator(void *(*allocate)(size_t), void *(*reallocate)(void *, size_t), void (*release)(void *))
{
    if (allocate == NULL || reallocate == NULL || release == NULL) {
        return -EINVAL;
    }
    allocator.allocate = allocate;
    allocator.reallocate = reallocate;
    allocator.release = release;
    return 0;
}
