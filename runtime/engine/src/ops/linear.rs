//! LINEAR: matrix times vector, for each row of the input.

use leafgate_image::{LinearRecord, linear_flag};
use leafgate_kernels::dot_strided;

use crate::frame::{Frame, Requants, Rows, bias, cast, cast_mut};

#[inline(never)]
pub(crate) fn run(frame: &mut Frame<'_, '_>, record: &LinearRecord) -> Option<()> {
    let &LinearRecord { flags, rows, cols, .. } = record;
    let (view, input) = (frame.view, frame.input);
    let [y, x] = frame.split([record.output, record.input]);
    let x = cast::<i8>(Frame::source(input, x));
    let matrix = Rows::new(view, (record.weights, record.bias), rows, cols);
    let records = Requants::new(view, record.rq, flags & linear_flag::RQ_PER_ROW != 0, rows);
    let (rows, cols) = (rows as usize, cols as usize);

    let transposed = flags & linear_flag::TRANSPOSED != 0;
    let steps = x.len().checked_div(cols)?;
    let mut at = 0usize;
    for t in 0..steps {
        // The step's elements lie side by side, or `steps` apart.
        let x = if transposed { x.get(t..)? } else { x.get(t.wrapping_mul(cols)..)?.get(..cols)? };
        for r in 0..rows {
            let sum = if transposed { dot_strided(matrix.row(r, cols), x, steps) } else { matrix.dot(r, x) };
            let a = sum.wrapping_add(bias(matrix.biases, r));
            if records.is_empty() {
                let y = cast_mut::<i32>(y).get_mut(at)?;
                *y = if flags & linear_flag::ACCUMULATE == 0 { a } else { y.wrapping_add(a) };
            } else {
                *cast_mut::<i8>(y).get_mut(at)? = records.apply(r, a);
            }
            at = at.wrapping_add(1);
        }
    }
    Some(())
}
