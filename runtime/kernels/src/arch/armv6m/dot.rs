//! One row on Armv6-M.

use core::arch::naked_asm;

/// `sum w[i] * x[i]` of `n` bytes each. 22 instructions for 4 products, and 7 for one before the first four.
///
/// # Safety
/// `n` bytes can be read at `w` and at `x`.
// SAFETY: reads both from start to end and nothing else; keeps r4 to r6 and the stack as the ABI asks.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn dot(w: *const i8, x: *const i8, n: usize) -> i32 {
    naked_asm!(
        "push {{r4, r5, r6, lr}}",
        // The ends of both: the column in r2 counts up to 0.
        "adds r0, r0, r2",
        "adds r1, r1, r2",
        "movs r3, #0",
        "lsls r6, r2, #30",
        "rsbs r2, r2, #0",
        "beq 4f",
        // Columns that are no whole four come first.
        "cmp r6, #0",
        "beq 3f",
        "2: ldrsb r4, [r0, r2]",
        "ldrsb r5, [r1, r2]",
        "muls r4, r5, r4",
        "adds r3, r3, r4",
        "adds r2, #1",
        "beq 4f",
        "lsls r6, r2, #30",
        "bne 2b",
        "3:",
        ".rept 4",
        "ldrsb r4, [r0, r2]",
        "ldrsb r5, [r1, r2]",
        "muls r4, r5, r4",
        "adds r3, r3, r4",
        "adds r2, #1",
        ".endr",
        "bne 3b",
        "4: mov r0, r3",
        "pop {{r4, r5, r6, pc}}",
    )
}
