//! GROUPSUM: ones per class.

use leafgate_image::{GroupSumRecord, group_sum};
use leafgate_kernels::count;

use crate::frame::{Frame, bias, cast, words, words_of};

#[inline(never)]
pub(crate) fn run(frame: &mut Frame<'_, '_>, record: &GroupSumRecord) -> Option<()> {
    let Frame { view, x, parts: [y, ..], .. } = frame;
    let x = cast::<u32>(x);
    let bounds = words(view, record.bounds, record.groups.wrapping_add(1));
    let biases = words(view, record.bias, record.groups);
    let step = if record.kind == group_sum::BITS { 0 } else { 3 };
    for (k, (y, &[from, to])) in words_of(y).iter_mut().zip(bounds.array_windows()).enumerate() {
        *y = bias(biases, k).wrapping_add(count(x, from as u32, to as u32, step) as i32);
    }
    Some(())
}
