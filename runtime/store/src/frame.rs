//! Frames on a stream of bytes: SLIP (RFC 1055) around a body with a CRC-32.
//!
//! A receiver that starts in the middle, or loses a byte, is right again after the next end mark. Between marks the body is as it is, but for
//! two byte values that are escaped.

use leafgate::image::CRC32;

const END: u8 = 0xC0;
const ESCAPE: u8 = 0xDB;
const ESCAPED_END: u8 = 0xDC;
const ESCAPED_ESCAPE: u8 = 0xDD;

/// The longest body: kind, sequence number, update, offset, chunk, checksum.
pub const FRAME_BYTES: usize = 2 + 8 + crate::message::CHUNK_BYTES + 4;

/// What a frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// What it asks or answers.
    pub kind: u8,
    /// Chosen by who asks, repeated by who answers.
    pub sequence: u8,
    /// The figures.
    pub payload: &'a [u8],
}

/// Writes a frame, byte by byte.
pub fn encode(frame: Frame<'_>, mut put: impl FnMut(u8)) {
    let mut digest = CRC32.digest();
    let head = [frame.kind, frame.sequence];
    digest.update(&head);
    digest.update(frame.payload);
    let checksum = digest.finalize().to_le_bytes();
    put(END);
    for &byte in head.iter().chain(frame.payload).chain(&checksum) {
        match byte {
            END => [ESCAPE, ESCAPED_END].into_iter().for_each(&mut put),
            ESCAPE => [ESCAPE, ESCAPED_ESCAPE].into_iter().for_each(&mut put),
            byte => put(byte),
        }
    }
    put(END);
}

/// Finds frames among bytes.
#[derive(Debug)]
pub struct Decoder {
    bytes: [u8; FRAME_BYTES],
    /// Bytes so far; more than there is room for if the frame is none of ours.
    len: usize,
    escaped: bool,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder {
    /// One that has seen nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: [0; FRAME_BYTES], len: 0, escaped: false }
    }

    /// Takes a byte; with the last one of a frame, gives it. What is damaged is passed over.
    pub fn push(&mut self, byte: u8) -> Option<Frame<'_>> {
        let byte = match (byte, self.escaped) {
            (END, _) => {
                let len = core::mem::take(&mut self.len);
                self.escaped = false;
                return Self::frame(self.bytes.get(..len)?);
            }
            (ESCAPE, false) => {
                self.escaped = true;
                return None;
            }
            (ESCAPED_END, true) => END,
            (ESCAPED_ESCAPE, true) => ESCAPE,
            // No frame has such an escape: what is left of it is passed over.
            (_, true) => {
                self.len = FRAME_BYTES + 1;
                byte
            }
            (byte, false) => byte,
        };
        self.escaped = false;
        match self.bytes.get_mut(self.len) {
            Some(place) => {
                *place = byte;
                self.len += 1;
            }
            None => self.len = FRAME_BYTES + 1,
        }
        None
    }

    fn frame(body: &[u8]) -> Option<Frame<'_>> {
        let (body, checksum) = body.split_last_chunk::<4>()?;
        let (&[kind, sequence], payload) = body.split_first_chunk::<2>()?;
        let is_whole = CRC32.checksum(body) == u32::from_le_bytes(*checksum);
        is_whole.then_some(Frame { kind, sequence, payload })
    }
}
