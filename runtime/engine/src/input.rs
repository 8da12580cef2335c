//! What a network reads.

use core::fmt;

use zerocopy::{FromBytes, IntoBytes};

/// The input of a run, borrowed: never copied into the arena.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// Quantised numbers; the image says how they are scaled.
    I8(&'a [i8]),
    /// Bits, least significant first, in words.
    Bits(&'a [u32]),
}

/// Type and size of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum InputShape {
    /// So many signed bytes.
    I8(usize),
    /// So many words of bits.
    Bits(usize),
    /// So many bytes of no known type, or at an address that their type does not allow.
    Bytes(usize),
}

/// An input of the wrong type or length was given; the network did not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct InputError {
    /// What the image says.
    pub want: InputShape,
    /// What was given.
    pub have: InputShape,
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the network reads {}, {} were given", self.want, self.have)
    }
}

impl fmt::Display for InputShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::I8(len) => write!(f, "{len} signed bytes"),
            Self::Bits(words) => write!(f, "{words} words of bits"),
            Self::Bytes(bytes) => write!(f, "{bytes} bytes"),
        }
    }
}

impl core::error::Error for InputError {}

impl<'a> Input<'a> {
    /// Type and size.
    pub fn shape(&self) -> InputShape {
        match self {
            Self::I8(values) => InputShape::I8(values.len()),
            Self::Bits(words) => InputShape::Bits(words.len()),
        }
    }

    /// The input of shape `want` that `bytes` hold: as they lie in a golden vector or in a flash region.
    ///
    /// # Errors
    /// If the length differs, or words of bits do not begin at a multiple of 4 bytes.
    pub fn from_bytes(want: InputShape, bytes: &'a [u8]) -> Result<Self, InputError> {
        let input = match want {
            InputShape::Bits(_) => <[u32]>::ref_from_bytes(bytes).ok().map(Self::Bits),
            _ => <[i8]>::ref_from_bytes(bytes).ok().map(Self::I8),
        };
        match input {
            Some(input) if input.shape() == want => Ok(input),
            _ => Err(InputError { want, have: InputShape::Bytes(bytes.len()) }),
        }
    }

    pub(crate) fn as_bytes(&self) -> &'a [u8] {
        match self {
            Self::I8(values) => values.as_bytes(),
            Self::Bits(words) => words.as_bytes(),
        }
    }
}

impl<'a> From<&'a [i8]> for Input<'a> {
    fn from(values: &'a [i8]) -> Self {
        Self::I8(values)
    }
}

impl<'a, const N: usize> From<&'a [i8; N]> for Input<'a> {
    fn from(values: &'a [i8; N]) -> Self {
        Self::I8(values)
    }
}

impl<'a> From<&'a [u32]> for Input<'a> {
    fn from(words: &'a [u32]) -> Self {
        Self::Bits(words)
    }
}

impl<'a, const N: usize> From<&'a [u32; N]> for Input<'a> {
    fn from(words: &'a [u32; N]) -> Self {
        Self::Bits(words)
    }
}
