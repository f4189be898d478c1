/*
 * Pages: see memory.h. Linux's advice numbers are spelt out where the C library's headers are older than the
 * kernel. The batch call goes to this very process; kernels that take no such call for an advice (before 6.13
 * they took few, before 5.10 none) get one madvise per range instead, and that is remembered per advice, so
 * that it is asked once.
 */
#include "sys/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef COIL_HAVE_VALGRIND
#include <valgrind/valgrind.h>
#else
#define RUNNING_ON_VALGRIND 0
#endif

#include "sys/fault.h"

#define ADVICE_GUARD_INSTALL    102
#define ADVICE_POPULATE_READ    22
#define SELF_THREAD_GROUP_PIDFD (-10001)
#define RANGES_PER_CALL         512
#define DEFAULT_MAP_LIMIT       65530

static const int advice_numbers[] = {
    [CI_MEMORY_DISCARD] = MADV_DONTNEED,
    [CI_MEMORY_NO_HUGE_PAGE] = MADV_NOHUGEPAGE,
    [CI_MEMORY_GUARD] = ADVICE_GUARD_INSTALL,
};

static atomic_bool batch_refused[sizeof advice_numbers / sizeof advice_numbers[0]];

size_t ci_memory_page_bytes(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

int ci_memory_map(size_t bytes, void **ret)
{
    int rc = ci_fault("mmap");
    void *start;

    if (rc < 0) {
        return rc;
    }
    start = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (start == MAP_FAILED) {
        return -errno;
    }
    *ret = start;
    return 0;
}

int ci_memory_unmap(void *start, size_t bytes)
{
    int rc = ci_fault("munmap");

    if (rc < 0) {
        return rc;
    }
    return munmap(start, bytes) < 0 ? -errno : 0;
}

int ci_memory_protect(void *start, size_t bytes)
{
    int rc = ci_fault("mprotect");

    if (rc < 0) {
        return rc;
    }
    return mprotect(start, bytes, PROT_NONE) < 0 ? -errno : 0;
}

int ci_memory_advise(void *start, size_t bytes, enum ci_memory_advice advice)
{
    int rc = ci_fault("madvise");

    if (rc < 0) {
        return rc;
    }
    return madvise(start, bytes, advice_numbers[advice]) < 0 ? -errno : 0;
}

static int advise_each(const struct iovec *ranges, size_t count, enum ci_memory_advice advice)
{
    for (size_t i = 0; i < count; i++) {
        int rc = ci_memory_advise(ranges[i].iov_base, ranges[i].iov_len, advice);
        if (rc < 0) {
            return rc;
        }
    }
    return 0;
}

/* One call for all ranges. A call that did less than all of them counts as an error, whose reason it did not
 * tell. */
static int advise_batch(const struct iovec *ranges, size_t count, enum ci_memory_advice advice)
{
    int rc = ci_fault("process_madvise");
    size_t bytes = 0;
    long done;

    if (rc < 0) {
        return rc;
    }
    for (size_t i = 0; i < count; i++) {
        bytes += ranges[i].iov_len;
    }
    done = syscall(SYS_process_madvise, SELF_THREAD_GROUP_PIDFD, ranges, count, advice_numbers[advice], 0);
    if (done < 0) {
        return -errno;
    }
    return (size_t)done == bytes ? 0 : -EAGAIN;
}

int ci_memory_advise_many(const struct iovec *ranges, size_t count, enum ci_memory_advice advice)
{
    for (size_t i = 0; i < count; i += RANGES_PER_CALL) {
        size_t n = count - i < RANGES_PER_CALL ? count - i : RANGES_PER_CALL;
        int rc = -ENOSYS;

        /* Valgrind does not know process_madvise and says so at length. */
        if (n > 1 && !RUNNING_ON_VALGRIND && !atomic_load_explicit(&batch_refused[advice], memory_order_relaxed)) {
            rc = advise_batch(ranges + i, n, advice);
            if (rc < 0 && rc != -EAGAIN && rc != -ENOMEM) {
                atomic_store_explicit(&batch_refused[advice], true, memory_order_relaxed);
            }
        }
        if (rc < 0) {
            rc = advise_each(ranges + i, n, advice); /* each of these advices may be given twice */
        }
        if (rc < 0) {
            return rc;
        }
    }
    return 0;
}

bool ci_memory_is_guarded(void *start, size_t bytes)
{
    return ci_fault("madvise") == 0 && madvise(start, bytes, ADVICE_POPULATE_READ) < 0 && errno == EFAULT;
}

int ci_memory_resident(const void *start, size_t bytes, unsigned char *resident)
{
    int rc = ci_fault("mincore");

    if (rc < 0) {
        return rc;
    }
    return mincore((void *)(uintptr_t)start, bytes, resident) < 0 ? -errno : 0;
}

size_t ci_memory_map_limit(void)
{
    char text[32];
    ssize_t n = -1;
    int fd = ci_fault("max_map_count") < 0 ? -1 : open("/proc/sys/vm/max_map_count", O_RDONLY | O_CLOEXEC);

    if (fd >= 0) {
        n = read(fd, text, sizeof text - 1);
        (void)close(fd); /* nothing was written */
    }
    if (n <= 0) {
        return DEFAULT_MAP_LIMIT;
    }
    text[n] = '\0';
    return strtoul(text, NULL, 10);
}
