/*
 * Names of errors. They come from the C library's own tables, which need no buffer and no locale, but for the words of
 * those errors that say something else, or more, in coil than in a system call.
 */
#include <errno.h>
#include <string.h>

#include <coil/base.h>

static int magnitude(int rc)
{
    return rc < 0 && rc != INT32_MIN ? -rc : rc;
}

/* Each is also true of what the system calls mean by it: a connection that times out has timed out. */
static const char *words_of_coil(int error)
{
    switch (error) {
    case ETIMEDOUT:
        return "Timed out"; /* "Connection timed out" */
    case EALREADY:
        return "Already done or under way"; /* "Operation already in progress" */
    case EINPROGRESS:
        return "Not done yet"; /* "Operation now in progress" */
    case EDEADLK:
        return "Deadlock"; /* "Resource deadlock avoided" */
    case ESHUTDOWN:
        return "Shut down"; /* "Cannot send after transport endpoint shutdown" */
    case EINTR:
        return "Interrupted"; /* "Interrupted system call" */
    default:
        return NULL;
    }
}

const char *coil_strerror(int rc)
{
    int error = magnitude(rc);
    const char *words = words_of_coil(error);

    if (words == NULL) {
        words = strerrordesc_np(error);
    }
    return words == NULL ? "Unknown error" : words;
}

const char *coil_errname(int rc)
{
    const char *name = strerrorname_np(magnitude(rc));

    return name == NULL ? "EUNKNOWN" : name;
}
