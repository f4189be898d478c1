/* coil: asyncio for C. This includes every public header; each also stands alone. */
#ifndef COIL_H
#define COIL_H

#include <coil/base.h>
#include <coil/io.h>
#include <coil/loop.h>
#include <coil/process.h>
#include <coil/signal.h>
#include <coil/sync.h>
#include <coil/task.h>
#include <coil/thread.h>

#endif
