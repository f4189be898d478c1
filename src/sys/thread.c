/*
 * Counting threads: see thread.h. /proc/self/stat says it in one read, without the allocation that listing a directory takes.
 */
#include "sys/thread.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sys/fault.h"

/* proc(5): num_threads is the 20th field; the 2nd is the program's name in parentheses, which may contain anything. */
enum { FIELDS_BEFORE_THREADS = 18 };

atomic_int ci_sys_own_threads;

/* The number in the text of /proc/self/stat, or -EIO if it is not there. */
static int parse_thread_count(const char *text)
{
    const char *field = strrchr(text, ')');
    long threads;

    for (int i = 0; field != NULL && i < FIELDS_BEFORE_THREADS; i++) {
        field = strchr(field + 1, ' ');
    }
    threads = field == NULL ? 0 : strtol(field, NULL, 10);
    return threads > 0 && threads < 1 << 30 ? (int)threads : -EIO;
}

int ci_sys_thread_count(void)
{
    char text[1024];
    ssize_t size;
    int rc = ci_fault("thread_count");
    int fd;

    if (rc < 0) {
        return rc;
    }
    fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    size = read(fd, text, sizeof text - 1);
    rc = size < 0 ? -errno : 0;
    (void)close(fd); /* nothing was written: there is nothing that could be lost */
    if (rc < 0) {
        return rc;
    }
    text[size] = '\0';
    return parse_thread_count(text);
}
