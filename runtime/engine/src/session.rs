//! Running a model in an arena.

use core::fmt;

use leafgate_image::{NO_TENSOR, ReadoutRecord, dtype};
use zerocopy::transmute_ref;

use crate::frame::{Frame, bytes_of, cast};
use crate::input::{Input, InputError};
use crate::model::Model;
use crate::ops;
use crate::output::{Output, Values};

/// The arena cannot hold the network's working memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ArenaError {
    /// It is too small.
    TooSmall {
        /// Bytes the image needs.
        want: usize,
        /// Bytes given.
        have: usize,
    },
    /// It does not begin at a multiple of 16 bytes: use [`Arena`](crate::Arena).
    Misaligned {
        /// Its address modulo 16.
        have: usize,
    },
}

impl fmt::Display for ArenaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooSmall { want, have } => write!(f, "the arena has {have} bytes, the network needs {want}"),
            Self::Misaligned { have } => write!(f, "the arena begins {have} bytes after a multiple of 16"),
        }
    }
}

impl core::error::Error for ArenaError {}

/// The network did not give the outputs that its image expects: the device, the compiler or the image is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct SelfTestError {
    /// Index of the golden vector.
    pub vector: usize,
    /// Index of the first output that differs.
    pub output: usize,
    /// Its value in the image.
    pub want: i32,
    /// Its value here.
    pub have: i32,
}

impl fmt::Display for SelfTestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { vector, output, want, have } = self;
        write!(f, "golden vector {vector}: output {output} is {have}, wanted {want}")
    }
}

impl core::error::Error for SelfTestError {}

/// A model with its working memory.
#[derive(Debug)]
pub struct Session<'m, 'a> {
    model: &'m Model<'a>,
    arena: &'m mut [u8],
}

impl<'m, 'a> Session<'m, 'a> {
    /// Takes an arena of at least [`Model::arena_bytes`], at a multiple of 16 bytes. Its content does not matter.
    ///
    /// # Errors
    /// If it is too small or misaligned.
    pub fn new(model: &'m Model<'a>, arena: &'m mut [u8]) -> Result<Self, ArenaError> {
        let want = model.arena_bytes();
        let misalignment = arena.as_ptr() as usize % leafgate_image::ALIGN;
        if misalignment != 0 {
            return Err(ArenaError::Misaligned { have: misalignment });
        }
        let have = arena.len();
        match arena.get_mut(..want) {
            Some(arena) => Ok(Self { model, arena }),
            None => Err(ArenaError::TooSmall { want, have }),
        }
    }

    /// Runs the network once. Never allocates, panics or recurses, and writes nothing but the arena.
    ///
    /// # Errors
    /// If the input's type or length is not that of the image; nothing has run then.
    pub fn run<'i>(&mut self, input: impl Into<Input<'i>>) -> Result<Output<'_>, InputError> {
        self.run_input(input.into())
    }

    fn run_input(&mut self, input: Input<'_>) -> Result<Output<'_>, InputError> {
        let (want, have) = (self.model.input_shape(), input.shape());
        if want != have {
            return Err(InputError { want, have });
        }
        let view = self.model.view();
        let mut frame = Frame { view, arena: self.arena, input: input.as_bytes() };
        for record in view.ops() {
            // `None` would mean a record that the check should have refused; the op is then without effect.
            let _ = ops::run(&mut frame, record);
        }
        Ok(self.output())
    }

    /// The values that the last run left in the arena.
    fn output(&self) -> Output<'_> {
        let view = self.model.view();
        let empty = Output { values: Values::I32(&[]), classes: &[], scale: 0.0, zero_point: 0.0 };
        let Some(tensor) = view.output() else { return empty };
        let bytes = self.arena.get(bytes_of(tensor)).unwrap_or(&[]);
        let values = if tensor.dtype == dtype::I8 { Values::I8(cast(bytes)) } else { Values::I32(cast(bytes)) };
        let classes = view.ops().last().and_then(|record| {
            let readout: &ReadoutRecord = transmute_ref!(record);
            if readout.output == NO_TENSOR { None } else { self.arena.get(bytes_of(view.tensor(readout.output)?)) }
        });
        Output { values, classes: cast(classes.unwrap_or(&[])), scale: tensor.scale, zero_point: tensor.zero_point }
    }

    /// Runs every golden vector of the image and compares every output. Returns how many there are.
    ///
    /// # Errors
    /// The first value that differs.
    pub fn self_test(&mut self) -> Result<usize, SelfTestError> {
        let mut count = 0;
        for (bytes, wanted) in self.model.view().golden() {
            // The check has compared the vector's length with the input's.
            if let Ok(input) = self.model.input(bytes)
                && let Ok(result) = self.run_input(input)
            {
                for (output, (&want, have)) in wanted.iter().zip(result.iter()).enumerate() {
                    if want != have {
                        return Err(SelfTestError { vector: count, output, want, have });
                    }
                }
            }
            count += 1;
        }
        Ok(count)
    }
}
