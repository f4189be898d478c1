/* The dynamic loader: see library.h. */
#include "sys/library.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/auxv.h>

#include "sys/fault.h"

/* A program that no loader has started is a static one: a library would bring a second C library into it. */
static bool has_loader(void)
{
    return getauxval(AT_BASE) != 0;
}

void *ci_library_open(const char *name)
{
    return ci_fault("dlopen") < 0 || !has_loader() ? NULL : dlopen(name, RTLD_NOW | RTLD_LOCAL);
}

int ci_library_function(void *library, const char *name, void *function)
{
    void *address = dlsym(library, name);

    memcpy(function, &address, sizeof(address)); /* the way from one kind of pointer to the other that C allows */
    return address == NULL ? -ENOENT : 0;
}
