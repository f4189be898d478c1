/* The dynamic loader: see library.h. */
#include "sys/library.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

#include "sys/fault.h"

void *ci_library_open(const char *name)
{
    return ci_fault("dlopen") < 0 ? NULL : dlopen(name, RTLD_NOW | RTLD_LOCAL);
}

int ci_library_function(void *library, const char *name, void *function)
{
    void *address = dlsym(library, name);

    memcpy(function, &address, sizeof(address)); /* the way from one kind of pointer to the other that C allows */
    return address == NULL ? -ENOENT : 0;
}
