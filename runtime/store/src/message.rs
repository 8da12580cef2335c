//! What sender and device say to each other.
//!
//! The sender asks, the device answers each request with one frame that has its sequence number. A request may be repeated: it then gives the
//! same answer, and nothing is done twice. `docs/update.md` has the layouts.

use leafgate::image::{Defect, Place};
use leafgate::{ArenaError, ParseError, SelfTestError};

use crate::error::{Refusal, UpdateError};
use crate::layout::Slot;
pub use crate::record::Phase;
use crate::store::Update;

/// Number of the protocol.
pub const PROTOCOL: u8 = 1;
/// The most bytes of a chunk.
pub const CHUNK_BYTES: usize = 256;

/// What is added to a request's kind in an answer.
const ANSWER: u8 = 0x80;
/// The kind of an answer that says no.
const REFUSED: u8 = 0xFF;

/// What a sender asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request<'a> {
    /// What the device is and what it has: [`Answer::Report`].
    Report,
    /// To begin an update, or to go on with it.
    Begin {
        /// Which.
        update: Update,
        /// Whether another that is under way may be dropped.
        replace: bool,
    },
    /// To write a chunk.
    Write {
        /// Checksum of the update that it belongs to.
        update: u32,
        /// Where it goes.
        offset: u32,
        /// Its bytes, a multiple of 16, at most [`CHUNK_BYTES`].
        chunk: &'a [u8],
    },
    /// To check what has arrived, and to try it at the next boot.
    Finish {
        /// Checksum of the update.
        update: u32,
    },
    /// To reset.
    Restart,
}

/// What the device answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// To [`Request::Report`].
    Report(Report),
    /// Done. For updates: the byte at which it goes on.
    Done(u32),
    /// Not done.
    Refused(UpdateError),
}

/// What a device says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Report {
    /// What is going on in the slot that is not active.
    pub phase: Phase,
    /// The slot that runs, if there is a model.
    pub slot: Option<Slot>,
    /// Whether that is on trial.
    pub on_trial: bool,
    /// Size of a slot.
    pub slot_bytes: u32,
    /// The image that runs: its size without a trailer, and the checksum in its header. Zeros if there is none.
    pub running: Update,
    /// The lowest version that is taken.
    pub floor: u32,
    /// The update that was begun last.
    pub update: Update,
    /// How much of it is there.
    pub received: u32,
}

/// Bytes of the payload of a report.
pub(crate) const REPORT_BYTES: usize = 32;
/// Bytes of the payload of a refusal.
const REFUSAL_BYTES: usize = 16;

/// Reads a little-endian word at the front.
fn word(bytes: &mut &[u8]) -> Option<u32> {
    let (first, rest) = bytes.split_first_chunk::<4>()?;
    *bytes = rest;
    Some(u32::from_le_bytes(*first))
}

impl<'a> Request<'a> {
    /// Kind and payload; a chunk of more than [`CHUNK_BYTES`] is cut off.
    #[must_use]
    pub fn kind_and_payload(self, buffer: &mut [u8; 8 + CHUNK_BYTES]) -> (u8, &[u8]) {
        let (kind, words, rest): (u8, [Option<u32>; 2], &[u8]) = match self {
            Self::Report => (1, [None; 2], &[]),
            Self::Begin { update, replace } => (2, [Some(update.bytes), Some(update.crc32)], &[replace as u8]),
            Self::Write { update, offset, chunk } => (3, [Some(update), Some(offset)], chunk),
            Self::Finish { update } => (4, [Some(update), None], &[]),
            Self::Restart => (5, [None; 2], &[]),
        };
        let mut len = 0;
        let bytes = words.into_iter().flatten().flat_map(u32::to_le_bytes).chain(rest.iter().copied());
        for (place, byte) in buffer.iter_mut().zip(bytes) {
            *place = byte;
            len += 1;
        }
        (kind, buffer.get(..len).unwrap_or(&[]))
    }

    /// Reads a request.
    #[must_use]
    #[inline(never)]
    pub fn read(kind: u8, mut payload: &'a [u8]) -> Option<Self> {
        let rest = &mut payload;
        let request = match kind {
            1 => Self::Report,
            2 => {
                let update = Update { bytes: word(rest)?, crc32: word(rest)? };
                let (&replace, none) = rest.split_first()?;
                *rest = none;
                Self::Begin { update, replace: replace != 0 }
            }
            3 => {
                let (update, offset) = (word(rest)?, word(rest)?);
                Self::Write { update, offset, chunk: core::mem::take(rest) }
            }
            4 => Self::Finish { update: word(rest)? },
            5 => Self::Restart,
            _ => return None,
        };
        rest.is_empty().then_some(request)
    }
}

impl Answer {
    /// The kind of the frame that answers a request of this kind.
    #[must_use]
    pub fn kind(&self, request: u8) -> u8 {
        match self {
            Self::Refused(_) => REFUSED,
            _ => request | ANSWER,
        }
    }

    /// The payload.
    #[must_use]
    pub fn payload<'b>(&self, buffer: &'b mut [u8; REPORT_BYTES]) -> &'b [u8] {
        let (words, len) = match self {
            Self::Report(report) => (report.words(), REPORT_BYTES),
            Self::Done(received) => ([*received, 0, 0, 0, 0, 0, 0, 0], 4),
            Self::Refused(error) => {
                let [a, b, c, d] = error_words(error);
                ([a, b, c, d, 0, 0, 0, 0], REFUSAL_BYTES)
            }
        };
        for (place, word) in buffer.as_chunks_mut::<4>().0.iter_mut().zip(words) {
            *place = word.to_le_bytes();
        }
        buffer.get(..len).unwrap_or(&[])
    }

    /// Reads the answer to a request of kind `request`; `None` if it is none.
    #[must_use]
    pub fn read(request: u8, kind: u8, payload: &[u8]) -> Option<Self> {
        let mut words = [0; REPORT_BYTES / 4];
        for (word, bytes) in words.iter_mut().zip(payload.as_chunks::<4>().0) {
            *word = u32::from_le_bytes(*bytes);
        }
        let [a, b, c, d, ..] = words;
        match (kind, payload.len()) {
            (REFUSED, REFUSAL_BYTES) => Some(Self::Refused(error_of([a, b, c, d])?)),
            (_, REPORT_BYTES) if kind == 1 | ANSWER && request == 1 => Some(Self::Report(Report::of(words)?)),
            (_, 4) if kind == request | ANSWER && request != 1 => Some(Self::Done(a)),
            _ => None,
        }
    }
}

impl Report {
    fn words(&self) -> [u32; REPORT_BYTES / 4] {
        let slot = match self.slot {
            None => 2,
            Some(slot) => slot as u32,
        };
        let first = u32::from(PROTOCOL) | (self.phase as u32) << 8 | slot << 16 | u32::from(self.on_trial) << 24;
        let Self { slot_bytes, running, floor, update, received, .. } = *self;
        [first, slot_bytes, running.bytes, running.crc32, floor, update.bytes, update.crc32, received]
    }

    fn of([first, slot_bytes, bytes, crc32, floor, update_bytes, update_crc32, received]: [u32; 8]) -> Option<Self> {
        let [protocol, phase, slot, on_trial] = first.to_le_bytes();
        if protocol != PROTOCOL {
            return None;
        }
        let slot = match slot {
            0 => Some(Slot::A),
            1 => Some(Slot::B),
            2 => None,
            _ => return None,
        };
        Some(Self {
            phase: Phase::of(phase)?,
            slot,
            on_trial: on_trial != 0,
            slot_bytes,
            running: Update { bytes, crc32 },
            floor,
            update: Update { bytes: update_bytes, crc32: update_crc32 },
            received,
        })
    }
}

/// An error as four words: its number, with what is small, and its figures.
#[inline(never)]
fn error_words(error: &UpdateError) -> [u32; 4] {
    let refusal = match *error {
        UpdateError::Flash { at } => return [1, at, 0, 0],
        UpdateError::NotWritten { at } => return [2, at, 0, 0],
        UpdateError::Size { want, have } => return [3, want, have, 0],
        UpdateError::Busy { bytes, received } => return [4, bytes, received, 0],
        UpdateError::OnTrial => return [5, 0, 0, 0],
        UpdateError::NoTrial => return [6, 0, 0, 0],
        UpdateError::Installed => return [7, 0, 0, 0],
        UpdateError::NotBegun => return [8, 0, 0, 0],
        UpdateError::Offset { want, have } => return [9, want, have, 0],
        UpdateError::Chunk { have } => return [10, have, 0, 0],
        UpdateError::Frame => return [11, 0, 0, 0],
        UpdateError::Refused(refusal) => refusal,
    };
    match refusal {
        Refusal::Checksum { want, have } => [32, want, have, 0],
        Refusal::Image(ParseError { defect, place, at, want, have }) => {
            let (place, index) = match place {
                Place::Header => (0, 0),
                Place::Section(kind) => (1, kind),
                Place::Op(i) => (2, i),
                Place::Tensor(i) => (3, i),
                Place::Range(i) => (4, i),
                _ => (255, 0),
            };
            [33 | (defect as u32) << 8 | place << 16, want, have, u32::from(at) | u32::from(index) << 16]
        }
        Refusal::Arena(ArenaError::TooSmall { want, have }) => [34, want as u32, have as u32, 0],
        Refusal::Arena(ArenaError::Misaligned { have }) => [35, have as u32, 0, 0],
        Refusal::Arena(_) => [36, 0, 0, 0],
        Refusal::SelfTest(SelfTestError { vector, output, want, have }) => {
            // Both indices are below 2^16 wherever they matter to people.
            let index = (vector as u32).min(0xFFFF) | (output as u32).min(0xFFFF) << 16;
            [37, want as u32, have as u32, index]
        }
        Refusal::Unsigned => [38, 0, 0, 0],
        Refusal::Key { have } => [39, have, 0, 0],
        Refusal::Signature => [40, 0, 0, 0],
        Refusal::Version { want, have } => [41, want, have, 0],
    }
}

/// The error that [`error_words`] gives these words for.
fn error_of([number, a, b, c]: [u32; 4]) -> Option<UpdateError> {
    let (want, have) = (a, b);
    Some(UpdateError::Refused(match number & 0xFF {
        1 => return Some(UpdateError::Flash { at: a }),
        2 => return Some(UpdateError::NotWritten { at: a }),
        3 => return Some(UpdateError::Size { want, have }),
        4 => return Some(UpdateError::Busy { bytes: a, received: b }),
        5 => return Some(UpdateError::OnTrial),
        6 => return Some(UpdateError::NoTrial),
        7 => return Some(UpdateError::Installed),
        8 => return Some(UpdateError::NotBegun),
        9 => return Some(UpdateError::Offset { want, have }),
        10 => return Some(UpdateError::Chunk { have: a }),
        11 => return Some(UpdateError::Frame),
        32 => Refusal::Checksum { want, have },
        33 => {
            let index = (c >> 16) as u16;
            let place = match number >> 16 & 0xFF {
                1 => Place::Section(index),
                2 => Place::Op(index),
                3 => Place::Tensor(index),
                4 => Place::Range(index),
                _ => Place::Header,
            };
            Refusal::Image(ParseError { defect: Defect::of((number >> 8) as u8), place, at: c as u8, want, have })
        }
        34 => Refusal::Arena(ArenaError::TooSmall { want: a as usize, have: b as usize }),
        35 => Refusal::Arena(ArenaError::Misaligned { have: a as usize }),
        37 => {
            let (vector, output) = ((c & 0xFFFF) as usize, (c >> 16) as usize);
            Refusal::SelfTest(SelfTestError { vector, output, want: a as i32, have: b as i32 })
        }
        38 => Refusal::Unsigned,
        39 => Refusal::Key { have: a },
        40 => Refusal::Signature,
        41 => Refusal::Version { want, have },
        _ => return None,
    }))
}
