/* Names of errors. They come from the C library's own tables, which need no buffer and no locale. */
#include <string.h>

#include <coil/base.h>

static int magnitude(int rc)
{
    return rc < 0 && rc != INT32_MIN ? -rc : rc;
}

const char *coil_strerror(int rc)
{
    const char *words = strerrordesc_np(magnitude(rc));

    return words == NULL ? "Unknown error" : words;
}

const char *coil_errname(int rc)
{
    const char *name = strerrorname_np(magnitude(rc));

    return name == NULL ? "EUNKNOWN" : name;
}
