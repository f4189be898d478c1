/* Files and their names: see coil/io.h. */
#include <coil/io.h>

#include <fcntl.h>
#include <stdarg.h>
#include <sys/sysmacros.h>

#include "io/call.h"

/* An operation on what fd stands for. */
static int run_on(enum ci_op_code code, int fd, const char *what)
{
    struct ci_io_call call;

    call.op.code = code;
    call.op.fd = fd;
    return (int)ci_io_run(&call, what);
}

/* An operation on a name in a directory. What else it takes is in call already. */
static int run_call_at(struct ci_io_call *call, enum ci_op_code code, int directory, const char *name, int flags,
                       unsigned mode, const char *what)
{
    if (name == NULL) {
        return -EFAULT; /* as the kernel has it; the C library's functions may not be asked */
    }
    call->op.code = code;
    call->op.fd = directory;
    call->op.path.name = name;
    call->op.path.flags = flags;
    call->op.path.mode = mode;
    return (int)ci_io_run(call, what);
}

/* One that takes nothing else. */
static int run_at(enum ci_op_code code, int directory, const char *name, int flags, unsigned mode, const char *what)
{
    struct ci_io_call call;

    return run_call_at(&call, code, directory, name, flags, mode, what);
}

/* ---- opening --------------------------------------------------------------------------------------------------------- */

/* The mode is an argument only where a file may be made. */
static unsigned mode_of(int flags, va_list *arguments)
{
    bool makes = flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE;

    return makes ? va_arg(*arguments, unsigned) : 0;
}

int coil_openat(int directory, const char *name, int flags, ...)
{
    va_list arguments;

    va_start(arguments, flags);
    unsigned mode = mode_of(flags, &arguments);
    va_end(arguments);
    return run_at(CI_OP_OPEN, directory, name, flags, mode, "openat");
}

int coil_open(const char *name, int flags, ...)
{
    va_list arguments;

    va_start(arguments, flags);
    unsigned mode = mode_of(flags, &arguments);
    va_end(arguments);
    return run_at(CI_OP_OPEN, AT_FDCWD, name, flags, mode, "open");
}

/* ---- the file -------------------------------------------------------------------------------------------------------- */

int coil_fsync(int fd)
{
    return run_on(CI_OP_SYNC, fd, "fsync");
}

int coil_fdatasync(int fd)
{
    return run_on(CI_OP_DATASYNC, fd, "fdatasync");
}

int coil_ftruncate(int fd, off_t size)
{
    struct ci_io_call call;

    call.op.code = CI_OP_TRUNCATE;
    call.op.fd = fd;
    call.op.size = size;
    return (int)ci_io_run(&call, "ftruncate");
}

/* ---- names ----------------------------------------------------------------------------------------------------------- */

int coil_statx(int directory, const char *name, int flags, unsigned mask, struct statx *status)
{
    struct ci_io_call call;

    if (status == NULL) {
        return -EFAULT;
    }
    call.op.path.status = status;
    return run_call_at(&call, CI_OP_STATX, directory, name, flags, mask, "statx");
}

static struct timespec time_of(const struct statx_timestamp *timestamp)
{
    return (struct timespec){.tv_sec = timestamp->tv_sec, .tv_nsec = (long)timestamp->tv_nsec};
}

int coil_stat(const char *name, struct stat *status)
{
    struct statx found;

    if (status == NULL) {
        return -EFAULT;
    }
    int rc = coil_statx(AT_FDCWD, name, 0, STATX_BASIC_STATS, &found);
    if (rc < 0) {
        return rc;
    }
    *status = (struct stat){
        .st_dev = makedev(found.stx_dev_major, found.stx_dev_minor),
        .st_ino = found.stx_ino,
        .st_mode = found.stx_mode,
        .st_nlink = found.stx_nlink,
        .st_uid = found.stx_uid,
        .st_gid = found.stx_gid,
        .st_rdev = makedev(found.stx_rdev_major, found.stx_rdev_minor),
        .st_size = (off_t)found.stx_size,
        .st_blksize = (blksize_t)found.stx_blksize,
        .st_blocks = (blkcnt_t)found.stx_blocks,
        .st_atim = time_of(&found.stx_atime),
        .st_mtim = time_of(&found.stx_mtime),
        .st_ctim = time_of(&found.stx_ctime),
    };
    return 0;
}

int coil_unlink(const char *name)
{
    return run_at(CI_OP_UNLINK, AT_FDCWD, name, 0, 0, "unlink");
}

int coil_rmdir(const char *name)
{
    return run_at(CI_OP_UNLINK, AT_FDCWD, name, AT_REMOVEDIR, 0, "rmdir");
}

int coil_mkdir(const char *name, mode_t mode)
{
    return run_at(CI_OP_MKDIR, AT_FDCWD, name, 0, mode, "mkdir");
}

int coil_rename(const char *name, const char *new_name)
{
    struct ci_io_call call;

    if (new_name == NULL) {
        return -EFAULT;
    }
    call.op.path.new_name = new_name;
    call.op.path.new_directory = AT_FDCWD;
    return run_call_at(&call, CI_OP_RENAME, AT_FDCWD, name, 0, 0, "rename");
}
