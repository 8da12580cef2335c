//! What a batch refuses.

use core::fmt;

use leafgate_image::op;

use crate::input::InputError;

/// A batch cannot be made of the model, or cannot run on the inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum BatchError {
    /// The model is not all gates: it has an op that works on one sample at a time. Use a [`Session`](crate::Session).
    NotGates {
        /// Index of the op.
        at: usize,
        /// Its number, one of [`image::op`](leafgate_image::op).
        op: u8,
        /// Its kind.
        kind: u8,
    },
    /// An op reads what no op before it has written as a whole, which a converted image never does: what it finds there depends on
    /// how the arena is laid out. Use a [`Session`](crate::Session).
    ReadsUnwritten {
        /// Index of the op.
        at: usize,
    },
    /// The memory is too small.
    TooSmall {
        /// Words wanted: see [`Batch::words`](crate::batch::Batch::words).
        want: usize,
        /// Words given.
        have: usize,
    },
    /// More inputs than a run takes.
    TooMany {
        /// The most: [`Batch::SAMPLES`](crate::batch::Batch::SAMPLES).
        want: usize,
        /// Inputs given.
        have: usize,
    },
    /// The type or the length of an input is not that of the image.
    Input {
        /// Index of the input.
        at: usize,
        /// What is wrong with it.
        error: InputError,
    },
    /// The plan is for another model.
    OtherPlan,
}

impl fmt::Display for BatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotGates { at, op, kind } => {
                let name = op::NAMES.get(usize::from(*op)).unwrap_or(&"?");
                write!(f, "op {at}, {name} of kind {kind}, works on one sample at a time: run a session")
            }
            Self::ReadsUnwritten { at } => {
                write!(f, "op {at} reads what no op has written before it: run a session")
            }
            Self::TooSmall { want, have } => write!(f, "the memory has {have} words, the batch needs {want}"),
            Self::TooMany { want, have } => write!(f, "a run takes at most {want} inputs, {have} were given"),
            Self::Input { at, error } => write!(f, "input {at}: {error}"),
            Self::OtherPlan => write!(f, "the plan is for another model: make one of this model"),
        }
    }
}

impl core::error::Error for BatchError {}
