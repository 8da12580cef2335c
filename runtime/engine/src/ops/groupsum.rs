//! GROUPSUM: ones per class.

use leafgate_image::GroupSumRecord;
use leafgate_kernels::count_ones;

use crate::frame::{Frame, bias, cast, cast_mut, constants};

#[inline(never)]
pub(crate) fn run(frame: &mut Frame<'_, '_>, record: &GroupSumRecord) -> Option<()> {
    let (view, input) = (frame.view, frame.input);
    let [y, x] = frame.split([record.output, record.input]);
    let x = cast::<u32>(Frame::source(input, x));
    let bounds = constants::<u32>(view, record.bounds, record.groups.wrapping_add(1));
    let biases = constants::<i32>(view, record.bias, record.groups);
    let ends = bounds.iter().skip(1);
    for (k, (y, (&from, &to))) in cast_mut::<i32>(y).iter_mut().zip(bounds.iter().zip(ends)).enumerate() {
        *y = bias(biases, k).wrapping_add(count_ones(x, from, to) as i32);
    }
    Some(())
}
