//! Frames on a stream of bytes: SLIP (RFC 1055) around a body with a CRC-32.
//!
//! A receiver that starts in the middle, or loses a byte, is right again after the next end mark. Between marks the body is as it is, but for
//! two byte values that are escaped.

use crate::record::checksum;

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

/// Writes a frame, byte by byte. A payload that is too long for any frame is cut off.
pub fn encode(frame: Frame<'_>, put: impl FnMut(u8)) {
    let mut body = [0; FRAME_BYTES];
    let room = body.iter_mut();
    let bytes = [frame.kind, frame.sequence].into_iter().chain(frame.payload.iter().copied().take(FRAME_BYTES - 6));
    let len = room.zip(bytes).map(|(place, byte)| *place = byte).count();
    encode_body(&mut body, len, put);
}

/// Writes a frame whose body without the checksum is the first `len` bytes.
pub(crate) fn encode_body(body: &mut [u8], len: usize, mut put: impl FnMut(u8)) {
    let have = checksum(body.get(..len).unwrap_or(&[]));
    if let Some(place) = body.get_mut(len..).and_then(<[u8]>::first_chunk_mut) {
        *place = have.to_le_bytes();
    }
    put(END);
    for &byte in body.iter().take(len + 4) {
        let (byte, escape) = match byte {
            END => (ESCAPED_END, true),
            ESCAPE => (ESCAPED_ESCAPE, true),
            byte => (byte, false),
        };
        if escape {
            put(ESCAPE);
        }
        put(byte);
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
    #[inline(never)]
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
        let (body, want) = body.split_last_chunk::<4>()?;
        let (&[kind, sequence], payload) = body.split_first_chunk::<2>()?;
        let is_whole = checksum(body) == u32::from_le_bytes(*want);
        is_whole.then_some(Frame { kind, sequence, payload })
    }
}
