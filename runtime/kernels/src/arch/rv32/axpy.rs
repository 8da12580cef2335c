//! Value rows on RV32IM: four rows at once, so that a load and a store of a sum serve four products. 62 instructions for four outputs,
//! 3.88 a product, and 20 for an output beyond the last four. One or two rows that are left take 5.75 a product. Finding four rows that are not skipped takes
//! 30, and 6 for each skipped one.

use core::arch::naked_asm;

/// The next row that is not skipped: its factor and where it is.
macro_rules! find {
    ($h:literal, $row:literal, $ended:literal) => {
        concat!(
            "2: beq a3, a4, ",
            $ended,
            "\n",
            "lb ",
            $h,
            ", 0(a3)\n",
            "addi a3, a3, 1\n",
            "mv ",
            $row,
            ", a2\n",
            "add a2, a2, a1\n",
            "beqz ",
            $h,
            ", 2b"
        )
    };
}

/// Outputs at these distances from where the pointers stand, of as many rows as are named with their factors. Then the pointers, so many
/// outputs on.
macro_rules! outputs {
    ($at:literal, $by:literal, $($row:literal * $h:literal),+) => {
        concat!(
            ".irp at, ",
            $at,
            "\nlw t6, 4*\\at(t5)\n",
            $("lb s0, \\at(", $row, ")\nmul s0, s0, ", $h, "\nadd t6, t6, s0\n",)+
            "sw t6, 4*\\at(t5)\n.endr\n",
            $("addi ", $row, ", ", $row, ", ", $by, "\n",)+
            "addi t5, t5, 4*",
            $by
        )
    };
}

/// Adds rows of `n` weights each from `v`, each times its byte from `h` to `h_end`, to the `n` sums at `acc`.
///
/// # Safety
/// `n` words can be read and written at `acc`; bytes can be read from `h` to `h_end`, and `n` for each of them at `v`.
// SAFETY: reads each row from start to end and nothing else, writes the sums; keeps s0, s1 and the stack as the ABI asks.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn axpys(acc: *mut i32, n: usize, v: *const i8, h: *const i8, h_end: *const i8) {
    naked_asm!(
        // The assembler of a naked function does not know what the target has.
        ".option push",
        ".option arch, +m",
        "addi sp, sp, -16",
        "sw s0, 0(sp)",
        "sw s1, 4(sp)",
        // Rows at a5, a6, a7 and t0, their factors in t1 to t4.
        "1:",
        find!("t1", "a5", "9f"),
        find!("t2", "a6", "3f"),
        find!("t3", "a7", "4f"),
        find!("t4", "t0", "5f"),
        "j 6f",
        // One or two rows are left: one after the other.
        "3: li t2, 0",
        "4: mv t5, a0",
        "andi s1, a1, -4",
        "slli s1, s1, 2",
        "add s1, s1, a0",
        "beq t5, s1, 3f",
        "2:",
        outputs!("0, 1, 2, 3", "4", "a5" * "t1"),
        "bne t5, s1, 2b",
        "3: slli s1, a1, 2",
        "add s1, s1, a0",
        "beq t5, s1, 3f",
        "2:",
        outputs!("0", "1", "a5" * "t1"),
        "bne t5, s1, 2b",
        "3: mv a5, a6",
        "mv t1, t2",
        "li t2, 0",
        "bnez t1, 4b",
        "j 9f",
        // The fourth is the first row times nothing.
        "5: li t4, 0",
        "mv t0, a5",
        // Sums at t5, their whole fours up to s1.
        "6: mv t5, a0",
        "andi s1, a1, -4",
        "slli s1, s1, 2",
        "add s1, s1, a0",
        "beq t5, s1, 7f",
        "2:",
        outputs!("0, 1, 2, 3", "4", "a5" * "t1", "a6" * "t2", "a7" * "t3", "t0" * "t4"),
        "bne t5, s1, 2b",
        // Up to three outputs are left.
        "7: slli s1, a1, 2",
        "add s1, s1, a0",
        "beq t5, s1, 1b",
        "2:",
        outputs!("0", "1", "a5" * "t1", "a6" * "t2", "a7" * "t3", "t0" * "t4"),
        "bne t5, s1, 2b",
        "j 1b",
        "9: lw s0, 0(sp)",
        "lw s1, 4(sp)",
        "addi sp, sp, 16",
        "ret",
        ".option pop",
    )
}
