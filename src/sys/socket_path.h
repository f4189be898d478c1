/*
 * The file that stands for a Unix socket in the file system: a listener makes it, and has to see that it goes. Wrappers return
 * 0 or a negative errno and ask ci_fault() with the name of their system call first. They block as long as the file system
 * takes, which for a name in a directory is nothing to speak of.
 */
#ifndef CI_SYS_SOCKET_PATH_H
#define CI_SYS_SOCKET_PATH_H

#include <stdbool.h>
#include <sys/types.h>

/* Which file a path led to: enough to see later whether it still leads there. */
struct ci_path_identity {
    dev_t device;
    ino_t inode;
    bool is_socket;
};

/* Does not follow a symbolic link ("lstat"). */
int ci_socket_path_identify(const char *path, struct ci_path_identity *identity);

/* ("chmod") */
int ci_socket_path_set_mode(const char *path, mode_t mode);

/* ("unlink") */
int ci_socket_path_remove(const char *path);

#endif
