//! Value rows on Armv7-M, and Armv8-M Mainline without the DSP extension: two rows at once, so that LDM and STM of four sums serve eight
//! products. 20 instructions for these, 2.5 each, and 8 for an output beyond the last four. A row alone takes 3 a product. Finding two rows that are not skipped takes 22, and
//! 7 for each skipped one.

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

/// One output of the rows named, with their factors.
macro_rules! output {
    ($sum:literal, $($row:literal * $h:literal),+) => {
        concat!($("ldrsb lr, [", $row, "], #1\nmla ", $sum, ", lr, ", $h, ", ", $sum, "\n"),+)
    };
}

/// Adds rows of `n` weights each from `v`, each times its byte from `h` to `h_end`, to the `n` sums at `acc`.
///
/// # Safety
/// `n` words can be read and written at `acc`; bytes can be read from `h` to `h_end`, and `n` for each of them at `v`.
// SAFETY: reads each row from start to end and nothing else, writes the sums; keeps r4 to r11 and the stack as the ABI asks.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn axpys(acc: *mut i32, n: usize, v: *const i8, h: *const i8, h_end: *const i8) {
    naked_asm!(
        "push {{r0, r4, r5, r6, r7, r8, r9, r10, r11, lr}}",
        // Rows at r6 and r7, their factors in r4 and r5.
        "1: ldr lr, [sp, #40]",
        find!("r4", "r6", "9f"),
        find!("r5", "r7", "3f"),
        "b 4f",
        // One row is left, and beyond the last four outputs the same once more, times nothing.
        "3: ldr r12, [sp]",
        "bic r0, r1, #3",
        "add r0, r12, r0, lsl #2",
        "movs r5, #0",
        "mov r7, r6",
        "b 3f",
        "2: ldm r12, {{r8, r9, r10, r11}}",
        output!("r8", "r6" * "r4"),
        output!("r9", "r6" * "r4"),
        output!("r10", "r6" * "r4"),
        output!("r11", "r6" * "r4"),
        "stm r12!, {{r8, r9, r10, r11}}",
        "3: cmp r12, r0",
        "bne 2b",
        "b 6f",
        // Sums at r12, their whole fours up to r0.
        "4: ldr r12, [sp]",
        "bic r0, r1, #3",
        "add r0, r12, r0, lsl #2",
        "cmp r12, r0",
        "beq 6f",
        "5: ldm r12, {{r8, r9, r10, r11}}",
        output!("r8", "r6" * "r4", "r7" * "r5"),
        output!("r9", "r6" * "r4", "r7" * "r5"),
        output!("r10", "r6" * "r4", "r7" * "r5"),
        output!("r11", "r6" * "r4", "r7" * "r5"),
        "stm r12!, {{r8, r9, r10, r11}}",
        "cmp r12, r0",
        "bne 5b",
        // Up to three outputs are left.
        "6: ldr r0, [sp]",
        "add r0, r0, r1, lsl #2",
        "b 8f",
        "7: ldr r8, [r12]",
        output!("r8", "r6" * "r4", "r7" * "r5"),
        "str r8, [r12], #4",
        "8: cmp r12, r0",
        "bne 7b",
        "b 1b",
        "9: add sp, #4",
        "pop {{r4, r5, r6, r7, r8, r9, r10, r11, pc}}",
    )
}
