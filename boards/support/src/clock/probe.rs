//! Measuring. Does the clock tick, and at the rate the board table says? A loop of known length gives the answer at every boot.

use super::Clock;
use core::arch::{asm, naked_asm};
use core::sync::atomic::{Ordering, compiler_fence};

/// The instructions of the probe's loop.
pub const LOOP_INSNS: u32 = 2 * LOOP_ROUNDS;
const LOOP_ROUNDS: u32 = 50_000;

/// What the probe found, in ticks.
#[derive(Clone, Copy)]
pub struct Probe {
    /// A call of a function that does nothing: what measuring adds to the measurement of a function.
    pub call_ticks: u32,
    /// [`LOOP_INSNS`] instructions, an empty region subtracted.
    pub loop_ticks: u32,
}

/// Runs `body` and returns its result and the ticks it took, those of an empty region included.
#[inline(always)]
pub fn time<C: Clock, R>(body: impl FnOnce() -> R) -> (R, Option<u32>) {
    C::start();
    compiler_fence(Ordering::SeqCst);
    let result = body();
    compiler_fence(Ordering::SeqCst);
    (result, C::elapsed())
}

/// A function of one instruction, its return.
#[unsafe(naked)]
extern "C" fn nothing() {
    #[cfg(target_arch = "arm")]
    naked_asm!("bx lr");
    #[cfg(target_arch = "riscv32")]
    naked_asm!("ret");
}

/// Measures an empty call and a loop of [`LOOP_INSNS`] instructions. `None` if the counter wraps or stands still.
pub fn probe<C: Clock>() -> Option<Probe> {
    let ((), empty_ticks) = time::<C, _>(|| ());
    let ((), call_ticks) = time::<C, _>(|| nothing());
    let rounds = core::hint::black_box(LOOP_ROUNDS);
    let ((), loop_ticks) = time::<C, _>(|| count_down(rounds));
    let empty_ticks = empty_ticks?;
    let loop_ticks = loop_ticks?.checked_sub(empty_ticks)?;
    (loop_ticks > 0).then_some(Probe { call_ticks: call_ticks?, loop_ticks })
}

/// A loop of known length: two instructions a round, of which there must be at least one.
#[inline(always)]
pub fn count_down(rounds: u32) {
    // SAFETY: a loop that only counts a register down.
    unsafe {
        #[cfg(target_arch = "arm")]
        asm!("2: subs {n}, #1", "bne 2b", n = inout(reg) rounds => _);
        #[cfg(target_arch = "riscv32")]
        asm!("2: addi {n}, {n}, -1", "bnez {n}, 2b", n = inout(reg) rounds => _);
    }
}
