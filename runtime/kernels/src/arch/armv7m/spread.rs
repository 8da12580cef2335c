//! A bit, 32 times.

use core::arch::asm;

/// As [`crate::portable::bits::spread`], one instruction. The compiler knows it as well, but makes a condition of the bit where it can, and
/// that takes three.
#[inline(always)]
pub fn spread<const I: u32>(word: u32) -> u32 {
    let spread;
    // SAFETY: reads a register and writes another.
    unsafe {
        asm!(
            "sbfx {spread}, {word}, #{i}, #1",
            spread = lateout(reg) spread,
            word = in(reg) word,
            i = const I,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    spread
}
