//! GROUPSUM: ones per class.

use leafgate_image::GroupSumRecord;
use leafgate_kernels::count_ones;

use crate::frame::{Frame, bias, cast, words, words_of};

#[inline(never)]
pub(crate) fn run(frame: &mut Frame<'_, '_>, record: &GroupSumRecord) -> Option<()> {
    let (view, input) = (frame.view, frame.input);
    let [y, x] = frame.split([record.output, record.input]);
    let x = cast::<u32>(Frame::source(input, x));
    let bounds = words(view, record.bounds, record.groups.wrapping_add(1));
    let biases = words(view, record.bias, record.groups);
    let (&first, ends) = bounds.split_first()?;
    let mut from = first as u32;
    for (k, (y, &to)) in words_of(y).iter_mut().zip(ends).enumerate() {
        *y = bias(biases, k).wrapping_add(count_ones(x, from, to as u32) as i32);
        from = to as u32;
    }
    Some(())
}
