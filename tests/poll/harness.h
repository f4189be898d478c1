/*
 * What the tests of the poller share: a poller, operations that note their completion, pairs of descriptors, and a hook that
 * counts system calls, fails them on command, or makes the kernel look like an older one. Every descriptor is a blocking one
 * unless a test says otherwise, since that is what callers bring.
 */
#ifndef TESTS_POLL_HARNESS_H
#define TESTS_POLL_HARNESS_H

#include <check.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "poll/poll.h"
#include "tests/support/descriptors.h"

#define MILLISECOND INT64_C(1000000)
#define SECOND      (1000 * MILLISECOND)

/* An operation and what became of it. */
struct job {
    struct ci_op op;
    int completions;
    int order; /* when it was completed, counted over all jobs */
    bool at_once;
};

extern struct ci_poller *poller;

/* Whether the poller is io_uring, because COIL_BACKEND says so; else it is epoll. */
bool on_uring(void);

/* Opens it, as it is opened in earnest. Returns 0 or a negative errno. */
int try_open_poller(void);

/* Opens the poller; every test begins with it. kernel 0 is this one, 1 one without what came after 5.10. */
void open_poller(int kernel);

/* Checks that nothing is in flight and closes the poller. */
void close_poller(void);

/* Closes the descriptors, those that are not -1, and then the poller: so most tests end. */
void end(const int fds[2]);

/* Submit an operation. Afterwards either job->at_once or its completion is to come; an error of submit fails the test. */
void start(struct job *job);
void start_recv(struct job *job, int fd, void *data, size_t size, int flags);
void start_send(struct job *job, int fd, const void *data, size_t size, int flags);
void start_read(struct job *job, int fd, void *data, size_t size);
void start_write(struct job *job, int fd, const void *data, size_t size);
void start_poll(struct job *job, int fd, short events);
void start_accept(struct job *job, int fd);
void start_connect(struct job *job, int fd, const void *address, socklen_t length);

bool is_over(const struct job *job);

/* Waits until the job is over, at most a few seconds, and returns its result. */
int64_t finish(struct job *job);

/* Lets the poller look for so long; the job must not be over then. */
void stays_waiting(struct job *job, int64_t for_ns);

/* Asks the operation to end and returns what it came to. */
int64_t cancel(struct job *job);

/* A connected TCP pair; the first end is what the poller accepted, from an operation, so one of coil's own making. */
void tcp_pair(int fds[2]);

/* A listening socket on the loopback address, and its address. */
int tcp_listener(struct sockaddr_in *address);

/* A plainly accepted TCP pair, of which the poller knows nothing. */
void plain_tcp_pair(int fds[2]);

void unix_pair(int type, int fds[2]);

/* Fills whatever stands between fd and its reader, without blocking; returns how many bytes it took. */
size_t fill(int fd);

/* Reads n bytes and throws them away, blocking. */
void drain(int fd, size_t n);

/* How many calls of that name were made since count_calls(). NULL: of any name. */
void count_calls(void);
int calls_of(const char *name);

/* Fails the n-th call from now on with error. An interrupted connect would go on by itself, which cannot be made up here: it
 * is let through. */
void fail_nth_call(int nth, int error);
bool call_failed(void);

/* No more counting, failing or pretending. */
void no_hook(void);

int64_t now_ns(void);

#endif
