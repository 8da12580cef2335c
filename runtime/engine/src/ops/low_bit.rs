//! LINEAR on weights of four and of two bits: see `leafgate_kernels::lowbit`.

use leafgate_image::{LinearRecord, linear_flag};
use leafgate_kernels::lowbit::{Layout, Matrix};

use crate::frame::{Frame, Requants, cast, cast_mut, words, words_of};

#[inline(never)]
pub(crate) fn run(frame: &mut Frame<'_, '_>, record: &LinearRecord) -> Option<()> {
    let &LinearRecord { flags, rows, cols, .. } = record;
    let Frame { view, x, parts: [y, prepared, ..], .. } = frame;
    let layout = Layout::of(record.weight_format)?;
    let is_grouped = record.group != 0;
    let words_of_matrix = layout.matrix_words(rows, cols, is_grouped);
    let matrix = Matrix { layout, is_grouped, words: words(view, record.weights, words_of_matrix) };
    let biases = words(view, record.bias, rows);
    let records = Requants::new(view, record.rq, flags & linear_flag::RQ_PER_ROW != 0, rows);
    let prepared = words_of(prepared);
    let (rows, mut x, mut y) = (rows as usize, cast::<i8>(x), &mut **y);
    while let Some((now, rest)) = x.split_at_checked(cols as usize) {
        matrix.prepare(now, prepared);
        x = rest;
        let size = if records.is_empty() { rows.wrapping_mul(4) } else { rows };
        let (to, rest) = core::mem::take(&mut y).split_at_mut_checked(size)?;
        y = rest;
        if records.is_empty() {
            let accumulate = flags & linear_flag::ACCUMULATE != 0;
            matrix.linear_i32(now, prepared, biases, accumulate, words_of(to));
        } else {
            matrix.linear_i8(now, prepared, biases, records.0, cast_mut(to));
        }
    }
    Some(())
}
