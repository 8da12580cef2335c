//! Armv7E-M and Armv8-M with the DSP extension: four columns of a row are two SMLAD after unpacking, and what is unpacked of `x`
//! serves four rows. 25 instructions for 16 products, 1.56 each.

use core::arch::naked_asm;

/// Four rows of `cols` weights each from `w`, times `x`, to `sums`.
///
/// # Safety
/// `4 * cols` bytes can be read at `w` and `cols` at `x`; four words can be written at `sums`. Neither `w` nor `x` need be aligned: LDR
/// takes any address unless a system has made that a fault, with which the compiler's own code does not work either.
// SAFETY: reads the rows from start to end and nothing else, writes four words; keeps r4 to r11 and the stack as the ABI asks.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn dot4(w: *const i8, cols: usize, x: *const i8, sums: *mut [i32; 4]) {
    naked_asm!(
        env!("LEAFGATE_CPU"),
        "push {{r3, r4, r5, r6, r7, r8, r9, r10, r11, lr}}",
        // Rows at r0, r4, r5, r6; their sums in r7 to r10.
        "adds r4, r0, r1",
        "adds r5, r4, r1",
        "adds r6, r5, r1",
        "movs r7, #0",
        "mov r8, r7",
        "mov r9, r7",
        "mov r10, r7",
        "subs r1, #4",
        "blo 3f",
        // Even columns of x in r11, odd ones in r3.
        "2: ldr r3, [r2], #4",
        "sxtb16 r11, r3",
        "sxtb16 r3, r3, ror #8",
        "ldr r12, [r0], #4",
        "sxtb16 lr, r12",
        "sxtb16 r12, r12, ror #8",
        "smlad r7, lr, r11, r7",
        "smlad r7, r12, r3, r7",
        "ldr r12, [r4], #4",
        "sxtb16 lr, r12",
        "sxtb16 r12, r12, ror #8",
        "smlad r8, lr, r11, r8",
        "smlad r8, r12, r3, r8",
        "ldr r12, [r5], #4",
        "sxtb16 lr, r12",
        "sxtb16 r12, r12, ror #8",
        "smlad r9, lr, r11, r9",
        "smlad r9, r12, r3, r9",
        "ldr r12, [r6], #4",
        "sxtb16 lr, r12",
        "sxtb16 r12, r12, ror #8",
        "smlad r10, lr, r11, r10",
        "smlad r10, r12, r3, r10",
        "subs r1, #4",
        "bhs 2b",
        // Up to three columns are left.
        "3: adds r1, #4",
        "beq 5f",
        "4: ldrsb r3, [r2], #1",
        "ldrsb r12, [r0], #1",
        "mla r7, r12, r3, r7",
        "ldrsb r12, [r4], #1",
        "mla r8, r12, r3, r8",
        "ldrsb r12, [r5], #1",
        "mla r9, r12, r3, r9",
        "ldrsb r12, [r6], #1",
        "mla r10, r12, r3, r10",
        "subs r1, #1",
        "bne 4b",
        "5: pop {{r3}}",
        "stm r3, {{r7, r8, r9, r10}}",
        "pop {{r4, r5, r6, r7, r8, r9, r10, r11, pc}}",
    )
}
