//! LINEAR on a matrix in pairs: see `leafgate_kernels::pairs`.

use leafgate_image::{LinearRecord, linear_flag};
use leafgate_kernels::pairs::{Matrix, Quad, matrix_words, prepare};

use crate::frame::{Layer, cast, cast_mut, words_of};

#[inline(never)]
pub(crate) fn run(layer: &mut Layer<'_, '_>, record: &LinearRecord) -> Option<()> {
    let &LinearRecord { flags, rows, cols, .. } = record;
    let Layer { view, x, parts: [y, prepared, ..], .. } = layer;
    // The lookups are in here: a layer of few rows takes hardly longer than they do.
    let count = if flags & linear_flag::RQ_PER_ROW != 0 { rows } else { 1 };
    let matrix = Matrix {
        words: view.constants(record.weights, matrix_words(rows, cols) as usize)?,
        biases: view.constants(record.bias, rows as usize).unwrap_or(&[]),
        records: view.constants(record.rq, count as usize).unwrap_or(&[]),
    };
    let quads = cast_mut::<Quad>(prepared);
    let (rows, mut x, mut y) = (rows as usize, cast::<i8>(x), &mut **y);
    while let Some((now, rest)) = x.split_at_checked(cols as usize) {
        prepare(now, quads);
        x = rest;
        let size = if matrix.records.is_empty() { rows.wrapping_mul(4) } else { rows };
        let (to, rest) = core::mem::take(&mut y).split_at_mut_checked(size)?;
        y = rest;
        if matrix.records.is_empty() {
            matrix.linear_i32(quads, flags & linear_flag::ACCUMULATE != 0, words_of(to));
        } else {
            matrix.linear_i8(quads, cast_mut(to));
        }
    }
    Some(())
}
