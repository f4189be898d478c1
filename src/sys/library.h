/*
 * Libraries that are used where they are there and done without where they are not. Whoever opens one knows
 * its functions; this file does not.
 */
#ifndef CI_SYS_LIBRARY_H
#define CI_SYS_LIBRARY_H

/* Loads the shared library of that name for good. Returns NULL if it is not to be had ("dlopen"). */
void *ci_library_open(const char *name);

/*
 * Stores the address of the library's function of that name in *function, a pointer to a function. Returns
 * 0 or -ENOENT.
 */
int ci_library_function(void *library, const char *name, void *function);

#endif
