//! Sums that know whether 32 bits would have held them, and the notes taken during an op.

use std::fmt;

use super::super::image::Rq;
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
    /// Which ways it took.
    pub seen: Seen,
}

/// What an op met where values decide: the rest of what it does is the same for every input.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// Requantisations of outputs (of gates' scores in ROUTE).
    pub outputs: Requantised,
    /// FFN: requantisations of neurons.
    pub neurons: Requantised,
    /// FFN: what became of the entries that name something.
    pub ranges: Vec<SeenRange>,
    /// ROUTE Tree: nodes that were left to the right.
    pub rights: u64,
    /// ROUTE Linear and READOUT: the search for the largest.
    pub largest: Largest,
}

/// Requantisations by how they ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Requantised {
    /// Of records with a shift of 33 or more: inside the bounds, below `lo`, above `hi`.
    pub upper: [u64; 3],
    /// Of other records, those beyond -1024 and 1023 before the zero point apart: inside, below, above, far below, far above.
    pub whole: [u64; 5],
}

/// An entry that an FFN evaluated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenRange {
    /// Index of the range in the image.
    pub range: usize,
    /// Q15.
    pub weight: u16,
    /// Neurons that keep_positive skipped.
    pub skipped: u64,
    /// For each neuron, in order, whether it gives something other than 0.
    pub gives: Vec<bool>,
    /// Those that are negative before a ReLU.
    pub negatives: u64,
}

/// Searches for the largest value but those found, from the first value to the last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Largest {
    /// Values above the last one found.
    pub above: u64,
    /// Values equal to it, up to it.
    pub found: u64,
    /// Values equal to it, after it.
    pub equal: u64,
    /// Values that are the largest so far.
    pub better: u64,
    /// Values equal to the largest so far.
    pub ties: u64,
}

impl Requantised {
    fn note(&mut self, rq: Rq, a: i32) -> i8 {
        let rounded = (i128::from(a) * i128::from(rq.m) + (1i128 << (rq.s - 1))) >> rq.s;
        self.shifted(rq.s, rounded, rq.zero_point, rq.lo, rq.hi);
        rq.apply(a)
    }

    /// Notes what is left after a shift by `s`, and clamps it.
    fn shifted(&mut self, s: u8, rounded: i128, zero_point: i8, lo: i8, hi: i8) -> i8 {
        let value = rounded + i128::from(zero_point);
        let way = usize::from(value < lo.into()) + 2 * usize::from(value > hi.into());
        match (s, rounded) {
            (33.., _) => self.upper[way] += 1,
            (_, -1024..=1023) => self.whole[way] += 1,
            (_, below) => self.whole[if below < 0 { 3 } else { 4 }] += 1,
        }
        value.clamp(lo.into(), hi.into()) as i8
    }
}

impl Largest {
    /// Looks through `values` `count` times.
    pub(super) fn search(&mut self, values: &[i64], count: usize) {
        let mut found: Option<(i64, usize)> = None;
        for _ in 0..count {
            let mut best: Option<(i64, usize)> = None;
            for (i, &value) in values.iter().enumerate() {
                match found {
                    Some((last, _)) if value > last => self.above += 1,
                    Some((last, at)) if value == last && i <= at => self.found += 1,
                    _ => {
                        self.equal += u64::from(found.is_some_and(|(last, _)| value == last));
                        if best.is_none_or(|(best, _)| value > best) {
                            self.better += 1;
                            best = Some((value, i));
                        } else if best.is_some_and(|(best, _)| value == best) {
                            self.ties += 1;
                        }
                    }
                }
            }
            found = best;
        }
    }
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
            seen: Seen::default(),
        };
        Self { trace, first_overflow: None }
    }

    /// Requantises an output.
    pub fn output(&mut self, rq: Rq, a: i32) -> i8 {
        self.trace.seen.outputs.note(rq, a)
    }

    /// Requantises a neuron.
    pub fn neuron(&mut self, rq: Rq, a: i32) -> i8 {
        self.trace.seen.neurons.note(rq, a)
    }

    /// An output that is a sum shifted by `s`.
    pub fn sum(&mut self, s: u8, rounded: i128, zero_point: i8, lo: i8, hi: i8) -> i8 {
        self.trace.seen.outputs.shifted(s, rounded, zero_point, lo, hi)
    }

    /// Notes an output that is clamped without a requantisation.
    pub fn clamped(&mut self, x: i64, lo: i8, hi: i8) -> i8 {
        let way = usize::from(x < lo.into()) + 2 * usize::from(x > hi.into());
        self.trace.seen.outputs.upper[way] += 1;
        x.clamp(lo.into(), hi.into()) as i8
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
