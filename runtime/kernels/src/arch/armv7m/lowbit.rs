//! Weights of few bits with a multiplier of 32 bits: two products in one multiplication.
//!
//! A word is a column's weights in eight rows (W4) or sixteen (T2). Shifted, for nothing, and masked it is `a + 2^16*b`, and a sum of its products
//! with inputs holds the sums of two rows; before one leaves its 16 bits, after 16 columns of W4 or 128 of T2, they are taken apart: the lower half
//! is one, its sign included, and what is left the other.
//!
//! A whole run of 784 x 128: W4 1.49 instructions for a multiply-accumulate, T2 1.33; with groups of 32 columns 1.50 and 1.51 (QEMU, counted).

use core::arch::naked_asm;

/// A column of W4: its word in $w, x at r1, the mask in r8; products are added to r4 to r7 (MLA) or subtracted (MLS).
macro_rules! w4 {
    ($op:literal, $w:literal) => {
        concat!(
            "ldrsb lr, [r1], #1
            and r3, r8, ",
            $w,
            "
            ",
            $op,
            " r4, r3, lr, r4
            and r3, r8, ",
            $w,
            ", lsr #4
            ",
            $op,
            " r5, r3, lr, r5
            and r3, r8, ",
            $w,
            ", lsr #8
            ",
            $op,
            " r6, r3, lr, r6
            and r3, r8, ",
            $w,
            ", lsr #12
            ",
            $op,
            " r7, r3, lr, r7"
        )
    };
}

/// A column of T2: words at r0, x at r1, the mask in lr, sums in r4 to r11.
macro_rules! t2 {
    () => {
        "ldr r2, [r0], #4
        ldrsb r12, [r1], #1
        and r3, lr, r2
        mla r4, r3, r12, r4
        and r3, lr, r2, lsr #2
        mla r5, r3, r12, r5
        and r3, lr, r2, lsr #4
        mla r6, r3, r12, r6
        and r3, lr, r2, lsr #6
        mla r7, r3, r12, r7
        and r3, lr, r2, lsr #8
        mla r8, r3, r12, r8
        and r3, lr, r2, lsr #10
        mla r9, r3, r12, r9
        and r3, lr, r2, lsr #12
        mla r10, r3, r12, r10
        and r3, lr, r2, lsr #14
        mla r11, r3, r12, r11"
    };
}

/// A row of a group: $sum times a byte of the scales is taken from $to ($op is MLS) or added (MLA). $scale makes r2 of the scales in r8.
macro_rules! scaled {
    ($op:literal, $to:literal, $sum:literal, $scale:literal) => {
        concat!($scale, "\n", $op, " ", $to, ", ", $sum, ", r2, ", $to)
    };
}

/// As [`scaled`] for a row of sixteen, whose sum is in $sum, scale and place on the stack and at r3.
macro_rules! row {
    ($sum:literal, $scale:literal) => {
        concat!("ldr r2, [r3]\nldrb lr, [sp, #", $scale, "]\nmla r2, ", $sum, ", lr, r2\nstr r2, [r3], #4")
    };
}

/// Eight rows of `cols` columns each, times `x`, are added to `sums`.
///
/// # Safety
/// `cols` elements can be read at `words` and at `x`; `sums` can be read and written.
// SAFETY: reads both from start to end and nothing else, the words at multiples of 4 as LDM wants it: they are made of i32. Keeps r4 to r11 and the
// stack as the ABI asks.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn w4_columns(words: *const i32, x: *const i8, cols: usize, sums: *mut [i32; 16]) {
    naked_asm!(
        "push {{r3, r4, r5, r6, r7, r8, r9, r10, r11, lr}}",
        "mov r8, #0x000F000F",
        // Sixteen columns, or what is left at last.
        "1: movs r4, #0",
        "movs r5, #0",
        "movs r6, #0",
        "movs r7, #0",
        "subs r2, #16",
        "blo 3f",
        ".rept 4",
        "ldm r0!, {{r9, r10, r11, r12}}",
        w4!("mla", "r9"),
        w4!("mla", "r10"),
        w4!("mla", "r11"),
        w4!("mla", "r12"),
        ".endr",
        "2: ldr r3, [sp]",
        "ldm r3, {{r9, r10, r11, r12}}",
        "sxth lr, r4",
        "add r9, r9, lr",
        "sub r4, r4, lr",
        "sxth lr, r5",
        "add r10, r10, lr",
        "sub r5, r5, lr",
        "sxth lr, r6",
        "add r11, r11, lr",
        "sub r6, r6, lr",
        "sxth lr, r7",
        "add r12, r12, lr",
        "sub r7, r7, lr",
        "stm r3!, {{r9, r10, r11, r12}}",
        "ldm r3, {{r9, r10, r11, r12}}",
        "add r9, r9, r4, asr #16",
        "add r10, r10, r5, asr #16",
        "add r11, r11, r6, asr #16",
        "add r12, r12, r7, asr #16",
        "stm r3, {{r9, r10, r11, r12}}",
        "cmp r2, #0",
        "bgt 1b",
        "pop {{r3, r4, r5, r6, r7, r8, r9, r10, r11, pc}}",
        "3: adds r10, r2, #16",
        "mov r2, #0",
        "beq 2b",
        "4: ldr r9, [r0], #4",
        w4!("mla", "r9"),
        "subs r10, #1",
        "bne 4b",
        "b 2b",
    )
}

/// Sixteen rows of `cols` columns each, at most 128, times `x`, are added to `sums`.
///
/// # Safety
/// `cols` elements can be read at `words` and at `x`; `sums` can be read and written.
// SAFETY: reads both from start to end and nothing else; keeps r4 to r11 and the stack as the ABI asks.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn t2_columns(words: *const i32, x: *const i8, cols: usize, sums: *mut [i32; 16]) {
    naked_asm!(
        "push {{r3, r4, r5, r6, r7, r8, r9, r10, r11, lr}}",
        // Where x ends, and its whole fours, to the stack.
        "add r12, r1, r2",
        "bic r2, r2, #3",
        "add r2, r1, r2",
        "push {{r2, r12}}",
        "mov lr, #0x00030003",
        ".irp sum, r4, r5, r6, r7, r8, r9, r10, r11",
        "mov \\sum, #0",
        ".endr",
        "cmp r1, r2",
        "beq 3f",
        "2:",
        ".rept 4",
        t2!(),
        ".endr",
        "ldr r3, [sp]",
        "cmp r1, r3",
        "bne 2b",
        "3: ldr r3, [sp, #4]",
        "cmp r1, r3",
        "beq 5f",
        "4:",
        t2!(),
        "ldr r3, [sp, #4]",
        "cmp r1, r3",
        "bne 4b",
        "5: add sp, #8",
        "ldr r3, [sp]",
        // The lower halves, rows 0 to 7, then the upper ones.
        ".irp sum, r4, r5, r6, r7, r8, r9, r10, r11",
        "sxth r12, \\sum",
        "sub \\sum, \\sum, r12",
        "ldr r2, [r3]",
        "add r2, r2, r12",
        "str r2, [r3], #4",
        ".endr",
        ".irp sum, r4, r5, r6, r7, r8, r9, r10, r11",
        "ldr r2, [r3]",
        "add r2, r2, \\sum, asr #16",
        "str r2, [r3], #4",
        ".endr",
        "pop {{r3, r4, r5, r6, r7, r8, r9, r10, r11, pc}}",
    )
}

/// As [`w4_columns`], of groups: before the words of each 32 columns a byte of each row is a scale, and the sum of the inputs is in `totals`. A sum
/// begins with what makes it one over weights, and gives its negative, which has 16 bits whatever the weights.
///
/// # Safety
/// The words of `cols` columns and of the scales can be read at `words`, `cols` elements at `x` and a word of each group at `totals`; `sums` can be
/// read and written.
// SAFETY: reads all of them from start to end and nothing else, the words at multiples of 4 as LDM and LDRD want it: they are made of i32. Keeps r4
// to r11 and the stack as the ABI asks.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn w4_columns_groups(
    words: *const i32,
    x: *const i8,
    cols: usize,
    totals: *const i32,
    sums: *mut [i32; 16],
) {
    naked_asm!(
        "push {{r4, r5, r6, r7, r8, r9, r10, r11, r12, lr}}",
        "ldr r12, [sp, #40]",
        "push {{r2, r3, r12}}", // columns and totals left, sums
        "sub sp, #8",           // scales
        "1: ldrd r4, r5, [r0], #8",
        "strd r4, r5, [sp]",
        "ldrd r2, r3, [sp, #8]",
        "ldr r4, [r3], #4",
        "lsls r4, r4, #3",
        "add r4, r4, r4, lsl #16",
        "mov r5, r4",
        "mov r6, r4",
        "mov r7, r4",
        "mov r8, #0x000F000F",
        "subs r2, #32",
        "strd r2, r3, [sp, #8]",
        "blo 4f",
        "movs r2, #2",
        "2:",
        ".rept 4",
        "ldm r0!, {{r9, r10, r11, r12}}",
        w4!("mls", "r9"),
        w4!("mls", "r10"),
        w4!("mls", "r11"),
        w4!("mls", "r12"),
        ".endr",
        "subs r2, #1",
        "bne 2b",
        "3: ldr r3, [sp, #16]",
        "ldr r8, [sp]",
        "ldm r3, {{r9, r10, r11, r12}}",
        "sxth lr, r4",
        "sub r4, r4, lr",
        scaled!("mls", "r9", "lr", "uxtb r2, r8"),
        "sxth lr, r5",
        "sub r5, r5, lr",
        scaled!("mls", "r10", "lr", "uxtb r2, r8, ror #8"),
        "sxth lr, r6",
        "sub r6, r6, lr",
        scaled!("mls", "r11", "lr", "uxtb r2, r8, ror #16"),
        "sxth lr, r7",
        "sub r7, r7, lr",
        scaled!("mls", "r12", "lr", "lsr r2, r8, #24"),
        "stm r3!, {{r9, r10, r11, r12}}",
        "ldr r8, [sp, #4]",
        "ldm r3, {{r9, r10, r11, r12}}",
        "asrs r4, r4, #16",
        scaled!("mls", "r9", "r4", "uxtb r2, r8"),
        "asrs r5, r5, #16",
        scaled!("mls", "r10", "r5", "uxtb r2, r8, ror #8"),
        "asrs r6, r6, #16",
        scaled!("mls", "r11", "r6", "uxtb r2, r8, ror #16"),
        "asrs r7, r7, #16",
        scaled!("mls", "r12", "r7", "lsr r2, r8, #24"),
        "stm r3, {{r9, r10, r11, r12}}",
        "ldr r2, [sp, #8]",
        "cmp r2, #0",
        "bgt 1b",
        "add sp, #20",
        "pop {{r4, r5, r6, r7, r8, r9, r10, r11, r12, pc}}",
        "4: adds r2, #32",
        "5: ldr r9, [r0], #4",
        w4!("mls", "r9"),
        "subs r2, #1",
        "bne 5b",
        "b 3b",
    )
}

/// As [`t2_columns`], of groups: before the words of each 32 columns a byte of each row is a scale, and the sum of the inputs is in `totals`. A sum
/// begins with what makes it one over weights.
///
/// # Safety
/// The words of `cols` columns and of the scales can be read at `words`, `cols` elements at `x` and a word of each group at `totals`; `sums` can be
/// read and written.
// SAFETY: reads all of them from start to end and nothing else, the words at multiples of 4 as LDM wants it: they are made of i32. Keeps r4 to r11
// and the stack as the ABI asks.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn t2_columns_groups(
    words: *const i32,
    x: *const i8,
    cols: usize,
    totals: *const i32,
    sums: *mut [i32; 16],
) {
    naked_asm!(
        "push {{r4, r5, r6, r7, r8, r9, r10, r11, r12, lr}}",
        "ldr r12, [sp, #40]",
        "add r2, r1, r2",
        "push {{r2, r3, r12}}", // where x ends, totals left, sums
        "sub sp, #20",          // scales, and where x ends in the group
        "1: ldm r0!, {{r4, r5, r6, r7}}",
        "stm sp, {{r4, r5, r6, r7}}",
        "ldrd r2, r3, [sp, #20]",
        "ldr r4, [r3], #4",
        "str r3, [sp, #24]",
        "rsbs r4, r4, #0",
        "add r4, r4, r4, lsl #16",
        ".irp sum, r5, r6, r7, r8, r9, r10, r11",
        "mov \\sum, r4",
        ".endr",
        "mov lr, #0x00030003",
        "sub r3, r2, r1",
        "cmp r3, #32",
        "blo 4f",
        "add r3, r1, #32",
        "str r3, [sp, #16]",
        "2:",
        ".rept 4",
        t2!(),
        ".endr",
        "ldr r3, [sp, #16]",
        "cmp r1, r3",
        "bne 2b",
        "3: ldr r3, [sp, #28]",
        "sxth r12, r4",
        "sub r4, r4, r12",
        row!("r12", "0"),
        "sxth r12, r5",
        "sub r5, r5, r12",
        row!("r12", "1"),
        "sxth r12, r6",
        "sub r6, r6, r12",
        row!("r12", "2"),
        "sxth r12, r7",
        "sub r7, r7, r12",
        row!("r12", "3"),
        "sxth r12, r8",
        "sub r8, r8, r12",
        row!("r12", "4"),
        "sxth r12, r9",
        "sub r9, r9, r12",
        row!("r12", "5"),
        "sxth r12, r10",
        "sub r10, r10, r12",
        row!("r12", "6"),
        "sxth r12, r11",
        "sub r11, r11, r12",
        row!("r12", "7"),
        "asr r4, r4, #16",
        row!("r4", "8"),
        "asr r5, r5, #16",
        row!("r5", "9"),
        "asr r6, r6, #16",
        row!("r6", "10"),
        "asr r7, r7, #16",
        row!("r7", "11"),
        "asr r8, r8, #16",
        row!("r8", "12"),
        "asr r9, r9, #16",
        row!("r9", "13"),
        "asr r10, r10, #16",
        row!("r10", "14"),
        "asr r11, r11, #16",
        row!("r11", "15"),
        "ldr r2, [sp, #20]",
        "cmp r1, r2",
        "bne 1b",
        "add sp, #32",
        "pop {{r4, r5, r6, r7, r8, r9, r10, r11, r12, pc}}",
        "4:",
        t2!(),
        "ldr r3, [sp, #20]",
        "cmp r1, r3",
        "bne 4b",
        "b 3b",
    )
}
