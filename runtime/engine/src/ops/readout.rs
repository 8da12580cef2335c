//! READOUT: the classes of the largest scores.

use leafgate_image::{ReadoutRecord, dtype, readout};

use crate::frame::{Frame, cast, words_of};
use crate::ops::next_best;
use crate::output::Values;

#[inline(never)]
pub(crate) fn run(frame: &mut Frame<'_, '_>, record: &ReadoutRecord) -> Option<()> {
    if record.kind == readout::NONE {
        return Some(());
    }
    let is_i8 = frame.view.tensor(record.input)?.dtype == dtype::I8;
    let [classes, scores] = frame.split([record.output, record.input]);
    let scores = if is_i8 { Values::I8(cast(scores)) } else { Values::I32(cast(scores)) };
    let mut last = None;
    // As many as the image asks for.
    for slot in words_of(classes) {
        last = next_best(scores, last);
        let (class, _) = last?;
        *slot = class as i32;
    }
    Some(())
}
