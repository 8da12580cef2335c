//! Flash partitions, from linker symbols.
//!
//! The firmware does not contain what lies there: a flash tool or the emulator's loader writes it to the partition's own
//! address, so that a model can be replaced without the application. A partition is bytes; whether they are an image is
//! for `Model::parse` to say.

unsafe extern "C" {
    static __model_start: u8;
    static __model_end: u8;
    static __samples_start: u8;
    static __samples_end: u8;
    static _stack_end: u8;
    static _stack_start: u8;
}

/// The bytes between two linker symbols.
///
/// # Safety
/// `start..end` is readable memory that nobody writes while the program runs.
unsafe fn between(start: *const u8, end: *const u8) -> &'static [u8] {
    // SAFETY: by the caller's promise; the symbols come in this order from the same region of the linker script.
    unsafe { core::slice::from_raw_parts(start, end as usize - start as usize) }
}

/// The model partition.
#[must_use]
pub fn model() -> &'static [u8] {
    // SAFETY: the linker script places the symbols around a partition of flash, which this program never writes.
    unsafe { between(&raw const __model_start, &raw const __model_end) }
}

/// The samples partition.
#[must_use]
pub fn samples() -> &'static [u8] {
    // SAFETY: the linker script places the symbols around a partition of flash, which this program never writes.
    unsafe { between(&raw const __samples_start, &raw const __samples_end) }
}

/// The lowest address of the stack region, and the address above its highest.
#[must_use]
pub fn stack() -> core::ops::Range<usize> {
    (&raw const _stack_end) as usize..(&raw const _stack_start) as usize
}
