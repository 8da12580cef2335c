//! The signature behind an image.

/// Bytes of a trailer.
pub const TRAILER_BYTES: usize = 80;
/// Bytes of its head, which is signed along with the image.
pub const TRAILER_HEAD_BYTES: usize = 16;

/// What a trailer begins with.
const MAGIC: [u8; 4] = *b"LGSG";
/// The one format there is.
const FORMAT: u32 = 1;

/// What follows a signed image at once: a head of 16 bytes, and the Ed25519 signature (RFC 8032) over the image and the head,
/// which lie in one piece. `docs/image-format.md` has the layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trailer<'a> {
    /// The model's version, which only grows.
    pub version: u32,
    /// The first four bytes of the public key, little-endian: which of several keys it is.
    pub key: u32,
    /// The signature.
    pub signature: &'a [u8; 64],
}

impl<'a> Trailer<'a> {
    /// Reads the trailer of an image of `image_bytes` at the start of `bytes`. Gives what is signed as well.
    #[must_use]
    pub fn read(bytes: &'a [u8], image_bytes: usize) -> Option<(Self, &'a [u8])> {
        let head_end = image_bytes.checked_add(TRAILER_HEAD_BYTES)?;
        let message = bytes.get(..head_end)?;
        let signature = bytes.get(head_end..)?.first_chunk::<64>()?;
        let [magic, format, version, key] = message.last_chunk::<TRAILER_HEAD_BYTES>()?.as_chunks::<4>().0 else {
            return None;
        };
        if *magic != MAGIC || u32::from_le_bytes(*format) != FORMAT {
            return None;
        }
        let trailer = Self { version: u32::from_le_bytes(*version), key: u32::from_le_bytes(*key), signature };
        Some((trailer, message))
    }

    /// The head of a trailer of this version, for the key that begins with these bytes.
    #[must_use]
    pub fn head(version: u32, key: [u8; 4]) -> [u8; TRAILER_HEAD_BYTES] {
        let mut head = [0; TRAILER_HEAD_BYTES];
        for (field, value) in
            head.as_chunks_mut::<4>().0.iter_mut().zip([MAGIC, FORMAT.to_le_bytes(), version.to_le_bytes(), key])
        {
            *field = value;
        }
        head
    }
}
