//! Evaluates an image, one op after the other, each by the formula in the format document.
//!
//! Every op copies what it reads out of the arena into wide integers, computes, and writes the bytes back: slow, and
//! nothing to go wrong with. The arena is zero when a run begins; scratch is left as it was, but for the scores of a ROUTE.
//! A sum is kept in 64 bits while it grows and cut to 32 where the document's accumulator is used, so [`Outcome::overflows`]
//! knows each op in which the two differed on the way. Sums grow in the order of the document; the proof is what covers
//! every other order.

mod ffn;
mod layers;
mod memory;
mod route;
mod watch;

pub use watch::{Entry, Largest, OpTrace, Overflow, Requantised, Seen, SeenRange, Sum};

use memory::Memory;
use watch::Watch;

use super::image::{Dtype, Image};
use super::ops::Op;

/// What a network is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input<'a> {
    /// The elements of an I8 input, row after row.
    I8(&'a [i8]),
    /// The words of a Bits input, row after row, bit `i` of a row in word `i / 32`, least significant first.
    Bits(&'a [u32]),
}

/// Why an input does not fit an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InputError {
    /// Elements were given for bits, or words for elements.
    #[error("input: want {want:?}, have {have:?}")]
    Dtype {
        /// The type of the input tensor.
        want: Dtype,
        /// What was given.
        have: Dtype,
    },
    /// The input has another length.
    #[error("input: want {want} bytes, have {have}")]
    Length {
        /// Bytes of the input tensor.
        want: usize,
        /// Bytes given.
        have: usize,
    },
}

/// What a run gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The elements of the output tensor, widened.
    pub values: Vec<i32>,
    /// The class indices that READOUT wrote, best first; empty for kind None.
    pub classes: Vec<u32>,
    /// One entry per op.
    pub trace: Vec<OpTrace>,
    /// The first overflow of each op that had one.
    pub overflows: Vec<Overflow>,
}

/// Runs the image on an input.
///
/// # Errors
/// [`InputError`] if the input is not of the type and length of the image's input tensor.
pub fn run(image: &Image, input: Input<'_>) -> Result<Outcome, InputError> {
    let want = image.tensors[image.header.input].dtype;
    let (have, bytes) = match input {
        Input::I8(elements) => (Dtype::I8, elements.iter().map(|&x| x as u8).collect()),
        Input::Bits(words) => (Dtype::Bits, words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>()),
    };
    if want != have {
        return Err(InputError::Dtype { want, have });
    }
    run_bytes(image, &bytes)
}

/// Runs the image on the bytes of its input tensor, as golden vectors hold them.
///
/// # Errors
/// [`InputError::Length`] if there are too many or too few.
pub fn run_bytes(image: &Image, input: &[u8]) -> Result<Outcome, InputError> {
    run_watched(image, input, |_, _| {})
}

/// What the tensors hold between two ops.
#[derive(Debug)]
pub struct Held<'m, 'a>(&'m Memory<'a>);

impl Held<'_, '_> {
    /// The elements of a tensor by its index, row after row: numbers, or bits as 0 and 1. A tensor whose bytes the arena has given to another
    /// holds what that left.
    pub fn elements(&self, tensor: usize) -> Vec<i64> {
        self.0.elements(tensor)
    }
}

/// [`run_bytes`] that shows `after` the tensors after each op, by its index.
///
/// # Errors
/// As [`run_bytes`].
pub fn run_watched(
    image: &Image,
    input: &[u8],
    mut after: impl FnMut(usize, &Held<'_, '_>),
) -> Result<Outcome, InputError> {
    let want = image.tensors[image.header.input].bytes();
    if input.len() != want {
        return Err(InputError::Length { want, have: input.len() });
    }
    let mut memory = Memory::new(image, input);
    let mut trace = Vec::with_capacity(image.ops.len());
    let mut overflows = Vec::new();
    for (index, op) in image.ops.iter().enumerate() {
        let mut watch = Watch::new(index, op);
        step(op, image, &mut memory, &mut watch);
        overflows.extend(watch.first_overflow);
        trace.push(watch.trace);
        after(index, &Held(&memory));
    }
    let values = memory.numbers(image.header.output).into_iter().map(|value| value as i32).collect();
    let classes = match image.ops.last() {
        Some(Op::Readout(readout)) => readout.output.map_or(Vec::new(), |output| memory.numbers(output)),
        _ => Vec::new(),
    };
    Ok(Outcome { values, classes: classes.into_iter().map(|class| class as u32).collect(), trace, overflows })
}

fn step(op: &Op, image: &Image, memory: &mut Memory<'_>, watch: &mut Watch) {
    match op {
        Op::Linear(op) => layers::linear(op, image, memory, watch),
        Op::Ffn(op) => ffn::run(op, image, memory, watch),
        Op::Route(op) => route::run(op, image, memory, watch),
        Op::Gates(op) => layers::gates(op, image, memory, watch),
        Op::GroupSum(op) => layers::group_sum(op, image, memory, watch),
        Op::Map(op) => layers::map(op, image, memory, watch),
        Op::Move(op) => layers::copy(op, image, memory),
        Op::Readout(op) => {
            if let Some(output) = op.output {
                let values = memory.numbers(op.input);
                watch.trace.seen.largest.search(&values, op.k);
                let classes = largest(&values, op.k);
                memory.set_i32s(output, classes.into_iter().map(|class| class as i32));
            }
        }
    }
}

/// The indices of the k largest in descending order, ties in ascending order of index.
fn largest(values: &[i64], k: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by_key(|&i| (std::cmp::Reverse(values[i]), i));
    order.truncate(k);
    order
}
