//! LINEAR on a matrix in pairs: see `leafgate_kernels::pairs`.

use leafgate_image::{LinearRecord, linear_flag};
use leafgate_kernels::pairs::{Quad, linear_i8, linear_i32, matrix_words, prepare};

use crate::frame::{Frame, Requants, cast, cast_mut, words, words_of};

#[inline(never)]
pub(crate) fn run(frame: &mut Frame<'_, '_>, record: &LinearRecord) -> Option<()> {
    let &LinearRecord { flags, rows, cols, .. } = record;
    let Frame { view, x, parts: [y, prepared, ..], .. } = frame;
    let matrix = words(view, record.weights, matrix_words(rows, cols));
    let biases = words(view, record.bias, rows);
    let records = Requants::new(view, record.rq, flags & linear_flag::RQ_PER_ROW != 0, rows);
    let quads = cast_mut::<Quad>(prepared);
    let (rows, mut x, mut y) = (rows as usize, cast::<i8>(x), &mut **y);
    while let Some((now, rest)) = x.split_at_checked(cols as usize) {
        prepare(now, quads);
        x = rest;
        let size = if records.is_empty() { rows.wrapping_mul(4) } else { rows };
        let (to, rest) = core::mem::take(&mut y).split_at_mut_checked(size)?;
        y = rest;
        if records.is_empty() {
            linear_i32(matrix, quads, biases, flags & linear_flag::ACCUMULATE != 0, words_of(to));
        } else {
            linear_i8(matrix, quads, biases, records.0, cast_mut(to));
        }
    }
    Some(())
}
