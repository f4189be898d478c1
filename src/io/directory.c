/* Listing a directory: see coil/io.h. Many entries are fetched at a time, in a thread: the kernel has no other way. */
#include <coil/io.h>

#include <fcntl.h>

#include "io/call.h"
#include "sys/alloc.h"

enum { ENTRIES_BYTES = 32768 };

struct coil_dir {
    int fd;
    size_t position;
    size_t size;
    _Alignas(struct dirent) char entries[ENTRIES_BYTES];
};

int coil_opendir(coil_dir **ret, const char *name)
{
    struct coil_dir *dir;

    if (ret == NULL) {
        return -EINVAL;
    }
    *ret = NULL;
    int fd = coil_open(name, O_RDONLY | O_DIRECTORY);
    if (fd < 0) {
        return fd;
    }
    dir = ci_alloc(sizeof *dir);
    if (dir == NULL) {
        (void)coil_close(fd); /* it was only just opened */
        return -ENOMEM;
    }
    dir->fd = fd;
    dir->position = dir->size = 0;
    *ret = dir;
    return 0;
}

static int fetch(struct coil_dir *dir)
{
    struct ci_io_call call;

    call.op.code = CI_OP_ENTRIES;
    call.op.fd = dir->fd;
    call.op.buffer.data = dir->entries;
    call.op.buffer.size = sizeof dir->entries;
    int64_t got = ci_io_run(&call, "readdir");
    if (got > 0) {
        dir->position = 0;
        dir->size = (size_t)got;
    }
    return got < 0 ? (int)got : got > 0;
}

int coil_readdir(coil_dir *dir, const struct dirent **entry)
{
    if (dir == NULL || entry == NULL) {
        return -EINVAL;
    }
    *entry = NULL;
    if (dir->position >= dir->size) {
        int rc = fetch(dir);
        if (rc <= 0) {
            return rc;
        }
    }
    const struct dirent *next = (const struct dirent *)(const void *)(dir->entries + dir->position);
    dir->position += next->d_reclen;
    *entry = next;
    return 1;
}

int coil_closedir(coil_dir *dir)
{
    if (dir == NULL) {
        return 0;
    }
    int rc = coil_close(dir->fd);
    ci_free(dir);
    return rc;
}
