/*
 * Pages: mapping, unmapping, guarding and giving back, and what the kernel tells about them. Stacks and rings
 * are made of these; the heap is sys/alloc.h. Each wrapper returns 0 or a negative errno and asks ci_fault()
 * with the name of its system call first. Nothing here knows what the pages are for.
 */
#ifndef CI_SYS_MEMORY_H
#define CI_SYS_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

/* What to do with a range, for ci_memory_advise and ci_memory_advise_many. */
enum ci_memory_advice {
    CI_MEMORY_DISCARD,      /* give the pages back; they read as zero afterwards, and guards stay */
    CI_MEMORY_NO_HUGE_PAGE, /* never back the range with huge pages */
    CI_MEMORY_GUARD,        /* every touch is a SIGSEGV, and the mapping stays in one piece; Linux >= 6.13 */
};

size_t ci_memory_page_bytes(void);

/* Maps bytes of zeroed, private, writable memory that is not reserved until it is touched ("mmap"). */
int ci_memory_map(size_t bytes, void **ret);

/* ("munmap") */
int ci_memory_unmap(void *start, size_t bytes);

/* Takes every access away; splits the mapping ("mprotect"). */
int ci_memory_protect(void *start, size_t bytes);

/* Advises one range ("madvise"). -EINVAL: this kernel does not know the advice. */
int ci_memory_advise(void *start, size_t bytes, enum ci_memory_advice advice);

/* Advises count ranges, in as few system calls as the kernel allows ("process_madvise", else "madvise" for
 * each). After an error, any of the ranges may have been advised. */
int ci_memory_advise_many(const struct iovec *ranges, size_t count, enum ci_memory_advice advice);

/* Whether touching start would fault, as a guard should make it ("madvise"): some emulators accept any advice
 * and do nothing. */
bool ci_memory_is_guarded(void *start, size_t bytes);

/* One byte per page into resident[], its lowest bit set where a page is there ("mincore"). */
int ci_memory_resident(const void *start, size_t bytes, unsigned char *resident);

/* How many mappings a process may have: vm.max_map_count ("max_map_count"), or the kernel's default where
 * unreadable. */
size_t ci_memory_map_limit(void);

#endif
