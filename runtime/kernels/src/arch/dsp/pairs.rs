//! The pair trick with SMLAD and SXTB16.
//!
//! 14 instructions for four columns of four rows: LDM brings a word of each row, LDRD both words of the input, then for each row
//!
//! ```text
//! smlad  sum, word, odd, sum
//! sxtb16 word, word
//! smlad  sum, word, even, sum
//! ```
//! Eight times that and two instructions of the loop are 114 for 128 multiply-accumulates: 0.89 each. Sums, words and inputs take twelve of
//! the fourteen registers with two pointers; the loop counters are r6 and r7, which the compiler keeps for itself. What follows the columns of a
//! group, bias and requantisation, is in the same function: the sums are in their registers. Zero point and bounds are taken from the first
//! record for all rows; the bounds are those of four bytes at once (SSUB8 and SEL).
//!
//! A whole run of 784 x 128 takes 0.942 instructions for a multiply-accumulate, of 128 x 128 1.135 (QEMU, counted).
//!
//! Rejected: rows one after the other (an input is loaded four times as often); two SXTB16 for a word of plain bytes (a fourth instruction for
//! each word); sums of a block of rows in memory, and a second loop over them (17 instructions more for a group, and 128 bytes of stack).

use core::arch::{asm, naked_asm};

use crate::pairs::{Matrix, Quad};
use crate::portable::pairs::quad_of;

/// Four elements in $even become a quad in $odd and $even.
macro_rules! prepared {
    ($odd:literal, $even:literal) => {
        concat!(
            concat!("sxtb16 ", $odd, ", ", $even, ", ror #8\n"),
            concat!("rev16 ", $even, ", ", $even, "\n"),
            concat!("eor ", $even, ", ", $even, ", #0x007f007f")
        )
    };
}

/// Four columns of four rows: words at r12, inputs at lr, sums in r0 to r3.
macro_rules! quad {
    () => {
        "ldm r12!, {{r8, r9, r10, r11}}
        ldrd r4, r5, [lr], #8
        smlad r0, r8, r4, r0
        smlad r1, r9, r4, r1
        smlad r2, r10, r4, r2
        smlad r3, r11, r4, r3
        sxtb16 r8, r8
        sxtb16 r9, r9
        sxtb16 r10, r10
        sxtb16 r11, r11
        smlad r0, r8, r5, r0
        smlad r1, r9, r5, r1
        smlad r2, r10, r5, r2
        smlad r3, r11, r5, r3"
    };
}

/// Four columns of the first two of four rows: sums in r0 and r1.
macro_rules! quad_of_two {
    () => {
        "ldrd r8, r9, [r12], #16
        ldrd r4, r5, [lr], #8
        smlad r0, r8, r4, r0
        smlad r1, r9, r4, r1
        sxtb16 r8, r8
        sxtb16 r9, r9
        smlad r0, r8, r5, r0
        smlad r1, r9, r5, r1"
    };
}

/// Sums $a and $b times what the two records at r5 say, shifted but by one bit. A record is m and a word of s, zero_point, lo and hi. That word
/// less the one of the first record, where s is 33 (in lr), is s - 33 if the others are those of the first; else it is 32 or more, or below 0.
macro_rules! two_rows {
    ($a:literal, $b:literal) => {
        concat!(
            "ldm r5, {{r6, r7, r8, r9}}\n",
            "subs r7, r7, lr\n",
            "sub r9, r9, lr\n",
            concat!("smmul ", $a, ", ", $a, ", r6\n"),
            concat!("smmul ", $b, ", ", $b, ", r8\n"),
            concat!("asrs ", $a, ", r7\n"),
            concat!("asr ", $b, ", ", $b, ", r9")
        )
    };
}

/// The last bit of the shift with half of it and zero_point (2*zero_point + 1, in r6), to a byte.
macro_rules! byte {
    ($a:literal) => {
        concat!("add ", $a, ", ", $a, ", r6\n", "ssat ", $a, ", #8, ", $a, ", asr #1")
    };
}

/// The bytes of r0 to at least those of r7 and at most those of r8.
macro_rules! bounded {
    () => {
        "ssub8 r1, r0, r7
        sel r0, r0, r7
        ssub8 r1, r8, r0
        sel r0, r0, r8"
    };
}

/// As [`crate::pairs::prepare`]. 4.8 instructions for four elements.
#[inline(always)]
pub(crate) fn prepare(x: &[i8], quads: &mut [Quad]) {
    let (whole, rest) = x.as_chunks::<4>();
    let count = whole.len().min(quads.len());
    // SAFETY: `count` chunks can be read at `x` and as many quads written.
    unsafe { prepare_whole(whole.as_ptr(), quads.as_mut_ptr(), count) };
    if count != quads.len() {
        prepare_rest(rest, quads, count);
    }
}

/// The quads from `count` on: `rest`, completed with zeros, and then of zeros.
#[cold]
#[inline(never)]
fn prepare_rest(rest: &[i8], quads: &mut [Quad], count: usize) {
    let mut last = [0; 4];
    for (to, &from) in last.iter_mut().zip(rest) {
        *to = from;
    }
    for quad in quads.iter_mut().skip(count) {
        *quad = quad_of(core::mem::take(&mut last));
    }
}

/// Makes `count` quads.
///
/// # Safety
/// `count` chunks can be read at `x` and as many quads written at `quads`, which begins at a multiple of 4.
// SAFETY: reads and writes what is said above; LDR may be unaligned on these cores (Armv7-M ARM, A3.2.1) and the compiler makes such loads as well. Keeps r4
// to r11 as the ABI asks.
#[unsafe(naked)]
unsafe extern "C" fn prepare_whole(x: *const [i8; 4], quads: *mut Quad, count: usize) {
    naked_asm!(
        env!("LEAFGATE_CPU"),
        "push {{r4, r5, r6, r7, r8, r9, r10, r11}}",
        "subs r2, #4",
        "blo 3f",
        // The even elements of four words in r5, r7, r9 and r11, the odd ones before each.
        "2:",
        "ldr r5, [r0], #4",
        "ldr r7, [r0], #4",
        "ldr r9, [r0], #4",
        "ldr r11, [r0], #4",
        prepared!("r4", "r5"),
        prepared!("r6", "r7"),
        prepared!("r8", "r9"),
        prepared!("r10", "r11"),
        "stm r1!, {{r4, r5, r6, r7, r8, r9, r10, r11}}",
        "subs r2, #4",
        "bhs 2b",
        "3:",
        "adds r2, #4",
        "beq 5f",
        "4:",
        "ldr r5, [r0], #4",
        prepared!("r4", "r5"),
        "stm r1!, {{r4, r5}}",
        "subs r2, #1",
        "bne 4b",
        "5:",
        "pop {{r4, r5, r6, r7, r8, r9, r10, r11}}",
        "bx lr",
    )
}

/// As [`crate::pairs`] says: a group times a prepared input, four sums 8 bits too far up.
#[inline(never)]
pub(crate) fn sums(starts: &[i32; 4], words: &[[i32; 4]], quads: &[Quad]) -> [i32; 4] {
    let [mut a, mut b, mut c, mut d] = *starts;
    // SAFETY: reads as many elements of `words` and `quads` as both have, at multiples of 4 as LDM and LDRD want it: they are made of i32.
    // Writes below the stack pointer, 8 bytes, and gives them back: r6 and r7, which the compiler keeps for itself. Whether SMLAD has set
    // the Q flag means nothing to the compiler.
    unsafe {
        asm!(
            "push {{r6, r7}}",
            "and r7, r4, #3",
            "lsrs r6, r4, #2",
            "beq 3f",
            "2:",
            ".rept 4",
            quad!(),
            ".endr",
            "subs r6, r6, #1",
            "bne 2b",
            "3:",
            "cbz r7, 5f",
            "4:",
            quad!(),
            "subs r7, r7, #1",
            "bne 4b",
            "5:",
            "pop {{r6, r7}}",
            inout("r0") a,
            inout("r1") b,
            inout("r2") c,
            inout("r3") d,
            inout("r4") words.len().min(quads.len()) => _,
            out("r5") _,
            out("r8") _,
            out("r9") _,
            out("r10") _,
            out("r11") _,
            inout("r12") words.as_ptr() => _,
            inout("lr") quads.as_ptr() => _,
        );
    }
    [a, b, c, d]
}

/// The biases of four rows without biases.
static ZEROS: [i32; 4] = [0; 4];

/// As [`crate::portable::pairs::rows_i8`]: fours, and two rows that are left. Stops at a record with a shift below 33, beyond which the upper word of
/// a product is enough, or with other bounds or another zero point than the first. 58 instructions for a group of four rows beside those for its
/// columns.
#[inline(always)]
pub(crate) fn rows_i8(matrix: &Matrix<'_>, quads: &[Quad], y: &mut [i8]) -> usize {
    let (words, biases, records) = (matrix.groups(), matrix.biases, matrix.records);
    let (rows, count) = (y.len(), quads.len());
    let (groups, left) = (rows >> 2, rows & 2 & !(rows << 1));
    let done = groups.wrapping_mul(4).wrapping_add(left);
    let size = groups.wrapping_add(left >> 1).checked_mul(count.wrapping_add(1));
    let Some(&first) = records.first() else { return 0 };
    let shared = [first; 2];
    let (biases, bias_step) = match biases.len() {
        0 => (ZEROS.as_ptr(), 0),
        len if len >= rows => (biases.as_ptr(), 16),
        _ => return 0,
    };
    let (records, record_step) = match records.len() {
        1 => (shared.as_ptr(), 0),
        len if len >= rows => (records.as_ptr(), 16),
        _ => return 0,
    };
    if done == 0 || size.is_none_or(|size| words.len() < size) {
        return 0;
    }
    let (words, quads, y) = (words.as_ptr(), quads.as_ptr(), y.as_mut_ptr());
    // SAFETY: the matrix has `count + 1` elements for each group, and for the two rows left. Of `biases` there are four for each group and as many as rows are
    // left, of `records` as many, or with a step of 0 four zeros and two records; `y` has a byte for each row.
    let undone = unsafe { groups_i8(words, quads, biases, records, y, groups, count, bias_step, record_step, left) };
    done.wrapping_sub(undone)
}

/// `groups` fours of rows and then `left` rows, 2 or none. From four biases to the next and from two records to the next is as many bytes as the steps
/// say, 16 or none. Gives how many rows are not done.
///
/// # Safety
/// `groups` and `left` are not both 0. `count` quads can be read at `quads`, `count + 1` elements at `matrix` for each group and for what is left, and biases and records
/// of as many rows, or with a step of 0 four and two; a byte for each row can be written at `y`. All begin at multiples of 4 but `y`.
// SAFETY: reads and writes what is said above, and no more: LDM and LDRD want multiples of 4, STR and STRH any address (Armv7-M ARM, A3.2.1), as the
// compiler's own code does. Its arguments on the stack are its own to change. Keeps r4 to r11 and the stack as the ABI asks. Whether SMLAD or SSAT has set the
// Q flag means nothing to the compiler, and nor do the GE flags.
#[unsafe(naked)]
unsafe extern "C" fn groups_i8(
    matrix: *const [i32; 4],
    quads: *const Quad,
    biases: *const i32,
    records: *const [i32; 2],
    y: *mut i8,
    groups: usize,
    count: usize,
    bias_step: usize,
    record_step: usize,
    left: usize,
) -> usize {
    naked_asm!(
        env!("LEAFGATE_CPU"),
        "push {{r4, r5, r6, r7, r8, r9, r10, r11, lr}}",
        // Of the first record: that word with an s of 33, 2*zero_point + 1, and the bounds four times.
        "ldr r10, [r3, #4]",
        "bic r4, r10, #255",
        "adds r4, #33",
        "sxtb r5, r10, ror #8",
        "lsls r5, r5, #1",
        "adds r5, #1",
        "ubfx r6, r10, #16, #8",
        "orr r6, r6, r6, lsl #8",
        "orr r6, r6, r6, lsl #16",
        "lsrs r7, r10, #24",
        "orr r7, r7, r7, lsl #8",
        "orr r7, r7, r7, lsl #16",
        "push {{r4, r5, r6, r7}}",
        "ldr r4, [sp, #60]",
        "mov r12, r0",
        "lsrs r6, r4, #3",
        "and r7, r4, #7",
        "mov r8, r1",
        // At sp: rounds of eight quads, those left, inputs, biases, records, what is above; 72 bytes on y, groups, count, steps, left.
        "push {{r6, r7, r8}}",
        "strd r2, r3, [sp, #-8]!",
        "ldr r4, [sp, #76]",
        "cmp r4, #0",
        "beq 7f",
        "2:",
        "ldm r12!, {{r0, r1, r2, r3}}",
        "add r6, sp, #8",
        "ldm r6, {{r6, r7, lr}}",
        "cmp r6, #0",
        "beq 4f",
        "3:",
        ".rept 8",
        quad!(),
        ".endr",
        "subs r6, r6, #1",
        "bne 3b",
        "4:",
        "cbz r7, 6f",
        "5:",
        quad!(),
        "subs r7, r7, #1",
        "bne 5b",
        "6:",
        "ldrd r4, r5, [sp]",
        "ldrd r10, r11, [sp, #84]",
        "ldm r4, {{r6, r7, r8, r9}}",
        "add r4, r4, r10",
        "ldr lr, [sp, #20]",
        "add r0, r6, r0, asr #8",
        "add r1, r7, r1, asr #8",
        "add r2, r8, r2, asr #8",
        "add r3, r9, r3, asr #8",
        two_rows!("r0", "r1"),
        "orr r10, r7, r9",
        "add r5, r5, r11",
        two_rows!("r2", "r3"),
        "orr r10, r10, r7",
        "orr r10, r10, r9",
        "cmp r10, #31",
        "bhi 9f",
        "add r5, r5, r11",
        "strd r4, r5, [sp]",
        "ldrd r6, r7, [sp, #24]",
        "ldr r8, [sp, #32]",
        byte!("r0"),
        byte!("r1"),
        byte!("r2"),
        byte!("r3"),
        "bfi r0, r1, #8, #8",
        "bfi r2, r3, #8, #8",
        "pkhbt r0, r0, r2, lsl #16",
        bounded!(),
        "ldrd r4, r5, [sp, #72]",
        "str r0, [r4], #4",
        "subs r5, #1",
        "strd r4, r5, [sp, #72]",
        "bne 2b",
        // Two rows, or none.
        "7:",
        "ldr r4, [sp, #92]",
        "cmp r4, #0",
        "beq 9f",
        "ldrd r0, r1, [r12], #16",
        "add r6, sp, #8",
        "ldm r6, {{r6, r7, lr}}",
        "lsls r6, r6, #1",
        "beq 4f",
        "3:",
        ".rept 4",
        quad_of_two!(),
        ".endr",
        "subs r6, r6, #1",
        "bne 3b",
        "4:",
        "cbz r7, 6f",
        "5:",
        quad_of_two!(),
        "subs r7, r7, #1",
        "bne 5b",
        "6:",
        "ldrd r4, r5, [sp]",
        "ldrd r6, r7, [r4]",
        "ldr lr, [sp, #20]",
        "add r0, r6, r0, asr #8",
        "add r1, r7, r1, asr #8",
        two_rows!("r0", "r1"),
        "orr r10, r7, r9",
        "cmp r10, #31",
        "bhi 9f",
        "ldrd r6, r7, [sp, #24]",
        "ldr r8, [sp, #32]",
        byte!("r0"),
        byte!("r1"),
        "bfi r0, r1, #8, #8",
        bounded!(),
        "ldr r4, [sp, #72]",
        "strh r0, [r4]",
        "movs r4, #0",
        "str r4, [sp, #92]",
        "9:",
        "ldr r0, [sp, #76]",
        "ldr r1, [sp, #92]",
        "add r0, r1, r0, lsl #2",
        "add sp, #36",
        "pop {{r4, r5, r6, r7, r8, r9, r10, r11, pc}}",
    )
}
