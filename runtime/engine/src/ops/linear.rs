//! LINEAR: matrix times vector, for each row of the input.

use leafgate_image::{LinearRecord, linear_flag};
#[cfg(feature = "speed")]
use leafgate_kernels::rows_i8;

use crate::frame::{Layer, Requants, Rows, cast, cast_mut};

#[cfg(not(feature = "speed"))]
#[inline(never)]
pub(crate) fn run(layer: &mut Layer<'_, '_>, record: &LinearRecord) -> Option<()> {
    let &LinearRecord { flags, rows, cols, .. } = record;
    let matrix = Rows::new(layer.view, (record.weights, record.bias), rows, cols);
    let records = Requants::new(layer.view, record.rq, flags & linear_flag::RQ_PER_ROW != 0, rows);
    each_row(layer, record, matrix, records, 0)
}

/// Most layers have one row of input and give bytes: then lookups and a kernel are all there is. A layer of few rows takes hardly longer than its
/// lookups do, which is why they are in here.
#[cfg(feature = "speed")]
#[inline(never)]
pub(crate) fn run(layer: &mut Layer<'_, '_>, record: &LinearRecord) -> Option<()> {
    let &LinearRecord { flags, rows, cols, .. } = record;
    let Layer { view, x, parts: [y, ..], .. } = layer;
    let weights = view.constants(record.weights, rows.wrapping_mul(cols) as usize)?;
    let biases = view.constants(record.bias, rows as usize).unwrap_or(&[]);
    let count = if flags & linear_flag::RQ_PER_ROW == 0 { 1 } else { rows as usize };
    let records: &[[i32; 2]] = view.constants(record.rq, count).unwrap_or(&[]);
    let mut done = 0;
    if x.len() == cols as usize && !records.is_empty() {
        done = rows_i8(weights, cols as usize, cast(x), biases, records, cast_mut(y));
        if done == rows as usize {
            return Some(());
        }
    }
    each_row(layer, record, Rows::of(cols, weights, biases), Requants(records), done)
}

/// All rows of the input, of the first of which `done` elements of the output are there.
#[cfg_attr(feature = "speed", inline(never))]
fn each_row(
    layer: &mut Layer<'_, '_>,
    record: &LinearRecord,
    mut matrix: Rows<'_>,
    records: Requants<'_>,
    mut done: usize,
) -> Option<()> {
    let &LinearRecord { flags, rows, cols, .. } = record;
    let Layer { x, parts: [y, ..], .. } = layer;
    let mut x = cast::<i8>(x);
    let cols = cols as usize;
    let steps = x.len().checked_div(cols)?;
    // The elements of a row of the input lie side by side, or `steps` apart.
    let mut step = cols;
    if flags & linear_flag::TRANSPOSED != 0 {
        (step, matrix.stride) = (1, steps);
    }
    let mut at = 0usize;
    let rows = rows as usize;
    for _ in 0..steps {
        #[cfg(feature = "speed")]
        if steps != 1 && matrix.stride == 1 && !records.is_empty() {
            done = matrix.requantized(&records, x, cast_mut::<i8>(y).get_mut(at..)?.get_mut(..rows)?);
        }
        at = at.wrapping_add(done);
        for r in done..rows {
            let a = matrix.next(r, x);
            if records.is_empty() {
                let y = cast_mut::<i32>(y).get_mut(at)?;
                *y = if flags & linear_flag::ACCUMULATE == 0 { a } else { y.wrapping_add(a) };
            } else {
                *cast_mut::<i8>(y).get_mut(at)? = records.apply(r, a);
            }
            at = at.wrapping_add(1);
        }
        done = 0;
        x = x.get(step..)?;
    }
    Some(())
}
