//! One row with the vector extension.

use core::arch::naked_asm;

/// `sum w[i] * x[i]` of `n` bytes each. 4 instructions for 16 products.
///
/// # Safety
/// `n` bytes can be read at `w` and at `x`.
// SAFETY: reads both from start to end and nothing else (the loop masks what is beyond); keeps r7 and the stack as the ABI asks, which leaves q0 and
// q1 to whoever is called.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn dot(w: *const i8, x: *const i8, n: usize) -> i32 {
    naked_asm!(
        env!("LEAFGATE_CPU"),
        "push {{r7, lr}}",
        "mov r12, #0",
        "wlstp.8 lr, r2, 3f",
        "2: vldrb.u8 q0, [r0], #16",
        "vldrb.u8 q1, [r1], #16",
        "vmladava.s8 r12, q0, q1",
        "letp lr, 2b",
        "3: mov r0, r12",
        "pop {{r7, pc}}",
    )
}
