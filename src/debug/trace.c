/* Debug mode's trace points. */
#include "base/trace.h"

#include "loop/loop.h"

int ci_debug_attach(struct coil_loop *loop)
{
    (void)loop;
    return 0;
}
