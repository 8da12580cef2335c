//! The bounds found for one op.

use super::super::eval::Sum;
use super::super::ops::Op;
use super::{OpProof, Violation};

/// Violations that are kept; all are counted.
pub(super) const MOST_VIOLATIONS: usize = 64;

/// The greatest bound that every running sum of a row may have.
const MOST: u128 = i32::MAX as u128;

/// What is known of one op so far.
pub(super) struct Ledger {
    pub proof: OpProof,
    pub violations: Vec<Violation>,
    pub count: u64,
}

impl Ledger {
    pub fn new(index: usize, op: &Op) -> Self {
        let proof = OpProof { op: index, name: op.name(), rows: 0, largest: None };
        Self { proof, violations: Vec::new(), count: 0 }
    }

    /// Enters the bound of a sum, and gives back what a later op may reckon with: a sum that does overflow can have any
    /// value.
    pub fn enter(&mut self, sum: Sum, bound: u128) -> u128 {
        self.proof.rows += 1;
        if bound > MOST {
            let have = i128::try_from(bound).unwrap_or(i128::MAX);
            self.note(Violation::Bound { op: self.proof.op, name: self.proof.name, sum, bound: have });
            return 1 << 31;
        }
        if self.proof.largest.is_none_or(|(largest, _)| u128::from(largest) < bound) {
            self.proof.largest = Some((bound as u64, sum));
        }
        bound
    }

    pub fn unwritten(&mut self, tensor: usize) {
        self.note(Violation::Unwritten { op: self.proof.op, name: self.proof.name, tensor });
    }

    fn note(&mut self, violation: Violation) {
        self.count += 1;
        if self.violations.len() < MOST_VIOLATIONS {
            self.violations.push(violation);
        }
    }
}
