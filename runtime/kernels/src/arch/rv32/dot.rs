//! One row on RV32IM.

use core::arch::naked_asm;

/// `sum w[i] * x[i]` of `n` bytes each. 19 instructions for 4 products, and 7 for one beyond the last four.
///
/// # Safety
/// `n` bytes can be read at `w` and at `x`.
// SAFETY: reads both from start to end and nothing else; takes only registers that the ABI lets it take.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn dot(w: *const i8, x: *const i8, n: usize) -> i32 {
    naked_asm!(
        // The assembler of a naked function does not know what the target has.
        ".option push",
        ".option arch, +m",
        // The row ends at a2, and its whole fours at a3.
        "andi a3, a2, -4",
        "add a3, a3, a0",
        "add a2, a2, a0",
        "li t0, 0",
        "beq a0, a3, 3f",
        "2:",
        ".irp at, 0, 1, 2, 3",
        "lb t1, \\at(a0)",
        "lb t2, \\at(a1)",
        "mul t1, t1, t2",
        "add t0, t0, t1",
        ".endr",
        "addi a0, a0, 4",
        "addi a1, a1, 4",
        "bne a0, a3, 2b",
        "3: beq a0, a2, 5f",
        "4: lb t1, 0(a0)",
        "lb t2, 0(a1)",
        "mul t1, t1, t2",
        "add t0, t0, t1",
        "addi a0, a0, 1",
        "addi a1, a1, 1",
        "bne a0, a2, 4b",
        "5: mv a0, t0",
        "ret",
        ".option pop",
    )
}
