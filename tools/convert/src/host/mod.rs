//! The engine on the host: the very crate that runs on the chip, with memory aligned as it wants it.
//!
//! Many samples are shared among the cores, and networks of gates run in blocks of 512: [`wide`].

pub mod wide;
pub(crate) mod workers;

use std::ops::Range;

use leafgate::batch::{BatchError, Plan};
use leafgate::{ArenaError, Input, InputError, InputShape, Model, Output, ParseError, Session};
use zerocopy::IntoBytes;

use wide::{WideBatch, Words};
use workers::in_blocks;

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

/// What arenas are filled with beforehand: a pattern that no correct run depends on.
const PAINT: u8 = 0xA5;
/// Samples that a thread takes at a time.
const BLOCK: usize = 32;

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
    /// A batch was refused; a defect of this crate.
    #[error("{0}")]
    Batch(#[from] BatchError),
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
    /// Checks `image`.
    ///
    /// # Errors
    /// If the engine refuses it.
    pub fn new(image: &[u8]) -> Result<Self, HostError> {
        let image = AlignedBytes::copy_of(image);
        let arena_bytes = Model::parse(image.as_slice())?.arena_bytes();
        Ok(Self { image, arena: AlignedBytes::filled(arena_bytes, PAINT) })
    }

    /// Runs inputs given as the bytes of the input tensor, on every core, and hands on each output in order.
    ///
    /// # Errors
    /// The first input that is refused; nothing has run then.
    pub fn run<I: AsRef<[u8]> + Sync>(
        &self,
        inputs: &[I],
        mut each: impl FnMut(usize, HostOutput),
    ) -> Result<(), HostError> {
        let model = Model::parse(self.image.as_slice())?;
        let (want, bytes) = (model.input_shape(), model.input_bytes());
        if let Some(input) = inputs.iter().find(|input| input.as_ref().len() != bytes) {
            return Err(InputError { want, have: InputShape::Bytes(input.as_ref().len()) }.into());
        }
        let mut each = |range: Range<usize>, outputs: Result<Vec<HostOutput>, HostError>| {
            range.zip(outputs?).for_each(|(i, output)| each(i, output));
            Ok(())
        };
        let aligned = |range: Range<usize>| Aligned::new(bytes, inputs[range].iter().map(AsRef::as_ref));
        // A block of gates takes as long with one sample, and the plan takes time as well.
        if inputs.len() >= wide::SAMPLES / 2 && wide::is_gates(&model) {
            let mut words = vec![0; Plan::words(&model)];
            let plan = Plan::new(&model, &mut words)?;
            let memory = || Words::new(WideBatch::words(&model));
            let work = |memory: &mut Words, range| {
                let (block, mut batch) = (aligned(range), WideBatch::new(&model, memory.as_mut_slice())?);
                batch = batch.with_plan(&plan)?;
                let inputs: Vec<Input<'_>> = block.iter().map(|bytes| model.input(bytes)).collect::<Result<_, _>>()?;
                Ok(wide::run(&mut batch, &inputs)?.iter().map(|output| HostOutput::new(&output)).collect())
            };
            return in_blocks(inputs.len(), wide::SAMPLES, memory, work, &mut each);
        }
        let arena = || AlignedBytes::filled(model.arena_bytes(), PAINT);
        let work = |arena: &mut AlignedBytes, range| {
            let (block, mut session) = (aligned(range), Session::new(&model, arena.as_mut_slice())?);
            block.iter().map(|bytes| Ok(HostOutput::new(&session.run(model.input(bytes)?)?))).collect()
        };
        in_blocks(inputs.len(), BLOCK, arena, work, &mut each)
    }

    /// Runs one input.
    ///
    /// # Errors
    /// If it is refused.
    pub fn run_one(&mut self, input: &[u8]) -> Result<HostOutput, HostError> {
        let model = Model::parse(self.image.as_slice())?;
        let mut session = Session::new(&model, self.arena.as_mut_slice())?;
        // Words of bits must be aligned; a copy costs nothing here.
        let input = AlignedBytes::copy_of(input);
        Ok(HostOutput::new(&session.run(model.input(input.as_slice())?)?))
    }
}

/// Inputs one after the other, each at a multiple of 16 bytes: words of bits must be aligned.
struct Aligned {
    bytes: AlignedBytes,
    /// Size of an input, and from one to the next.
    sizes: [usize; 2],
}

impl Aligned {
    fn new<'i>(size: usize, inputs: impl ExactSizeIterator<Item = &'i [u8]>) -> Self {
        let stride = size.next_multiple_of(16).max(16);
        let mut bytes = AlignedBytes::filled(inputs.len() * stride, 0);
        for (to, input) in bytes.as_mut_slice().chunks_exact_mut(stride).zip(inputs) {
            to[..size].copy_from_slice(input);
        }
        Self { bytes, sizes: [size, stride] }
    }

    fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let [size, stride] = self.sizes;
        self.bytes.as_slice().chunks_exact(stride).map(move |bytes| &bytes[..size])
    }
}

/// Signed bytes as the bytes of an input tensor.
pub fn input_bytes(values: &[i8]) -> &[u8] {
    values.as_bytes()
}
