//! Weights of few bits with a multiplier of 32 bits: two products in one multiplication, as on Armv7-M.
//!
//! A whole run of 784 x 128: W4 2.49 instructions for a multiply-accumulate, T2 2.28; with groups of 32 columns 2.50 and 2.51 (QEMU, counted).

use core::arch::naked_asm;

/// Columns at these places from where words (a0) and x (a1) stand: of a word four times a shift, a mask (in a4) and a product, which is added to
/// t0 to t3 ($op is ADD) or subtracted (SUB).
macro_rules! w4 {
    ($op:literal, $at:literal) => {
        concat!(
            ".irp at, ",
            $at,
            "
            lw t4, 4*\\at(a0)
            lb t5, \\at(a1)
            and t6, t4, a4
            mul t6, t6, t5
            ",
            $op,
            " t0, t0, t6
            srli t6, t4, 4
            and t6, t6, a4
            mul t6, t6, t5
            ",
            $op,
            " t1, t1, t6
            srli t6, t4, 8
            and t6, t6, a4
            mul t6, t6, t5
            ",
            $op,
            " t2, t2, t6
            srli t6, t4, 12
            and t6, t6, a4
            mul t6, t6, t5
            ",
            $op,
            " t3, t3, t6
            .endr"
        )
    };
}

/// As [`w4`], eight times, to t0 to t3, a5 to a7 and s0.
macro_rules! t2 {
    ($at:literal) => {
        concat!(
            ".irp at, ",
            $at,
            "
            lw t4, 4*\\at(a0)
            lb t5, \\at(a1)
            and t6, t4, a4
            mul t6, t6, t5
            add t0, t0, t6
            srli t6, t4, 2
            and t6, t6, a4
            mul t6, t6, t5
            add t1, t1, t6
            srli t6, t4, 4
            and t6, t6, a4
            mul t6, t6, t5
            add t2, t2, t6
            srli t6, t4, 6
            and t6, t6, a4
            mul t6, t6, t5
            add t3, t3, t6
            srli t6, t4, 8
            and t6, t6, a4
            mul t6, t6, t5
            add a5, a5, t6
            srli t6, t4, 10
            and t6, t6, a4
            mul t6, t6, t5
            add a6, a6, t6
            srli t6, t4, 12
            and t6, t6, a4
            mul t6, t6, t5
            add a7, a7, t6
            srli t6, t4, 14
            and t6, t6, a4
            mul t6, t6, t5
            add s0, s0, t6
            .endr"
        )
    };
}

/// Two rows of a group: the sums in $sum, times scales at a5 so far on, are taken from $low and $high.
macro_rules! scaled {
    ($sum:literal, $low:literal, $high:literal, $at:literal) => {
        concat!(
            ".irp sum, ",
            $sum,
            "
            slli t4, \\sum, 16
            srai t4, t4, 16
            sub \\sum, \\sum, t4
            srai \\sum, \\sum, 16
            lbu t5, ",
            $at,
            "(a5)
            lbu t6, 4+",
            $at,
            "(a5)
            mul t4, t4, t5
            mul t6, \\sum, t6
            sub ",
            $low,
            ", ",
            $low,
            ", t4
            sub ",
            $high,
            ", ",
            $high,
            ", t6
            .endr"
        )
    };
}

/// Eight rows of `cols` columns each, times `x`, are added to `sums`.
///
/// # Safety
/// `cols` elements can be read at `words` and at `x`; `sums` can be read and written.
// SAFETY: reads both from start to end and nothing else; keeps s0 to s7 and the stack as the ABI asks.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn w4_columns(words: *const i32, x: *const i8, cols: usize, sums: *mut [i32; 16]) {
    naked_asm!(
        // The assembler of a naked function does not know what the target has.
        ".option push",
        ".option arch, +m",
        "addi sp, sp, -32",
        ".irp n, 0, 1, 2, 3, 4, 5, 6, 7",
        "sw s\\n, 4*\\n(sp)",
        "lw s\\n, 4*\\n(a3)",
        ".endr",
        "li a4, 0x000F000F",
        "li a5, 16",
        "1: li t0, 0",
        "li t1, 0",
        "li t2, 0",
        "li t3, 0",
        "bltu a2, a5, 3f",
        w4!("add", "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15"),
        "addi a0, a0, 64",
        "addi a1, a1, 16",
        "addi a2, a2, -16",
        // The lower halves are rows 0 to 3, what is left of the upper ones rows 4 to 7.
        "2:",
        ".irp n, 0, 1, 2, 3",
        "slli t4, t\\n, 16",
        "srai t4, t4, 16",
        "add s\\n, s\\n, t4",
        "sub t\\n, t\\n, t4",
        "srai t\\n, t\\n, 16",
        ".endr",
        "add s4, s4, t0",
        "add s5, s5, t1",
        "add s6, s6, t2",
        "add s7, s7, t3",
        "bnez a2, 1b",
        ".irp n, 0, 1, 2, 3, 4, 5, 6, 7",
        "sw s\\n, 4*\\n(a3)",
        "lw s\\n, 4*\\n(sp)",
        ".endr",
        "addi sp, sp, 32",
        "ret",
        // What is left at last.
        "3: beqz a2, 2b",
        "4:",
        w4!("add", "0"),
        "addi a0, a0, 4",
        "addi a1, a1, 1",
        "addi a2, a2, -1",
        "bnez a2, 4b",
        "j 2b",
        ".option pop",
    )
}

/// Sixteen rows of `cols` columns each, at most 128, times `x`, are added to `sums`.
///
/// # Safety
/// `cols` elements can be read at `words` and at `x`; `sums` can be read and written.
// SAFETY: reads both from start to end and nothing else; keeps s0 and the stack as the ABI asks.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn t2_columns(words: *const i32, x: *const i8, cols: usize, sums: *mut [i32; 16]) {
    naked_asm!(
        ".option push",
        ".option arch, +m",
        "addi sp, sp, -16",
        "sw s0, 0(sp)",
        "sw s1, 4(sp)",
        "li a4, 0x00030003",
        // x ends at a2, and its whole fours at s1.
        "andi s1, a2, -4",
        "add s1, s1, a1",
        "add a2, a2, a1",
        ".irp sum, t0, t1, t2, t3, a5, a6, a7, s0",
        "li \\sum, 0",
        ".endr",
        "beq a1, s1, 3f",
        "2:",
        t2!("0, 1, 2, 3"),
        "addi a0, a0, 16",
        "addi a1, a1, 4",
        "bne a1, s1, 2b",
        "3: beq a1, a2, 5f",
        "4:",
        t2!("0"),
        "addi a0, a0, 4",
        "addi a1, a1, 1",
        "bne a1, a2, 4b",
        "5:",
        // The lower halves are rows 0 to 7, what is left of the upper ones rows 8 to 15.
        ".irp sum, t0, t1, t2, t3, a5, a6, a7, s0",
        "slli t4, \\sum, 16",
        "srai t4, t4, 16",
        "lw t5, 0(a3)",
        "sub \\sum, \\sum, t4",
        "add t5, t5, t4",
        "sw t5, 0(a3)",
        "srai \\sum, \\sum, 16",
        "lw t5, 32(a3)",
        "add t5, t5, \\sum",
        "sw t5, 32(a3)",
        "addi a3, a3, 4",
        ".endr",
        "lw s0, 0(sp)",
        "lw s1, 4(sp)",
        "addi sp, sp, 16",
        "ret",
        ".option pop",
    )
}

/// As [`w4_columns`], of groups: before the words of each 32 columns a byte of each row is a scale, and the sum of the inputs is in `totals`. A sum
/// begins with what makes it one over weights, and gives its negative, which has 16 bits whatever the weights.
///
/// # Safety
/// The words of `cols` columns and of the scales can be read at `words`, `cols` elements at `x` and a word of each group at `totals`; `sums` can be
/// read and written.
// SAFETY: reads all of them from start to end and nothing else; keeps s0 to s8 and the stack as the ABI asks.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn w4_columns_groups(
    words: *const i32,
    x: *const i8,
    cols: usize,
    totals: *const i32,
    sums: *mut [i32; 16],
) {
    naked_asm!(
        ".option push",
        ".option arch, +m",
        "addi sp, sp, -48",
        ".irp n, 0, 1, 2, 3, 4, 5, 6, 7",
        "sw s\\n, 4*\\n(sp)",
        "lw s\\n, 4*\\n(a4)",
        ".endr",
        "sw s8, 32(sp)",
        "mv s8, a4",
        "li a4, 0x000F000F",
        "li a7, 32",
        // Scales, then words; what makes sums of weights, in both halves.
        "1: mv a5, a0",
        "addi a0, a0, 8",
        "lw t0, 0(a3)",
        "addi a3, a3, 4",
        "slli t0, t0, 3",
        "slli t1, t0, 16",
        "add t0, t0, t1",
        "mv t1, t0",
        "mv t2, t0",
        "mv t3, t0",
        "bltu a2, a7, 4f",
        "addi a2, a2, -32",
        "li a6, 2",
        "2:",
        w4!("sub", "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15"),
        "addi a0, a0, 64",
        "addi a1, a1, 16",
        "addi a6, a6, -1",
        "bnez a6, 2b",
        "3:",
        scaled!("t0", "s0", "s4", "0"),
        scaled!("t1", "s1", "s5", "1"),
        scaled!("t2", "s2", "s6", "2"),
        scaled!("t3", "s3", "s7", "3"),
        "bnez a2, 1b",
        ".irp n, 0, 1, 2, 3, 4, 5, 6, 7",
        "sw s\\n, 4*\\n(s8)",
        "lw s\\n, 4*\\n(sp)",
        ".endr",
        "lw s8, 32(sp)",
        "addi sp, sp, 48",
        "ret",
        // What is left at last.
        "4:",
        w4!("sub", "0"),
        "addi a0, a0, 4",
        "addi a1, a1, 1",
        "addi a2, a2, -1",
        "bnez a2, 4b",
        "j 3b",
        ".option pop",
    )
}

/// As [`t2_columns`], of groups: before the words of each 32 columns a byte of each row is a scale, and the sum of the inputs is in `totals`. A sum
/// begins with what makes it one over weights.
///
/// # Safety
/// The words of `cols` columns and of the scales can be read at `words`, `cols` elements at `x` and a word of each group at `totals`; `sums` can be
/// read and written.
// SAFETY: reads all of them from start to end and nothing else; keeps s0 to s3 and the stack as the ABI asks.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn t2_columns_groups(
    words: *const i32,
    x: *const i8,
    cols: usize,
    totals: *const i32,
    sums: *mut [i32; 16],
) {
    naked_asm!(
        ".option push",
        ".option arch, +m",
        "addi sp, sp, -16",
        ".irp n, 0, 1, 2, 3",
        "sw s\\n, 4*\\n(sp)",
        ".endr",
        "mv s3, a4",
        "li a4, 0x00030003",
        // Where x ends; in s1, where it ends in the group.
        "add a2, a2, a1",
        "1: mv s2, a0",
        "addi a0, a0, 16",
        "lw t0, 0(a3)",
        "addi a3, a3, 4",
        "neg t0, t0",
        "slli t1, t0, 16",
        "add t0, t0, t1",
        ".irp sum, t1, t2, t3, a5, a6, a7, s0",
        "mv \\sum, t0",
        ".endr",
        "addi s1, a1, 32",
        "bltu a2, s1, 4f",
        "2:",
        t2!("0, 1, 2, 3"),
        "addi a0, a0, 16",
        "addi a1, a1, 4",
        "bne a1, s1, 2b",
        "3:",
        ".irp sum, t0, t1, t2, t3, a5, a6, a7, s0",
        "slli t4, \\sum, 16",
        "srai t4, t4, 16",
        "sub \\sum, \\sum, t4",
        "srai \\sum, \\sum, 16",
        "lbu t5, 0(s2)",
        "lw t6, 0(s3)",
        "mul t4, t4, t5",
        "add t6, t6, t4",
        "sw t6, 0(s3)",
        "lbu t5, 8(s2)",
        "lw t6, 32(s3)",
        "mul t5, t5, \\sum",
        "add t6, t6, t5",
        "sw t6, 32(s3)",
        "addi s2, s2, 1",
        "addi s3, s3, 4",
        ".endr",
        "addi s3, s3, -32",
        "bne a1, a2, 1b",
        ".irp n, 0, 1, 2, 3",
        "lw s\\n, 4*\\n(sp)",
        ".endr",
        "addi sp, sp, 16",
        "ret",
        "4:",
        t2!("0"),
        "addi a0, a0, 4",
        "addi a1, a1, 1",
        "bne a1, a2, 4b",
        "j 3b",
        ".option pop",
    )
}
