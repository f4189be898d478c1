/*
 * A switch whose caller looks at every register that must survive it: test_swap loads the callee-saved
 * registers from `in`, calls ci_context_swap, and stores what they hold afterwards to `out`. Written in
 * assembly, for no compiler can be asked to. Where a switch jumps, only the frame pointer is left to the assembly;
 * that the compiler keeps the others is what values_survive is about.
 */
#ifndef TESTS_CORO_REGISTERS_H
#define TESTS_CORO_REGISTERS_H

#include <stdint.h>

#include "coro/context.h"

void test_swap(struct ci_context *from, struct ci_context *to, const uint64_t *in, uint64_t *out);

#if CI_SWITCH_JUMPS
#define TEST_REGISTERS 1
__asm__(".text\n"
        ".globl test_swap\n"
        ".type test_swap, @function\n"
        "test_swap:\n"
        "    pushq %rbp\n    pushq %rbx\n    pushq %r12\n    pushq %r13\n    pushq %r14\n    pushq %r15\n"
        "    pushq %rcx\n"
        "    movq 0(%rdx), %rbp\n"
        "    leaq 1f(%rip), %rax\n"
        "    jmp ci_context_jump\n"
        "1:  endbr64\n"
        "    popq %rcx\n"
        "    movq %rbp, 0(%rcx)\n"
        "    popq %r15\n    popq %r14\n    popq %r13\n    popq %r12\n    popq %rbx\n    popq %rbp\n"
        "    ret\n"
        ".size test_swap, . - test_swap\n");
#elif defined __aarch64__
#define TEST_REGISTERS 19 /* x19 to x29, d8 to d15 */
#define TEST_EACH(op, base)                                                                                  \
    "    " op " x19, [" base "]\n    " op " x20, [" base ", #8]\n    " op " x21, [" base ", #16]\n"          \
    "    " op " x22, [" base ", #24]\n    " op " x23, [" base ", #32]\n    " op " x24, [" base ", #40]\n"    \
    "    " op " x25, [" base ", #48]\n    " op " x26, [" base ", #56]\n    " op " x27, [" base ", #64]\n"    \
    "    " op " x28, [" base ", #72]\n    " op " x29, [" base ", #80]\n    " op " d8, [" base ", #88]\n"     \
    "    " op " d9, [" base ", #96]\n    " op " d10, [" base ", #104]\n    " op " d11, [" base ", #112]\n"   \
    "    " op " d12, [" base ", #120]\n    " op " d13, [" base ", #128]\n    " op " d14, [" base ", #136]\n" \
    "    " op " d15, [" base ", #144]\n"
__asm__(".text\n"
        ".globl test_swap\n"
        ".type test_swap, %function\n"
        "test_swap:\n"
        "    sub sp, sp, #176\n"
        "    str x30, [sp, #160]\n"
        "    str x3, [sp, #168]\n" TEST_EACH("str", "sp")
            TEST_EACH("ldr", "x2") "    bl ci_context_swap\n"
                                   "    ldr x3, [sp, #168]\n" TEST_EACH("str", "x3")
                                       TEST_EACH("ldr", "sp") "    ldr x30, [sp, #160]\n"
                                                              "    add sp, sp, #176\n"
                                                              "    ret\n"
                                                              ".size test_swap, . - test_swap\n");
#elif defined __riscv
#define TEST_REGISTERS 24 /* s0 to s11, fs0 to fs11 */
#define TEST_EACH(x, f, base)                                                                                          \
    "    " x " s0, 0(" base ")\n    " x " s1, 8(" base ")\n    " x " s2, 16(" base ")\n    " x " s3, 24(" base ")\n"   \
    "    " x " s4, 32(" base ")\n    " x " s5, 40(" base ")\n    " x " s6, 48(" base ")\n    " x " s7, 56(" base ")\n" \
    "    " x " s8, 64(" base ")\n    " x " s9, 72(" base ")\n    " x " s10, 80(" base ")\n    " x " s11, 88(" base     \
    ")\n"                                                                                                              \
    "    " f " fs0, 96(" base ")\n    " f " fs1, 104(" base ")\n    " f " fs2, 112(" base ")\n    " f                  \
    " fs3, 120(" base ")\n"                                                                                            \
    "    " f " fs4, 128(" base ")\n    " f " fs5, 136(" base ")\n    " f " fs6, 144(" base ")\n    " f                 \
    " fs7, 152(" base ")\n"                                                                                            \
    "    " f " fs8, 160(" base ")\n    " f " fs9, 168(" base ")\n    " f " fs10, 176(" base ")\n    " f                \
    " fs11, 184(" base ")\n"
__asm__(".text\n"
        ".globl test_swap\n"
        ".type test_swap, @function\n"
        "test_swap:\n"
        "    addi sp, sp, -208\n"
        "    sd ra, 192(sp)\n"
        "    sd a3, 200(sp)\n" TEST_EACH("sd", "fsd", "sp")
            TEST_EACH("ld", "fld", "a2") "    call ci_context_swap\n"
                                         "    ld a3, 200(sp)\n" TEST_EACH("sd", "fsd", "a3")
                                             TEST_EACH("ld", "fld", "sp") "    ld ra, 192(sp)\n"
                                                                          "    addi sp, sp, 208\n"
                                                                          "    ret\n"
                                                                          ".size test_swap, . - test_swap\n");
#endif

#endif
