/* coil: asyncio for C. This includes every public header; each also stands alone. */
#ifndef COIL_H
#define COIL_H

#include <coil/base.h>
#include <coil/dns.h>
#include <coil/io.h>
#include <coil/loop.h>
#include <coil/process.h>
#include <coil/server.h>
#include <coil/signal.h>
#include <coil/stream.h>
#include <coil/sync.h>
#include <coil/task.h>
#include <coil/thread.h>
#include <coil/watch.h>

#endif
