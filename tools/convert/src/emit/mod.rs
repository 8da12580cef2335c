//! An image as a Rust module: the ahead-of-time form.
//!
//! [`emit`] writes what an image computes as one file of plain Rust: `no_std`, without dependencies, `unsafe`, allocation or floating
//! point, shapes as constants, weights as statics, gates unrolled where it pays. It gives the same outputs bit for bit. Nothing is
//! parsed or dispatched at run time, and the compiler sees every length; against that, a network can no longer be exchanged without the
//! firmware, and its kernels are what the compiler makes of loops.
//!
//! The image is read by the independent reader of [`reference`](crate::reference), which knows every rule of the format, so that
//! images of any origin can be compiled. The source never indexes by a number from outside of it: arrays have constant lengths, what comes
//! from a list is looked up with `get`, so that no panic is reachable in an optimised build.
//!
//! An op, kind or weight format that is not known here is an [`EmitError`] that names it; so is an image whose ops exchange bytes by
//! overlapping tensors, which no converter writes.
//!
//! Rejected: emitting from the integer graph (an image without its model file could not be compiled); one array of bytes as arena
//! (words would be put together from bytes); syntax trees of `syn` with a formatter (four packages for what are few kinds of
//! statement, and tables of weights are formatted by hand anyway).

mod error;
mod ffn;
mod gates;
mod linear;
mod memory;
mod module;
mod netlist;
mod prelude;
mod route;
mod source;
mod value;

pub use error::EmitError;

use crate::reference::{Image, Op};
use route::Lists;
use source::Source;

/// Choices of the emitter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EmitOptions {
    /// Bytes that straight-line code of gates and thresholds may take in all, estimated. What does not fit is a table and a loop.
    pub unroll_bytes: usize,
    /// Rows that a dense layer takes in one pass over its input.
    pub rows: Rows,
}

impl Default for EmitOptions {
    fn default() -> Self {
        Self { unroll_bytes: 32 * 1024, rows: Rows::Four }
    }
}

/// Rows of a matrix in one pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows {
    /// For compilers that make vectors of a single row's loop.
    One,
    /// For cores without vectors: an element of the input is read once for four rows.
    Four,
}

/// A network as source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Emitted {
    /// The module.
    pub source: String,
    /// Bytes of its constants, golden vectors not included.
    pub constant_bytes: usize,
    /// Bytes of its `State`.
    pub state_bytes: usize,
    /// Words of gates and thresholds.
    pub words: usize,
    /// Those of them that are straight-line code.
    pub unrolled_words: usize,
}

/// Writes an image as a Rust module.
///
/// # Errors
/// What of the image has no compiled form.
pub fn emit(image: &Image, options: &EmitOptions) -> Result<Emitted, EmitError> {
    let mut source = Source::new(image, options)?;
    let mut lists = Lists::new();
    for (index, op) in image.ops.iter().enumerate() {
        step(&mut source, &mut lists, index, op)?;
    }
    let text = module::write(&mut source)?;
    Ok(Emitted {
        source: text,
        constant_bytes: source.constant_bytes as usize,
        state_bytes: source.memory.fields.iter().map(|field| field.bytes).sum(),
        words: source.unrolled_words.1,
        unrolled_words: source.unrolled_words.0,
    })
}

fn step(source: &mut Source<'_>, lists: &mut Lists, index: usize, op: &Op) -> Result<(), EmitError> {
    if let Op::Linear(op) = op {
        linear::linear(source, index, op)
    } else if let Op::Ffn(op) = op {
        ffn::ffn(source, lists, index, op)
    } else if let Op::Route(op) = op {
        route::route(source, lists, index, op)
    } else if let Op::Gates(op) = op {
        gates::gates(source, index, op)
    } else if let Op::GroupSum(op) = op {
        gates::group_sum(source, index, op)
    } else if let Op::Map(op) = op {
        linear::map(source, index, op)
    } else if let Op::Move(op) = op {
        linear::copy(source, index, op);
        Ok(())
    } else if let Op::Readout(op) = op {
        module::readout(source, index, op);
        Ok(())
    } else {
        Err(EmitError::Unsupported { op: index, name: op.name(), what: "the op".into() })
    }
}
