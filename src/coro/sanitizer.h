/*
 * What the compiler was asked to build in, and the calls by which AddressSanitizer, ThreadSanitizer and
 * valgrind learn about stacks. Without them every macro here is nothing. Included by the files of this room
 * alone.
 */
#ifndef CI_CORO_SANITIZER_H
#define CI_CORO_SANITIZER_H

#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define CI_WITH_ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define CI_WITH_TSAN 1
#endif
#endif
#if defined __SANITIZE_ADDRESS__ && !defined CI_WITH_ASAN
#define CI_WITH_ASAN 1
#endif
#if defined __SANITIZE_THREAD__ && !defined CI_WITH_TSAN
#define CI_WITH_TSAN 1
#endif
#ifndef CI_WITH_ASAN
#define CI_WITH_ASAN 0
#endif
#ifndef CI_WITH_TSAN
#define CI_WITH_TSAN 0
#endif

#if CI_WITH_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>
/* What only a coroutine's stack points to has not leaked. */
#define CI_LSAN_REGISTER_ROOT(start, bytes)   __lsan_register_root_region(start, bytes)
#define CI_LSAN_UNREGISTER_ROOT(start, bytes) __lsan_unregister_root_region(start, bytes)
#else
#define CI_LSAN_REGISTER_ROOT(start, bytes)       ((void)(start), (void)(bytes))
#define CI_LSAN_UNREGISTER_ROOT(start, bytes)     ((void)(start), (void)(bytes))
#define ASAN_POISON_MEMORY_REGION(start, bytes)   ((void)(start), (void)(bytes))
#define ASAN_UNPOISON_MEMORY_REGION(start, bytes) ((void)(start), (void)(bytes))
#endif

#if CI_WITH_TSAN
#include <sanitizer/tsan_interface.h>
#endif

#ifdef COIL_HAVE_VALGRIND
#include <valgrind/memcheck.h>
#include <valgrind/valgrind.h>
#else
#define RUNNING_ON_VALGRIND                       0
#define VALGRIND_STACK_REGISTER(low, top)         ((void)(low), (void)(top), 0u)
#define VALGRIND_STACK_DEREGISTER(id)             ((void)(id))
#define VALGRIND_MAKE_MEM_UNDEFINED(start, bytes) ((void)(start), (void)(bytes))
#define VALGRIND_MAKE_MEM_NOACCESS(start, bytes)  ((void)(start), (void)(bytes))
#endif

#endif
