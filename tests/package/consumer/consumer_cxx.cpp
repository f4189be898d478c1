/*
 * The same from C++, which has no designated initialisers in the order-free way of C: options are a struct
 * that is filled in.
 */
#include <coil.h>

#include <cstdio>

static int greet(void *arg)
{
    int rc = coil_sleep(0);
    if (rc < 0) {
        return rc;
    }
    std::printf("hello from %s\n", static_cast<const char *>(arg));
    return 7;
}

int main()
{
    char who[] = "a coroutine";
    coil_run_options options = {};
    options.size = sizeof options;
    options.arg = who;
    return coil_run_with(greet, &options) == 7 ? 0 : 1;
}
