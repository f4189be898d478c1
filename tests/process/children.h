/* Children as the tests use them: a line of shell, started, or run to its end. */
#ifndef TESTS_PROCESS_CHILDREN_H
#define TESTS_PROCESS_CHILDREN_H

#include "harness.h"

/* Starts a shell with this command; the rest are options. */
#define start_shell(...)                                                           \
    __extension__({                                                                \
        coil_process *started_;                                                    \
        ck_assert_int_eq(coil_create_subprocess_shell(&started_, __VA_ARGS__), 0); \
        ck_assert_ptr_nonnull(started_);                                           \
        started_;                                                                  \
    })

/* The end of a child, of which the reference is given back. */
static inline int end_of(coil_process *process)
{
    int rc = coil_process_wait(process);

    coil_process_unref(process);
    return rc;
}

#define assert_buffer_is(buffer, text)                  \
    do {                                                \
        ck_assert_uint_eq((buffer).size, strlen(text)); \
        ck_assert_str_eq((buffer).data, text);          \
        coil_buffer_free(&(buffer));                    \
    } while (0)

static inline int sleep_for(void *seconds)
{
    return coil_sleep(*(double *)seconds);
}

static inline int wait_for_process(void *process)
{
    return coil_process_wait(process);
}

/* Whether a process with that id is there, a zombie counted. */
static inline bool exists(pid_t pid)
{
    return kill(pid, 0) == 0;
}

#endif
