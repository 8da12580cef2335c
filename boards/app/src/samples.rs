//! The samples region: inputs that lie in flash, for the application to serve.
//!
//! Little-endian, at a multiple of 16 bytes:
//!
//! | at | type | field |
//! |---|---|---|
//! | 0 | 4 x u8 | magic `LGSM`; another layout would have another magic |
//! | 4 | u32 | count of samples, 1 or more |
//! | 8 | u32 | sample_bytes, 1 or more: the input bytes of the model |
//! | 12 | u32 | CRC-32/ISO-HDLC over the samples |
//! | 16 | | count times sample_bytes bytes, each an input as it lies in memory |
//!
//! What follows is ignored. A region that begins with four bytes `0xFF` or four zeros is absent: flash that was erased, or
//! memory that was never written.

use core::fmt;
use core::num::NonZeroUsize;
use core::slice::ChunksExact;
use leafgate::image::CRC32;

/// The first four bytes.
pub const MAGIC: [u8; 4] = *b"LGSM";
/// Bytes before the first sample.
pub const HEADER_BYTES: usize = 16;

/// A samples region that has been checked: as many samples as it says, and their checksum is right.
#[derive(Clone, Debug)]
pub struct Samples<'a> {
    sample_bytes: NonZeroUsize,
    payload: &'a [u8],
}

/// Why a samples region was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(target_os = "none", derive(defmt::Format))]
#[non_exhaustive]
pub enum SamplesError {
    /// It begins with something else.
    Magic {
        /// The four bytes as a little-endian number.
        have: u32,
    },
    /// The header says that there are no samples, or none with content.
    Empty,
    /// The region is too small for what the header says.
    Truncated {
        /// Bytes that the header asks for.
        want: u64,
        /// Bytes there are.
        have: usize,
    },
    /// The samples are not those that were written.
    Checksum {
        /// What the header says.
        want: u32,
        /// What the bytes give.
        have: u32,
    },
}

impl fmt::Display for SamplesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Magic { have } => write!(f, "the region begins with {have:#010x}, not with LGSM"),
            Self::Empty => write!(f, "the header promises no samples"),
            Self::Truncated { want, have } => write!(f, "the header promises {want} bytes, the region has {have}"),
            Self::Checksum { want, have } => write!(f, "the checksum is {have:#010x}, wanted {want:#010x}"),
        }
    }
}

impl core::error::Error for SamplesError {}

impl<'a> Samples<'a> {
    /// Reads a region; `None` if there are no samples in it.
    ///
    /// # Errors
    /// If there is something else in it, or less than its header says.
    pub fn parse(region: &'a [u8]) -> Result<Option<Self>, SamplesError> {
        let truncated = SamplesError::Truncated { want: HEADER_BYTES as u64, have: region.len() };
        let (header, rest) = region.split_first_chunk::<HEADER_BYTES>().ok_or(truncated)?;
        let (words, _) = header.as_chunks::<4>();
        let [magic, count, sample_bytes, crc32] = *words else { return Err(truncated) };
        if magic == [0xFF; 4] || magic == [0; 4] {
            return Ok(None);
        }
        if magic != MAGIC {
            return Err(SamplesError::Magic { have: u32::from_le_bytes(magic) });
        }
        let [count, sample_bytes, want] = [count, sample_bytes, crc32].map(u32::from_le_bytes);
        let sample_bytes = NonZeroUsize::new(sample_bytes as usize).ok_or(SamplesError::Empty)?;
        let payload_bytes = u64::from(count) * sample_bytes.get() as u64;
        if payload_bytes == 0 {
            return Err(SamplesError::Empty);
        }
        let too_short = SamplesError::Truncated { want: payload_bytes + HEADER_BYTES as u64, have: region.len() };
        let payload = usize::try_from(payload_bytes).ok().and_then(|bytes| rest.get(..bytes)).ok_or(too_short)?;
        let have = CRC32.checksum(payload);
        if have != want {
            return Err(SamplesError::Checksum { want, have });
        }
        Ok(Some(Self { sample_bytes, payload }))
    }

    /// Bytes of each sample.
    #[must_use]
    pub fn sample_bytes(&self) -> usize {
        self.sample_bytes.get()
    }

    /// The samples in order.
    pub fn iter(&self) -> ChunksExact<'a, u8> {
        self.payload.chunks_exact(self.sample_bytes.get())
    }
}

#[cfg(test)]
mod tests {
    use super::{CRC32, Samples, SamplesError};

    fn region(count: u32, sample_bytes: u32, crc32: u32, payload: [u8; 6]) -> [u8; 24] {
        let mut region = [0xFF; 24];
        region[..4].copy_from_slice(b"LGSM");
        region[4..8].copy_from_slice(&count.to_le_bytes());
        region[8..12].copy_from_slice(&sample_bytes.to_le_bytes());
        region[12..16].copy_from_slice(&crc32.to_le_bytes());
        region[16..22].copy_from_slice(&payload);
        region
    }

    #[test]
    fn samples_come_back_in_order() {
        let payload = [1, 2, 3, 4, 5, 6];
        let region = region(3, 2, CRC32.checksum(&payload), payload);
        let samples = Samples::parse(&region).unwrap().unwrap();
        assert!(samples.iter().eq([[1, 2], [3, 4], [5, 6]]));
    }

    #[test]
    fn erased_memory_is_absent() {
        assert!(Samples::parse(&[0xFF; 64]).unwrap().is_none());
        assert!(Samples::parse(&[0; 64]).unwrap().is_none());
    }

    #[test]
    fn what_is_wrong_is_named() {
        let payload = [1, 2, 3, 4, 5, 6];
        let crc32 = CRC32.checksum(&payload);
        let refused = |region: &[u8]| Samples::parse(region).unwrap_err();
        assert_eq!(refused(&[7; 8]), SamplesError::Truncated { want: 16, have: 8 });
        assert_eq!(refused(&[7; 24]), SamplesError::Magic { have: 0x0707_0707 });
        assert_eq!(refused(&region(0, 2, crc32, payload)), SamplesError::Empty);
        assert_eq!(refused(&region(5, 2, crc32, payload)), SamplesError::Truncated { want: 26, have: 24 });
        let most = u64::from(u32::MAX);
        let want = most * most + 16;
        assert_eq!(refused(&region(u32::MAX, u32::MAX, 0, payload)), SamplesError::Truncated { want, have: 24 });
        assert_eq!(refused(&region(3, 2, crc32 ^ 1, payload)), SamplesError::Checksum { want: crc32 ^ 1, have: crc32 });
    }
}
