//! Weights of few bits with SMLAD.
//!
//! **W4**: a half-word has a column's weights in four rows, `h = n0 + 16*n1 + 256*n2 + 4096*n3`. Nothing is shifted: sums are made of `h`, of its lower 12,
//! 8 and 4 bits, and the differences of two of them are 4096, 256 and 16 times the sum of a row. Seven instructions for eight products, four SMLAD
//! and three that cut off; 31 for 32 with the loads. A row's sum must stay within 20 bits: every 480 columns are added up.
//!
//! **T2**: a half-word of a rotated word, masked, is `a + 2^14*b`, a column's weights in two rows; so one SMLAD makes four products, in one sum of
//! both rows: 18 instructions for 32. Every 32 columns the lower 14 bits, the sum of `a`, are taken out.
//!
//! A whole run of 784 x 128: W4 1.11 instructions for a multiply-accumulate, T2 0.77; with groups of 32 columns 1.36 and 0.93 (QEMU, counted). Rejected: W4 nibble by nibble with
//! shifted masks (eight instructions for eight products, 35 for 32 with the loads); T2 as W4, a mask for a product of two.

use core::arch::naked_asm;

/// Eight columns of W4: words at r0, inputs at r1, sums in r4 to r7.
macro_rules! w4 {
    () => {
        "ldm r0!, {{r8, r9, r10, r11}}
        ldrd r12, lr, [r1], #8
        smlad r7, r8, r12, r7
        smlad r7, r9, lr, r7
        bic r3, r8, #0xF000F000
        smlad r6, r3, r12, r6
        bic r3, r9, #0xF000F000
        smlad r6, r3, lr, r6
        uxtb16 r3, r8
        smlad r5, r3, r12, r5
        uxtb16 r3, r9
        smlad r5, r3, lr, r5
        and r3, r8, #0x000F000F
        smlad r4, r3, r12, r4
        and r3, r9, #0x000F000F
        smlad r4, r3, lr, r4
        ldrd r12, lr, [r1], #8
        smlad r7, r10, r12, r7
        smlad r7, r11, lr, r7
        bic r3, r10, #0xF000F000
        smlad r6, r3, r12, r6
        bic r3, r11, #0xF000F000
        smlad r6, r3, lr, r6
        uxtb16 r3, r10
        smlad r5, r3, r12, r5
        uxtb16 r3, r11
        smlad r5, r3, lr, r5
        and r3, r10, #0x000F000F
        smlad r4, r3, r12, r4
        and r3, r11, #0x000F000F
        smlad r4, r3, lr, r4"
    };
}

/// Eight columns of T2: words at r0, inputs at r1, the mask in r2, sums in r4 and r5.
macro_rules! t2 {
    () => {
        "ldrd r8, r9, [r0], #8
        ldm r1!, {{r10, r11, r12, lr}}
        and r3, r2, r8
        smlad r4, r3, r10, r4
        and r3, r2, r9
        smlad r5, r3, r10, r5
        and r3, r2, r8, ror #4
        smlad r4, r3, r11, r4
        and r3, r2, r9, ror #4
        smlad r5, r3, r11, r5
        and r3, r2, r8, ror #8
        smlad r4, r3, r12, r4
        and r3, r2, r9, ror #8
        smlad r5, r3, r12, r5
        and r3, r2, r8, ror #12
        smlad r4, r3, lr, r4
        and r3, r2, r9, ror #12
        smlad r5, r3, lr, r5"
    };
}

/// Takes the sums of even rows out, to r6 and r7.
macro_rules! take_even {
    () => {
        "sbfx r3, r4, #0, #14
        add r6, r6, r3
        sub r4, r4, r3
        sbfx r3, r5, #0, #14
        add r7, r7, r3
        sub r5, r5, r3"
    };
}

/// Four rows of `eights` times eight columns each, times `halves`, are added to `sums`.
///
/// # Safety
/// `eights` elements can be read at `words` and at `halves`; `sums` can be read and written.
// SAFETY: reads both from start to end and nothing else, at multiples of 4 as LDM and LDRD want it: they are made of i32. Keeps r4 to r11 and
// the stack as the ABI asks.
#[unsafe(naked)]
#[cfg_attr(leafgate_isa = "mve", allow(dead_code, reason = "vectors take its place"))]
pub(super) unsafe extern "C" fn w4_rows(
    words: *const [i32; 4],
    halves: *const [i32; 4],
    eights: usize,
    sums: *mut [i32; 4],
) {
    naked_asm!(
        env!("LEAFGATE_CPU"),
        "push {{r4, r5, r6, r7, r8, r9, r10, r11, r12, lr}}",
        "push {{r2, r3}}",
        // No more than 60 times eight columns at once; what is left then, to the stack.
        "1: movs r3, #0",
        "cmp r2, #60",
        "itt hi",
        "subhi r3, r2, #60",
        "movhi r2, #60",
        "str r3, [sp]",
        "movs r4, #0",
        "movs r5, #0",
        "movs r6, #0",
        "movs r7, #0",
        "subs r2, #4",
        "blo 3f",
        "2:",
        w4!(),
        w4!(),
        w4!(),
        w4!(),
        "subs r2, #4",
        "bhs 2b",
        "3: adds r2, #4",
        "beq 5f",
        "4:",
        w4!(),
        "subs r2, #1",
        "bne 4b",
        "5: ldrd r2, r3, [sp]",
        "subs r7, r7, r6",
        "subs r6, r6, r5",
        "subs r5, r5, r4",
        "ldm r3, {{r8, r9, r10, r11}}",
        "add r8, r8, r4",
        "add r9, r9, r5, asr #4",
        "add r10, r10, r6, asr #8",
        "add r11, r11, r7, asr #12",
        "stm r3, {{r8, r9, r10, r11}}",
        "cmp r2, #0",
        "bne 1b",
        "add sp, #8",
        "pop {{r4, r5, r6, r7, r8, r9, r10, r11, r12, pc}}",
    )
}

/// As [`w4_rows`]; at most 124 times eight columns.
///
/// # Safety
/// `eights` elements can be read at `words` and at `halves`; `sums` can be read and written.
// SAFETY: reads both from start to end and nothing else, at multiples of 4 as LDM and LDRD want it: they are made of i32. Keeps r4 to r11 and
// the stack as the ABI asks.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn t2_rows(
    words: *const [i32; 2],
    halves: *const [i32; 4],
    eights: usize,
    sums: *mut [i32; 4],
) {
    naked_asm!(
        env!("LEAFGATE_CPU"),
        "push {{r4, r5, r6, r7, r8, r9, r10, r11, r12, lr}}",
        // Rounds of 32 columns, and eights left, to the stack.
        "and r12, r2, #3",
        "push {{r3, r12}}",
        "movs r4, #0",
        "movs r5, #0",
        "movs r6, #0",
        "movs r7, #0",
        "lsrs r3, r2, #2",
        "push {{r2, r3}}",
        "mov r2, #0x00030003",
        "orr r2, r2, #0xC000C000",
        "beq 3f",
        "2:",
        t2!(),
        t2!(),
        t2!(),
        t2!(),
        take_even!(),
        "ldr r3, [sp, #4]",
        "subs r3, #1",
        "str r3, [sp, #4]",
        "bne 2b",
        "3: ldr r3, [sp, #12]",
        "cbz r3, 5f",
        "4:",
        t2!(),
        "ldr r3, [sp, #12]",
        "subs r3, #1",
        "str r3, [sp, #12]",
        "bne 4b",
        take_even!(),
        "5: ldr r3, [sp, #8]",
        "add sp, #16",
        "ldm r3, {{r8, r9, r10, r11}}",
        "add r8, r8, r6",
        "add r9, r9, r4, asr #14",
        "add r10, r10, r7",
        "add r11, r11, r5, asr #14",
        "stm r3, {{r8, r9, r10, r11}}",
        "pop {{r4, r5, r6, r7, r8, r9, r10, r11, r12, pc}}",
    )
}

/// As [`w4_rows`], of groups: before the words of each 32 columns a byte of each row is a scale, and the sum of the inputs is in `totals`.
///
/// # Safety
/// So many words, and half as many more as there are groups, can be read at `words`, `eights` elements at `halves` and a word of each group at `totals`;
/// `sums` can be read and written.
// SAFETY: reads all of them from start to end and nothing else, at multiples of 4 as LDM and LDRD want it: they are made of i32. Keeps r4 to r11
// and the stack as the ABI asks.
#[unsafe(naked)]
#[cfg_attr(leafgate_isa = "mve", allow(dead_code, reason = "vectors take its place"))]
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
        "push {{r2, r3}}",  // eights and totals left
        "push {{r3, r12}}", // scales, and the sums
        "1: ldr r3, [r0], #4",
        "str r3, [sp]",
        // What offset binary adds to rows 0, 1 and 2, each in its place.
        "ldrd r2, r3, [sp, #8]",
        "ldr r4, [r3], #4",
        "lsl r4, r4, #3",
        "rsb r4, r4, #0",
        "add r5, r4, r4, lsl #4",
        "add r6, r5, r4, lsl #8",
        "mov r7, r6",
        "subs r2, #4",
        "strd r2, r3, [sp, #8]",
        "blo 4f",
        "2:",
        w4!(),
        w4!(),
        w4!(),
        w4!(),
        "3: ldrd r12, r2, [sp]",
        "subs r7, r7, r6",
        "subs r6, r6, r5",
        "subs r5, r5, r4",
        "ldm r2, {{r8, r9, r10, r11}}",
        "uxtb r3, r12",
        "mla r8, r4, r3, r8",
        "asrs r5, r5, #4",
        "uxtb r3, r12, ror #8",
        "mla r9, r5, r3, r9",
        "asrs r6, r6, #8",
        "uxtb r3, r12, ror #16",
        "mla r10, r6, r3, r10",
        "asrs r7, r7, #12",
        "lsr r3, r12, #24",
        "mla r11, r7, r3, r11",
        "stm r2, {{r8, r9, r10, r11}}",
        "ldr r2, [sp, #8]",
        "cmp r2, #0",
        "bgt 1b",
        "add sp, #16",
        "pop {{r4, r5, r6, r7, r8, r9, r10, r11, r12, pc}}",
        "4: adds r2, #4",
        "5:",
        w4!(),
        "subs r2, #1",
        "bne 5b",
        "b 3b",
    )
}

/// As [`w4_rows_groups`].
///
/// # Safety
/// So many words, and half as many more as there are groups, can be read at `words`, `eights` elements at `halves` and a word of each group at `totals`;
/// `sums` can be read and written.
// SAFETY: reads all of them from start to end and nothing else, at multiples of 4 as LDM and LDRD want it: they are made of i32. Keeps r4 to r11
// and the stack as the ABI asks.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn t2_rows_groups(
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
        "push {{r2, r3}}",  // eights and totals left
        "push {{r3, r12}}", // scales, and the sums
        "mov r2, #0x00030003",
        "orr r2, r2, #0xC000C000",
        "1: ldr r3, [r0], #4",
        "str r3, [sp]",
        // What offset binary adds to rows 0 and 2.
        "ldrd r6, r7, [sp, #8]",
        "ldr r4, [r7], #4",
        "rsbs r4, r4, #0",
        "mov r5, r4",
        "subs r6, #4",
        "strd r6, r7, [sp, #8]",
        "blo 4f",
        "2:",
        t2!(),
        t2!(),
        t2!(),
        t2!(),
        "3: ldrd r12, lr, [sp]",
        "ldm lr, {{r8, r9, r10, r11}}",
        "sbfx r3, r4, #0, #14",
        "subs r4, r4, r3",
        "uxtb r6, r12",
        "mla r8, r3, r6, r8",
        "asrs r4, r4, #14",
        "uxtb r6, r12, ror #8",
        "mla r9, r4, r6, r9",
        "sbfx r3, r5, #0, #14",
        "subs r5, r5, r3",
        "uxtb r6, r12, ror #16",
        "mla r10, r3, r6, r10",
        "asrs r5, r5, #14",
        "lsr r6, r12, #24",
        "mla r11, r5, r6, r11",
        "stm lr, {{r8, r9, r10, r11}}",
        "ldr r6, [sp, #8]",
        "cmp r6, #0",
        "bgt 1b",
        "add sp, #16",
        "pop {{r4, r5, r6, r7, r8, r9, r10, r11, r12, pc}}",
        "4: adds r6, #4",
        "5:",
        t2!(),
        "subs r6, #1",
        "bne 5b",
        "b 3b",
    )
}

/// Elements become half-words: `eights` times eight. 13.5 instructions each.
///
/// # Safety
/// `8 * eights` bytes can be read at `x`, at any address as LDR takes it; `eights` elements can be written at `halves`.
// SAFETY: reads and writes both from start to end and nothing else, the latter at multiples of 4 as STM wants it; keeps r4 to r7 and the stack as
// the ABI asks.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn halves(x: *const i8, halves: *mut [i32; 4], eights: usize) {
    naked_asm!(
        env!("LEAFGATE_CPU"),
        "cbz r2, 3f",
        "push {{r4, r5, r6, r7, r8, lr}}",
        "2: ldr r12, [r0], #4",
        "ldr lr, [r0], #4",
        "sxtb16 r3, r12",
        "sxtb16 r12, r12, ror #8",
        "pkhbt r4, r3, r12, lsl #16",
        "pkhtb r5, r12, r3, asr #16",
        "sxtb16 r3, lr",
        "sxtb16 lr, lr, ror #8",
        "pkhbt r6, r3, lr, lsl #16",
        "pkhtb r7, lr, r3, asr #16",
        "stm r1!, {{r4, r5, r6, r7}}",
        "subs r2, #1",
        "bne 2b",
        "pop {{r4, r5, r6, r7, r8, pc}}",
        "3: bx lr",
    )
}

/// The sum of `fours` times four elements: of bytes without a sign, 128 too large.
///
/// # Safety
/// `4 * fours` bytes can be read at `x`, at any address as LDR takes it.
// SAFETY: reads them from start to end and nothing else; takes only registers that the ABI lets it take.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn sum(x: *const i8, fours: usize) -> i32 {
    naked_asm!(
        env!("LEAFGATE_CPU"),
        "lsls r12, r1, #9",
        "mov r2, r0",
        "rsb r0, r12, #0",
        "cbz r1, 3f",
        "mov r12, #0",
        "2: ldr r3, [r2], #4",
        "eor r3, r3, #0x80808080",
        "usada8 r0, r3, r12, r0",
        "subs r1, #1",
        "bne 2b",
        "3: bx lr",
    )
}
