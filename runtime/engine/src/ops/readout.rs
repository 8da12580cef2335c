//! READOUT: what a run gives, with the classes of the largest scores if the image asks for them.

use leafgate_image::{ReadoutRecord, dtype};

use crate::frame::{Frame, cast, words_of};
use crate::ops::next_best;
use crate::output::{Output, Values};

// A function of its own, so that a profile can tell it apart, where text is not scarce.
#[cfg_attr(feature = "speed", inline(never))]
pub(crate) fn run<'s>(frame: Frame<'s, '_>, record: &ReadoutRecord) -> Output<'s> {
    let Frame { view, x, parts: [classes, ..], .. } = frame;
    let tensor = view.tensor(record.input);
    let is_i8 = tensor.is_some_and(|tensor| tensor.dtype == dtype::I8);
    let values = if is_i8 { Values::I8(cast(x)) } else { Values::I32(cast(x)) };
    let classes = words_of(classes);
    rank(values, classes);
    Output { values, classes, tensor }
}

/// The classes of the largest scores, as many as are asked for.
#[inline]
pub(crate) fn rank(values: Values<'_>, classes: &mut [i32]) {
    let mut last = i64::MAX;
    for class in classes {
        last = next_best(values, last);
        *class = i32::MAX ^ last as i32;
    }
}
