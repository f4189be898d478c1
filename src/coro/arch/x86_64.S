/*
 * The switch on x86-64 (System V ABI). A context that does not run is three words: where its stack, its frame and
 * its code were left. The waiting function jumps here out of its own body (ci_context_swap in frame.h), having
 * told the compiler that all other registers are lost, and the one to go on with is jumped into likewise. MXCSR
 * and the x87 control word are callee-saved, but hold the floating-point environment, which belongs to the
 * thread and is not switched (see context.h); keeping them costs 2 to 3 ns on every switch.
 *
 * Why jumps: the processor predicts a return from the calls it has seen last. If the switch were a call, its
 * return would go wherever the other side had called it from, and be predicted wrongly whenever the two sides
 * wait in different places, which costs 8 to 10 ns. A jump through a register is predicted by what was done
 * here before. For the same reason an entry is jumped to and an ended context leaves by a jump: between the
 * switch to a new context and the one away from it, calls and returns have cancelled out, and all returns after
 * it are predicted right. That is worth two mispredictions, 15 to 20 ns, per coroutine.
 *
 * Unwinding: to unwinders, ci_context_jump is a function that was called from the place that it was jumped to
 * from, with its return address in a register; and from the instruction on that changes stacks, one that was
 * called from where it goes. That holds at every instruction, so signals and profilers may hit anywhere. pc - 1,
 * which unwinders look up, lies in the waiting function in either case.
 *
 * CET: the places that are jumped to begin with endbr64, so indirect branch tracking holds. A shadow stack cannot
 * hold, since returns happen on another stack than their calls; the property note at the end claims the first
 * alone, so that the loader does not switch the second on.
 */
    .text

    .globl ci_context_jump
    .hidden ci_context_jump
    .type ci_context_jump, @function
    .p2align 6
ci_context_jump:                        /* rdi: from, rsi: to, rax: where from will go on */
    .cfi_startproc
    .cfi_def_cfa rsp, 0
    .cfi_register rip, rax
    movq %rsp, (%rdi)
    movq %rbp, 8(%rdi)
    movq %rax, 16(%rdi)
    movq 8(%rsi), %rdx
    movq 16(%rsi), %rcx
    movq (%rsi), %rsp
    .cfi_register rip, rcx
    .cfi_register rbp, rdx
    movq %rdx, %rbp
    .cfi_same_value rbp
    jmp *%rcx
    .cfi_endproc
    .size ci_context_jump, . - ci_context_jump

    .globl ci_context_resume
    .hidden ci_context_resume
    .type ci_context_resume, @function
    .p2align 4
ci_context_resume:                      /* rdi: to. Nothing is saved and nobody returns here. */
    .cfi_startproc
    .cfi_undefined rip
    movq 8(%rdi), %rbp
    movq 16(%rdi), %rcx
    movq (%rdi), %rsp
    jmp *%rcx
    .globl ci_context_start             /* where a new context's pc points to; rsp points to its entry and the argument */
    .hidden ci_context_start
ci_context_start:
    endbr64
    popq %rax
    popq %rdi
    leaq ci_context_bottom + 1(%rip), %rcx
    pushq %rcx
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
