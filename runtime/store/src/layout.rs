//! Where slots and journal lie.

use core::fmt;
use embedded_storage::nor_flash::NorFlash;

use crate::record::RECORD_BYTES;

/// Every image, and with it every update, is a multiple of this, and so is the start of a slot.
pub(crate) const ALIGN: u32 = 16;

/// A flash whose bytes lie in memory, where models are executed.
pub trait MappedFlash: NorFlash {
    /// The bytes from the driver's offset 0 on, at a multiple of 16: what was written is to be seen in them at once. Fewer than
    /// the capacity make what is beyond them unreadable, which is refused as any other content.
    fn bytes(&self) -> &[u8];
}

/// One of two places for a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Slot {
    /// The first, where a model is that was flashed along with the firmware.
    A = 0,
    /// The second.
    B = 1,
}

impl Slot {
    /// The one that this is not.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

/// Where slots and journal lie: offsets of the driver's, all at the start of a page that can be erased alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Where the slots begin.
    pub slots: [u32; 2],
    /// Size of each, a multiple of the page size.
    pub slot_bytes: u32,
    /// Where the two pages of the journal begin.
    pub journal: [u32; 2],
}

/// A layout that cannot work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum LayoutError {
    /// A page holds fewer than four records of the journal, or is no multiple of their size.
    PageBytes {
        /// The flash's page size.
        have: u32,
    },
    /// A write is larger than 16 bytes, or does not divide them.
    WriteBytes {
        /// The flash's write size.
        have: u32,
    },
    /// An offset or the slots' size is no multiple of the page size, or 0 where it must not be.
    Misaligned {
        /// The page size.
        want: u32,
        /// The figure that is none.
        have: u32,
    },
    /// A region ends beyond the flash.
    Outside {
        /// The flash's capacity.
        want: u32,
        /// Where the region begins.
        have: u32,
    },
    /// Two regions overlap.
    Overlap {
        /// Where the one begins.
        first: u32,
        /// Where the other begins.
        second: u32,
    },
}

impl fmt::Display for LayoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PageBytes { have } => {
                write!(f, "pages of {have} bytes: the journal needs multiples of {RECORD_BYTES}, four of them or more")
            }
            Self::WriteBytes { have } => write!(f, "writes of {have} bytes: they must divide {ALIGN}"),
            Self::Misaligned { want, have } => write!(f, "{have:#x} is no positive multiple of the page size, {want}"),
            Self::Outside { want, have } => write!(f, "the region at {have:#x} ends beyond the flash of {want} bytes"),
            Self::Overlap { first, second } => write!(f, "the regions at {first:#x} and {second:#x} overlap"),
        }
    }
}

impl core::error::Error for LayoutError {}

impl Layout {
    /// Slot A, slot B and the two pages of the journal, one after the other from `start` on.
    #[must_use]
    pub const fn contiguous(start: u32, slot_bytes: u32, page_bytes: u32) -> Self {
        let second = start.wrapping_add(slot_bytes);
        let journal = second.wrapping_add(slot_bytes);
        Self { slots: [start, second], slot_bytes, journal: [journal, journal.wrapping_add(page_bytes)] }
    }

    /// Checks the layout for a flash with pages, writes and a capacity of these sizes. It can be done in a `const`.
    ///
    /// # Errors
    /// The first figure that is wrong.
    pub const fn check(&self, page_bytes: u32, write_bytes: u32, capacity: u32) -> Result<(), LayoutError> {
        if page_bytes < 4 * RECORD_BYTES || !page_bytes.is_multiple_of(RECORD_BYTES) {
            return Err(LayoutError::PageBytes { have: page_bytes });
        }
        if write_bytes == 0 || !ALIGN.is_multiple_of(write_bytes) {
            return Err(LayoutError::WriteBytes { have: write_bytes });
        }
        if self.slot_bytes == 0 || !self.slot_bytes.is_multiple_of(page_bytes) {
            return Err(LayoutError::Misaligned { want: page_bytes, have: self.slot_bytes });
        }
        let regions = [
            (self.slots[0], self.slot_bytes),
            (self.slots[1], self.slot_bytes),
            (self.journal[0], page_bytes),
            (self.journal[1], page_bytes),
        ];
        let mut i = 0;
        while i < regions.len() {
            let (start, bytes) = regions[i];
            if !start.is_multiple_of(page_bytes) {
                return Err(LayoutError::Misaligned { want: page_bytes, have: start });
            }
            if bytes > capacity || start > capacity - bytes {
                return Err(LayoutError::Outside { want: capacity, have: start });
            }
            let mut k = 0;
            while k < i {
                let (other, other_bytes) = regions[k];
                // Neither sum overflows: both regions end within the capacity.
                if start < other + other_bytes && other < start + bytes {
                    return Err(LayoutError::Overlap { first: other, second: start });
                }
                k += 1;
            }
            i += 1;
        }
        Ok(())
    }

    /// Where a slot begins.
    #[must_use]
    pub const fn start(&self, slot: Slot) -> u32 {
        match slot {
            Slot::A => self.slots[0],
            Slot::B => self.slots[1],
        }
    }

    /// The bytes of a slot: none if they are not mapped.
    pub(crate) fn slot<'f>(&self, slot: Slot, flash: &'f [u8]) -> &'f [u8] {
        let start = self.start(slot) as usize;
        flash.get(start..start.saturating_add(self.slot_bytes as usize)).unwrap_or(&[])
    }
}

impl<F: MappedFlash> MappedFlash for &mut F {
    fn bytes(&self) -> &[u8] {
        (**self).bytes()
    }
}
