//! Value rows with the DSP extension: four rows at once, of which two make pairs for SMLAD.
//!
//! 27.5 instructions for four outputs of four rows, 1.72 a product: LDM and STM of four sums, and for each two rows
//!
//! ```text
//! pkhbt  t, j, k, lsl #16      two outputs of both rows; pkhtb the other two
//! sxtb16 e, t                  one output of both rows; ror #8 the other
//! smlad  sum, e, (h_j, h_k), sum
//! ```
//! and 12 for an output beyond the last four. One row that is left takes 2.75 a product. Finding four rows that are not skipped takes 44, and 7
//! for each skipped one.
//!
//! Rejected: one row at a time with SMLABB (2.25 without the loop), two rows (1.75, and twice the loops); sums of rows in halves of a word (the
//! sums of two products need all 16 bits, so that every two rows are unpacked).

use core::arch::naked_asm;

/// The next row that is not skipped: its factor and where it is.
macro_rules! find {
    ($h:literal, $row:literal, $ended:literal) => {
        concat!(
            "2: cmp r3, lr\n",
            "beq ",
            $ended,
            "\n",
            "ldrsb ",
            $h,
            ", [r3], #1\n",
            "mov ",
            $row,
            ", r2\n",
            "adds r2, r2, r1\n",
            "cmp ",
            $h,
            ", #0\n",
            "beq 2b"
        )
    };
}

/// Four outputs of two rows.
macro_rules! two_rows {
    ($j:literal, $k:literal, $h:literal) => {
        concat!(
            "ldr r6, [",
            $j,
            "], #4\n",
            "ldr r7, [",
            $k,
            "], #4\n",
            "pkhbt lr, r6, r7, lsl #16\n",
            "pkhtb r7, r7, r6, asr #16\n",
            "sxtb16 r6, lr\n",
            "sxtb16 lr, lr, ror #8\n",
            "smlad r0, r6, ",
            $h,
            ", r0\n",
            "smlad r1, lr, ",
            $h,
            ", r1\n",
            "sxtb16 r6, r7\n",
            "sxtb16 r7, r7, ror #8\n",
            "smlad r2, r6, ",
            $h,
            ", r2\n",
            "smlad r3, r7, ",
            $h,
            ", r3"
        )
    };
}

/// Adds rows of `n` weights each from `v`, each times its byte from `h` to `h_end`, to the `n` sums at `acc`.
///
/// # Safety
/// `n` words can be read and written at `acc`; bytes can be read from `h` to `h_end`, and `n` for each of them at `v`. Neither these nor `h`
/// need be aligned: LDR takes any address unless a system has made that a fault, with which the compiler's own code does not work either.
// SAFETY: reads each row from start to end and nothing else, writes the sums; keeps r4 to r11 and the stack as the ABI asks. Whether SMLAD
// has set the Q flag means nothing to the compiler.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn axpys(acc: *mut i32, n: usize, v: *const i8, h: *const i8, h_end: *const i8) {
    naked_asm!(
        env!("LEAFGATE_CPU"),
        // At sp: the ends of the sums and of their whole fours, the sums, n, the next row and its factor; above what is kept, h_end.
        "push {{r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, r10, r11, lr}}",
        "add r4, r0, r1, lsl #2",
        "bic r5, r1, #3",
        "add r5, r0, r5, lsl #2",
        "push {{r4, r5}}",
        // Rows at r8 to r11, their factors in r4 to r7.
        "1: ldr lr, [sp, #60]",
        find!("r4", "r8", "9f"),
        find!("r5", "r9", "3f"),
        find!("r6", "r10", "4f"),
        find!("r7", "r11", "5f"),
        "b 6f",
        // What is missing is the first row times nothing.
        "3: movs r5, #0",
        "mov r9, r8",
        "4: movs r6, #0",
        "mov r10, r8",
        "5: movs r7, #0",
        "mov r11, r8",
        // Factors in pairs, in r4 and r5; sums at r12.
        "6: strd r2, r3, [sp, #16]",
        "movs r2, r5",
        "pkhbt r4, r4, r5, lsl #16",
        "pkhbt r5, r6, r7, lsl #16",
        "ldrd r7, r12, [sp, #4]",
        "beq 5f",
        "cmp r7, r12",
        "beq 8f",
        // An odd number of fours begins with the second of two.
        "subs r7, r7, r12",
        "lsls r7, r7, #27",
        "bmi 3f",
        "2: ldm r12, {{r0, r1, r2, r3}}",
        two_rows!("r8", "r9", "r4"),
        two_rows!("r10", "r11", "r5"),
        "stm r12!, {{r0, r1, r2, r3}}",
        "3: ldm r12, {{r0, r1, r2, r3}}",
        two_rows!("r8", "r9", "r4"),
        two_rows!("r10", "r11", "r5"),
        "stm r12!, {{r0, r1, r2, r3}}",
        "ldr r7, [sp, #4]",
        "cmp r7, r12",
        "bne 2b",
        "b 8f",
        // One row.
        "4: ldm r12, {{r0, r1, r2, r3}}",
        "ldr r6, [r8], #4",
        "sxtb16 lr, r6",
        "sxtb16 r6, r6, ror #8",
        "smlabb r0, lr, r4, r0",
        "smlabb r1, r6, r4, r1",
        "smlatb r2, lr, r4, r2",
        "smlatb r3, r6, r4, r3",
        "stm r12!, {{r0, r1, r2, r3}}",
        "5: cmp r7, r12",
        "bne 4b",
        // Up to three outputs are left.
        "8: ldr r7, [sp]",
        "b 8f",
        "7: ldr r0, [r12]",
        "ldrsb r1, [r8], #1",
        "smlabb r0, r1, r4, r0",
        "ldrsb r1, [r9], #1",
        "smlabt r0, r1, r4, r0",
        "ldrsb r1, [r10], #1",
        "smlabb r0, r1, r5, r0",
        "ldrsb r1, [r11], #1",
        "smlabt r0, r1, r5, r0",
        "str r0, [r12], #4",
        "8: cmp r7, r12",
        "bne 7b",
        "ldrd r1, r2, [sp, #12]",
        "ldr r3, [sp, #20]",
        "b 1b",
        "9: add sp, #24",
        "pop {{r4, r5, r6, r7, r8, r9, r10, r11, pc}}",
    )
}
