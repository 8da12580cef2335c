//! LINEAR: matrix times vector, for each row of the input.

use leafgate_image::{LinearRecord, linear_flag};
use leafgate_kernels::{dot, dot_strided};

use crate::frame::{Frame, bias, cast, cast_mut, constants, requant};

#[inline(never)]
pub(crate) fn run(frame: &mut Frame<'_, '_>, record: &LinearRecord) -> Option<()> {
    let &LinearRecord { flags, rows, cols, .. } = record;
    let (view, input) = (frame.view, frame.input);
    let [y, x] = frame.split([record.output, record.input]);
    let x = cast::<i8>(Frame::source(input, x));
    let weights = constants::<i8>(view, record.weights, rows.wrapping_mul(cols));
    let biases = constants::<i32>(view, record.bias, rows);
    let rq_count = if flags & linear_flag::RQ_PER_ROW == 0 { 1 } else { rows };
    let records = constants(view, record.rq, rq_count);
    let (rows, cols) = (rows as usize, cols as usize);

    let transposed = flags & linear_flag::TRANSPOSED != 0;
    // Elements from one step of the input to the next, and number of steps.
    let (stride, steps) = if transposed {
        let steps = x.len().checked_div(cols)?;
        (1, steps)
    } else {
        (cols, x.len().checked_div(cols)?)
    };
    for t in 0..steps {
        let x = x.get(t.wrapping_mul(stride)..)?;
        let mut rest = weights;
        for r in 0..rows {
            let (row, tail) = rest.split_at_checked(cols)?;
            rest = tail;
            let sum = if transposed { dot_strided(row, x, steps) } else { dot(row, x) };
            let a = sum.wrapping_add(bias(biases, r));
            let at = t.wrapping_mul(rows).wrapping_add(r);
            match requant(records, r) {
                Some(rq) => *cast_mut::<i8>(y).get_mut(at)? = rq.apply(a),
                None => {
                    let y = cast_mut::<i32>(y).get_mut(at)?;
                    *y = if flags & linear_flag::ACCUMULATE == 0 { a } else { y.wrapping_add(a) };
                }
            }
        }
    }
    Some(())
}
