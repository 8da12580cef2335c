//! Value rows with the vector extension: of sixteen rows at once, whichever are not skipped, a column is a product of vectors.
//!
//! 23 instructions for four outputs of sixteen rows, 0.36 a product: for each output two gathering loads bring sixteen weights, one of each row,
//! and two VMLADAVA multiply them with the rows' factors. Finding the rows takes some 12 instructions each, 20 for sixteen, and 8 for a
//! skipped one. Up to four rows that are left take 1.25 a product, by plain loads of four weights, widened. A gathering load takes more cycles than a plain one: counts of instructions flatter this kernel more than others.
//!
//! Rejected: such plain loads throughout (0.62 with four rows at once, for sums are loaded and stored).

use core::arch::naked_asm;

/// One output: its weights at r5 and, with q1 and q2, of sixteen rows; the factors in q3 and q4.
macro_rules! output {
    ($sum:literal) => {
        concat!(
            "vldrb.s16 q0, [r5, q1]\n",
            "vmladava.s16 ",
            $sum,
            ", q0, q3\n",
            "vldrb.s16 q0, [r5, q2]\n",
            "vmladava.s16 ",
            $sum,
            ", q0, q4\n",
            "adds r5, #1"
        )
    };
}

/// Adds rows of `n` weights each from `v`, each times its byte from `h` to `h_end`, to the `n` sums at `acc`.
///
/// # Safety
/// `n` words can be read and written at `acc`; bytes can be read from `h` to `h_end`, and `n` for each of them at `v`.
// SAFETY: reads rows from start to end and nothing else, writes the sums. A row that is less than 65536 bytes from the first is one of those at
// `v`, as its factor is one of those at `h`; where fewer than sixteen are found, what is missing is the first row, times 0. Keeps r4 to r11,
// d8, d9 and the stack as the ABI asks, which leaves q0 to q3 to whoever is called.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn axpys(acc: *mut i32, n: usize, v: *const i8, h: *const i8, h_end: *const i8) {
    naked_asm!(
        env!("LEAFGATE_CPU"),
        "push {{r4, r5, r6, r7, r8, r9, r10, r11, lr}}",
        "vpush {{d8, d9}}",
        "sub sp, #48",
        "mov r7, r0",
        "ldr r12, [sp, #100]",
        // Distances from r5 of up to sixteen rows, at sp, and their factors behind these.
        "1: mov r4, sp",
        "vmov.i32 q0, #0",
        "vstrw.32 q0, [r4]",
        "vstrw.32 q0, [r4, #16]",
        "vstrw.32 q0, [r4, #32]",
        "add r6, r4, #32",
        "mov r9, r6",
        "mov r5, r2",
        "2: cmp r3, r12",
        "beq 4f",
        "ldrsb r0, [r3]",
        "cbz r0, 3f",
        "subs r10, r2, r5",
        "lsrs r11, r10, #16",
        "bne 4f",
        "strh r10, [r4], #2",
        "strb r0, [r6], #1",
        "3: adds r3, #1",
        "adds r2, r2, r1",
        "cmp r4, r9",
        "bne 2b",
        // None may have been found, before the end or before one too far away.
        "4: cmp r6, r9",
        "beq 7f",
        "subs r6, r6, r9",
        "mov r4, sp",
        "cmp r6, #4",
        "bls 8f",
        "vldrh.u16 q1, [r4]",
        "vldrh.u16 q2, [r4, #16]",
        "adds r4, #32",
        "vldrb.s16 q3, [r4]",
        "vldrb.s16 q4, [r4, #8]",
        "mov r0, r7",
        "lsr lr, r1, #2",
        "wls lr, lr, 6f",
        "5: ldm r0, {{r4, r6, r8, r10}}",
        output!("r4"),
        output!("r6"),
        output!("r8"),
        output!("r10"),
        "stm r0!, {{r4, r6, r8, r10}}",
        "le lr, 5b",
        // Up to three outputs are left.
        "6: and lr, r1, #3",
        "wls lr, lr, 7f",
        "5: ldr r4, [r0]",
        output!("r4"),
        "str r4, [r0], #4",
        "le lr, 5b",
        "b 7f",
        // Four or fewer: one after the other.
        "8: ldrh r10, [r4], #2",
        "ldrsb r8, [r9], #1",
        "add r0, r5, r10",
        "mov r11, r7",
        "wlstp.32 lr, r1, 6f",
        "5: vldrw.u32 q0, [r11]",
        "vldrb.s32 q1, [r0], #4",
        "vmla.s32 q0, q1, r8",
        "vstrw.32 q0, [r11], #16",
        "letp lr, 5b",
        "6: subs r6, #1",
        "bne 8b",
        "7: cmp r3, r12",
        "bne 1b",
        "add sp, #48",
        "vpop {{d8, d9}}",
        "pop {{r4, r5, r6, r7, r8, r9, r10, r11, pc}}",
    )
}
