//! Sums that know whether 32 bits would have held them, and the notes taken during an op.

use std::fmt;

use super::super::ops::Op;

/// Which sum of an op.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sum {
    /// Row of a LINEAR or ROUTE, column of a MAP Affine, group of a GROUPSUM.
    Row {
        /// Its index.
        row: usize,
    },
    /// The `z` of a neuron.
    Key {
        /// The range in the image.
        range: usize,
        /// The neuron in it.
        neuron: usize,
    },
    /// The partial sum of a range, or of a neuron under the neurons flag.
    Partial {
        /// The range in the image.
        range: usize,
        /// Row of the output.
        row: usize,
    },
    /// The partial sum after its rescaling.
    Rescaled {
        /// The range in the image.
        range: usize,
        /// Row of the output.
        row: usize,
    },
    /// The accumulator of an FFN.
    Acc {
        /// Row of the output.
        row: usize,
    },
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Row { row } => write!(f, "row {row}"),
            Self::Key { range, neuron } => write!(f, "key {neuron} of range {range}"),
            Self::Partial { range, row } => write!(f, "partial sum of range {range}, row {row}"),
            Self::Rescaled { range, row } => write!(f, "rescaled sum of range {range}, row {row}"),
            Self::Acc { row } => write!(f, "accumulator of row {row}"),
        }
    }
}

/// A sum that left 32 bits, at the end or on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("op {op}: {sum} reached {exact}, which 32 bits hold as {wrapped}")]
pub struct Overflow {
    /// Index of the op.
    pub op: usize,
    /// Which sum.
    pub sum: Sum,
    /// The first exact value outside.
    pub exact: i64,
    /// What 32 bits hold of it.
    pub wrapped: i32,
}

/// An entry of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Relative to the first range of the FFN that reads it; a neuron under the neurons flag.
    pub range: u16,
    /// Q15.
    pub weight: u16,
    /// What a tree hands on.
    pub z: i32,
}

/// What an op did in one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpTrace {
    /// Index of the op.
    pub op: usize,
    /// Its name in the format document.
    pub name: &'static str,
    /// ROUTE: the entries that it appended, in order.
    pub entries: Vec<Entry>,
    /// ROUTE: entries lost because the list was full. FFN: entries skipped because they name nothing.
    pub dropped: u64,
    /// FFN: neurons that were looked at.
    pub neurons: u64,
    /// FFN: neurons of these that keep_positive skipped.
    pub skipped: u64,
    /// Products with a weight that were executed; a bias, a rescaling or a requantisation is none.
    pub macs: u64,
    /// Two-input gates that were executed, 32 to a word.
    pub gates: u64,
    /// The largest absolute value of any 32-bit sum, exact, running sums included.
    pub peak: u64,
    /// Sums that left 32 bits.
    pub overflows: u64,
}

/// The notes of one op.
pub(super) struct Watch {
    pub trace: OpTrace,
    pub first_overflow: Option<Overflow>,
}

impl Watch {
    pub fn new(op: usize, what: &Op) -> Self {
        let trace = OpTrace {
            op,
            name: what.name(),
            entries: Vec::new(),
            dropped: 0,
            neurons: 0,
            skipped: 0,
            macs: 0,
            gates: 0,
            peak: 0,
            overflows: 0,
        };
        Self { trace, first_overflow: None }
    }

    /// The 32 bits of a finished sum; notes whether they are all of it.
    pub fn close(&mut self, running: Running, sum: Sum) -> i32 {
        self.trace.peak = self.trace.peak.max(running.peak);
        if let Some(exact) = running.outside {
            self.trace.overflows += 1;
            let overflow = Overflow { op: self.trace.op, sum, exact, wrapped: exact as i32 };
            self.first_overflow.get_or_insert(overflow);
        }
        running.value as i32
    }
}

/// An exact running sum. In this reader it is far from leaving 64 bits: there are at most 2^30 terms of 32 bits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Running {
    value: i64,
    peak: u64,
    outside: Option<i64>,
}

impl Running {
    pub fn from(start: i64) -> Self {
        let mut sum = Self { value: 0, peak: 0, outside: None };
        sum.add(start);
        sum
    }

    pub fn add(&mut self, term: i64) {
        self.value += term;
        self.peak = self.peak.max(self.value.unsigned_abs());
        if self.outside.is_none() && i32::try_from(self.value).is_err() {
            self.outside = Some(self.value);
        }
    }
}
