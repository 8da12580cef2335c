//! Value rows on Armv6-M: two rows at once, as many as there are low registers for. 73 instructions for eight outputs of them, 4.56 a product,
//! and 11 for an output before the first eight. A row alone takes 6.5 a product. Finding two rows that are not skipped takes 34, and 8 for each skipped one.
//!
//! Rejected: more rows (their factors would lie in high registers, and MULS takes none from there).

use core::arch::naked_asm;

/// The next row that is not skipped: its factor and where it is.
macro_rules! find {
    ($h:literal, $row:literal, $ended:literal) => {
        concat!(
            "2: cmp r3, r12\n",
            "beq ",
            $ended,
            "\n",
            "ldrb ",
            $h,
            ", [r3]\n",
            "adds r3, #1\n",
            "mov ",
            $row,
            ", r2\n",
            "adds r2, r2, r1\n",
            "sxtb ",
            $h,
            ", ",
            $h,
            "\n",
            "cmp ",
            $h,
            ", #0\n",
            "beq 2b"
        )
    };
}

/// One output of two rows. The flags are those of the column.
macro_rules! output {
    () => {
        "ldrsb r6, [r2, r1]
        muls r6, r4, r6
        ldrsb r7, [r3, r1]
        muls r7, r5, r7
        adds r6, r6, r7
        ldr r7, [r0]
        adds r6, r6, r7
        stm r0!, {{r6}}
        adds r1, #1"
    };
}

/// One output of one row. The flags are those of the column.
macro_rules! output_of_one {
    () => {
        "ldrsb r6, [r2, r1]
        muls r6, r4, r6
        ldr r7, [r0]
        adds r6, r6, r7
        stm r0!, {{r6}}
        adds r1, #1"
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
        "push {{r4, r5, r6, r7, lr}}",
        "mov r4, r8",
        "mov r5, r9",
        "mov r6, r10",
        "mov r7, r11",
        "push {{r4, r5, r6, r7}}",
        "ldr r4, [sp, #36]",
        "mov r12, r4",
        // Kept where only MOV, ADD and CMP reach: the sums, the next row and its factor, n and the end of the factors.
        "mov r8, r0",
        "mov r11, r1",
        // Rows at r6 and r7, their factors in r4 and r5.
        "1:",
        find!("r4", "r6", "9f"),
        find!("r5", "r7", "3f"),
        "b 4f",
        // Here, so that conditional branches reach it.
        "9: pop {{r4, r5, r6, r7}}",
        "mov r8, r4",
        "mov r9, r5",
        "mov r10, r6",
        "mov r11, r7",
        "pop {{r4, r5, r6, r7, pc}}",
        // One row is left, of which an odd number of outputs begins with the second of two.
        "3: adds r2, r6, r1",
        "mov r0, r8",
        "rsbs r1, r1, #0",
        "beq 9b",
        "lsrs r6, r1, #1",
        "bcs 3f",
        "2:",
        output_of_one!(),
        "3:",
        output_of_one!(),
        "bne 2b",
        "b 9b",
        "4: mov r9, r3",
        "mov r10, r2",
        // The ends of the rows, in r2 and r3: the column counts up to 0, and so is the condition of the loops too.
        "adds r2, r6, r1",
        "adds r3, r7, r1",
        "mov r0, r8",
        "lsls r6, r1, #29",
        "rsbs r1, r1, #0",
        "beq 8f",
        // Outputs that are no whole eight come first.
        "cmp r6, #0",
        "beq 7f",
        "5:",
        output!(),
        "beq 8f",
        "lsls r6, r1, #29",
        "bne 5b",
        "7:",
        output!(),
        output!(),
        output!(),
        output!(),
        output!(),
        output!(),
        output!(),
        output!(),
        "bne 7b",
        "8: mov r1, r11",
        "mov r2, r10",
        "mov r3, r9",
        "b 1b",
    )
}
