/* The files of Unix sockets: see socket_path.h. */
#include "sys/socket_path.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/fault.h"

int ci_socket_path_identify(const char *path, struct ci_path_identity *identity)
{
    struct stat status;
    int rc = ci_fault("lstat");

    if (rc < 0) {
        return rc;
    }
    if (lstat(path, &status) < 0) {
        return -errno;
    }
    *identity = (struct ci_path_identity){status.st_dev, status.st_ino, S_ISSOCK(status.st_mode)};
    return 0;
}

int ci_socket_path_set_mode(const char *path, mode_t mode)
{
    int rc = ci_fault("chmod");

    if (rc < 0) {
        return rc;
    }
    return chmod(path, mode) < 0 ? -errno : 0;
}

int ci_socket_path_remove(const char *path)
{
    int rc = ci_fault("unlink");

    if (rc < 0) {
        return rc;
    }
    return unlink(path) < 0 ? -errno : 0;
}
