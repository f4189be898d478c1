/* Interrupted code, for each processor: see interrupted.h. */
#include "debug/interrupted.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/syscall.h>

#include "sys/thread.h"

/*
 * The system calls that a handler cuts short in spite of SA_RESTART, and that have done nothing when they
 * return -EINTR.
 */
static const long cut_short[] = {
#ifdef SYS_nanosleep
    SYS_nanosleep,
#endif
    SYS_clock_nanosleep,
#ifdef SYS_poll
    SYS_poll,
#endif
    SYS_ppoll,
#ifdef SYS_select
    SYS_select,
#endif
    SYS_pselect6,
#ifdef SYS_epoll_wait
    SYS_epoll_wait,
#endif
    SYS_epoll_pwait,
#ifdef SYS_epoll_pwait2
    SYS_epoll_pwait2,
#endif
#ifdef SYS_pause
    SYS_pause,
#endif
    SYS_futex,
    SYS_rt_sigsuspend,
    SYS_rt_sigtimedwait,
#ifdef SYS_semop
    SYS_semop,
#endif
    SYS_semtimedop,
    SYS_msgrcv,
    SYS_msgsnd,
    SYS_recvfrom,
    SYS_recvmsg,
    SYS_recvmmsg,
    SYS_sendto,
    SYS_sendmsg,
    SYS_accept,
    SYS_accept4,
#ifdef SYS_io_getevents
    SYS_io_getevents,
#endif
#ifdef SYS_io_pgetevents
    SYS_io_pgetevents,
#endif
#ifdef SYS_io_uring_enter
    SYS_io_uring_enter,
#endif
    SYS_connect, /* the sockets' calls with SO_RCVTIMEO or SO_SNDTIMEO */
};

static bool is_cut_short(long number)
{
    for (size_t i = 0; i < sizeof(cut_short) / sizeof(cut_short[0]); i++) {
        if (cut_short[i] == number) {
            return true;
        }
    }
    return false;
}

/*
 * For each processor: the registers that the kernel leaves as they were through a system call (arguments
 * from `first_kept` on, the stack pointer), which must be as they were seen; and the way back over the
 * instruction, with what the result has overwritten.
 */
#if defined __x86_64__

enum { INSTRUCTION_BYTES = 2 };

uintptr_t ci_interrupted_pc(const ucontext_t *interrupted)
{
    return (uintptr_t)interrupted->uc_mcontext.gregs[REG_RIP];
}

static bool is_as_seen(const ucontext_t *interrupted, const struct ci_system_call *call)
{
    static const int registers[6] = {REG_RDI, REG_RSI, REG_RDX, REG_R10, REG_R8, REG_R9};
    const greg_t *now = interrupted->uc_mcontext.gregs;

    for (int i = 0; i < 6; i++) {
        if ((uintptr_t)now[registers[i]] != call->arguments[i]) {
            return false;
        }
    }
    return now[REG_RAX] == -EINTR && (uintptr_t)now[REG_RSP] == call->stack_pointer;
}

static void go_back(ucontext_t *interrupted, const struct ci_system_call *call)
{
    interrupted->uc_mcontext.gregs[REG_RIP] -= INSTRUCTION_BYTES;
    interrupted->uc_mcontext.gregs[REG_RAX] = call->number;
}

#elif defined __aarch64__

enum { INSTRUCTION_BYTES = 4, NUMBER_REGISTER = 8 };

uintptr_t ci_interrupted_pc(const ucontext_t *interrupted)
{
    return (uintptr_t)interrupted->uc_mcontext.pc;
}

static bool is_as_seen(const ucontext_t *interrupted, const struct ci_system_call *call)
{
    const mcontext_t *now = &interrupted->uc_mcontext;

    for (int i = 1; i < 6; i++) { /* the first argument's register holds the result */
        if (now->regs[i] != call->arguments[i]) {
            return false;
        }
    }
    return (long)now->regs[0] == -EINTR && (long)now->regs[NUMBER_REGISTER] == call->number &&
           now->sp == call->stack_pointer;
}

static void go_back(ucontext_t *interrupted, const struct ci_system_call *call)
{
    interrupted->uc_mcontext.pc -= INSTRUCTION_BYTES;
    interrupted->uc_mcontext.regs[0] = call->arguments[0];
}

#elif defined __riscv

enum { INSTRUCTION_BYTES = 4, FIRST_ARGUMENT = REG_A0, NUMBER_REGISTER = REG_A0 + 7 };

uintptr_t ci_interrupted_pc(const ucontext_t *interrupted)
{
    return (uintptr_t)interrupted->uc_mcontext.__gregs[REG_PC];
}

static bool is_as_seen(const ucontext_t *interrupted, const struct ci_system_call *call)
{
    const unsigned long *now = interrupted->uc_mcontext.__gregs;

    for (int i = 1; i < 6; i++) { /* the first argument's register holds the result */
        if (now[FIRST_ARGUMENT + i] != call->arguments[i]) {
            return false;
        }
    }
    return (long)now[FIRST_ARGUMENT] == -EINTR && (long)now[NUMBER_REGISTER] == call->number &&
           now[REG_SP] == call->stack_pointer;
}

static void go_back(ucontext_t *interrupted, const struct ci_system_call *call)
{
    interrupted->uc_mcontext.__gregs[REG_PC] -= INSTRUCTION_BYTES;
    interrupted->uc_mcontext.__gregs[FIRST_ARGUMENT] = call->arguments[0];
}

#else

uintptr_t ci_interrupted_pc(const ucontext_t *interrupted)
{
    (void)interrupted;
    return 0;
}

static bool is_as_seen(const ucontext_t *interrupted, const struct ci_system_call *call)
{
    (void)interrupted;
    (void)call;
    return false; /* a system call may be cut short here */
}

static void go_back(ucontext_t *interrupted, const struct ci_system_call *call)
{
    (void)interrupted;
    (void)call;
}

#endif

void ci_interrupted_restart(ucontext_t *interrupted, const struct ci_system_call *call)
{
    if (is_cut_short(call->number) && ci_interrupted_pc(interrupted) == call->program_counter &&
        is_as_seen(interrupted, call)) {
        go_back(interrupted, call);
    }
}
