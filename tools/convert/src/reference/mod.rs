//! The independent, obvious integer reference that judges the engine.
//!
//! [`read()`] decodes an image from its bytes, [`run`] evaluates it, [`prove`] shows from the image alone that no 32-bit
//! accumulator can overflow. All three are written from `docs/image-format.md`, the only source, and share no line with the
//! engine, its kernels or its image crate: a mistake in one would otherwise be made, and so hidden, in both. A test
//! refuses any import of them here.
//!
//! Sums are kept exactly in 64 or 128 bits beside their 32-bit meaning, so that wrapping is seen and not only obeyed. An
//! arena of bytes is kept as on the device, because tensors share it: a plan that lets one op write over what another
//! still needs gives a different result here as well.
//!
//! Rejected: a reference in floating point (it could only be compared with a tolerance, and the promise is bits); reuse of
//! the checked view of the image crate (a misread field would agree with itself); copies of the constants in each op
//! (many records may name one array, so a small file could ask for any amount of memory); golden files alone (they pin
//! the known networks and say nothing of the next one).
//!
//! ```no_run
//! use leafgate_convert::reference::{Crc, prove, read, run_bytes};
//!
//! let image = read(&std::fs::read("digits.leaf")?, Crc::Check)?;
//! let proof = prove(&image, None)?;
//! println!("{} rows cannot overflow", proof.rows_checked);
//! for vector in image.golden.iter().flatten() {
//!     assert_eq!(run_bytes(&image, &vector.input)?.values, vector.outputs);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod cost;
mod eval;
mod image;
mod low_bit;
mod ops;
mod pairs;
mod proof;
mod read;
#[cfg(test)]
mod tests;

pub use eval::{
    Entry, Held, Input, InputError, Largest, OpTrace, Outcome, Overflow, Requantised, Seen, SeenRange, Sum, run,
    run_bytes, run_watched,
};
pub use image::{
    Array, BitTest, Constants, Dtype, Element, Golden, Header, Image, ONE, Place, Range, Rq, Scale, Section, Tensor,
};
pub use low_bit::{GROUP, Layout, LowBit};
pub use ops::{
    Activation, Emit, Ffn, Gates, GroupSum, Linear, Map, MapKind, Move, Op, Readout, Route, RouteKind, Rows, Weights,
    Wiring,
};
pub(crate) use pairs::{PairRow, row as pair_row};
pub use proof::{OpProof, Proof, ProofError, Violation, prove};
pub use read::{At, Crc, ReadError, Want, read};
