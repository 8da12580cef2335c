//! Which kernels an image is laid out for, and which matrices can be.
//!
//! A packed layout is exact within ranges only. A matrix that leaves them keeps the plain layout, which every kernel family has, and
//! the report says which and why; the image is right either way.

pub(crate) mod low_bit;

use std::fmt;

use crate::quantize::integer::{Dtype, IntGraph, IntOp, IntTensor, TensorId};

/// A family of kernels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kernels {
    /// Plain matrices.
    #[default]
    Portable,
    /// Arm cores with the DSP extension: Cortex-M4, M7, M33 and others. The matrices of LINEAR are in pairs.
    Dsp,
    /// Cores with no more than a multiplication of words: Cortex-M0, M3, RISC-V. Weights of few bits are two to a product.
    Swar,
    /// Arm cores with the vector extension: Cortex-M55. Matrices of bytes are plain.
    Mve,
}

impl Kernels {
    /// Names, as on the command line and in board tables.
    pub const NAMES: [(&'static str, Self); 4] =
        [("portable", Self::Portable), ("dsp", Self::Dsp), ("swar", Self::Swar), ("mve", Self::Mve)];

    /// The family of this name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::NAMES.into_iter().find(|(known, _)| *known == name).map(|(_, kernels)| kernels)
    }
}

impl fmt::Display for Kernels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::NAMES.into_iter().find(|(_, kernels)| kernels == self).map_or("", |(name, _)| name);
        f.write_str(name)
    }
}

/// What became of the matrices.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Packing {
    /// The family.
    pub kernels: Kernels,
    /// Matrices in a packed layout: the family's, or one of few bits.
    pub packed: usize,
    /// Those that keep the plain one.
    pub plain: Vec<Plain>,
}

/// A matrix that keeps the plain layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plain {
    /// The layer.
    pub layer: String,
    /// Its rows out of range.
    pub rows: usize,
    /// The first of them.
    pub first: usize,
    /// What is wrong with that one.
    pub why: Misfit,
}

/// Why a row cannot be in pairs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misfit {
    /// `256 * w1 + w0` of two neighbours does not fit in 16 bits.
    Pair {
        /// The even column.
        column: usize,
    },
    /// The sum may leave 24 bits.
    Sum {
        /// What it may reach.
        bound: i64,
    },
}

impl fmt::Display for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { layer, rows, first, why } = self;
        write!(f, "layer `{layer}` keeps plain weights, {rows} rows are out of range: row {first}, ")?;
        match why {
            Misfit::Pair { column } => write!(f, "columns {column} and {} do not fit in 16 bits together", column + 1),
            Misfit::Sum { bound } => write!(f, "its sum may reach {bound}, the limit is {MAX_SUM}"),
        }
    }
}

/// A sum of products in pairs is exact up to here.
const MAX_SUM: i64 = (1 << 23) - 1;

/// Chooses the layout of every matrix, and adds the tensors that the kernels need.
pub fn choose(graph: &mut IntGraph, kernels: Kernels) -> Packing {
    let mut packing = Packing { kernels, ..Packing::default() };
    let mut scratch: Vec<IntTensor> = Vec::new();
    let (tensors, ops) = (&graph.tensors, &mut graph.ops);
    for (layer, op) in ops {
        let IntOp::Linear { input, weights, prepared, low_bit, .. } = op else { continue };
        let x = &tensors[input.0];
        let mut add = |cols: usize| {
            *prepared = Some(TensorId(tensors.len() + scratch.len()));
            let (name, dtype) = (format!("{layer}.prepared"), Dtype::I32);
            scratch.push(IntTensor { name, dtype, cols, scale: 1.0, zero_point: 0.0, lo: 0, hi: 0 });
        };
        if let Some(low_bit) = low_bit {
            low_bit.layout = low_bit::layout(kernels, low_bit.bits);
            add(low_bit::prepared_cols(low_bit, x.cols));
            packing.packed += 1;
            continue;
        }
        if kernels != Kernels::Dsp {
            continue;
        }
        // Of the network's input only the type is sure.
        let most =
            if *input == IntGraph::INPUT { 128 } else { i64::from(x.lo.unsigned_abs().max(x.hi.unsigned_abs())) };
        let rows = weights.chunks(x.cols.max(1)).map(|row| misfit(row, most));
        let mut misfits = rows.enumerate().filter_map(|(row, why)| Some((row, why?)));
        if let Some((first, why)) = misfits.next() {
            packing.plain.push(Plain { layer: layer.clone(), rows: 1 + misfits.count(), first, why });
            continue;
        }
        add(2 * x.cols.div_ceil(4));
        packing.packed += 1;
    }
    graph.tensors.extend(scratch);
    packing
}

/// What keeps a row out of pairs, if its inputs are up to `most` in magnitude.
fn misfit(row: &[i8], most: i64) -> Option<Misfit> {
    let pairs = row.chunks(2).enumerate();
    let mut wide = pairs.filter(|(_, pair)| halfword(pair).is_none());
    if let Some((i, _)) = wide.next() {
        return Some(Misfit::Pair { column: 2 * i });
    }
    let bound = row.iter().map(|w| i64::from(w.unsigned_abs())).sum::<i64>() * most;
    (bound > MAX_SUM).then_some(Misfit::Sum { bound })
}

/// `256 * w1 + w0`; a weight that is missing is 0.
fn halfword(pair: &[i8]) -> Option<i16> {
    let at = |i: usize| i32::from(pair.get(i).copied().unwrap_or(0));
    i16::try_from(256 * at(1) + at(0)).ok()
}

/// A matrix of `cols` columns in pairs, as `docs/image-format.md` says: groups of four start values and, for each four columns, a word of
/// each row.
///
/// # Panics
/// If a pair does not fit in 16 bits: [`choose`] leaves such a matrix as it is.
pub(crate) fn in_pairs(weights: &[i8], cols: usize) -> Vec<i32> {
    let cols = cols.max(1);
    let rows: Vec<&[i8]> = weights.chunks(cols).collect();
    let weight = |r: usize, c: usize| rows.get(r).and_then(|row| row.get(c)).copied().unwrap_or(0);
    let mut words = Vec::new();
    for group in (0..rows.len()).step_by(4) {
        for r in group..group + 4 {
            words.push(-127 * (0..cols).step_by(2).map(|c| i32::from(weight(r, c))).sum::<i32>());
        }
        for c in (0..cols).step_by(4) {
            for r in group..group + 4 {
                let half = |c: usize| halfword(&[weight(r, c), weight(r, c + 1)]).expect("a pair fits");
                words.push(i32::from(half(c + 2)) << 16 | i32::from(half(c) as u16));
            }
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_fits_unless_both_go_the_same_way_below() {
        assert_eq!(misfit(&[127, 127, -127, -127], 128), None);
        assert_eq!(misfit(&[-128, -127, 0, -128], 128), None);
        assert_eq!(misfit(&[0, 0, -1, -128], 128), Some(Misfit::Pair { column: 2 }));
    }

    #[test]
    fn a_sum_has_23_bits() {
        assert_eq!(misfit(&[127; 516], 128), None);
        assert_eq!(misfit(&[127; 517], 128), Some(Misfit::Sum { bound: 127 * 517 * 128 }));
        assert_eq!(misfit(&[127; 517], 127), None);
    }

    #[test]
    fn rows_and_columns_are_completed_with_zeros() {
        let words = in_pairs(&[1, 2, 3, 4, 5, -6, 7, 8, 9, -10], 5);
        let pair = |w1: i32, w0: i32| (256 * w1 + w0) & 0xFFFF;
        let word = |w: [i32; 4]| pair(w[3], w[2]) << 16 | pair(w[1], w[0]);
        assert_eq!(words[..4], [-127 * 9, -127 * (-6 + 8 - 10), 0, 0]);
        assert_eq!(words[4..8], [word([1, 2, 3, 4]), word([-6, 7, 8, 9]), 0, 0]);
        assert_eq!(words[8..], [word([5, 0, 0, 0]), word([-10, 0, 0, 0]), 0, 0]);
    }
}
