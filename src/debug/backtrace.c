/* Walking the stack with the C library's backtrace(), which reads the unwind tables: see backtrace.h. */
#include "debug/backtrace.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "debug/interrupted.h"

#if __has_include(<execinfo.h>)
#include <execinfo.h>
#else
static int backtrace(void **addresses, int size)
{
    (void)addresses;
    (void)size;
    return 0; /* a C library without it: reports do without backtraces */
}
#endif

/* Room for this file's own frames and a signal's. */
enum { OWN_FRAMES = 8, ROOM = CI_BACKTRACE_MAX + OWN_FRAMES };

void ci_backtrace_prepare(void)
{
    void *address;

    (void)backtrace(&address, 1); /* the first call loads the unwinder */
}

/* Hands out what is beyond the first skip of count addresses. */
static size_t hand_out(void **addresses, size_t capacity, void *const *all, size_t count, size_t skip)
{
    if (skip >= count) {
        return 0;
    }
    size_t depth = count - skip < capacity ? count - skip : capacity;
    memcpy(addresses, all + skip, depth * sizeof(*addresses));
    return depth;
}

__attribute__((noinline)) size_t ci_backtrace_capture(void **addresses, size_t capacity, size_t skip)
{
    void *all[ROOM];
    size_t wanted = capacity + skip + OWN_FRAMES < ROOM ? capacity + skip + OWN_FRAMES : ROOM;
    int count = backtrace(all, (int)wanted);
    size_t own = 1;

    for (size_t i = 0; count > 0 && i < (size_t)count && i < OWN_FRAMES; i++) {
        if (all[i] == __builtin_return_address(0)) {
            own = i; /* a sanitizer puts itself between */
        }
    }
    return hand_out(addresses, capacity, all, count < 0 ? 0 : (size_t)count, own + skip);
}

size_t ci_backtrace_capture_interrupted(void **addresses, size_t capacity, const ucontext_t *interrupted)
{
    void *all[ROOM];
    int count = backtrace(all, ROOM);
    uintptr_t pc = ci_interrupted_pc(interrupted);

    for (size_t i = 0; count > 0 && i < (size_t)count && pc != 0; i++) {
        if ((uintptr_t)all[i] == pc) {
            all[i] = (char *)all[i] + 1; /* as if its next instruction had been a call that returns behind it */
            return hand_out(addresses, capacity, all, (size_t)count, i);
        }
    }
    return hand_out(addresses, capacity, all, count < 0 ? 0 : (size_t)count, 0);
}
