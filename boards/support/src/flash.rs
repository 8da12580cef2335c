//! Memory that plays NOR flash, on machines of the emulator that have none to write to.
//!
//! It outlives a reset, and with its memory in a file the emulator itself. A write clears bits, and only erasing sets them.

use crate::{ExitCode, exit};
use core::sync::atomic::{AtomicBool, Ordering};
use embedded_storage::nor_flash::{ErrorType, NorFlash, NorFlashErrorKind, ReadNorFlash};
use leafgate_store::MappedFlash;

/// Bytes of a page.
const PAGE_BYTES: usize = 1024;

/// Flash of `BYTES` at the address `BASE`.
pub struct MemoryFlash<const BASE: usize, const BYTES: usize>(&'static mut [u8]);

impl<const BASE: usize, const BYTES: usize> MemoryFlash<BASE, BYTES> {
    /// The flash. A second call ends the program as a panic would.
    #[allow(clippy::new_without_default, reason = "there is one")]
    pub fn new() -> Self {
        static TAKEN: AtomicBool = AtomicBool::new(false);
        if TAKEN.load(Ordering::Relaxed) {
            defmt::error!("the flash was taken twice");
            exit(ExitCode::Panic);
        }
        TAKEN.store(true, Ordering::Relaxed);
        // SAFETY: the board table keeps this memory free of everything else, it is there, any bytes are bytes, and this is the only reference.
        Self(unsafe { core::slice::from_raw_parts_mut(core::ptr::with_exposed_provenance_mut(BASE), BYTES) })
    }

    fn range(&mut self, from: u32, to: u32) -> Result<&mut [u8], NorFlashErrorKind> {
        self.0.get_mut(from as usize..to as usize).ok_or(NorFlashErrorKind::OutOfBounds)
    }
}

impl<const BASE: usize, const BYTES: usize> ErrorType for MemoryFlash<BASE, BYTES> {
    type Error = NorFlashErrorKind;
}

impl<const BASE: usize, const BYTES: usize> ReadNorFlash for MemoryFlash<BASE, BYTES> {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), NorFlashErrorKind> {
        let end = offset.saturating_add(bytes.len() as u32);
        bytes.copy_from_slice(self.range(offset, end)?);
        Ok(())
    }

    fn capacity(&self) -> usize {
        BYTES
    }
}

impl<const BASE: usize, const BYTES: usize> NorFlash for MemoryFlash<BASE, BYTES> {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = PAGE_BYTES;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), NorFlashErrorKind> {
        self.range(from, to)?.fill(0xFF);
        Ok(())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), NorFlashErrorKind> {
        let end = offset.saturating_add(bytes.len() as u32);
        for (place, byte) in self.range(offset, end)?.iter_mut().zip(bytes) {
            *place &= byte;
        }
        Ok(())
    }
}

impl<const BASE: usize, const BYTES: usize> MappedFlash for MemoryFlash<BASE, BYTES> {
    fn bytes(&self) -> &[u8] {
        self.0
    }
}
