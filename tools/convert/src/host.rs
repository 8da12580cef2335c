//! The engine on the host: the very crate that runs on the chip, with memory aligned as it wants it.

use leafgate::{ArenaError, InputError, Model, Output, ParseError, Session};
use zerocopy::IntoBytes;

/// Bytes at a multiple of 16.
#[derive(Clone, Debug)]
pub struct AlignedBytes {
    words: Vec<u128>,
    len: usize,
}

impl AlignedBytes {
    /// A copy of `bytes`.
    pub fn copy_of(bytes: &[u8]) -> Self {
        let mut copy = Self::filled(bytes.len(), 0);
        copy.as_mut_slice().copy_from_slice(bytes);
        copy
    }

    /// `len` bytes of `value`.
    pub fn filled(len: usize, value: u8) -> Self {
        Self { words: vec![u128::from_ne_bytes([value; 16]); len.div_ceil(16)], len }
    }

    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        &self.words.as_bytes()[..self.len]
    }

    /// The bytes.
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut self.words.as_mut_bytes()[..self.len]
    }
}

/// Why an image did not run on the host.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum HostError {
    /// The image was refused.
    #[error("the engine refuses the image: {0}")]
    Parse(#[from] ParseError),
    /// The arena was refused; a defect of this crate.
    #[error("{0}")]
    Arena(#[from] ArenaError),
    /// An input was refused.
    #[error("{0}")]
    Input(#[from] InputError),
}

/// What a run gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostOutput {
    /// All values, widened.
    pub values: Vec<i32>,
    /// Classes, best first.
    pub classes: Vec<i32>,
    /// CRC-32 over the values as little-endian i32.
    pub crc32: u32,
}

impl HostOutput {
    fn new(output: &Output<'_>) -> Self {
        Self { values: output.iter().collect(), classes: output.classes().to_vec(), crc32: output.crc32() }
    }

    /// The class of the largest score.
    pub fn class(&self) -> Option<usize> {
        self.classes.first().map(|&class| class as usize)
    }
}

/// An image with its arena, on the host.
#[derive(Clone, Debug)]
pub struct HostEngine {
    image: AlignedBytes,
    arena: AlignedBytes,
}

impl HostEngine {
    /// Checks `image`; the arena is filled with a pattern that no correct run depends on.
    ///
    /// # Errors
    /// If the engine refuses it.
    pub fn new(image: &[u8]) -> Result<Self, HostError> {
        let image = AlignedBytes::copy_of(image);
        let arena_bytes = Model::parse(image.as_slice())?.arena_bytes();
        Ok(Self { image, arena: AlignedBytes::filled(arena_bytes, 0xA5) })
    }

    /// Runs inputs given as the bytes of the input tensor, and hands on each output.
    ///
    /// # Errors
    /// The first input that is refused.
    pub fn run<'i>(
        &mut self,
        inputs: impl IntoIterator<Item = &'i [u8]>,
        mut each: impl FnMut(usize, HostOutput),
    ) -> Result<(), HostError> {
        let model = Model::parse(self.image.as_slice())?;
        let mut session = Session::new(&model, self.arena.as_mut_slice())?;
        for (i, input) in inputs.into_iter().enumerate() {
            // Words of bits must be aligned; a copy costs nothing here.
            let input = AlignedBytes::copy_of(input);
            each(i, HostOutput::new(&session.run(model.input(input.as_slice())?)?));
        }
        Ok(())
    }

    /// Runs one input.
    ///
    /// # Errors
    /// If it is refused.
    pub fn run_one(&mut self, input: &[u8]) -> Result<HostOutput, HostError> {
        let mut output = None;
        self.run([input], |_, result| output = Some(result))?;
        // `run` hands on one output per input or returns an error.
        Ok(output.expect("one input gives one output"))
    }
}

/// Signed bytes as the bytes of an input tensor.
pub fn input_bytes(values: &[i8]) -> &[u8] {
    values.as_bytes()
}
