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
//! the fourteen registers with two pointers; the loop counters are r6 and r7, which the compiler keeps for itself. So what follows the
//! columns of a group, bias and requantisation, is in the same block: the sums are in their registers.
//!
//! A whole run of 784 x 128 takes 0.942 instructions for a multiply-accumulate, of 128 x 128 1.135 (QEMU, counted).
//!
//! Rejected: rows one after the other (an input is loaded four times as often); two SXTB16 for a word of plain bytes (a fourth instruction for
//! each word); sums of a block of rows in memory, and a second loop over them (17 instructions more for a group, and 128 bytes of stack).

use core::arch::asm;

use crate::pairs::Quad;
use crate::portable::pairs::quad_of;

/// Four elements at `x` become the quad at `quads`.
macro_rules! prepared {
    () => {
        "ldr {even}, [{x}], #4
        sxtb16 {odd}, {even}, ror #8
        rev16 {even}, {even}
        eor {even}, {even}, #0x007f007f
        strd {odd}, {even}, [{quads}], #8"
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

/// Two records at r5 to r6 to r9 and two biases at r4 to r10 and r11. A record is m and a word of s, zero_point, lo and hi, of which the lowest
/// byte becomes s - 33; where that is not below 32 the loop ends.
macro_rules! two_records {
    () => {
        "ldm r5!, {{r6, r7, r8, r9}}
        ldm r4!, {{r10, r11}}
        sub r7, r7, #33
        sub r9, r9, #33
        orr lr, r7, r9
        tst lr, #0xE0
        bne 7f"
    };
}

/// Requantises $a, with the bias $b, m in $m and s - 33, zero_point, lo and hi in $q.
macro_rules! row {
    ($a:literal, $b:literal, $m:literal, $q:literal) => {
        concat!(
            "add ",
            $a,
            ", ",
            $b,
            ", ",
            $a,
            ", asr #8\n",
            "smmul ",
            $a,
            ", ",
            $a,
            ", ",
            $m,
            "\n",
            "asr ",
            $a,
            ", ",
            $a,
            ", ",
            $q,
            "\n",
            "add ",
            $a,
            ", ",
            $a,
            ", #1\n",
            "sxtb lr, ",
            $q,
            ", ror #8\n",
            "add ",
            $a,
            ", lr, ",
            $a,
            ", asr #1\n",
            "sxtb lr, ",
            $q,
            ", ror #16\n",
            "cmp ",
            $a,
            ", ",
            $q,
            ", asr #24\n",
            "it gt\n",
            "asrgt ",
            $a,
            ", ",
            $q,
            ", #24\n",
            "cmp ",
            $a,
            ", lr\n",
            "it lt\n",
            "movlt ",
            $a,
            ", lr"
        )
    };
}

/// As [`crate::pairs::prepare`]. 5.5 instructions for four elements.
#[inline(never)]
pub(crate) fn prepare(x: &[i8], quads: &mut [Quad]) {
    let (whole, rest) = x.as_chunks::<4>();
    let count = whole.len().min(quads.len());
    // SAFETY: reads the first `count` chunks of `x`, 4 bytes each, and writes as many quads, 8 bytes each: both are there. LDR
    // may be unaligned on these cores (Armv7-M ARM, A3.2.1) and the compiler makes such loads as well; STRD is at a multiple of 4, for a quad is made
    // of i32. Nothing else is written, the stack is not used.
    unsafe {
        asm!(
            "lsrs {rounds}, {count}, #2",
            "beq 3f",
            "2:",
            ".rept 4",
            prepared!(),
            ".endr",
            "subs {rounds}, {rounds}, #1",
            "bne 2b",
            "3:",
            "ands {count}, {count}, #3",
            "beq 5f",
            "4:",
            prepared!(),
            "subs {count}, {count}, #1",
            "bne 4b",
            "5:",
            x = inout(reg) whole.as_ptr() => _,
            quads = inout(reg) quads.as_mut_ptr() => _,
            count = inout(reg) count => _,
            rounds = out(reg) _,
            odd = out(reg) _,
            even = out(reg) _,
            options(nostack),
        );
    }
    let mut last = [0; 4];
    for (to, &from) in last.iter_mut().zip(rest) {
        *to = from;
    }
    for quad in quads.iter_mut().skip(count) {
        *quad = quad_of(core::mem::take(&mut last));
    }
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

/// As [`crate::portable::pairs::groups_i8`]: stops at a record with a shift below 33, beyond which the upper word of a product is enough.
/// 82 instructions for a group of four rows beside those for its columns.
#[inline(never)]
pub(crate) fn groups_i8(
    matrix: &[[i32; 4]],
    quads: &[Quad],
    biases: &[[i32; 4]],
    records: &[[[i32; 2]; 4]],
    y: &mut [[i8; 4]],
) -> usize {
    let whole = matrix.len().checked_div(quads.len().wrapping_add(1)).unwrap_or(0);
    let groups = whole.min(biases.len()).min(records.len()).min(y.len());
    if groups == 0 {
        return 0;
    }
    let left: usize;
    // SAFETY: reads `groups` times `quads.len() + 1` elements of `matrix` and each time all of `quads`, and the first `groups` elements of
    // `biases` and `records`: all are there, at multiples of 4 as LDM and LDRD want it, for they are made of i32. Writes the first `groups` elements
    // of `y` and below the stack pointer, 36 bytes, which it gives back; r6 and r7, which the compiler keeps for itself, are among them.
    // Whether SMLAD has set the Q flag means nothing to the compiler.
    unsafe {
        asm!(
            "push {{r6, r7}}",
            "lsrs r6, r4, #3",
            "and r7, r4, #7",
            "push {{r0, r1, r2, r3}}", // biases, records, y, groups left
            "push {{r6, r7, lr}}",     // rounds of eight quads, those left, inputs
            "2:",
            "ldm r12!, {{r0, r1, r2, r3}}",
            "ldm sp, {{r6, r7, lr}}",
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
            "ldrd r4, r5, [sp, #12]",
            two_records!(),
            row!("r0", "r10", "r6", "r7"),
            row!("r1", "r11", "r8", "r9"),
            two_records!(),
            row!("r2", "r10", "r6", "r7"),
            row!("r3", "r11", "r8", "r9"),
            "strd r4, r5, [sp, #12]",
            "ldrd r4, r5, [sp, #20]",
            "strb r0, [r4], #1",
            "strb r1, [r4], #1",
            "strb r2, [r4], #1",
            "strb r3, [r4], #1",
            "subs r5, r5, #1",
            "strd r4, r5, [sp, #20]",
            "bne 2b",
            "7:",
            "ldr r3, [sp, #24]",
            "add sp, #28",
            "pop {{r6, r7}}",
            inout("r0") biases.as_ptr() => _,
            inout("r1") records.as_ptr() => _,
            inout("r2") y.as_mut_ptr() => _,
            inout("r3") groups => left,
            inout("r4") quads.len() => _,
            out("r5") _,
            out("r8") _,
            out("r9") _,
            out("r10") _,
            out("r11") _,
            inout("r12") matrix.as_ptr() => _,
            inout("lr") quads.as_ptr() => _,
        );
    }
    groups.wrapping_sub(left)
}
