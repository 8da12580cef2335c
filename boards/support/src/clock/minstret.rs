//! The RISC-V counter of retired instructions: 64 bits, one tick is one instruction.

use super::Clock;
use core::arch::asm;

/// The counter `minstret`.
pub struct Minstret;

impl Clock for Minstret {
    fn init() {}

    #[inline(always)]
    fn start() {
        // SAFETY: writes a counter that nothing else uses.
        unsafe { asm!("csrw minstreth, zero", "csrw minstret, zero") }
    }

    #[inline(always)]
    fn elapsed() -> Option<u32> {
        let (low, high): (u32, u32);
        // SAFETY: reads a counter. The low word is read first: if it wraps in between, the high word tells.
        unsafe { asm!("csrr {low}, minstret", "csrr {high}, minstreth", low = out(reg) low, high = out(reg) high) }
        if high == 0 { Some(low) } else { None }
    }
}
