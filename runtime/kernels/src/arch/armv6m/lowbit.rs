//! Weights of few bits with a multiplier of 32 bits: two products in one multiplication, as on Armv7-M. Sums are in high registers, to which ADD
//! can add.
//!
//! A whole run of 784 x 128: W4 2.94 instructions for a multiply-accumulate, T2 2.43; with groups of 32 columns 2.90 and 2.67 (QEMU, counted).

use core::arch::naked_asm;

/// A column of W4: words at r0, the input at r1 + r2, the mask in r6, sums in r8 to r11.
macro_rules! w4 {
    () => {
        "ldm r0!, {{r4}}
        ldrsb r5, [r1, r2]
        adds r2, #1
        lsrs r3, r4, #4
        ands r3, r6
        muls r3, r5, r3
        add r9, r3
        lsrs r3, r4, #8
        ands r3, r6
        muls r3, r5, r3
        add r10, r3
        lsrs r3, r4, #12
        ands r3, r6
        muls r3, r5, r3
        add r11, r3
        ands r4, r6
        muls r4, r5, r4
        add r8, r4"
    };
}

/// A column of T2: words at r0, an input at r1 and so far on, the mask in r5, sums in r6 to r12 and lr.
macro_rules! t2 {
    ($at:literal) => {
        concat!(
            "movs r2, #",
            $at,
            "
            ldrsb r4, [r1, r2]
            ldm r0!, {{r3}}
            lsrs r2, r3, #2
            ands r2, r5
            muls r2, r4, r2
            add r7, r2
            lsrs r2, r3, #4
            ands r2, r5
            muls r2, r4, r2
            add r8, r2
            lsrs r2, r3, #6
            ands r2, r5
            muls r2, r4, r2
            add r9, r2
            lsrs r2, r3, #8
            ands r2, r5
            muls r2, r4, r2
            add r10, r2
            lsrs r2, r3, #10
            ands r2, r5
            muls r2, r4, r2
            add r11, r2
            lsrs r2, r3, #12
            ands r2, r5
            muls r2, r4, r2
            add r12, r2
            lsrs r2, r3, #14
            ands r2, r5
            muls r2, r4, r2
            add lr, r2
            ands r3, r5
            muls r3, r4, r3
            add r6, r3"
        )
    };
}

/// The sums of two rows, in $sum, are added to the words at these distances from $at.
macro_rules! apart {
    ($sum:literal, $at:literal, $low:literal, $high:literal) => {
        concat!(
            "mov r3, ",
            $sum,
            "
            sxth r4, r3
            subs r3, r3, r4
            asrs r3, r3, #16
            ldr r5, [",
            $at,
            ", #",
            $low,
            "]
            adds r5, r5, r4
            str r5, [",
            $at,
            ", #",
            $low,
            "]
            ldr r5, [",
            $at,
            ", #",
            $high,
            "]
            adds r5, r5, r3
            str r5, [",
            $at,
            ", #",
            $high,
            "]"
        )
    };
}

/// The sums of two rows, in $sum, and one each if so, times the scales so far from $scales, are added to the words so far from $at.
macro_rules! scaled {
    ($sum:literal, $one:literal, $scales:literal, $low_scale:literal, $high_scale:literal, $temp:literal, $at:literal, $low:literal, $high:literal) => {
        concat!(
            "mov r3, ",
            $sum,
            "
            sxth r4, r3
            subs r3, r3, r4
            asrs r3, r3, #16
            ",
            $one,
            "
            ldrb ",
            $temp,
            ", [",
            $scales,
            ", #",
            $low_scale,
            "]
            muls r4, ",
            $temp,
            ", r4
            ldr ",
            $temp,
            ", [",
            $at,
            ", #",
            $low,
            "]
            adds r4, r4, ",
            $temp,
            "
            str r4, [",
            $at,
            ", #",
            $low,
            "]
            ldrb ",
            $temp,
            ", [",
            $scales,
            ", #",
            $high_scale,
            "]
            muls r3, ",
            $temp,
            ", r3
            ldr ",
            $temp,
            ", [",
            $at,
            ", #",
            $high,
            "]
            adds r3, r3, ",
            $temp,
            "
            str r3, [",
            $at,
            ", #",
            $high,
            "]"
        )
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
        "push {{r4, r5, r6, r7, lr}}",
        "mov r4, r8",
        "mov r5, r9",
        "mov r6, r10",
        "mov r7, r11",
        // What is left of the columns, and the sums.
        "push {{r2, r3, r4, r5, r6, r7}}",
        "movs r6, #15",
        "lsls r7, r6, #16",
        "adds r6, r6, r7",
        "1: movs r3, #0",
        "mov r8, r3",
        "mov r9, r3",
        "mov r10, r3",
        "mov r11, r3",
        "ldr r7, [sp]",
        "movs r2, #0",
        "subs r7, #16",
        "blo 5f",
        "str r7, [sp]",
        "2:",
        w4!(),
        w4!(),
        w4!(),
        w4!(),
        "cmp r2, #16",
        "bne 2b",
        "3: adds r1, r1, r2",
        "ldr r7, [sp, #4]",
        apart!("r8", "r7", "0", "16"),
        apart!("r9", "r7", "4", "20"),
        apart!("r10", "r7", "8", "24"),
        apart!("r11", "r7", "12", "28"),
        "ldr r7, [sp]",
        "cmp r7, #0",
        "beq 4f",
        "b 1b", // Too far for a condition, here and below.
        "4: add sp, #8",
        "pop {{r4, r5, r6, r7}}",
        "mov r8, r4",
        "mov r9, r5",
        "mov r10, r6",
        "mov r11, r7",
        "pop {{r4, r5, r6, r7, pc}}",
        // What is left at last.
        "5: movs r4, #0",
        "str r4, [sp]",
        "adds r7, #16",
        "b 7f",
        "6:",
        w4!(),
        "7: cmp r2, r7",
        "bne 6b",
        "b 3b",
    )
}

/// Sixteen rows of `cols` columns each, at most 128, times `x`, are added to `sums`.
///
/// # Safety
/// `cols` elements can be read at `words` and at `x`; `sums` can be read and written.
// SAFETY: reads both from start to end and nothing else, the words at multiples of 4 as LDM wants it: they are made of i32. Keeps r4 to r11 and the
// stack as the ABI asks.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn t2_columns(words: *const i32, x: *const i8, cols: usize, sums: *mut [i32; 16]) {
    naked_asm!(
        "push {{r4, r5, r6, r7, lr}}",
        "mov r4, r8",
        "mov r5, r9",
        "mov r6, r10",
        "mov r7, r11",
        "push {{r3, r4, r5, r6, r7}}",
        // Where x ends, and its whole eights.
        "adds r3, r1, r2",
        "lsrs r2, r2, #3",
        "lsls r2, r2, #3",
        "adds r2, r1, r2",
        "push {{r2, r3}}",
        "movs r6, #0",
        "movs r7, #0",
        "mov r8, r6",
        "mov r9, r6",
        "mov r10, r6",
        "mov r11, r6",
        "mov r12, r6",
        "mov lr, r6",
        "movs r5, #3",
        "lsls r3, r5, #16",
        "adds r5, r5, r3",
        "b 5f",
        "2:",
        t2!("0"),
        t2!("1"),
        t2!("2"),
        t2!("3"),
        t2!("4"),
        t2!("5"),
        t2!("6"),
        t2!("7"),
        "adds r1, #8",
        "5: ldr r2, [sp]",
        "cmp r1, r2",
        "beq 4f",
        "b 2b",
        "3:",
        t2!("0"),
        "adds r1, #1",
        "4: ldr r2, [sp, #4]",
        "cmp r1, r2",
        "bne 3b",
        "ldr r2, [sp, #8]",
        apart!("r6", "r2", "0", "32"),
        apart!("r7", "r2", "4", "36"),
        apart!("r8", "r2", "8", "40"),
        apart!("r9", "r2", "12", "44"),
        apart!("r10", "r2", "16", "48"),
        apart!("r11", "r2", "20", "52"),
        apart!("r12", "r2", "24", "56"),
        apart!("lr", "r2", "28", "60"),
        "add sp, #12",
        "pop {{r4, r5, r6, r7}}",
        "mov r8, r4",
        "mov r9, r5",
        "mov r10, r6",
        "mov r11, r7",
        "pop {{r4, r5, r6, r7, pc}}",
    )
}

/// As [`w4_columns`], of groups: before the words of each 32 columns a byte of each row is a scale, and the sum of the inputs is in `totals`. A sum
/// begins with what makes it one over weights but one, which has 16 bits whatever the weights.
///
/// # Safety
/// The words of `cols` columns and of the scales can be read at `words`, `cols` elements at `x` and a word of each group at `totals`; `sums` can be
/// read and written.
// SAFETY: reads all of them from start to end and nothing else, the words at multiples of 4 as LDM wants it: they are made of i32. Keeps r4 to r11
// and the stack as the ABI asks.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn w4_columns_groups(
    words: *const i32,
    x: *const i8,
    cols: usize,
    totals: *const i32,
    sums: *mut [i32; 16],
) {
    naked_asm!(
        "push {{r4, r5, r6, r7, lr}}",
        "mov r4, r8",
        "mov r5, r9",
        "mov r6, r10",
        "mov r7, r11",
        "push {{r4, r5, r6, r7}}",
        "ldr r4, [sp, #36]",
        "push {{r2, r3, r4}}", // columns and totals left, sums
        "sub sp, #8",          // scales
        "1: ldm r0!, {{r4, r5}}",
        "str r4, [sp]",
        "str r5, [sp, #4]",
        "ldr r5, [sp, #12]",
        "ldm r5!, {{r4}}",
        "str r5, [sp, #12]",
        "lsls r4, r4, #3",
        "adds r4, #1",
        "rsbs r4, r4, #0",
        "lsls r3, r4, #16",
        "adds r3, r3, r4",
        "mov r8, r3",
        "mov r9, r3",
        "mov r10, r3",
        "mov r11, r3",
        "movs r6, #15",
        "lsls r7, r6, #16",
        "adds r6, r6, r7",
        "movs r2, #0",
        "ldr r7, [sp, #8]",
        "subs r7, #32",
        "str r7, [sp, #8]",
        "bhs 2f",
        "b 4f", // Too far for a condition, here and below.
        "2:",
        w4!(),
        w4!(),
        w4!(),
        w4!(),
        "cmp r2, #32",
        "bne 2b",
        "3: adds r1, r1, r2",
        "ldr r7, [sp, #16]",
        "mov r6, sp",
        scaled!("r8", "adds r3, #1\nadds r4, #1", "r6", "0", "4", "r5", "r7", "0", "16"),
        scaled!("r9", "adds r3, #1\nadds r4, #1", "r6", "1", "5", "r5", "r7", "4", "20"),
        scaled!("r10", "adds r3, #1\nadds r4, #1", "r6", "2", "6", "r5", "r7", "8", "24"),
        scaled!("r11", "adds r3, #1\nadds r4, #1", "r6", "3", "7", "r5", "r7", "12", "28"),
        "ldr r7, [sp, #8]",
        "cmp r7, #0",
        "ble 6f",
        "b 1b",
        "6: add sp, #20",
        "pop {{r4, r5, r6, r7}}",
        "mov r8, r4",
        "mov r9, r5",
        "mov r10, r6",
        "mov r11, r7",
        "pop {{r4, r5, r6, r7, pc}}",
        // What is left at last.
        "4: adds r7, #32",
        "5:",
        w4!(),
        "cmp r2, r7",
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
        "push {{r4, r5, r6, r7, lr}}",
        "mov r4, r8",
        "mov r5, r9",
        "mov r6, r10",
        "mov r7, r11",
        "push {{r4, r5, r6, r7}}",
        "ldr r4, [sp, #36]",
        "adds r2, r1, r2",
        "push {{r2, r3, r4}}", // where x ends, totals left, sums
        "sub sp, #24",         // where x ends in the group, and its whole eights; scales
        "1: ldm r0!, {{r4, r5, r6, r7}}",
        "add r3, sp, #8",
        "stm r3!, {{r4, r5, r6, r7}}",
        "ldr r3, [sp, #28]",
        "ldm r3!, {{r4}}",
        "str r3, [sp, #28]",
        "rsbs r4, r4, #0",
        "lsls r3, r4, #16",
        "adds r4, r4, r3",
        ".irp sum, r6, r7, r8, r9, r10, r11, r12, lr",
        "mov \\sum, r4",
        ".endr",
        "ldr r2, [sp, #24]",
        "subs r3, r2, r1",
        "cmp r3, #32",
        "bls 2f",
        "movs r3, #32",
        "2: adds r2, r1, r3",
        "lsrs r3, r3, #3",
        "lsls r3, r3, #3",
        "adds r3, r1, r3",
        "str r2, [sp]",
        "str r3, [sp, #4]",
        "movs r5, #3",
        "lsls r2, r5, #16",
        "adds r5, r5, r2",
        "b 4f",
        "3:",
        t2!("0"),
        t2!("1"),
        t2!("2"),
        t2!("3"),
        t2!("4"),
        t2!("5"),
        t2!("6"),
        t2!("7"),
        "adds r1, #8",
        "4: ldr r2, [sp, #4]",
        "cmp r1, r2",
        "beq 6f",
        "b 3b", // Too far for a condition, here and below.
        "5:",
        t2!("0"),
        "adds r1, #1",
        "6: ldr r2, [sp]",
        "cmp r1, r2",
        "bne 5b",
        "push {{r0, r1}}",
        "ldr r2, [sp, #40]",
        "add r5, sp, #16",
        scaled!("r6", "", "r5", "0", "8", "r0", "r2", "0", "32"),
        scaled!("r7", "", "r5", "1", "9", "r0", "r2", "4", "36"),
        scaled!("r8", "", "r5", "2", "10", "r0", "r2", "8", "40"),
        scaled!("r9", "", "r5", "3", "11", "r0", "r2", "12", "44"),
        scaled!("r10", "", "r5", "4", "12", "r0", "r2", "16", "48"),
        scaled!("r11", "", "r5", "5", "13", "r0", "r2", "20", "52"),
        scaled!("r12", "", "r5", "6", "14", "r0", "r2", "24", "56"),
        scaled!("lr", "", "r5", "7", "15", "r0", "r2", "28", "60"),
        "pop {{r0, r1}}",
        "ldr r2, [sp, #24]",
        "cmp r1, r2",
        "beq 7f",
        "b 1b",
        "7: add sp, #36",
        "pop {{r4, r5, r6, r7}}",
        "mov r8, r4",
        "mov r9, r5",
        "mov r10, r6",
        "mov r11, r7",
        "pop {{r4, r5, r6, r7, pc}}",
    )
}
