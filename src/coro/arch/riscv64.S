/*
 * The switch on riscv64 (the psABI): s0 to s11, the return address in ra, and fs0 to fs11 where floating
 * point is passed in registers. fcsr belongs to the thread and is not switched (see context.h); nor are gp
 * and tp, which do not change.
 *
 * A context that does not run, from sp upwards: ra s0 to s11, one word unused, fs0 to fs11. One that has not
 * started is an odd sp; sp - 1 points to its entry and the argument. The switch is called, so it ends in `ret`:
 * the processor predicts returns from calls, which therefore must pair up. Why an entry is jumped to: see
 * x86_64.S.
 *
 * Landing pads (Zicfilp) are not claimed: the loader leaves them off for a program with this object in it.
 */
#if defined __riscv_float_abi_soft
#define FRAME_BYTES 112
#elif defined __riscv_float_abi_single
#define FRAME_BYTES 208
#define FLOAT_STORE fsw
#define FLOAT_LOAD  flw
#else
#define FRAME_BYTES 208
#define FLOAT_STORE fsd
#define FLOAT_LOAD  fld
#endif

    .text

    .globl ci_context_swap
    .hidden ci_context_swap
    .type ci_context_swap, @function
    .p2align 6
ci_context_swap:                        /* a0: from, a1: to */
    .cfi_startproc
    addi sp, sp, -FRAME_BYTES
    .cfi_adjust_cfa_offset FRAME_BYTES
    sd ra, 0(sp)
    .cfi_rel_offset ra, 0
    sd s0, 8(sp)
    .cfi_rel_offset s0, 8
    sd s1, 16(sp)
    .cfi_rel_offset s1, 16
    sd s2, 24(sp)
    .cfi_rel_offset s2, 24
    sd s3, 32(sp)
    .cfi_rel_offset s3, 32
    sd s4, 40(sp)
    .cfi_rel_offset s4, 40
    sd s5, 48(sp)
    .cfi_rel_offset s5, 48
    sd s6, 56(sp)
    .cfi_rel_offset s6, 56
    sd s7, 64(sp)
    .cfi_rel_offset s7, 64
    sd s8, 72(sp)
    .cfi_rel_offset s8, 72
    sd s9, 80(sp)
    .cfi_rel_offset s9, 80
    sd s10, 88(sp)
    .cfi_rel_offset s10, 88
    sd s11, 96(sp)
    .cfi_rel_offset s11, 96
#ifdef FLOAT_STORE
    FLOAT_STORE fs0, 112(sp)
    FLOAT_STORE fs1, 120(sp)
    FLOAT_STORE fs2, 128(sp)
    FLOAT_STORE fs3, 136(sp)
    FLOAT_STORE fs4, 144(sp)
    FLOAT_STORE fs5, 152(sp)
    FLOAT_STORE fs6, 160(sp)
    FLOAT_STORE fs7, 168(sp)
    FLOAT_STORE fs8, 176(sp)
    FLOAT_STORE fs9, 184(sp)
    FLOAT_STORE fs10, 192(sp)
    FLOAT_STORE fs11, 200(sp)
#endif
    ld t0, 0(a1)
    sd sp, 0(a0)
    andi t1, t0, 1
    bnez t1, .Lstart
    mv sp, t0                           /* from here on the same offsets hold on the other stack */
    .globl ci_context_resumed           /* what ci_context_where names */
    .hidden ci_context_resumed
ci_context_resumed:
#ifdef FLOAT_LOAD
    FLOAT_LOAD fs0, 112(sp)
    FLOAT_LOAD fs1, 120(sp)
    FLOAT_LOAD fs2, 128(sp)
    FLOAT_LOAD fs3, 136(sp)
    FLOAT_LOAD fs4, 144(sp)
    FLOAT_LOAD fs5, 152(sp)
    FLOAT_LOAD fs6, 160(sp)
    FLOAT_LOAD fs7, 168(sp)
    FLOAT_LOAD fs8, 176(sp)
    FLOAT_LOAD fs9, 184(sp)
    FLOAT_LOAD fs10, 192(sp)
    FLOAT_LOAD fs11, 200(sp)
#endif
    ld ra, 0(sp)
    .cfi_same_value ra
    ld s0, 8(sp)
    .cfi_same_value s0
    ld s1, 16(sp)
    .cfi_same_value s1
    ld s2, 24(sp)
    .cfi_same_value s2
    ld s3, 32(sp)
    .cfi_same_value s3
    ld s4, 40(sp)
    .cfi_same_value s4
    ld s5, 48(sp)
    .cfi_same_value s5
    ld s6, 56(sp)
    .cfi_same_value s6
    ld s7, 64(sp)
    .cfi_same_value s7
    ld s8, 72(sp)
    .cfi_same_value s8
    ld s9, 80(sp)
    .cfi_same_value s9
    ld s10, 88(sp)
    .cfi_same_value s10
    ld s11, 96(sp)
    .cfi_same_value s11
    addi sp, sp, FRAME_BYTES
    .cfi_adjust_cfa_offset -FRAME_BYTES
    ret
    .cfi_endproc
    .size ci_context_swap, . - ci_context_swap

    .globl ci_context_resume
    .hidden ci_context_resume
    .type ci_context_resume, @function
    .p2align 4
ci_context_resume:                      /* a0: to. Nothing is saved and nobody returns here. */
    .cfi_startproc
    .cfi_undefined ra
    ld t0, 0(a0)
    andi t1, t0, 1
    bnez t1, .Lstart
    mv sp, t0
    j ci_context_resumed
.Lstart:
    addi sp, t0, -1
    ld t1, 0(sp)
    ld a0, 8(sp)
    addi sp, sp, 16
    lla ra, .Lbottom_return
    li s0, 0                            /* ends a walk along frame pointers */
    jr t1                               /* not t0: a jump through that counts as a return */
    .cfi_endproc
    .size ci_context_resume, . - ci_context_resume

/* What an entry would return to. It is never reached; it is where unwinders find that no caller is above. */
    .globl ci_context_bottom
    .hidden ci_context_bottom
    .type ci_context_bottom, @function
ci_context_bottom:
    .cfi_startproc
    .cfi_undefined ra
    nop
.Lbottom_return:
    ebreak
    .cfi_endproc
    .size ci_context_bottom, . - ci_context_bottom

    .section .note.GNU-stack, "", @progbits
