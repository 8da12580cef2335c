//! LINEAR: matrix times vector, for each row of the input.

use leafgate_image::{LinearRecord, linear_flag};

use crate::frame::{Frame, Requants, Rows, cast, cast_mut};

#[inline(never)]
pub(crate) fn run(frame: &mut Frame<'_, '_>, record: &LinearRecord) -> Option<()> {
    let &LinearRecord { flags, rows, cols, .. } = record;
    let Frame { view, x, parts: [y, ..], .. } = frame;
    let mut x = cast::<i8>(x);
    let mut matrix = Rows::new(view, (record.weights, record.bias), rows, cols);
    let records = Requants::new(view, record.rq, flags & linear_flag::RQ_PER_ROW != 0, rows);
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
        let done = if records.is_empty() || matrix.stride != 1 {
            0
        } else {
            matrix.requantized(&records, x, cast_mut::<i8>(y).get_mut(at..)?.get_mut(..rows)?)
        };
        #[cfg(not(feature = "speed"))]
        let done = 0;
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
        x = x.get(step..)?;
    }
    Some(())
}
