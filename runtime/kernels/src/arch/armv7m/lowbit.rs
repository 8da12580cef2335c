//! Weights of few bits with a multiplier of 32 bits: two products in one multiplication.
//!
//! A word is a column's weights in eight rows (W4) or sixteen (T2). Shifted, for nothing, and masked it is `a + 2^16*b`, and a sum of its products
//! with inputs holds the sums of two rows; before one leaves its 16 bits, after 16 columns of W4 or 128 of T2, they are taken apart: the lower half
//! is one, its sign included, and what is left the other.
//!
//! A whole run of 784 x 128: W4 1.5 instructions for a multiply-accumulate, T2 1.3 (QEMU, counted).

use core::arch::naked_asm;

/// A column of W4: its word in $w, x at r1, the mask in r8, sums in r4 to r7.
macro_rules! w4 {
    ($w:literal) => {
        concat!(
            "ldrsb lr, [r1], #1
            and r3, r8, ",
            $w,
            "
            mla r4, r3, lr, r4
            and r3, r8, ",
            $w,
            ", lsr #4
            mla r5, r3, lr, r5
            and r3, r8, ",
            $w,
            ", lsr #8
            mla r6, r3, lr, r6
            and r3, r8, ",
            $w,
            ", lsr #12
            mla r7, r3, lr, r7"
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

/// Eight rows of `cols` columns each, times `x`, are added to `sums`.
///
/// # Safety
/// `cols` elements can be read at `words` and at `x`; `sums` can be read and written.
// SAFETY: reads both from start to end and nothing else, the words at multiples of 4 as LDM wants it: they are made of i32. Keeps r4 to r11 and the
// stack as the ABI asks.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn w4_columns(words: *const i32, x: *const i8, cols: usize, sums: *mut [i32; 8]) {
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
        w4!("r9"),
        w4!("r10"),
        w4!("r11"),
        w4!("r12"),
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
        w4!("r9"),
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
