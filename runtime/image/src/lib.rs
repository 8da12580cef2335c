//! The Leafgate flash image: record layouts and the checked view.
//!
//! 1. **One layout, shared.** The writer on the host and the reader on the device use the record types of this crate; the
//!    text they implement is `docs/image-format.md`, from which an independent reader is written and compared.
//! 2. **Checked once, then total.** [`View::parse`] refuses an image or proves every offset, length, index, capacity and
//!    alias that a run will use. After it, no accessor can panic.
//! 3. **Read in place.** Records and constants are borrowed from flash. Nothing is copied, nothing is allocated.
//! 4. **Safety does not rest on the checksum.** Image bytes are hostile until the view says otherwise.
//!
//! Rejected: a schema compiler (its accessors check at every access or not at all), and reading records field by field
//! (several times the code for the same bytes).
#![no_std]
#![forbid(unsafe_code)]

#[cfg(target_endian = "big")]
compile_error!("images are little-endian and are executed in place; big-endian targets are not supported");

mod check;
mod error;
mod ops;
mod record;
mod view;

pub use error::{Defect, ParseError, Place};
pub use ops::*;
pub use record::*;
pub use view::{Golden, Labels, View};

/// CRC-32/ISO-HDLC of an image: over everything but the checksum itself.
#[inline(never)]
pub fn image_crc32(image: &[u8]) -> u32 {
    let mut digest = CRC32.digest();
    for part in [image.get(..12).unwrap_or(image), image.get(16..).unwrap_or(&[])] {
        digest.update(part);
    }
    digest.finalize()
}

/// The checksum of images and of output vectors: CRC-32/ISO-HDLC, the one of zip and Ethernet. One table of 1 KB: the crate's
/// larger tables take 16 KB of flash, and without a table every bit takes its own step.
pub const CRC32: crc::Crc<u32, crc::Table<1>> = crc::Crc::<u32, crc::Table<1>>::new(&crc::CRC_32_ISO_HDLC);

/// Bytes of working memory that the network in `image` needs: the header's figure, for sizing a static arena at compile time.
///
/// ```
/// # use leafgate_image::arena_bytes;
/// const HEADER: [u8; 32] = [
///     b'L', b'E', b'A', b'F', 1, 0, 64, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x40, 1, 0, 0, 0, 0, 0, 0,
/// ];
/// const ARENA: usize = arena_bytes(&HEADER);
/// assert_eq!(ARENA, 320);
/// ```
///
/// # Panics
/// If the bytes are no image of format 1: in a `const`, that is a compile error. At run time use
/// [`View::parse`] and [`View::arena_bytes`], which return errors.
pub const fn arena_bytes(image: &[u8]) -> usize {
    assert!(image.len() >= 28, "not a Leafgate image: too short");
    assert!(
        image[0] == b'L' && image[1] == b'E' && image[2] == b'A' && image[3] == b'F',
        "not a Leafgate image: it does not begin with LEAF"
    );
    assert!(image[4] == 1 && image[5] == 0, "this version of leafgate reads images of format 1");
    u32::from_le_bytes([image[24], image[25], image[26], image[27]]) as usize
}
