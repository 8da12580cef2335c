//! Rows requantised on Armv7-M and later, with the core's own product of four rows: 24 instructions a row beside those for its columns.

use core::arch::naked_asm;

use super::dense::dot4;

/// The upper word of r0 times r2, to r0.
#[cfg(leafgate_isa = "dsp")]
macro_rules! upper {
    () => {
        "smmul r0, r0, r2"
    };
}
#[cfg(leafgate_isa = "armv7m")]
macro_rules! upper {
    () => {
        "smull r2, r0, r0, r2"
    };
}

/// `groups` fours of rows of `cols` weights each from `w`, times `x`, with their biases, requantised to `y`. From a bias to the next and from a
/// record to the next is as many bytes as the steps say: none where there is one for all.
///
/// # Safety
/// `groups` is 1 or more. `4 * groups * cols` bytes can be read at `w` and `cols` at `x`, and as many words at `biases` and twice as many at
/// `records` as there are rows, or with a step of 0 one and two; `4 * groups` bytes can be written at `y`.
// SAFETY: gives `dot4` four rows at a time and 16 bytes of its own stack, reads a bias and a record for each, writes a byte for each. The last
// five of its arguments, on the stack, are its own to change. Keeps r4 to r11 and the stack as the ABI asks, at a multiple of 8 when it calls.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn rows_i8(
    w: *const i8,
    cols: usize,
    x: *const i8,
    biases: *const i32,
    records: *const [i32; 2],
    y: *mut i8,
    groups: usize,
    bias_step: usize,
    record_step: usize,
) {
    naked_asm!(
        env!("LEAFGATE_CPU"),
        // Sums at sp, the arguments 56 bytes further up. Weights at r4, cols in r5, x at r6, biases at r7, records at r8, y at r9.
        "push {{r4, r5, r6, r7, r8, r9, r10, r11, lr}}",
        "sub sp, #20",
        "mov r4, r0",
        "mov r5, r1",
        "mov r6, r2",
        "mov r7, r3",
        "ldrd r8, r9, [sp, #56]",
        "add r10, sp, #16",
        "1: mov r0, r4",
        "mov r1, r5",
        "mov r2, r6",
        "mov r3, sp",
        "bl {dot4}",
        "add r4, r4, r5, lsl #2",
        "mov r11, sp",
        "ldrd r12, lr, [sp, #68]",
        // The sum in r0, its record in r2 and r3, s - 33 in r1.
        "2: ldr r0, [r11], #4",
        "ldr r1, [r7]",
        "add r7, r7, r12",
        "ldrd r2, r3, [r8]",
        "add r8, r8, lr",
        "adds r0, r0, r1",
        "uxtb r1, r3",
        "subs r1, #33",
        "blo 4f",
        "3:",
        upper!(),
        "asrs r0, r1",
        "adds r0, #1",
        "sxtb r1, r3, ror #8",
        "add r0, r1, r0, asr #1",
        "cmp r0, r3, asr #24",
        "it gt",
        "asrgt r0, r3, #24",
        "sxtb r1, r3, ror #16",
        "cmp r0, r1",
        "it lt",
        "movlt r0, r1",
        "strb r0, [r9], #1",
        "cmp r11, r10",
        "bne 2b",
        "ldr r0, [sp, #64]",
        "subs r0, #1",
        "str r0, [sp, #64]",
        "bne 1b",
        "add sp, #20",
        "pop {{r4, r5, r6, r7, r8, r9, r10, r11, pc}}",
        // A shift below 33 is one by 33 of the sum times a power of two, or of the largest sum where that does not fit: then a bound is the
        // result in any case.
        "4: rsbs r1, r1, #0",
        "lsl r10, r0, r1",
        "asr r1, r10, r1",
        "cmp r1, r0",
        "itee eq",
        "moveq r0, r10",
        "mvnne r0, r0, asr #31",
        "eorne r0, r0, #0x80000000",
        "add r10, sp, #16",
        "movs r1, #0",
        "b 3b",
        dot4 = sym dot4,
    )
}
