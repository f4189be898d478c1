/*
 * Names for addresses: see symbols.h. One reader for the process, since what it reads describes the
 * process.
 */
#include "debug/symbols.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

#include "debug/backtrace.h"
#include "debug/dwarf.h"
#include "sys/process.h"
#include "sys/thread.h"

enum { FRAMES_MAX = 64, ENTRY_SEARCHED = 8, STACK_BYTES = 2 << 20 };

/* What somebody wants to know, in that thread's memory. */
struct question {
    void *const *addresses;
    size_t depth;
    struct ci_frame *frames;
    size_t capacity;
    size_t count;
    bool answered;
};

static pthread_mutex_t life_lock = PTHREAD_MUTEX_INITIALIZER; /* held while users come or go */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;      /* of everything below */
static pthread_cond_t asked = PTHREAD_COND_INITIALIZER;
static pthread_cond_t answered = PTHREAD_COND_INITIALIZER;
static unsigned users;
static struct ci_thread reader;
static bool reading; /* the reader runs */
static bool quitting;
static struct question *question;

/* ---- whose function is it? ------------------------------------------------------------------------------------------- */

static bool begins_with(const char *text, const char *prefix, size_t length)
{
    return text != NULL && strncmp(text, prefix, length) == 0;
}

/* Whether the file is one of the library's sources: it lies where this one does, one folder up. */
static bool is_own_file(const char *file)
{
    static const char here[] = __FILE__;
    static const char name[] = "debug/symbols.c";
    size_t length = sizeof(here) - sizeof(name);

    return length > 0 && begins_with(file, here, length);
}

/* Whether the address lies in libcoil.so; never where the library is part of the program. */
static bool is_in_own_library(const void *address, const Dl_info *own)
{
    Dl_info info;

    return own->dli_fname != NULL && dladdr(address, &info) != 0 && info.dli_fbase == own->dli_fbase;
}

static bool has_own_name(const char *function)
{
    return begins_with(function, "coil_", 5) || begins_with(function, "ci_", 3);
}

/* This library, if it is a shared one. */
static Dl_info own_library(void)
{
    Dl_info info = {.dli_fname = NULL};
    const char *name;

    if (dladdr(&lock, &info) == 0 || info.dli_fname == NULL) {
        return (Dl_info){.dli_fname = NULL};
    }
    name = strrchr(info.dli_fname, '/');
    name = name == NULL ? info.dli_fname : name + 1;
    return begins_with(name, "libcoil", 7) ? info : (Dl_info){.dli_fname = NULL};
}

/* ---- finding --------------------------------------------------------------------------------------------------------- */

/* What the dynamic loader knows. */
static size_t find_exported(const void *address, struct ci_frame *frame)
{
    const char *call = (const char *)address - 1;
    Dl_info info;

    *frame = (struct ci_frame){.address = address};
    if (dladdr(call, &info) != 0) {
        frame->function = info.dli_sname;
        frame->module = info.dli_fname;
        frame->offset = (uintptr_t)call - (uintptr_t)info.dli_fbase;
    }
    return 1;
}

static size_t find_one(struct ci_dwarf *dwarf, const void *address, struct ci_frame *frames, size_t capacity,
                       const Dl_info *own)
{
    size_t count = dwarf == NULL ? 0 : ci_dwarf_find(dwarf, address, frames, capacity);

    if (count == 0) {
        count = find_exported(address, frames);
    }
    for (size_t i = 0; i < count; i++) {
        frames[i].own =
            has_own_name(frames[i].function) || is_own_file(frames[i].file) || is_in_own_library(address, own);
    }
    return count;
}

/* dwarf is NULL where debug information is not to be had. */
static void answer(struct ci_dwarf *dwarf, struct question *what)
{
    Dl_info own = own_library();

    for (size_t i = 0; i < what->depth && what->count < what->capacity; i++) {
        what->count +=
            find_one(dwarf, what->addresses[i], what->frames + what->count, what->capacity - what->count, &own);
    }
}

/* ---- the reader ------------------------------------------------------------------------------------------------------ */

/*
 * The first look into a module is the one that takes long: this program's and the C library's are looked
 * into before it is asked.
 */
static void warm_up(struct ci_dwarf *dwarf)
{
    struct ci_frame frames[FRAMES_MAX];
    void *addresses[CI_BACKTRACE_MAX];
    struct question own = {.addresses = addresses, .frames = frames, .capacity = FRAMES_MAX};

    own.depth = ci_backtrace_capture(addresses, CI_BACKTRACE_MAX, 0);
    answer(dwarf, &own);
}

static void read_for_others(void *arg)
{
    struct ci_dwarf *dwarf = ci_dwarf_open();

    (void)arg;
    warm_up(dwarf);
    (void)pthread_mutex_lock(&lock);
    for (;;) {
        struct question *what = question;
        if (what != NULL && !what->answered) {
            (void)pthread_mutex_unlock(&lock);
            answer(dwarf, what);
            (void)pthread_mutex_lock(&lock);
            what->answered = true;
            (void)pthread_cond_broadcast(&answered);
        } else if (!quitting) {
            (void)pthread_cond_wait(&asked, &lock);
        } else {
            break;
        }
    }
    (void)pthread_mutex_unlock(&lock);
    ci_dwarf_close(dwarf);
}

/* Whether there is a reader to ask; starts it. The lock is held. */
static bool has_reader(void)
{
    if (users > 0 && !reading) {
        reading = ci_thread_start(&reader, "coil-symbols", read_for_others, NULL, STACK_BYTES) == 0;
    }
    return reading;
}

/* Asks the reader, when it is this one's turn. Returns false if there is none. The lock is held. */
static bool ask(struct question *what)
{
    while (question != NULL) {
        (void)pthread_cond_wait(&answered, &lock);
    }
    if (quitting || !has_reader()) {
        return false;
    }
    question = what;
    (void)pthread_cond_signal(&asked);
    while (!what->answered) {
        (void)pthread_cond_wait(&answered, &lock);
    }
    question = NULL;
    (void)pthread_cond_broadcast(&answered); /* the next one's turn */
    return true;
}

size_t ci_symbols_find(void *const *addresses, size_t depth, struct ci_frame *frames, size_t capacity)
{
    struct question what = {.addresses = addresses, .depth = depth, .frames = frames, .capacity = capacity};

    (void)pthread_mutex_lock(&lock);
    if (!ask(&what)) {
        answer(NULL, &what);
    }
    (void)pthread_mutex_unlock(&lock);
    return what.count;
}

void ci_symbols_prepare(void)
{
    (void)pthread_mutex_lock(&lock);
    (void)has_reader(); /* without one, names are found without it */
    (void)pthread_mutex_unlock(&lock);
}

/* The child of a fork has neither the reader nor anybody who asks it or holds a lock, but may have inherited what they left. */
static void begin_anew(void)
{
    life_lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    asked = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
    answered = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
    question = NULL;
    users = 0; /* loops that do not run here */
    quitting = false;
    reading = false;
}

int ci_symbols_open(void)
{
    static bool watching;
    int rc = 0;

    (void)pthread_mutex_lock(&life_lock);
    if (!watching) {
        rc = ci_process_at_fork(NULL, NULL, begin_anew);
        watching = rc == 0;
    }
    if (rc == 0) {
        (void)pthread_mutex_lock(&lock);
        users++;
        (void)pthread_mutex_unlock(&lock);
    }
    (void)pthread_mutex_unlock(&life_lock);
    return rc;
}

void ci_symbols_close(void)
{
    (void)pthread_mutex_lock(&life_lock);
    (void)pthread_mutex_lock(&lock);
    bool last = --users == 0 && reading;
    quitting = last;
    (void)pthread_cond_signal(&asked);
    (void)pthread_mutex_unlock(&lock);
    if (last) {
        ci_thread_join(&reader);
        (void)pthread_mutex_lock(&lock);
        reading = false;
        quitting = false;
        (void)pthread_mutex_unlock(&lock);
    }
    (void)pthread_mutex_unlock(&life_lock);
}

/* ---- what is of interest --------------------------------------------------------------------------------------------- */

static bool is_called(const struct ci_frame *frame, const char *name)
{
    return frame->function != NULL && strcmp(frame->function, name) == 0;
}

/*
 * What runs callbacks, or starts a coroutine or a thread: beyond it there is nothing of the program's but
 * who runs the loop.
 */
static bool is_bottom(const struct ci_frame *frame)
{
    static const char *const names[] = {"ci_loop_run", "ci_context_bottom", "start_thread"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (is_called(frame, names[i])) {
            return true;
        }
    }
    return false;
}

/*
 * The library's first function on a coroutine's stack has a bare name; it is among the last, of whichever
 * kind the switch is.
 */
static bool is_first_function(const struct ci_frame *frames, size_t count, size_t i)
{
    return i + 4 >= count && is_called(&frames[i], "task_main");
}

size_t ci_symbols_count_shown(const struct ci_frame *frames, size_t count)
{
    size_t end = 0;

    for (size_t i = count; i > 0; i--) {
        if (is_first_function(frames, count, i - 1)) {
            return i - 1;
        }
    }
    while (end < count && !is_bottom(&frames[end])) {
        end++;
        if (is_called(&frames[end - 1], "main")) {
            return end;
        }
    }
    while (end < count && end > 1 && frames[end - 1].own) {
        end--;
    }
    return end;
}

/*
 * The library's own innermost frames: whatever lies within the first public function, for a file's own
 * functions have bare names, and those that are known as such. Nothing but our own is what there is to see.
 */
static size_t count_own_frames(const struct ci_frame *frames, size_t count)
{
    size_t own = 0;

    for (size_t i = 0; i < count && i < ENTRY_SEARCHED && !is_bottom(&frames[i]); i++) {
        if (begins_with(frames[i].function, "coil_", 5)) {
            own = i + 1;
            break;
        }
    }
    while (own < count && frames[own].own) {
        own++;
    }
    return own < count ? own : 0;
}

size_t ci_symbols_count_own(void *const *addresses, size_t depth)
{
    struct ci_frame frames[FRAMES_MAX];
    size_t count = ci_symbols_find(addresses, depth, frames, FRAMES_MAX);
    size_t own = count_own_frames(frames, count);
    size_t skipped = 0;

    while (own > 0 && skipped < depth && addresses[skipped] != frames[own].address) {
        skipped++;
    }
    return skipped;
}
