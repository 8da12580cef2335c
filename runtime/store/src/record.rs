//! A record of the journal: the whole state, and a checksum.

use leafgate::image::CRC32;

use crate::layout::Slot;
use crate::store::Update;

/// Bytes of a record.
pub(crate) const RECORD_BYTES: u32 = 32;

/// CRC-32/ISO-HDLC, in one place: what it is inlined to is not small.
#[inline(never)]
pub(crate) fn checksum(bytes: &[u8]) -> u32 {
    CRC32.checksum(bytes)
}

/// What a record begins with: `LGJ1`.
const MAGIC: u32 = u32::from_le_bytes(*b"LGJ1");

/// What is going on in the slot that is not active.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Phase {
    /// Nothing that matters.
    Idle = 0,
    /// An update is being written.
    Receiving = 1,
    /// An update is there, has been checked, and is to be tried at the next boot.
    Pending = 2,
    /// Its trial has begun. Who reads this at boot knows that it was not confirmed.
    Started = 3,
}

impl Phase {
    pub(crate) fn of(number: u8) -> Option<Self> {
        Some(match number {
            0 => Self::Idle,
            1 => Self::Receiving,
            2 => Self::Pending,
            3 => Self::Started,
            _ => return None,
        })
    }
}

/// What the device knows of its slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct State {
    pub phase: Phase,
    /// The slot with the confirmed model. Updates go to the other one.
    pub active: Slot,
    /// The highest version that was confirmed; 0 without signatures.
    pub floor: u32,
    /// What goes into the other slot, or went there last.
    pub update: Update,
    /// How much of it is there for sure: a multiple of the page size.
    pub progress: u32,
}

impl State {
    /// The record's bytes.
    pub fn to_bytes(self, generation: u32) -> [u8; RECORD_BYTES as usize] {
        let word = u32::from(self.phase as u8) | u32::from(self.active as u8) << 8;
        let Update { bytes, crc32 } = self.update;
        let words = [MAGIC, generation, word, self.floor, bytes, crc32, self.progress];
        let mut record = [0; RECORD_BYTES as usize];
        for (field, word) in record.as_chunks_mut::<4>().0.iter_mut().zip(words) {
            *field = word.to_le_bytes();
        }
        if let Some((body, place)) = record.split_last_chunk_mut::<4>() {
            *place = checksum(body).to_le_bytes();
        }
        record
    }

    /// Generation and state of the record at `at`, if there is one.
    #[inline(never)]
    pub fn read(flash: &[u8], at: u32) -> Option<(u32, Self)> {
        let (body, want) =
            flash.get(at as usize..)?.first_chunk::<{ RECORD_BYTES as usize }>()?.split_last_chunk::<4>()?;
        if checksum(body) != u32::from_le_bytes(*want) {
            return None;
        }
        let mut words = [0; 7];
        for (word, field) in words.iter_mut().zip(body.as_chunks::<4>().0) {
            *word = u32::from_le_bytes(*field);
        }
        let [magic, generation, word, floor, bytes, crc32, progress] = words;
        let phase = Phase::of(word as u8)?;
        // Of the upper bytes all but one bit are zero.
        if magic != MAGIC || word >> 9 != 0 {
            return None;
        }
        let active = if word >> 8 == 0 { Slot::A } else { Slot::B };
        Some((generation, Self { phase, active, floor, update: Update { bytes, crc32 }, progress }))
    }
}
