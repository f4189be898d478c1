/*
 * Threads: see thread.h. /proc/self/stat gives their number in one read, without the allocation that listing a directory takes; only
 * where there are several is each looked at.
 */
#include "sys/thread.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/duration.h"
#include "sys/fault.h"

/* proc(5): the fields of a stat file by their numbers, and a flag in the kernel's PF_ words, which have never changed. */
enum { FIELD_NAME = 2, FIELD_FLAGS = 9, FIELD_THREADS = 20, FLAG_EXITING = 4 };

atomic_int ci_sys_own_threads;

/* A field of a stat file behind the name, which stands in parentheses and may contain anything; -1 if it is not there. */
static long parse_field(const char *text, int number)
{
    const char *field = strrchr(text, ')');

    for (int i = FIELD_NAME; field != NULL && i < number; i++) {
        field = strchr(field + 1, ' ');
    }
    return field == NULL ? -1 : strtol(field, NULL, 10);
}

/* Reads a small file of /proc as a text. Returns 0 or a negative errno. */
static int read_text(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        return -errno;
    }
    ssize_t length = read(fd, text, size - 1);
    int rc = length < 0 ? -errno : 0;
    (void)close(fd); /* nothing was written: there is nothing that could be lost */
    text[rc < 0 ? 0 : length] = '\0';
    return rc;
}

/* Whether the thread is on its way out: the kernel goes on counting one for a moment after it was joined. */
static bool is_exiting(const char *id)
{
    char path[64];
    char text[1024];

    (void)snprintf(path, sizeof path, "/proc/self/task/%.20s/stat", id); /* a number: it fits */
    return read_text(path, text, sizeof text) < 0 || parse_field(text, FIELD_FLAGS) & FLAG_EXITING;
}

static int count_living_threads(void)
{
    DIR *tasks = opendir("/proc/self/task");
    const struct dirent *entry;
    int count = 0;

    if (tasks == NULL) {
        return -errno;
    }
    while ((entry = readdir(tasks)) != NULL) {
        count += entry->d_name[0] != '.' && !is_exiting(entry->d_name);
    }
    (void)closedir(tasks); /* it was open for reading only */
    return count;
}

int ci_sys_thread_count(void)
{
    char text[1024];
    int rc = ci_fault("thread_count");

    if (rc == 0) {
        rc = read_text("/proc/self/stat", text, sizeof text);
    }
    if (rc < 0) {
        return rc;
    }
    long threads = parse_field(text, FIELD_THREADS);
    if (threads <= 0) {
        return -EIO;
    }
    return threads == 1 ? 1 : count_living_threads();
}

unsigned ci_sys_cpu_count(void)
{
    cpu_set_t set;
    long count = sched_getaffinity(0, sizeof(set), &set) < 0 ? sysconf(_SC_NPROCESSORS_ONLN) : CPU_COUNT(&set);

    return count < 1 ? 1 : (unsigned)count;
}

/* ---- starting and joining -------------------------------------------------------------------------------------------- */

static void *thread_main(void *arg)
{
    struct ci_thread *thread = arg;

    atomic_store(&thread->id, ci_thread_id());
    (void)pthread_setname_np(pthread_self(), thread->name); /* a longer name is none */
    thread->run(thread->arg);
    return NULL;
}

/* A thread inherits the mask of the one that makes it. */
static int create_blocked(struct ci_thread *thread, const pthread_attr_t *attributes)
{
    sigset_t all;
    sigset_t before;

    (void)sigfillset(&all);
    int rc = pthread_sigmask(SIG_SETMASK, &all, &before);
    if (rc == 0) {
        rc = pthread_create(&thread->thread, attributes, thread_main, thread);
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL); /* this mask was in force already */
    }
    return -rc;
}

static int prepare(struct ci_thread *thread, const char *name, void (*run)(void *arg), void *arg, bool own)
{
    thread->process = getpid();
    thread->own = own;
    thread->name = name;
    thread->run = run;
    thread->arg = arg;
    atomic_init(&thread->id, 0);
    return ci_fault("pthread_create");
}

int ci_thread_start(struct ci_thread *thread, const char *name, void (*run)(void *arg), void *arg, size_t stack_bytes)
{
    pthread_attr_t attributes;
    int rc = prepare(thread, name, run, arg, true);

    if (rc < 0) {
        return rc;
    }
    rc = -pthread_attr_init(&attributes);
    if (rc < 0) {
        return rc;
    }
    (void)pthread_attr_setstacksize(&attributes, stack_bytes); /* too small a size leaves the default */
    atomic_fetch_add(&ci_sys_own_threads, 1);
    rc = create_blocked(thread, &attributes);
    if (rc < 0) {
        atomic_fetch_sub(&ci_sys_own_threads, 1);
    }
    (void)pthread_attr_destroy(&attributes);
    return rc;
}

int ci_thread_start_plain(struct ci_thread *thread, const char *name, void (*run)(void *arg), void *arg)
{
    int rc = prepare(thread, name, run, arg, false);

    return rc < 0 ? rc : -pthread_create(&thread->thread, NULL, thread_main, thread);
}

void ci_thread_join(struct ci_thread *thread)
{
    if (thread->process != getpid()) {
        return; /* nor is it counted here */
    }
    (void)pthread_join(thread->thread, NULL); /* it exists, it is not detached, and it is not this one */
    while (syscall(SYS_tgkill, thread->process, atomic_load(&thread->id), 0) == 0) {
        (void)sched_yield(); /* it has left its stack, and takes a moment more to leave the kernel's books */
    }
    if (thread->own) {
        atomic_fetch_sub(&ci_sys_own_threads, 1);
    }
}

void ci_thread_yield(void)
{
    (void)sched_yield(); /* cannot fail on Linux */
}

/* ---- waiting for each other ------------------------------------------------------------------------------------------ */

void ci_condition_init(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;

    (void)pthread_condattr_init(&attributes); /* none of these can fail: this clock is always there */
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(condition, &attributes);
    (void)pthread_condattr_destroy(&attributes);
}

int ci_condition_wait(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t when_ns)
{
    struct timespec when = {.tv_sec = (time_t)(when_ns / CI_SECOND_NS), .tv_nsec = (long)(when_ns % CI_SECOND_NS)};

    if (when_ns == CI_FOREVER) {
        return -pthread_cond_wait(condition, lock);
    }
    return -pthread_cond_timedwait(condition, lock, &when);
}

/* ---- looking at one -------------------------------------------------------------------------------------------------- */

pid_t ci_thread_id(void)
{
    return (pid_t)syscall(SYS_gettid);
}

int ci_thread_signal(pthread_t thread, int signo)
{
    int rc = ci_fault("pthread_kill");

    return rc < 0 ? rc : -pthread_kill(thread, signo);
}

/* proc(5): "running", or "-1 SP PC", or "NUMBER ARGUMENT*6 SP PC", all but the number in hexadecimal. */
static int parse_system_call(const char *text, struct ci_system_call *call)
{
    uintptr_t words[8] = {0};
    char *at;

    if (strncmp(text, "running", 7) == 0) {
        return 0;
    }
    call->number = strtol(text, &at, 10);
    if (at == text) {
        return -EIO;
    }
    int count = call->number < 0 ? 2 : 8;
    for (int i = 8 - count; i < 8; i++) {
        words[i] = (uintptr_t)strtoull(at, &at, 16);
    }
    memcpy(call->arguments, words, sizeof(call->arguments));
    call->stack_pointer = words[6];
    call->program_counter = words[7];
    return 1;
}

int ci_thread_system_call(pid_t id, struct ci_system_call *call)
{
    char path[64];
    char text[256];
    int rc = ci_fault("thread_system_call");

    if (rc < 0) {
        return rc;
    }
    (void)snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", (int)id);
    rc = read_text(path, text, sizeof(text));
    return rc < 0 ? rc : parse_system_call(text, call);
}
