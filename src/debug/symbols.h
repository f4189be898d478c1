/*
 * Names for addresses: which function an address lies in, in which file and on which line. With elfutils'
 * libdw at hand (when coil was compiled, and where it runs) from the program's debug information, inlined
 * functions included; else from the dynamic loader's table, which knows exported functions and modules.
 *
 * Debug information is read by a thread, which starts when it is first needed and ends with the last user:
 * reading takes more stack than coroutines have. The strings are good until then. From any thread, not from
 * signal handlers.
 */
#ifndef CI_DEBUG_SYMBOLS_H
#define CI_DEBUG_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One function of a backtrace; an address in an inlined function gives several, innermost first. */
struct ci_frame {
    const void *address;
    const char *function; /* NULL: unknown */
    const char *file;     /* NULL: unknown */
    const char *module;   /* the program's or library's path, or NULL */
    uintptr_t offset;     /* of the address, in the module */
    int line;
    bool inlined; /* into the frame after it */
    bool own;     /* it is the library's, as far as one can tell */
};

/*
 * Each open is undone by a close; with nobody left, everything that was read is let go. Returns 0, or -ENOMEM with nothing to
 * undo. In the child of a fork nobody has opened.
 */
int ci_symbols_open(void);
void ci_symbols_close(void);

/* Names will be wanted soon: begins to read, and returns at once. */
void ci_symbols_prepare(void);

/*
 * Fills frames for depth return addresses, at most capacity, and returns how many. Outside of open and
 * close, names are missing.
 */
size_t ci_symbols_find(void *const *addresses, size_t depth, struct ci_frame *frames, size_t capacity);

/*
 * How many frames to show, counted from the innermost: without what starts coroutines and threads, runs
 * callbacks, or calls main.
 */
size_t ci_symbols_count_shown(const struct ci_frame *frames, size_t count);

/*
 * For a backtrace that begins inside the library: how many addresses to skip so that the program's call of
 * it comes first.
 */
size_t ci_symbols_count_own(void *const *addresses, size_t depth);

#endif
