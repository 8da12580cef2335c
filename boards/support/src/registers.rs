//! Device registers by address.
#![allow(dead_code, reason = "not every architecture has memory-mapped counters")]

/// Reads a device register.
///
/// # Safety
/// `address` is a readable 32-bit device register of this machine.
#[inline(always)]
pub(crate) unsafe fn read(address: usize) -> u32 {
    // SAFETY: by the caller's promise.
    unsafe { core::ptr::with_exposed_provenance::<u32>(address).read_volatile() }
}

/// Writes a device register.
///
/// # Safety
/// `address` is a writable 32-bit device register of this machine, and the write has no effect on memory the program uses.
#[inline(always)]
pub(crate) unsafe fn write(address: usize, value: u32) {
    // SAFETY: by the caller's promise.
    unsafe { core::ptr::with_exposed_provenance_mut::<u32>(address).write_volatile(value) }
}

/// Reads a device register of a byte.
///
/// # Safety
/// `address` is a readable 8-bit device register of this machine.
#[inline(always)]
pub(crate) unsafe fn read_byte(address: usize) -> u8 {
    // SAFETY: by the caller's promise.
    unsafe { core::ptr::with_exposed_provenance::<u8>(address).read_volatile() }
}

/// Writes a device register of a byte.
///
/// # Safety
/// `address` is a writable 8-bit device register of this machine, and the write has no effect on memory the program uses.
#[inline(always)]
pub(crate) unsafe fn write_byte(address: usize, value: u8) {
    // SAFETY: by the caller's promise.
    unsafe { core::ptr::with_exposed_provenance_mut::<u8>(address).write_volatile(value) }
}
