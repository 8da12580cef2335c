//! Proves from an image alone that no 32-bit accumulator can overflow, whatever the input.
//!
//! Each sum is bounded by the sum of the absolute values of its terms at their largest, so the bound holds for every order
//! of addition, every running sum and every subset of the terms (neurons skipped, entries lost to a full list). What a term
//! can be at its largest comes from the op that wrote the tensor: the clamp bounds of its requantise records, the reachable
//! part of its table, or the input's range. For an FFN the bound of a row adds, for every ROUTE that feeds its list, the
//! worst choice that the ROUTE has: one leaf of each tree, one path down each tree, the k worst experts, all static ranges.
//! The choice is made row by row, so different rows may be bounded by different leaves.
//!
//! A tensor that is read before an op has written it, or after another op has written over part of its bytes, holds anything;
//! that is reported as well, since nothing can be proved from it. A tensor that lies in others that were written is known from
//! them: so networks reshape, cut and join.
//!
//! Rejected: intervals instead of absolute values (half the bound at best, and no longer true of every order), and
//! intervals per column (converters choose clamp bounds per tensor).

mod ffn;
mod layers;
mod ledger;
mod route;
mod state;

use super::eval::Sum;
use super::image::Image;
use super::ops::Op;
use ledger::Ledger;
use state::{Interval, State};

/// An image in which no accumulator can overflow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// Sums that were bounded, of all ops.
    pub rows_checked: u64,
    /// One entry per op.
    pub ops: Vec<OpProof>,
}

/// The bounds of one op.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpProof {
    /// Index of the op.
    pub op: usize,
    /// Its name in the format document.
    pub name: &'static str,
    /// Sums that were bounded.
    pub rows: u64,
    /// The largest bound and its sum; `None` for an op without accumulators.
    pub largest: Option<(u64, Sum)>,
}

impl OpProof {
    /// Times that the largest bound could be doubled and still be below 2^31; `None` for an op without accumulators.
    pub fn margin_bits(&self) -> Option<u32> {
        self.largest.map(|(bound, _)| bound.leading_zeros().saturating_sub(33))
    }
}

/// Something that stands in the way of a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// A sum may leave 32 bits.
    #[error("op {op} ({name}): {sum}: want at most 2147483647, have a bound of {bound}")]
    Bound {
        /// Index of the op.
        op: usize,
        /// Its name.
        name: &'static str,
        /// Which sum.
        sum: Sum,
        /// What it may reach.
        bound: i128,
    },
    /// A tensor is read that no op has written, or that another op has written over in part.
    #[error("op {op} ({name}): tensor {tensor}: want it written, have what the arena holds")]
    Unwritten {
        /// Index of the op.
        op: usize,
        /// Its name.
        name: &'static str,
        /// The tensor.
        tensor: usize,
    },
}

/// Why there is no proof.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{count} violations, the first: {first}", first = self.violations[0])]
pub struct ProofError {
    /// How many there are.
    pub count: u64,
    /// The first of them, 1 to 64.
    pub violations: Vec<Violation>,
}

/// Proves the image, for an I8 input in `input_range` (least, greatest), or in -128 to 127 for `None`.
///
/// # Errors
/// [`ProofError`] with the sums that may leave 32 bits.
pub fn prove(image: &Image, input_range: Option<(i8, i8)>) -> Result<Proof, ProofError> {
    let (least, greatest) = input_range.unwrap_or((i8::MIN, i8::MAX));
    let mut state = State::new(image, Interval::new(least, greatest));
    let mut violations = Vec::new();
    let mut count = 0;
    let mut ops = Vec::with_capacity(image.ops.len());
    for (index, op) in image.ops.iter().enumerate() {
        let mut ledger = Ledger::new(index, op);
        for tensor in state.unwritten(op) {
            ledger.unwritten(tensor);
        }
        match op {
            Op::Linear(op) => layers::linear(op, image, &mut state, &mut ledger),
            Op::Ffn(op) => ffn::bound(op, image, &mut state, &mut ledger),
            Op::Route(op) => route::bound(op, image, &mut state, &mut ledger),
            Op::Gates(op) => layers::gates(op, image, &mut state, &mut ledger),
            Op::GroupSum(op) => layers::group_sum(op, image, &mut state, &mut ledger),
            Op::Map(op) => layers::map(op, image, &mut state, &mut ledger),
            Op::Move(op) => layers::copy(op, &mut state),
            Op::Readout(op) => layers::readout(op, image, &mut state),
        }
        count += ledger.count;
        let room = ledger::MOST_VIOLATIONS - violations.len();
        violations.extend(ledger.violations.into_iter().take(room));
        ops.push(ledger.proof);
    }
    if count > 0 {
        return Err(ProofError { count, violations });
    }
    Ok(Proof { rows_checked: ops.iter().map(|op| op.rows).sum(), ops })
}
