//! Running a model in an arena.

use core::fmt;

use leafgate_image::{OpRecord, op};
use zerocopy::transmute;

use crate::frame::Frame;
use crate::input::{Input, InputError};
use crate::model::Model;
use crate::ops;
use crate::output::Output;

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

/// The last record of an image without ops, which the check refuses.
static NO_OP: OpRecord = transmute!([0u8; 64]);

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
        Ok(self.execute(input.as_bytes()))
    }

    /// Runs on the bytes of an input, which are as many as the network reads.
    #[inline(never)]
    fn execute(&mut self, input: &[u8]) -> Output<'_> {
        let view = self.model.view();
        let mut last = &NO_OP;
        for record in view.ops() {
            last = record;
            if record.op == op::READOUT {
                break;
            }
            // `None` would mean a record that the check should have refused; the op is then without effect.
            let _ = ops::run(&mut Frame::new(view, self.arena, input, record), record);
        }
        // The last record says what is read; its tensors are in the arena.
        ops::readout(Frame::new(view, self.arena, &[], last), last)
    }

    /// Runs every golden vector of the image and compares every output. Returns how many there are.
    ///
    /// # Errors
    /// The first value that differs.
    #[inline(never)]
    pub fn self_test(&mut self) -> Result<usize, SelfTestError> {
        let mut count = 0;
        // The check has compared the vectors' lengths with those of input and output.
        for (bytes, wanted) in self.model.view().golden() {
            let result = self.execute(bytes);
            for (output, &want) in wanted.iter().enumerate() {
                let have = result.get(output).unwrap_or(0);
                if want != have {
                    return Err(SelfTestError { vector: count, output, want, have });
                }
            }
            count += 1;
        }
        Ok(count)
    }
}
