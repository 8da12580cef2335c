//! Things that must not happen, made to happen: for the trials that prove that each ends as it should.

use core::arch::asm;

/// Executes an instruction that is none.
pub fn undefined_instruction() {
    // SAFETY: the processor takes an exception here, whose handler ends the program.
    unsafe {
        #[cfg(target_arch = "arm")]
        asm!("udf #0");
        #[cfg(target_arch = "riscv32")]
        asm!("unimp");
    }
}

/// Raises an exception for which nobody has a handler.
pub fn unhandled_exception() {
    // SAFETY: the processor takes an exception here, whose handler ends the program.
    unsafe {
        #[cfg(target_arch = "arm")]
        asm!("svc #0");
        #[cfg(target_arch = "riscv32")]
        asm!("ecall");
    }
}

/// Calls itself until the stack is used up.
#[inline(never)]
#[allow(unconditional_recursion, reason = "that is the point")]
pub fn exhaust_stack(depth: u32) -> u32 {
    let frame = core::hint::black_box([depth; 64]);
    let below = exhaust_stack(depth + 1);
    frame[(below % 64) as usize] + below
}
