/*
 * Runs a function in a process of its own, for what ends a process, and tells how that ended and what it
 * wrote to stderr. Children leave no core files.
 */
#ifndef TESTS_CORO_CHILD_H
#define TESTS_CORO_CHILD_H

#include <check.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "coro/sanitizer.h"

/* Under the sanitizers a fault ends with a report of theirs and an exit status, not with the signal. */
#define FAULTS_KILL (!CI_WITH_ASAN && !CI_WITH_TSAN)

struct child_end {
    int status;
    char output[8192];
};

static inline struct child_end run_child(void (*fn)(void))
{
    struct child_end end = {0};
    struct rlimit no_core = {0, 0};
    size_t length = 0;
    ssize_t n;
    int ends[2];
    pid_t child;

    ck_assert_int_eq(pipe(ends), 0);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        setrlimit(RLIMIT_CORE, &no_core);
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        fn();
        _exit(0);
    }
    close(ends[1]);
    while (length < sizeof end.output - 1 &&
           (n = read(ends[0], end.output + length, sizeof end.output - 1 - length)) > 0) {
        length += (size_t)n;
    }
    close(ends[0]);
    ck_assert_int_eq(waitpid(child, &end.status, 0), child);
    return end;
}

static inline bool died_of(const struct child_end *end, int signo)
{
    if (FAULTS_KILL) {
        return WIFSIGNALED(end->status) && WTERMSIG(end->status) == signo;
    }
    return !WIFEXITED(end->status) || WEXITSTATUS(end->status) != 0;
}

static inline bool exited_with(const struct child_end *end, int code)
{
    return WIFEXITED(end->status) && WEXITSTATUS(end->status) == code;
}

#endif
