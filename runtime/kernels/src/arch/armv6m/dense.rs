//! Armv6-M: eight low registers are four rows, `x`, the column and two operands; the sums are in high ones, to which ADD can add.
//! 29 instructions for 8 products, 3.63 each.

use core::arch::naked_asm;

/// One column: `x`, then a weight of each row.
macro_rules! column {
    () => {
        "ldrsb r6, [r2, r1]
        ldrsb r7, [r0, r1]
        muls r7, r6, r7
        add r8, r7
        ldrsb r7, [r3, r1]
        muls r7, r6, r7
        add r9, r7
        ldrsb r7, [r4, r1]
        muls r7, r6, r7
        add r10, r7
        ldrsb r7, [r5, r1]
        muls r7, r6, r7
        add r11, r7
        adds r1, #1"
    };
}

/// Four rows of `cols` weights each from `w`, times `x`, to `sums`.
///
/// # Safety
/// `4 * cols` bytes can be read at `w` and `cols` at `x`; four words can be written at `sums`.
// SAFETY: reads the rows from start to end and nothing else, writes four words; keeps r4 to r11 and the stack as the ABI asks.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn dot4(w: *const i8, cols: usize, x: *const i8, sums: *mut [i32; 4]) {
    naked_asm!(
        "push {{r4, r5, r6, r7, lr}}",
        "mov r4, r8",
        "mov r5, r9",
        "mov r6, r10",
        "mov r7, r11",
        "push {{r3, r4, r5, r6, r7}}",
        // The ends of the rows, in r0, r3, r4 and r5, and of x: the column counts up to 0, and so is the condition of the loop too.
        "adds r0, r0, r1",
        "adds r3, r0, r1",
        "adds r4, r3, r1",
        "adds r5, r4, r1",
        "adds r2, r2, r1",
        "movs r6, #0",
        "mov r8, r6",
        "mov r9, r6",
        "mov r10, r6",
        "mov r11, r6",
        "rsbs r1, r1, #0",
        "beq 4f",
        // An odd number begins with the second of two columns.
        "lsrs r6, r1, #1",
        "bcs 3f",
        "2:",
        column!(),
        "3:",
        column!(),
        "bne 2b",
        "4: pop {{r0}}",
        "mov r4, r8",
        "mov r5, r9",
        "mov r6, r10",
        "mov r7, r11",
        "stm r0!, {{r4, r5, r6, r7}}",
        "pop {{r4, r5, r6, r7}}",
        "mov r8, r4",
        "mov r9, r5",
        "mov r10, r6",
        "mov r11, r7",
        "pop {{r4, r5, r6, r7, pc}}",
    )
}
