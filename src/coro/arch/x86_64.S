/*
 * The switch on x86-64 (System V ABI): rbx, rbp and r12 to r15 survive a call, so they and the return address
 * are all that is kept. MXCSR and the x87 control word are callee-saved too, but hold the floating-point
 * environment, which belongs to the thread and is not switched (see context.h); keeping them costs 2 to 3 ns
 * on every switch.
 *
 * A context that does not run, from sp upwards: r15 r14 r13 r12 rbx rbp, return address. One that has not
 * started is an odd sp; sp - 1 points to its entry and the argument.
 *
 * Calls and returns pair up, on purpose. The processor predicts a return from the calls it has seen last. So
 * a switch ends in `ret`, not in a jump through a register, which would leave the caller's address with the
 * predictor and put every later return one off. For the same reason an entry is jumped to and an ended
 * context leaves by a jump: between the switch to a new context and the one away from it, calls and returns
 * have cancelled out, and all returns after it are predicted right. That is worth two mispredictions, 15 to
 * 20 ns, per coroutine.
 *
 * CET: the functions start with endbr64, so indirect branch tracking holds. A shadow stack cannot hold, since
 * this returns to where another stack was called from; the property note at the end claims the first alone,
 * so that the loader does not switch the second on.
 */
    .text

    .globl ci_context_swap
    .hidden ci_context_swap
    .type ci_context_swap, @function
    .p2align 6
ci_context_swap:                        /* rdi: from, rsi: to */
    .cfi_startproc
    endbr64
    pushq %rbp
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset rbp, 0
    pushq %rbx
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset rbx, 0
    pushq %r12
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset r12, 0
    pushq %r13
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset r13, 0
    pushq %r14
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset r14, 0
    pushq %r15
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset r15, 0
    movq %rsp, (%rdi)
    movq (%rsi), %rax
    testb $1, %al
    jnz .Lstart
    movq %rax, %rsp                     /* from here on the same offsets hold on the other stack */
    .globl ci_context_resumed           /* what ci_context_where names */
    .hidden ci_context_resumed
ci_context_resumed:
    popq %r15
    .cfi_adjust_cfa_offset -8
    .cfi_same_value r15
    popq %r14
    .cfi_adjust_cfa_offset -8
    .cfi_same_value r14
    popq %r13
    .cfi_adjust_cfa_offset -8
    .cfi_same_value r13
    popq %r12
    .cfi_adjust_cfa_offset -8
    .cfi_same_value r12
    popq %rbx
    .cfi_adjust_cfa_offset -8
    .cfi_same_value rbx
    popq %rbp
    .cfi_adjust_cfa_offset -8
    .cfi_same_value rbp
    ret
    .cfi_endproc
    .size ci_context_swap, . - ci_context_swap

    .globl ci_context_resume
    .hidden ci_context_resume
    .type ci_context_resume, @function
    .p2align 4
ci_context_resume:                      /* rdi: to. Nothing is saved and nobody returns here. */
    .cfi_startproc
    .cfi_undefined rip
    endbr64
    movq (%rdi), %rax
    testb $1, %al
    jnz .Lstart
    movq %rax, %rsp
    jmp ci_context_resumed
.Lstart:
    leaq -1(%rax), %rsp
    popq %rax
    popq %rdi
    leaq ci_context_bottom + 1(%rip), %rcx
    pushq %rcx
    xorl %ebp, %ebp                     /* ends a walk along frame pointers */
    jmp *%rax
    .cfi_endproc
    .size ci_context_resume, . - ci_context_resume

/* What an entry would return to. It is never reached; it is where unwinders find that no caller is above. */
    .globl ci_context_bottom
    .hidden ci_context_bottom
    .type ci_context_bottom, @function
ci_context_bottom:
    .cfi_startproc
    .cfi_undefined rip
    nop
    ud2
    .cfi_endproc
    .size ci_context_bottom, . - ci_context_bottom

    .section .note.gnu.property, "a", @note
    .p2align 3
    .long 4                             /* length of the name */
    .long 16                            /* length of what follows it */
    .long 5                             /* NT_GNU_PROPERTY_TYPE_0 */
    .asciz "GNU"
    .long 0xc0000002                    /* GNU_PROPERTY_X86_FEATURE_1_AND */
    .long 4
    .long 1                             /* IBT, not SHSTK */
    .long 0

    .section .note.GNU-stack, "", @progbits
