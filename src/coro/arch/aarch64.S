/*
 * The switch on aarch64 (AAPCS64): x19 to x29, the low halves of v8 to v15, and the return address in x30.
 * FPCR belongs to the thread and is not switched (see context.h). x18 is the platform's and left alone: code
 * built with a shadow call stack in it cannot run on these stacks.
 *
 * A context that does not run, from sp upwards: x29 x30 x19 to x28 d8 to d15. One that has not started is an
 * odd sp; sp - 1 points to its entry and the argument. The switch is called, so it ends in `ret`: the processor
 * predicts returns from calls, which therefore must pair up. Why an entry is jumped to: see x86_64.S.
 *
 * BTI: the functions start with `bti c`, and the property note says so. The return at the end is not checked.
 * No return address is signed here; what compiled code signed with its own stack pointer is still right when
 * the context runs again.
 */
    .text

#define FRAME_BYTES 160

    .globl ci_context_swap
    .hidden ci_context_swap
    .type ci_context_swap, %function
    .p2align 6
ci_context_swap:                        /* x0: from, x1: to */
    .cfi_startproc
    hint #34                            /* bti c */
    stp x29, x30, [sp, #-FRAME_BYTES]!
    .cfi_adjust_cfa_offset FRAME_BYTES
    .cfi_rel_offset x29, 0
    .cfi_rel_offset x30, 8
    stp x19, x20, [sp, #16]
    .cfi_rel_offset x19, 16
    .cfi_rel_offset x20, 24
    stp x21, x22, [sp, #32]
    .cfi_rel_offset x21, 32
    .cfi_rel_offset x22, 40
    stp x23, x24, [sp, #48]
    .cfi_rel_offset x23, 48
    .cfi_rel_offset x24, 56
    stp x25, x26, [sp, #64]
    .cfi_rel_offset x25, 64
    .cfi_rel_offset x26, 72
    stp x27, x28, [sp, #80]
    .cfi_rel_offset x27, 80
    .cfi_rel_offset x28, 88
    stp d8, d9, [sp, #96]
    stp d10, d11, [sp, #112]
    stp d12, d13, [sp, #128]
    stp d14, d15, [sp, #144]
    mov x9, sp
    ldr x10, [x1]
    str x9, [x0]
    tbnz x10, #0, .Lstart
    mov sp, x10                         /* from here on the same offsets hold on the other stack */
    .globl ci_context_resumed           /* what ci_context_where names */
    .hidden ci_context_resumed
ci_context_resumed:
    ldp d8, d9, [sp, #96]
    ldp d10, d11, [sp, #112]
    ldp d12, d13, [sp, #128]
    ldp d14, d15, [sp, #144]
    ldp x19, x20, [sp, #16]
    ldp x21, x22, [sp, #32]
    ldp x23, x24, [sp, #48]
    ldp x25, x26, [sp, #64]
    ldp x27, x28, [sp, #80]
    ldp x29, x30, [sp], #FRAME_BYTES
    .cfi_adjust_cfa_offset -FRAME_BYTES
    .cfi_same_value x29
    .cfi_same_value x30
    .cfi_same_value x19
    .cfi_same_value x20
    .cfi_same_value x21
    .cfi_same_value x22
    .cfi_same_value x23
    .cfi_same_value x24
    .cfi_same_value x25
    .cfi_same_value x26
    .cfi_same_value x27
    .cfi_same_value x28
    ret
    .cfi_endproc
    .size ci_context_swap, . - ci_context_swap

    .globl ci_context_resume
    .hidden ci_context_resume
    .type ci_context_resume, %function
    .p2align 4
ci_context_resume:                      /* x0: to. Nothing is saved and nobody returns here. */
    .cfi_startproc
    .cfi_undefined x30
    hint #34                            /* bti c */
    ldr x10, [x0]
    tbnz x10, #0, .Lstart
    mov sp, x10
    b ci_context_resumed
.Lstart:
    sub x10, x10, #1
    mov sp, x10
    ldp x16, x0, [sp], #16
    adr x30, ci_context_bottom + 4
    mov x29, #0                         /* ends a walk along frame pointers */
    br x16                              /* x16, because `bti c` lets an indirect jump through it in */
    .cfi_endproc
    .size ci_context_resume, . - ci_context_resume

/* What an entry would return to. It is never reached; it is where unwinders find that no caller is above. */
    .globl ci_context_bottom
    .hidden ci_context_bottom
    .type ci_context_bottom, %function
ci_context_bottom:
    .cfi_startproc
    .cfi_undefined x30
    nop
    brk #1
    .cfi_endproc
    .size ci_context_bottom, . - ci_context_bottom

    .section .note.gnu.property, "a", %note
    .p2align 3
    .word 4                             /* length of the name */
    .word 16                            /* length of what follows it */
    .word 5                             /* NT_GNU_PROPERTY_TYPE_0 */
    .asciz "GNU"
    .word 0xc0000000                    /* GNU_PROPERTY_AARCH64_FEATURE_1_AND */
    .word 4
    .word 1                             /* BTI, not PAC */
    .word 0

    .section .note.GNU-stack, "", %progbits
