//! RV32IM: registers enough for four rows without a stack, and pointers move once in four columns. 58 instructions for 16
//! products, 3.63 each.

use core::arch::naked_asm;

/// Columns at these distances from where the pointers stand: `x`, then a weight of each row. Then the pointers, so many columns on.
macro_rules! columns {
    ($at:literal, $by:literal) => {
        concat!(
            ".irp at, ",
            $at,
            "
            lb t4, \\at(a2)
            lb t5, \\at(a0)
            mul t5, t5, t4
            add t0, t0, t5
            lb t5, \\at(a4)
            mul t5, t5, t4
            add t1, t1, t5
            lb t5, \\at(a5)
            mul t5, t5, t4
            add t2, t2, t5
            lb t5, \\at(a6)
            mul t5, t5, t4
            add t3, t3, t5
            .endr
            .irp pointer, a0, a2, a4, a5, a6
            addi \\pointer, \\pointer, ",
            $by,
            "
            .endr"
        )
    };
}

/// Four rows of `cols` weights each from `w`, times `x`, to `sums`.
///
/// # Safety
/// `4 * cols` bytes can be read at `w` and `cols` at `x`; four words can be written at `sums`.
// SAFETY: reads the rows from start to end and nothing else, writes four words; takes only registers that the ABI lets it take.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn dot4(w: *const i8, cols: usize, x: *const i8, sums: *mut [i32; 4]) {
    naked_asm!(
        // The assembler of a naked function does not know what the target has.
        ".option push",
        ".option arch, +m",
        // Rows at a0, a4, a5, a6; their sums in t0 to t3. x ends at a1, and its whole fours at a7.
        "add a4, a0, a1",
        "add a5, a4, a1",
        "add a6, a5, a1",
        "andi a7, a1, -4",
        "add a7, a7, a2",
        "add a1, a1, a2",
        "li t0, 0",
        "li t1, 0",
        "li t2, 0",
        "li t3, 0",
        "beq a2, a7, 3f",
        "2:",
        columns!("0, 1, 2, 3", "4"),
        "bne a2, a7, 2b",
        "3: beq a2, a1, 5f",
        // Up to three columns are left.
        "4:",
        columns!("0", "1"),
        "bne a2, a1, 4b",
        "5: sw t0, 0(a3)",
        "sw t1, 4(a3)",
        "sw t2, 8(a3)",
        "sw t3, 12(a3)",
        "ret",
        ".option pop",
    )
}
