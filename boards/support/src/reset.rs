//! Begins again, as after power-on; memory keeps what it holds.

/// Resets the processor and its devices.
pub fn reset() -> ! {
    #[cfg(target_arch = "arm")]
    cortex_m::peripheral::SCB::sys_reset();
    #[cfg(target_arch = "riscv32")]
    {
        /// The emulated machine's register that ends or resets it, and the word that resets.
        const FINISHER: (usize, u32) = (0x10_0000, 0x7777);
        // SAFETY: the register is there on the one RISC-V machine there is, and the program ends with this write.
        unsafe { crate::registers::write(FINISHER.0, FINISHER.1) };
        loop {
            core::hint::spin_loop();
        }
    }
}
