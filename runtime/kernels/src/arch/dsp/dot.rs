//! One row with the DSP extension.

use core::arch::naked_asm;

/// `sum w[i] * x[i]` of `n` bytes each. 10 instructions for 4 products.
///
/// # Safety
/// `n` bytes can be read at `w` and at `x`. Neither need be aligned: LDR takes any address unless a system has made that a fault, with which
/// the compiler's own code does not work either.
// SAFETY: reads both from start to end and nothing else; keeps r4 to r6 and the stack as the ABI asks.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn dot(w: *const i8, x: *const i8, n: usize) -> i32 {
    naked_asm!(
        env!("LEAFGATE_CPU"),
        "push {{r4, r5, r6, lr}}",
        "movs r3, #0",
        "subs r2, #4",
        "blo 3f",
        "2: ldr r12, [r0], #4",
        "ldr r4, [r1], #4",
        "sxtb16 r5, r12",
        "sxtb16 r6, r4",
        "smlad r3, r5, r6, r3",
        "sxtb16 r12, r12, ror #8",
        "sxtb16 r4, r4, ror #8",
        "smlad r3, r12, r4, r3",
        "subs r2, #4",
        "bhs 2b",
        "3: adds r2, #4",
        "beq 5f",
        "4: ldrsb r12, [r0], #1",
        "ldrsb r4, [r1], #1",
        "mla r3, r12, r4, r3",
        "subs r2, #1",
        "bne 4b",
        "5: mov r0, r3",
        "pop {{r4, r5, r6, pc}}",
    )
}
