/*
 * epoll(7), and a sleep that is exact to the nanosecond. Wrappers return a count, a descriptor or 0, or a negative errno, and
 * ask ci_fault() with the name of their system call first. What is watched, and why, is for others to know.
 */
#ifndef CI_SYS_READINESS_H
#define CI_SYS_READINESS_H

#include <stdint.h>
#include <sys/epoll.h>

/* A new epoll descriptor, close-on-exec ("epoll_create1"). */
int ci_epoll_create(void);

/* As epoll_ctl(2): operation is EPOLL_CTL_ADD, MOD or DEL, data comes back with each event ("epoll_ctl"). */
int ci_epoll_control(int epoll_fd, int operation, int fd, uint32_t events, uint64_t data);

/*
 * Waits for events, at most timeout_ns (0: not at all, CI_FOREVER: until one comes), and returns how many of capacity were
 * filled in. Not early, and late by the system's timer slack alone: before Linux 5.11, which has no epoll_pwait2, by ppoll on
 * the epoll descriptor. -EINTR when a signal handler ran meanwhile ("epoll_wait", "epoll_pwait2", "ppoll").
 */
int ci_epoll_wait(int epoll_fd, struct epoll_event *events, int capacity, int64_t timeout_ns);

#endif
