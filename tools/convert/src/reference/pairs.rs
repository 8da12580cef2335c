//! Weight format 2: rows of weights in pairs, taken apart as the format document says what they mean.

use super::image::{Array, Constants};

/// A row: `a = wrap(start + sum 256 * w_c * x_c) >> 8`, exact before it wraps.
pub(crate) struct PairRow {
    /// The start value with what the weights of even columns add to it: 0 in a matrix that a converter has made.
    pub start: i64,
    /// C weights, from -128 to 128.
    pub weights: Vec<i64>,
}

/// Words of a matrix: groups of four rows, each with four start values and a word of each row for four columns.
pub(super) fn words(rows: u64, cols: u64) -> u64 {
    rows.div_ceil(4) * (4 + 4 * cols.div_ceil(4))
}

/// Row `r` of a matrix with `cols` columns.
pub(crate) fn row(constants: &Constants, matrix: Array<u32>, r: usize, cols: usize) -> PairRow {
    let quads = cols.div_ceil(4);
    let group = r / 4 * (4 + 4 * quads);
    let word = |i: usize| constants.get(matrix, group + 4 * i + r % 4);
    let mut start = i64::from(word(0) as i32);
    let mut weights = Vec::with_capacity(4 * quads);
    for quad in 1..=quads {
        for half in [word(quad) as u16, (word(quad) >> 16) as u16] {
            let even = i64::from(half as i8);
            let odd = (i64::from(half as i16) - even) / 256;
            start += 127 * even;
            weights.extend([even, odd]);
        }
    }
    weights.truncate(cols);
    PairRow { start, weights }
}
