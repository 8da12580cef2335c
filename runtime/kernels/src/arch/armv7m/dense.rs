//! Armv7-M, and Armv8-M Mainline without the DSP extension: a load with post-increment and MLA a product, and a load of `x` for four.
//! 38 instructions for 16 products, 2.38 each.

use core::arch::naked_asm;

/// One column: `x`, then a weight of each row.
macro_rules! column {
    () => {
        "ldrsb r3, [r2], #1
        ldrsb r12, [r0], #1
        mla r7, r12, r3, r7
        ldrsb r12, [r4], #1
        mla r8, r12, r3, r8
        ldrsb r12, [r5], #1
        mla r9, r12, r3, r9
        ldrsb r12, [r6], #1
        mla r10, r12, r3, r10"
    };
}

/// Four rows of `cols` weights each from `w`, times `x`, to `sums`.
///
/// # Safety
/// `4 * cols` bytes can be read at `w` and `cols` at `x`; four words can be written at `sums`.
// SAFETY: reads the rows from start to end and nothing else, writes four words; keeps r4 to r10 and the stack as the ABI asks.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn dot4(w: *const i8, cols: usize, x: *const i8, sums: *mut [i32; 4]) {
    naked_asm!(
        "push {{r3, r4, r5, r6, r7, r8, r9, r10, r11, lr}}",
        // Rows at r0, r4, r5, r6; their sums in r7 to r10.
        "adds r4, r0, r1",
        "adds r5, r4, r1",
        "adds r6, r5, r1",
        "movs r7, #0",
        "mov r8, r7",
        "mov r9, r7",
        "mov r10, r7",
        "subs r1, #4",
        "blo 3f",
        "2:",
        column!(),
        column!(),
        column!(),
        column!(),
        "subs r1, #4",
        "bhs 2b",
        // Up to three columns are left.
        "3: adds r1, #4",
        "beq 5f",
        "4:",
        column!(),
        "subs r1, #1",
        "bne 4b",
        "5: pop {{r3}}",
        "stm r3, {{r7, r8, r9, r10}}",
        "pop {{r4, r5, r6, r7, r8, r9, r10, r11, pc}}",
    )
}
