//! Weights of few bits with vectors.
//!
//! A lane has a column's weights in four rows. As in the twin for DSP nothing is shifted: a sum of whole lanes and sums of lanes that are cut off more
//! and more are made, and the differences are the sums of rows. Of W4, 9 instructions for 32 products, of T2 for 64.
//!
//! A whole run of 784 x 128: W4 0.41 instructions for a multiply-accumulate, T2 0.26; with groups of 32 columns 0.57 and 0.41 (QEMU, counted). Rejected: unpacking to lanes of a
//! weight each (11 instructions for 64 products, and inputs in another order).

use core::arch::naked_asm;

/// Eight columns of W4: words at r0, inputs at r1, sums in r4, r6, r8, r10.
macro_rules! w4 {
    () => {
        "vldrh.u16 q0, [r1], #16
        vldrh.u16 q1, [r0], #16
        vmladava.s16 r10, q0, q1
        vbic.i16 q1, #0xF000
        vmladava.s16 r8, q0, q1
        vbic.i16 q1, #0x0F00
        vmladava.s16 r6, q0, q1
        vbic.i16 q1, #0x00F0
        vmladava.s16 r4, q0, q1"
    };
}

/// Sixteen columns of T2: words at r0, inputs at r1, masks in q2 to q4, sums in r4, r6, r8, r10.
macro_rules! t2 {
    () => {
        "vldrb.u8 q0, [r1], #16
        vldrb.u8 q1, [r0], #16
        vmladava.s8 r10, q0, q1
        vand q1, q1, q2
        vmladava.s8 r8, q0, q1
        vand q1, q1, q3
        vmladava.s8 r6, q0, q1
        vand q1, q1, q4
        vmladava.s8 r4, q0, q1"
    };
}

/// The sums of a group's rows, times the scales at r5, are added to $sums, after shifts to the left by $by.
macro_rules! scaled {
    ($sums:literal, $by:literal) => {
        concat!(
            "sub r10, r10, r8
            sub r8, r8, r6
            sub r6, r6, r4
            vmov d0, r4, r6
            vmov d1, r8, r10
            vshl.s32 q0, q0, ",
            $by,
            "
            vldrb.u32 q1, [r5]
            vmul.i32 q0, q0, q1
            vadd.i32 ",
            $sums,
            ", ",
            $sums,
            ", q0"
        )
    };
}

/// Four rows of `eights` times eight columns each, times `halves`, are added to `sums`.
///
/// # Safety
/// `eights` elements can be read at `words` and at `halves`; `sums` can be read and written.
// SAFETY: reads both from start to end and nothing else, reads and writes four words at `sums`; keeps r4 to r11 and the stack as the ABI asks,
// which leaves q0 to q3 to whoever is called.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn w4_rows(
    words: *const [i32; 4],
    halves: *const [i32; 4],
    eights: usize,
    sums: *mut [i32; 4],
) {
    naked_asm!(
        env!("LEAFGATE_CPU"),
        "push {{r4, r5, r6, r7, r8, r9, r10, r11, r12, lr}}",
        // No more than 60 times eight columns at once, so that a sum stays within 20 bits.
        "1: mov r12, r2",
        "cmp r12, #60",
        "it hi",
        "movhi r12, #60",
        "sub r2, r2, r12",
        "movs r4, #0",
        "movs r6, #0",
        "mov r8, r4",
        "mov r10, r4",
        "lsr r5, r12, #1",
        "wls lr, r5, 3f",
        "2:",
        w4!(),
        w4!(),
        "le lr, 2b",
        "3: tst r12, #1",
        "beq 4f",
        w4!(),
        "4: subs r5, r6, r4",
        "sub r7, r8, r6",
        "sub r9, r10, r8",
        "ldm r3, {{r6, r8, r10, r11}}",
        "add r6, r6, r4",
        "add r8, r8, r5, asr #4",
        "add r10, r10, r7, asr #8",
        "add r11, r11, r9, asr #12",
        "stm r3, {{r6, r8, r10, r11}}",
        "cmp r2, #0",
        "bne 1b",
        "pop {{r4, r5, r6, r7, r8, r9, r10, r11, r12, pc}}",
    )
}

/// Four rows of `cols` columns each, times `x`, are added to `sums`; at most 2^16 columns.
///
/// # Safety
/// `cols` bytes can be read at `words` and at `x`; `sums` can be read and written.
// SAFETY: reads both from start to end and nothing else (the loop masks what is beyond), reads and writes four words at `sums`; keeps r4 to r11, q4
// and the stack as the ABI asks.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn t2_bytes(words: *const i32, x: *const i8, cols: usize, sums: *mut [i32; 4]) {
    naked_asm!(
        env!("LEAFGATE_CPU"),
        "push {{r4, r5, r6, r7, r8, r9, r10, r11, r12, lr}}",
        "vpush {{d8, d9}}",
        "movs r4, #0",
        "movs r6, #0",
        "mov r8, r4",
        "mov r10, r4",
        "vmov.i8 q2, #0x3F",
        "vmov.i8 q3, #0x0F",
        "vmov.i8 q4, #0x03",
        "wlstp.8 lr, r2, 3f",
        "2:",
        t2!(),
        "letp lr, 2b",
        "3: vpop {{d8, d9}}",
        "subs r5, r6, r4",
        "sub r7, r8, r6",
        "sub r9, r10, r8",
        "ldm r3, {{r6, r8, r10, r11}}",
        "add r6, r6, r4",
        "add r8, r8, r5, asr #2",
        "add r10, r10, r7, asr #4",
        "add r11, r11, r9, asr #6",
        "stm r3, {{r6, r8, r10, r11}}",
        "pop {{r4, r5, r6, r7, r8, r9, r10, r11, r12, pc}}",
    )
}

/// As [`w4_rows`], of groups: before the words of each 32 columns a byte of each row is a scale, and the sum of the inputs is in `totals`.
///
/// # Safety
/// So many words, and half as many more as there are groups, can be read at `words`, `eights` elements at `halves` and a word of each group at `totals`;
/// `sums` can be read and written.
// SAFETY: reads all of them from start to end and nothing else, reads and writes four words at `sums`; keeps r4 to r11 and the stack as the ABI asks,
// which leaves q0 to q3 to whoever is called.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn w4_rows_groups(
    words: *const i32,
    halves: *const [i32; 4],
    eights: usize,
    totals: *const i32,
    sums: *mut [i32; 4],
) {
    naked_asm!(
        env!("LEAFGATE_CPU"),
        "push {{r4, r5, r6, r7, r8, r9, r10, r11, r12, lr}}",
        "ldr r12, [sp, #40]",
        "vldrw.u32 q2, [r12]",
        "movs r4, #0",
        "vddup.u32 q3, r4, #4", // 0, -4, -8, -12
        "1: ldr r4, [r3], #4",
        // What offset binary adds to rows 0, 1 and 2, each in its place.
        "lsls r4, r4, #3",
        "rsbs r4, r4, #0",
        "add r6, r4, r4, lsl #4",
        "add r8, r6, r4, lsl #8",
        "mov r10, r8",
        "mov r5, r0",
        "adds r0, #4",
        "subs r2, #4",
        "blo 4f",
        ".rept 4",
        w4!(),
        ".endr",
        "3:",
        scaled!("q2", "q3"),
        "cmp r2, #0",
        "bgt 1b",
        "vstrw.32 q2, [r12]",
        "pop {{r4, r5, r6, r7, r8, r9, r10, r11, r12, pc}}",
        "4: add r7, r2, #4",
        "dls lr, r7",
        "5:",
        w4!(),
        "le lr, 5b",
        "b 3b",
    )
}

/// As [`t2_bytes`], of groups.
///
/// # Safety
/// So many bytes, and four more for each group, can be read at `words`, `cols` at `x` and a word of each group at `totals`; `sums` can be read and
/// written.
// SAFETY: reads all of them from start to end and nothing else (the loop masks what is beyond), reads and writes four words at `sums`; keeps r4 to
// r11, q4 to q6 and the stack as the ABI asks.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn t2_bytes_groups(
    words: *const i32,
    x: *const i8,
    cols: usize,
    totals: *const i32,
    sums: *mut [i32; 4],
) {
    naked_asm!(
        env!("LEAFGATE_CPU"),
        "push {{r4, r5, r6, r7, r8, r9, r10, r11, r12, lr}}",
        "ldr r12, [sp, #40]",
        "vpush {{d8, d9, d10, d11, d12, d13}}",
        "vldrw.u32 q5, [r12]",
        "movs r4, #0",
        "vddup.u32 q6, r4, #2", // 0, -2, -4, -6
        "vmov.i8 q2, #0x3F",
        "vmov.i8 q3, #0x0F",
        "vmov.i8 q4, #0x03",
        "1: ldr r4, [r3], #4",
        // What offset binary adds to rows 0, 1 and 2, each in its place.
        "rsbs r4, r4, #0",
        "add r6, r4, r4, lsl #2",
        "add r8, r6, r4, lsl #4",
        "mov r10, r8",
        "mov r5, r0",
        "adds r0, #4",
        "subs r2, #32",
        "blo 4f",
        t2!(),
        t2!(),
        "3:",
        scaled!("q5", "q6"),
        "cmp r2, #0",
        "bgt 1b",
        "vstrw.32 q5, [r12]",
        "vpop {{d8, d9, d10, d11, d12, d13}}",
        "pop {{r4, r5, r6, r7, r8, r9, r10, r11, r12, pc}}",
        "4: add r7, r2, #32",
        "dlstp.8 lr, r7",
        "5:",
        t2!(),
        "letp lr, 5b",
        "b 3b",
    )
}
