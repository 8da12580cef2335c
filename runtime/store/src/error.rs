//! Why an update was refused, or a model was not taken.

use core::fmt;

use leafgate::{ArenaError, ParseError, SelfTestError};

/// Why the content of a slot is no model to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Refusal {
    /// The bytes are not those that were announced.
    Checksum {
        /// The checksum announced.
        want: u32,
        /// That of the bytes in the slot.
        have: u32,
    },
    /// It is no image, or none that this firmware can run.
    Image(ParseError),
    /// The application has no arena for it.
    Arena(ArenaError),
    /// A golden vector gives other values.
    SelfTest(SelfTestError),
    /// It bears no signature, and must.
    Unsigned,
    /// It is signed with a key that is not known here.
    Key {
        /// The first four bytes of the key.
        have: u32,
    },
    /// The signature is not that of these bytes.
    Signature,
    /// Its version is lower than one that was confirmed.
    Version {
        /// The lowest that is taken.
        want: u32,
        /// Its own.
        have: u32,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Checksum { want, have } => write!(f, "the checksum is {have:#010x}, announced was {want:#010x}"),
            Self::Image(error) => write!(f, "{error}"),
            Self::Arena(error) => write!(f, "{error}"),
            Self::SelfTest(error) => write!(f, "{error}"),
            Self::Unsigned => write!(f, "the image is not signed"),
            Self::Key { have } => write!(f, "the key {:08x} is not one of the device's", have.swap_bytes()),
            Self::Signature => write!(f, "the signature is wrong"),
            Self::Version { want, have } => {
                write!(f, "version {have} is older than version {want}, which was confirmed")
            }
        }
    }
}

impl core::error::Error for Refusal {}

/// Why a step of an update was not done. What runs is untouched by any of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum UpdateError {
    /// The flash driver failed.
    Flash {
        /// The offset that was written or erased.
        at: u32,
    },
    /// The flash did not take what was written.
    NotWritten {
        /// The offset.
        at: u32,
    },
    /// An update of this size is none: it must be a multiple of 16 bytes, and fit a slot.
    Size {
        /// Bytes of a slot.
        want: u32,
        /// Bytes announced.
        have: u32,
    },
    /// Another update is under way.
    Busy {
        /// Its size.
        bytes: u32,
        /// How much of it has arrived.
        received: u32,
    },
    /// The model that runs is on trial: an update would go where the model is that it falls back to.
    OnTrial,
    /// No trial is under way that could be confirmed.
    NoTrial,
    /// The very model runs already.
    Installed,
    /// No update was begun since the last reset, or another one.
    NotBegun,
    /// A chunk is not where the update goes on.
    Offset {
        /// Where it goes on.
        want: u32,
        /// Where the chunk begins, or the update was to end.
        have: u32,
    },
    /// A chunk is no multiple of 16 bytes, or ends beyond the update.
    Chunk {
        /// Its size.
        have: u32,
    },
    /// A frame could not be understood.
    Frame,
    /// All of it has arrived, and it is not taken.
    Refused(Refusal),
}

impl From<Refusal> for UpdateError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl fmt::Display for UpdateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flash { at } => write!(f, "the flash driver failed at {at:#x}"),
            Self::NotWritten { at } => write!(f, "the flash at {at:#x} did not take what was written"),
            Self::Size { want, have } => {
                write!(f, "an update of {have} bytes: a slot has {want}, and it must be a positive multiple of 16")
            }
            Self::Busy { bytes, received } => write!(f, "another update is under way, {received} of {bytes} bytes"),
            Self::OnTrial => write!(f, "the model that runs has not been confirmed yet"),
            Self::NoTrial => write!(f, "no trial is under way"),
            Self::Installed => write!(f, "this very model runs already"),
            Self::NotBegun => write!(f, "no such update has been begun since the last reset"),
            Self::Offset { want, have } => write!(f, "the update goes on at byte {want}, not at {have}"),
            Self::Chunk { have } => {
                write!(f, "a chunk of {have} bytes is no multiple of 16, or ends beyond the update")
            }
            Self::Frame => write!(f, "the frame is not one that this version understands"),
            Self::Refused(refusal) => write!(f, "{refusal}"),
        }
    }
}

impl core::error::Error for UpdateError {}
